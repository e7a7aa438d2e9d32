import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { eventually } from '../support/wait.ts';
import type { Stage } from './stage.ts';

/** Milliseconds. */
const RUN_TIMEOUT = 15 * 60_000;

/** Waits until all tasks are done, and shows progress meanwhile. */
export async function finishedRuns(
  stage: Stage,
  report: (line: string) => void,
  done: (task: ReplicaTask) => boolean,
): Promise<void> {
  const shown = new Map<string, string>();
  await eventually(
    async () => {
      const tasks = await stage.tasks();
      for (const task of tasks) {
        const line = progressLine(task);
        if (line !== shown.get(task.metadata.name)) report(line);
        shown.set(task.metadata.name, line);
      }
      return tasks.length > 0 && tasks.every(done);
    },
    { timeoutMs: RUN_TIMEOUT, intervalMs: 500 },
  );
}

function progressLine({ metadata, status }: ReplicaTask): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const { progress } = status;
  const counts =
    progress === undefined
      ? ''
      : `, ${progress.done} done (${progress.success} copied, ${progress.unchanged} unchanged, ${progress.conflict} conflicts, ${progress.failed} failed), ${progress.sentBytes} bytes sent`;
  return `task ${metadata.name}: ${status.lastExecutionStatus ?? 'not run yet'}${counts}${ready?.status === 'True' ? '' : `; ${ready?.reason ?? 'waiting'}: ${ready?.message ?? ''}`}`;
}
