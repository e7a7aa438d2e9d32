/** Requests to a task by annotation, and waiting for what comes of them: what run, retry, cancel, suspend and resume share. */
import { getCondition } from '../api/conditions.ts';
import type { ReplicaTask, ReplicaTaskStatusHistoryEntry } from '../api/replica-task.gen.ts';
import { isEnabled, isSuspended } from '../domain/due.ts';
import type { ObjectKey } from '../resources/store.ts';
import { type CommandContext, CommandFailed, EXIT, flag, textOption, UsageError } from './command.ts';
import { looks } from './looking.ts';
import { ProgressBar } from './progress-bar.ts';
import { openResources, presentTask, type Resources, taskKeyOf } from './resources.ts';
import { countsText } from './task-view.ts';

/** Milliseconds between two looks at a task that is waited for. */
const INTERVAL_MS = 500;

export interface Asked {
  readonly context: CommandContext;
  readonly resources: Resources;
  readonly key: ObjectKey;
  /** The task before it was asked. */
  readonly task: ReplicaTask;
  /** `replicatask shop/a`: begins every line that is printed. */
  readonly title: string;
}

/** Finds the task that the command line names, and closes what was opened for it. */
export async function withTask(
  context: CommandContext,
  stop: AbortSignal,
  work: (asked: Asked) => Promise<number>,
): Promise<number> {
  checkTimeout(context);
  const resources = await openResources(context);
  try {
    const key = taskKeyOf(context.args[0], resources.namespace);
    const task = await presentTask(resources, key, stop);
    return await work({ context, resources, key, task, title: `replicatask ${key.namespace}/${key.name}` });
  } finally {
    await resources.close();
  }
}

function checkTimeout(context: CommandContext): void {
  const timeout = textOption(context, 'timeout');
  if (timeout === undefined) return;
  if (!/^\d{1,6}$/.test(timeout)) throw new UsageError('--timeout must be a number of seconds');
  if (!flag(context, 'wait')) throw new UsageError('--timeout goes with --wait');
}

/** A value that was not used before: the same one would ask for nothing. */
export function newRequest({ clock, random }: CommandContext): string {
  const suffix = Math.floor(random() * 0x1_00_00_00)
    .toString(16)
    .padStart(6, '0');
  return `${new Date(clock.now()).toISOString()}-${suffix}`;
}

/** @throws {CommandFailed} a task that is kept from running would answer only when it may run again */
export function refuseDisabled({ key, task }: Pick<Asked, 'key' | 'task'>): void {
  if (isEnabled(task.spec, task.metadata.annotations)) return;
  const cure = isSuspended(task.metadata.annotations) ? 'resume it first' : 'spec.enabled is false';
  throw new CommandFailed(`${key.namespace}/${key.name} is suspended and would not run: ${cure}`);
}

/**
 * Looks at the task until `seen` returns something, drawing the progress of a run on a terminal. @throws {CommandFailed}
 * when the task is deleted meanwhile, or after `--timeout`
 */
export async function waitFor<T>(
  { context, resources, key, task }: Asked,
  what: string,
  seen: (task: ReplicaTask) => T | undefined,
  stop: AbortSignal,
): Promise<T> {
  const bar = new ProgressBar(context.stderr);
  const timeout = textOption(context, 'timeout');
  const deadline =
    timeout === undefined ? Number.POSITIVE_INFINITY : context.clock.monotonic() + Number(timeout) * 1_000;
  try {
    for await (const now of looks(context, () => presentTask(resources, key, stop), INTERVAL_MS, stop)) {
      if (now.metadata.uid !== task.metadata.uid) throw new CommandFailed(`${key.namespace}/${key.name} was deleted`);
      const found = seen(now);
      if (found !== undefined) return found;
      if (context.clock.monotonic() > deadline)
        throw new CommandFailed(`timed out waiting for ${what}; ${whyNot(now)}`);
      bar.draw(now);
    }
  } finally {
    bar.clear();
  }
  throw new CommandFailed(`${key.namespace}/${key.name} could not be looked at any more`);
}

function whyNot({ status }: ReplicaTask): string {
  const ready = getCondition(status?.conditions, 'Ready');
  return ready === undefined
    ? 'no operator has looked at the task yet'
    : `Ready is ${ready.status}, ${ready.reason}: ${ready.message}`;
}

/** Prints how a run ended, and gives the exit code that says so. */
export function tellEnd({ context, title }: Asked, run: ReplicaTaskStatusHistoryEntry): number {
  const reason =
    run.reason === undefined ? '' : `; ${run.reason}${run.message === undefined ? '' : `: ${run.message}`}`;
  context.stdout.write(`${title}: run ${run.recordId} ${run.status}: ${countsText(run)}${reason}\n`);
  return run.status === 'SUCCESS' ? EXIT.done : EXIT.failed;
}
