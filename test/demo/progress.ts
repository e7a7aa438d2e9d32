import { eventually } from '../support/wait.ts';
import type { Stage, TaskView } from './stage.ts';

/** Milliseconds. */
const RUN_TIMEOUT = 15 * 60_000;

/** Waits until all tasks have run so often, and shows progress meanwhile. */
export async function finishedRuns(stage: Stage, report: (line: string) => void, count: number): Promise<void> {
  const show = taskLines(stage, report);
  await eventually(
    async () => {
      const tasks = await show();
      return tasks.length > 0 && tasks.every(({ runs, running }) => runs >= count && !running);
    },
    { timeoutMs: RUN_TIMEOUT, intervalMs: 500 },
  );
}

/** Says of each task how it is going, whenever that has changed since the last call; answers all tasks. */
export function taskLines(stage: Stage, report: (line: string) => void): () => Promise<readonly TaskView[]> {
  const shown = new Map<string, string>();
  return async () => {
    const tasks = await stage.tasks();
    for (const { name, progress } of tasks) {
      const line = `task ${name}: ${progress}`;
      if (line !== shown.get(name)) report(line);
      shown.set(name, line);
    }
    return tasks;
  };
}
