/** A request for a run, and the run that answers it. */
import { getCondition } from '../api/conditions.ts';
import type { ReplicaTask, ReplicaTaskStatusHistoryEntry } from '../api/replica-task.gen.ts';
import { type CommandContext, EXIT, flag } from './command.ts';
import { type Asked, newRequest, refuseDisabled, tellEnd, waitFor, withTask } from './request.ts';

export interface RunRequest {
  readonly annotation: string;
  readonly handled: 'lastHandledRunRequest' | 'lastHandledRetryRequest';
  /** Of the run that answers. */
  readonly trigger: 'request' | 'retry';
  /** What is asked for, and what no run in answer means: in words. */
  readonly asked: string;
  readonly vain: string;
}

export async function performRequest(context: CommandContext, stop: AbortSignal, request: RunRequest): Promise<number> {
  return await withTask(context, stop, async (asked) => {
    refuseDisabled(asked);
    const value = newRequest(context);
    await asked.resources.annotate(asked.key, { [request.annotation]: value }, stop);
    context.stdout.write(`${asked.title}: asked for ${request.asked}\n`);
    if (!flag(context, 'wait')) return EXIT.done;
    if (asked.task.spec.replicaType === 'REAL_TIME') return await waitForCompare(asked, request, value, stop);
    return await waitForRun(asked, request, value, stop);
  });
}

/** By the time that the request counts as answered, the run is active or, when it was short, in the history. */
async function waitForRun(asked: Asked, request: RunRequest, value: string, stop: AbortSignal): Promise<number> {
  const known = new Set(asked.task.status?.history?.map(({ recordId }) => recordId));
  const isAnswer = (task: ReplicaTask): boolean => task.status?.[request.handled] === value;
  const ended = await waitFor(
    asked,
    request.asked,
    (task): ReplicaTaskStatusHistoryEntry | 'none' | undefined => {
      if (!isAnswer(task) || task.status?.activeRun?.trigger === request.trigger) return undefined;
      const run = task.status?.history?.find(
        ({ recordId, trigger }) => trigger === request.trigger && !known.has(recordId),
      );
      if (run === undefined) return 'none';
      return run.status === 'RUNNING' ? undefined : run;
    },
    stop,
  );
  if (ended !== 'none') return tellEnd(asked, ended);
  asked.context.stdout.write(`${asked.title}: ${request.vain}\n`);
  return EXIT.done;
}

/** A task that follows its source compares all of it: the conditions say when that is over and what it found. */
async function waitForCompare(asked: Asked, request: RunRequest, value: string, stop: AbortSignal): Promise<number> {
  const synced = await waitFor(
    asked,
    request.asked,
    ({ status }) => {
      const busy = getCondition(status?.conditions, 'Backfilling')?.status === 'True';
      return status?.[request.handled] !== value || busy ? undefined : getCondition(status.conditions, 'Synced');
    },
    stop,
  );
  asked.context.stdout.write(`${asked.title}: Synced is ${synced.status}: ${synced.message}\n`);
  return synced.status === 'True' ? EXIT.done : EXIT.failed;
}
