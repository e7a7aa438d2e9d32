/**
 * The end of a reconcile: what the steps have found out becomes the task's status, and is written when it changed.
 * Transitions at once, what only moves on within the write budget; Events once the status is written.
 */
import type { Condition } from '../../api/conditions.ts';
import type { ReplicaTaskStatus } from '../../api/replica-task.gen.ts';
import { equal } from '../../domain/cluster-status.ts';
import { followStatus } from '../../domain/follow/status.ts';
import { stallingVerdict, syncedOf } from '../../domain/run-verdict.ts';
import type { ReadyFact, Trouble } from '../../domain/summary.ts';
import { type ActiveFact, finished, isEnded, taskStatus } from '../../domain/task-status.ts';
import type { RunRecord } from '../../journal/records.ts';
import type { ReconcileResult } from '../../runtime/controller.ts';
import type { Run } from '../../runtime/run-registry.ts';
import { conditionEvents } from '../transition-events.ts';
import type { FollowerState } from './follow-body.ts';
import type { StatusBudget } from './status-budget.ts';
import { nextExecution, timePast } from './time-steps.ts';
import type { Worksheet } from './worksheet.ts';

/** At the end of a reconcile: the one place where the task's status is written. */
export async function summariseAndWrite(
  sheet: Worksheet,
  budget: StatusBudget,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { key, task, options, logger } = sheet;
  const status = summarise(sheet);
  if (onlyProgressMoved(task.status, status)) {
    const wait = budget.progressInMs(key);
    if (wait > 0) {
      // Skipped times are counted from the status again.
      sheet.memory.unwritten = undefined;
      return again(sheet, wait);
    }
  }
  const written = await options.store.writeStatus('ReplicaTask', task, status, signal);
  if (written === 'conflict') return again(sheet, 200);
  sheet.memory.unwritten = undefined;
  if (written === 'gone') return again(sheet);
  for (const told of sheet.events) options.store.event('ReplicaTask', task, told);
  if (written === 'unchanged') return again(sheet);
  budget.written(key);
  for (const told of conditionEvents(task.status?.conditions, status.conditions, 'Reconcile')) {
    options.store.event('ReplicaTask', task, told);
    logger.debug('task changed', { reason: told.reason, message: told.note });
  }
  return again(sheet);
}

function again({ againInMs, againAtMs }: Worksheet, otherwise?: number): ReconcileResult {
  const ms = Math.min(againInMs ?? Number.POSITIVE_INFINITY, otherwise ?? Number.POSITIVE_INFINITY);
  return {
    ...(ms === Number.POSITIVE_INFINITY ? {} : { requeueAfterMs: ms }),
    ...(againAtMs === undefined ? {} : { requeueAtMs: againAtMs }),
  };
}

function summarise(sheet: Worksheet): ReplicaTaskStatus {
  const { key, task, options, records, specHash: hash, enabled, references, handled, text, times } = sheet;
  const follower = followerOf(sheet);
  const active = follower === undefined ? activeRecord(sheet) : undefined;
  const next = nextExecution(sheet);
  const now = new Date(sheet.now);
  const status = taskStatus(
    {
      task,
      installationId: options.installationId,
      specHash: hash,
      enabled,
      verdict: verdictOf(sheet, next),
      references,
      records,
      active:
        active === undefined
          ? compareOf(sheet, follower)
          : { record: active, progress: options.registry.get(key)?.progress ?? [] },
      handled,
      schedule: { text, times, next },
      annotateHint: options.annotateHint,
    },
    now,
  );
  if (task.spec.replicaType !== 'REAL_TIME') return status;
  return followStatus(
    status,
    {
      task,
      report: follower?.progress,
      following: follower !== undefined && follower.result === undefined,
      compared: syncedOf(lastCompare(sheet)),
      annotateHint: options.annotateHint,
    },
    now,
  );
}

function followerOf({ key, task, options }: Worksheet): Run<FollowerState, void> | undefined {
  return task.spec.replicaType === 'REAL_TIME' ? options.followers.get(key) : undefined;
}

/** The compare that is under way, as the active run of the task. */
function compareOf({ records }: Worksheet, follower: Run<FollowerState, void> | undefined): ActiveFact | undefined {
  const { compareRecordId, farSides = [] } = follower?.progress ?? {};
  const record = records?.find(({ id, status }) => id === compareRecordId && status === 'RUNNING');
  if (record === undefined) return undefined;
  return { record, progress: farSides.flatMap(({ compare }) => compare ?? []) };
}

function lastCompare({ records, specHash: hash }: Worksheet): Parameters<typeof syncedOf>[0] {
  const last = records?.find((record) => record.part === 'compare' && record.specHash === hash && isEnded(record));
  return last !== undefined && isEnded(last) ? finished(last) : undefined;
}

/** The run that goes on here: one that closed its record is over, although the registry may tell so a moment later. */
function activeRecord({ memory: { active }, records }: Worksheet): RunRecord | undefined {
  const stored = records?.find(({ id }) => id === active?.id);
  return stored !== undefined && isEnded(stored) ? undefined : active;
}

/** A run that ended in something only a person can cure stalls the task until its spec changes or a run is asked for. */
function verdictOf(sheet: Worksheet, next: number | undefined): Trouble | ReadyFact {
  const { trouble, records, specHash: hash, enabled, references, text: schedule } = sheet;
  const past = timePast(sheet);
  if (past !== undefined && trouble?.kind !== 'refused')
    return { kind: 'refused', reason: 'ExecuteTimePast', message: past };
  if (trouble !== undefined) return trouble;
  const last = activeRecord(sheet) === undefined ? records?.find((record) => record.specHash === hash) : undefined;
  const stalling = last !== undefined && isEnded(last) ? stallingVerdict(finished(last)) : undefined;
  if (stalling !== undefined) return { kind: 'refused', ...stalling };
  if (!enabled) {
    const message = `the task is accepted and kept from running, also on request, until it is enabled; schedule: ${schedule}`;
    return { reason: 'Suspended', message };
  }
  const names = references.map(({ entry }) => entry).join(', ');
  const over = sheet.timetable.kind === 'cron' && next === undefined ? ', which has no time left' : '';
  const message = `the task is accepted, all far sides (${names}) answer; schedule: ${schedule}${over}`;
  return { reason: 'Accepted', message };
}

function onlyProgressMoved(before: ReplicaTaskStatus | undefined, after: ReplicaTaskStatus): boolean {
  return (
    before !== undefined && after.activeRun !== undefined && equal(withoutProgress(before), withoutProgress(after))
  );
}

function withoutProgress({
  progress: _progress,
  // Times that are skipped while the run is active may come every second.
  lastScheduleTime: _last,
  skippedRuns: _skipped,
  nextExecutionTime: _next,
  // Of a follower these move all the time, and what is said of a lag with them.
  lag: _lag,
  feed,
  conditions,
  remoteClusters,
  ...rest
}: ReplicaTaskStatus): unknown {
  return {
    ...rest,
    feed: feed?.kind,
    conditions: conditions?.map((condition) => (FOLLOWED.has(condition.type) ? withoutWords(condition) : condition)),
    remoteClusters: remoteClusters?.map(({ name, id, lastResult, comparedAt }) => ({
      name,
      id,
      lastResult,
      comparedAt,
    })),
  };
}

/** Conditions whose words have numbers that move. */
const FOLLOWED: ReadonlySet<string> = new Set(['Fresh', 'Backfilling', 'DeletesHeld']);

function withoutWords({ type, status, reason, observedGeneration }: Condition): unknown {
  return { type, status, reason, observedGeneration };
}
