/**
 * When a run is due, and under which claim (design §2 and §4). A claim is taken in the journal by a unique index before
 * the run starts, so the same answer given twice, by whomever, starts one run. Pure: records are passed in.
 */
import { createHash } from 'node:crypto';

import { RETRY_REQUESTED_ANNOTATION, RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../api/names.ts';
import type { ReplicaTaskSpec, ReplicaTaskStatus } from '../api/replica-task.gen.ts';
import type { AbortReason } from './run-verdict.ts';

export type Annotations = Readonly<Record<string, string>> | undefined;

/** A run as the journal has it; newest first in lists. */
export interface PastRun {
  readonly id: string;
  readonly taskUid: string;
  readonly specHash: string;
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  readonly claim: string;
  readonly errorReason?: string;
}

export interface Due {
  readonly trigger: 'one-shot' | 'request';
  readonly claim: string;
}

export interface DueFacts {
  readonly uid: string;
  readonly spec: ReplicaTaskSpec;
  readonly specHash: string;
  readonly annotations: Annotations;
  readonly status: Pick<ReplicaTaskStatus, 'lastHandledRunRequest' | 'lastHandledRetryRequest'>;
  /** Newest first. */
  readonly runs: readonly PastRun[];
}

/** Longest annotation value that stands in a claim as it is, in characters. */
const MAX_CLAIM_VALUE = 128;

export function isSuspended(annotations: Annotations): boolean {
  const value = annotations?.[SUSPENDED_ANNOTATION];
  return value !== undefined && value !== 'false';
}

/** `spec.enabled` and not suspended by annotation. */
export function isEnabled(spec: Pick<ReplicaTaskSpec, 'enabled'>, annotations: Annotations): boolean {
  return spec.enabled && !isSuspended(annotations);
}

/** Immediately is assumed only where none of the three schedule fields is given. */
export function runsImmediately(spec: Pick<ReplicaTaskSpec, 'setting'>): boolean {
  const { executeImmediately, executeTime, cronExpression } = spec.setting.executionPlan ?? {};
  return executeImmediately ?? (executeTime === undefined && cronExpression === undefined);
}

/** The annotation's value while it was not answered yet. */
export function pendingRequest(
  annotations: Annotations,
  name: string,
  handled: string | undefined,
): string | undefined {
  const value = annotations?.[name];
  return value === undefined || value === '' || value === handled ? undefined : value;
}

export function requestClaim(kind: 'request' | 'retry', value: string): string {
  const short = value.length <= MAX_CLAIM_VALUE ? value : createHash('sha256').update(value).digest('hex');
  return `${kind}:${short}`;
}

/** The run that is due now, as long as the task is enabled and has no run; a request goes before the task's own run. */
export function dueRun(facts: DueFacts): Due | undefined {
  const { annotations, spec, status } = facts;
  if (!isEnabled(spec, annotations)) return undefined;
  const run = pendingRequest(annotations, RUN_REQUESTED_ANNOTATION, status.lastHandledRunRequest);
  if (run !== undefined) return { trigger: 'request', claim: requestClaim('request', run) };
  const retry = pendingRequest(annotations, RETRY_REQUESTED_ANNOTATION, status.lastHandledRetryRequest);
  if (retry !== undefined) return { trigger: 'request', claim: requestClaim('retry', retry) };
  return runsImmediately(spec) ? oneShot(facts) : undefined;
}

/**
 * Once per run-relevant spec. It counts as done when the newest run was of this spec and succeeded (whoever's it was: a
 * re-created task does not repeat it), or ended in any other way for this very task; not when it was broken off by an
 * edit or a suspension. A claim names the run that it follows, so that
 * going back to an earlier spec is not taken for its first run.
 */
function oneShot({ uid, specHash, runs }: DueFacts): Due | undefined {
  const claim = `one-shot:${specHash}`;
  const [last] = runs;
  if (last === undefined) return { trigger: 'one-shot', claim };
  if (last.specHash === specHash && countsAsDone(last, uid)) return undefined;
  return { trigger: 'one-shot', claim: `${claim}:after:${last.id}` };
}

function countsAsDone(run: PastRun, uid: string): boolean {
  if (run.status === 'SUCCESS') return true;
  if (run.taskUid !== uid) return false;
  return !(run.status === 'ABORTED' && (brokenOffBy(run, 'SpecChanged') || brokenOffBy(run, 'Suspended')));
}

function brokenOffBy(run: PastRun, reason: AbortReason): boolean {
  return run.errorReason?.startsWith(`${reason}:`) ?? false;
}
