/**
 * When a run is due, and under which claim (design §2, §4 and §5). A claim is taken in the journal by a unique index
 * before the run starts, so the same answer given twice, by whomever, starts one run. Pure: records are passed in.
 */
import { createHash } from 'node:crypto';

import { RETRY_REQUESTED_ANNOTATION, RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../api/names.ts';
import type { ReplicaTaskSpec, ReplicaTaskStatus } from '../api/replica-task.gen.ts';
import { judgeRetry, type RetriedRun } from './retry.ts';
import type { AbortReason } from './run-verdict.ts';
import { tickClaim } from './ticks.ts';
import type { Timetable } from './timetable.ts';

export type Annotations = Readonly<Record<string, string>> | undefined;

type Trigger = 'one-shot' | 'request' | 'retry' | 'tick' | 'event' | 'backfill' | 'resync';

/** A run as the journal has it; newest first in lists. */
export interface PastRun extends RetriedRun {
  readonly trigger: Trigger;
  readonly claim: string;
  readonly errorReason?: string;
}

export interface Due {
  readonly trigger: Trigger;
  readonly claim: string;
  /** The record whose failed units alone are tried. */
  readonly retryOf?: string;
  /** Why a retry is a whole run. */
  readonly why?: string;
}

export interface DueFacts {
  readonly uid: string;
  readonly spec: Pick<ReplicaTaskSpec, 'enabled'>;
  readonly specHash: string;
  readonly annotations: Annotations;
  readonly status: Pick<ReplicaTaskStatus, 'lastHandledRunRequest' | 'lastHandledRetryRequest'>;
  readonly timetable: Timetable;
  /** The time of the cron that is due, if any. */
  readonly tick: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
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

/**
 * The run that is due now, as long as the task is enabled and has no run. What a person asked for goes first, then what
 * an edit broke off, then the task's own times.
 */
export function dueRun(facts: DueFacts): Due | undefined {
  const { annotations, spec, status, runs, uid, specHash, timetable, tick } = facts;
  if (!isEnabled(spec, annotations)) return undefined;
  const run = pendingRequest(annotations, RUN_REQUESTED_ANNOTATION, status.lastHandledRunRequest);
  if (run !== undefined) return { trigger: 'request', claim: requestClaim('request', run) };
  const retry = pendingRequest(annotations, RETRY_REQUESTED_ANNOTATION, status.lastHandledRetryRequest);
  if (retry !== undefined) {
    const answer = judgeRetry(runs, uid, specHash);
    const common = { trigger: 'retry', claim: requestClaim('retry', retry) } as const;
    if (answer.kind === 'part') return { ...common, retryOf: answer.retryOf };
    if (answer.kind === 'whole') return { ...common, why: answer.why };
  }
  const again = restart(facts);
  if (again !== undefined) return again;
  if (tick !== undefined) return { trigger: 'tick', claim: tickClaim(tick) };
  if (timetable.kind === 'at') return atItsTime(facts, timetable);
  return timetable.immediately ? oneShot(facts) : undefined;
}

/** Triggers of records of a task that follows its source. */
const FOLLOWING: ReadonlySet<PastRun['trigger']> = new Set(['event', 'backfill', 'resync']);

/** A run that an edit broke off is followed by one of the present spec, unless the edit named another time for it. */
function restart({ runs, uid, timetable, now }: DueFacts): Due | undefined {
  const [last] = runs;
  if (last?.taskUid !== uid || !isBrokenOff(last, 'SpecChanged')) return undefined;
  // What followed the source was no run by the task's times: those begin now.
  if (FOLLOWING.has(last.trigger)) return undefined;
  if (last.trigger === 'one-shot' && timetable.kind === 'at' && now < timetable.at) return undefined;
  return { trigger: last.trigger, claim: `restart:${last.id}` };
}

/**
 * Once per run-relevant spec. It counts as done when the newest run was of this spec and succeeded (whoever's it was: a
 * re-created task does not repeat it), or ended in any other way for this very task; not when it was broken off by an
 * edit or a suspension. A claim names the run that it follows, so that going back to an earlier spec is not taken for
 * its first run.
 */
function oneShot({ uid, specHash, runs, timetable }: DueFacts): Due | undefined {
  // A run at a time of the cron that a suspension broke off waits for the next time.
  const [last] = timetable.kind === 'cron' ? runs.filter((run) => !isSuspendedTick(run)) : runs;
  if (last?.specHash === specHash && countsAsDone(last, uid)) return undefined;
  return { trigger: 'one-shot', claim: oneShotClaim(specHash, last) };
}

function isSuspendedTick(run: PastRun): boolean {
  return run.trigger === 'tick' && isBrokenOff(run, 'Suspended');
}

/**
 * Within the starting deadline, unless it was begun before. A run on request does not stand for it. While no run of it is
 * known its claim names none: one that was begun so long ago that `runs` leaves it out holds that very claim.
 */
function atItsTime({ uid, specHash, runs, now }: DueFacts, { at, deadlineMs }: TimetableAt): Due | undefined {
  if (now < at) return undefined;
  const own = runs.find((run) => run.specHash === specHash && run.trigger === 'one-shot');
  if (own !== undefined && countsAsDone(own, uid)) return undefined;
  if (now > at + deadlineMs && own?.taskUid !== uid) return undefined;
  return { trigger: 'one-shot', claim: oneShotClaim(specHash, own === undefined ? undefined : runs[0]) };
}

type TimetableAt = Extract<Timetable, { readonly kind: 'at' }>;

/** Whether the time of a single run was left to pass: only a person can help. */
export function isTimePast({
  uid,
  specHash,
  runs,
  now,
  timetable,
}: Pick<DueFacts, 'uid' | 'specHash' | 'runs' | 'now' | 'timetable'>): boolean {
  if (timetable.kind !== 'at' || now <= timetable.at + timetable.deadlineMs) return false;
  return !runs.some((run) => run.specHash === specHash && (run.taskUid === uid || run.status === 'SUCCESS'));
}

function oneShotClaim(specHash: string, last: PastRun | undefined): string {
  return last === undefined ? `one-shot:${specHash}` : `one-shot:${specHash}:after:${last.id}`;
}

function countsAsDone(run: PastRun, uid: string): boolean {
  if (run.status === 'SUCCESS') return true;
  return run.taskUid === uid && !isBrokenOff(run, 'SpecChanged') && !isBrokenOff(run, 'Suspended');
}

function isBrokenOff(run: PastRun, reason: AbortReason): boolean {
  return run.status === 'ABORTED' && (run.errorReason?.startsWith(`${reason}:`) ?? false);
}
