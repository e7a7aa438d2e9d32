/**
 * Brings a task to what its spec says: accept → resolve → start, adopt or stop a run → summarise. Guarantees: a reconcile
 * never waits for a run and is the only writer of the task's status, once, at its end, and only when something changed;
 * progress keeps to the write budget, transitions do not wait for it. Runs outlive reconciles in the run registry, and
 * processes in the journal.
 */

import { taskKey } from '../../api/names.ts';
import type { ReplicaTask, ReplicaTaskStatus } from '../../api/replica-task.gen.ts';
import { scheduleText } from '../../api/schedule-text.ts';
import { equal } from '../../domain/cluster-status.ts';
import { isEnabled } from '../../domain/due.ts';
import { followStatus } from '../../domain/follow/status.ts';
import { stallingVerdict, syncedOf } from '../../domain/run-verdict.ts';
import { specHash } from '../../domain/spec-hash.ts';
import type { ReadyFact, Trouble } from '../../domain/summary.ts';
import { type ActiveFact, finished, isEnded, taskStatus } from '../../domain/task-status.ts';
import type { RunRecord } from '../../journal/records.ts';
import { SharedAnswers } from '../../lib/shared-answers.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../../runtime/controller.ts';
import { splitKey } from '../../runtime/key.ts';
import type { Run, RunRegistry } from '../../runtime/run-registry.ts';
import type { Access } from '../cluster/access.ts';
import { conditionEvents } from '../transition-events.ts';
import type { FollowerState } from './follow-body.ts';
import { handOverRequests, startFollower, stopUnwantedFollower, takeEndedFollower } from './follow-steps.ts';
import { accept, isOurs, readRecords, resolve } from './judge-steps.ts';
import { RunAbort } from './run-body.ts';
import { goOnWithOpenRun, stopUnwanted, takeEndedRun } from './run-steps.ts';
import { startDueRun } from './start-steps.ts';
import { StatusBudget } from './status-budget.ts';
import { lookAtTheClock, nextExecution, timePast } from './time-steps.ts';
import type { SharedQuestions, Step, TaskControllerOptions, TaskMemory, Worksheet } from './worksheet.ts';

const STEPS: readonly Step[] = [
  takeEndedRun,
  accept,
  resolve,
  readRecords,
  stopUnwanted,
  goOnWithOpenRun,
  lookAtTheClock,
  startDueRun,
];
/** Of a task that follows its source. */
const FOLLOW_STEPS: readonly Step[] = [
  takeEndedFollower,
  accept,
  resolve,
  readRecords,
  stopUnwantedFollower,
  startFollower,
  handOverRequests,
];
/** How long tasks that start together share an answer. Milliseconds. */
const SHARED_MS = 1_000;

export function taskReconciler(options: TaskControllerOptions): Reconcile {
  const budget = new StatusBudget(options.clock);
  const memories = new Map<string, TaskMemory>();
  const { clock } = options;
  const shared = {
    source: new SharedAnswers<void>(clock, SHARED_MS),
    access: new SharedAnswers<Access>(clock, SHARED_MS),
  };
  return async (key, context, signal) => {
    const task = options.store.get('ReplicaTask', splitKey(key));
    if (task === undefined || task.metadata.deletionTimestamp !== undefined) {
      const gone = endWorkOfDeleted(key, options, context);
      if (gone) {
        memories.delete(key);
        budget.forget(key);
      }
      return {};
    }
    let memory = memories.get(key);
    if (memory === undefined) {
      memory = {
        active: undefined,
        unwritten: undefined,
        follower: undefined,
        schedule: undefined,
        notBefore: Number.NEGATIVE_INFINITY,
      };
      memories.set(key, memory);
    }
    if (memory.unwritten?.uid !== task.metadata.uid) memory.unwritten = undefined;
    const sheet = worksheet(key, task, options, memory, shared, context);
    const ours = isOurs(sheet);
    if (!endOtherWork(sheet, ours) || !ours) return {};
    const steps = task.spec.replicaType === 'REAL_TIME' ? FOLLOW_STEPS : STEPS;
    for (const step of steps) await step(sheet, signal);
    // Those that are due in the same second are begun first; what is not written is in the journal and in memory.
    const { uid } = task.metadata;
    memory.unwritten = { uid, text: sheet.text, times: sheet.times, handled: sheet.handled, events: sheet.events };
    if (sheet.begun && options.rush.isOn()) return { requeueAfterMs: 0 };
    return await summariseAndWrite(sheet, budget, signal);
  };
}

/** True when nothing is left of it. Records are closed by what performs them, or by the sweep when nobody does. */
function endWorkOfDeleted(
  key: string,
  { registry, followers }: TaskControllerOptions,
  context: ReconcileContext,
): boolean {
  const reason = new RunAbort('TaskDeleted', 'the task was deleted');
  const run = endWork(key, registry, reason, context);
  const follower = endWork(key, followers, reason, context);
  return run && follower;
}

/** What a task does not do any more: the other one of running by schedule and following the source. */
function endOtherWork({ key, task, options, memory, logger }: Worksheet, isOurTask: boolean): boolean {
  const { registry, followers } = options;
  const reason = new RunAbort(
    'SpecChanged',
    isOurTask ? 'the task was changed' : 'another installation serves the task',
  );
  const follows = task.spec.replicaType === 'REAL_TIME';
  let ended = true;
  if (follows && isOurTask) {
    ended = endWork(key, registry, reason, { logger });
    memory.active = undefined;
  } else {
    ended = endWork(key, followers, reason, { logger });
    memory.follower = undefined;
  }
  return ended;
}

function endWork(
  key: string,
  registry: Pick<RunRegistry<unknown, unknown>, 'get' | 'take' | 'abort'>,
  reason: RunAbort,
  { logger }: Pick<ReconcileContext, 'logger'>,
): boolean {
  const work = registry.get(key);
  if (work === undefined) return true;
  if (work.result === undefined) {
    registry.abort(key, reason);
    return false;
  }
  registry.take(key, work.id);
  logger.info('work has ended', { id: work.id, why: reason.message });
  return true;
}

function worksheet(
  key: string,
  task: ReplicaTask,
  options: TaskControllerOptions,
  memory: TaskMemory,
  shared: SharedQuestions,
  { logger }: ReconcileContext,
): Worksheet {
  const { namespace, name, annotations } = task.metadata;
  return {
    key,
    task,
    taskKey: taskKey(namespace, name),
    specHash: specHash(task.spec),
    enabled: isEnabled(task.spec, annotations),
    options,
    memory,
    logger,
    shared,
    now: options.clock.now(),
    text: scheduleText(task.spec, options.schedule.timeZone),
    timetable: { kind: 'none', immediately: false },
    times: undefined,
    tick: undefined,
    references: [],
    trouble: undefined,
    reachable: false,
    records: undefined,
    handled: memory.unwritten?.handled ?? {},
    againInMs: undefined,
    againAtMs: undefined,
    begun: false,
    events: [...(memory.unwritten?.events ?? [])],
  };
}

async function summariseAndWrite(
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
  remoteClusters,
  ...rest
}: ReplicaTaskStatus): unknown {
  return { ...rest, remoteClusters: remoteClusters?.map(({ name, id, lastResult }) => ({ name, id, lastResult })) };
}
