/**
 * Brings a task to what its spec says: accept → resolve → start, adopt or stop a run → summarise. Guarantees: a reconcile
 * never waits for a run and is the only writer of the task's status, once, at its end, and only when something changed;
 * progress keeps to the write budget, transitions do not wait for it. Runs outlive reconciles in the run registry, and
 * processes in the journal.
 */

import { taskKey } from '../../api/names.ts';
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import { scheduleText } from '../../api/schedule-text.ts';
import { isEnabled } from '../../domain/due.ts';
import { specHash } from '../../domain/spec-hash.ts';
import { SharedAnswers } from '../../lib/shared-answers.ts';
import type { Reconcile, ReconcileContext } from '../../runtime/controller.ts';
import { splitKey } from '../../runtime/key.ts';
import type { RunRegistry } from '../../runtime/run-registry.ts';
import type { Access } from '../cluster/access.ts';
import { handOverRequests, startFollower, stopUnwantedFollower, takeEndedFollower } from './follow-steps.ts';
import { accept, isOurs, readRecords, resolve } from './judge-steps.ts';
import { RunAbort } from './run-body.ts';
import { goOnWithOpenRun, stopUnwanted, takeEndedRun } from './run-steps.ts';
import { startDueRun } from './start-steps.ts';
import { StatusBudget } from './status-budget.ts';
import { summariseAndWrite } from './summarise.ts';
import { lookAtTheClock } from './time-steps.ts';
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
