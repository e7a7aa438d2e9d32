/** When a key that failed is tried again. Pure. */
import type { Retry } from '../ports/follow-journal.ts';

/**
 * Before the second, third … attempt, and before each further one: the first is short, because what fails is often a
 * version that is being put or deleted at the source. Milliseconds.
 */
const DELAYS = [1_000, 5_000, 30_000, 120_000, 480_000];
const HOURLY = 3_600_000;

/** Never given up: as long as it is told as being retried, nobody is told that all is equal. `now`: milliseconds since the epoch. */
export function nextRetry(failed: Omit<Retry, 'dueAt'>, now: number): Retry {
  return { ...failed, dueAt: new Date(now + (DELAYS[failed.attempts - 1] ?? HOURLY)) };
}
