import { readFile } from 'node:fs/promises';
import { eventually } from './wait.ts';

/** Until a process that was sent SIGSTOP stands still: for a moment it may still answer. Where there is no /proc, at once. */
export async function untilStopped(pid: number): Promise<void> {
  if (process.platform !== 'linux') return;
  // The name of the program, in brackets, may hold anything.
  const state = async (): Promise<string | undefined> =>
    (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.[0];
  await eventually(async () => (await state()) === 'T', { intervalMs: 5 });
}
