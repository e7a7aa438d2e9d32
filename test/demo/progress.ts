import { eventually } from '../support/wait.ts';
import type { Stage } from './stage.ts';

/** Milliseconds. */
const RUN_TIMEOUT = 15 * 60_000;

/** Waits until all tasks have run so often, and shows progress meanwhile. */
export async function finishedRuns(stage: Stage, report: (line: string) => void, count: number): Promise<void> {
  const shown = new Map<string, string>();
  await eventually(
    async () => {
      const tasks = await stage.tasks();
      for (const { name, progress } of tasks) {
        const line = `task ${name}: ${progress}`;
        if (line !== shown.get(name)) report(line);
        shown.set(name, line);
      }
      return tasks.length > 0 && tasks.every(({ runs, running }) => runs >= count && !running);
    },
    { timeoutMs: RUN_TIMEOUT, intervalMs: 500 },
  );
}
