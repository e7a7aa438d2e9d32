/** When a key that failed is tried again. Pure. */
import type { Retry } from '../ports/follow-journal.ts';

/** Before the second, third … attempt. After the last one it waits for a change, or for the next compare. Milliseconds. */
const DELAYS = [10_000, 30_000, 60_000, 120_000, 240_000, 480_000];

/** Undefined = it has failed too often. `now`: milliseconds since the epoch. */
export function nextRetry(failed: Omit<Retry, 'dueAt'>, now: number): Retry | undefined {
  const delay = DELAYS[failed.attempts - 1];
  return delay === undefined ? undefined : { ...failed, dueAt: new Date(now + delay) };
}
