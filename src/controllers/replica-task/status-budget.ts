import type { Clock } from '../../lib/clock.ts';

/** Status writes of all tasks together, per second. */
const WRITES_PER_SECOND = 10;
/** Progress of one task is written at most this often. Milliseconds. */
const PROGRESS_INTERVAL = 2_000;

/**
 * Lets progress through as far as the API server should be asked to bear it. Transitions always go and use up the
 * budget, so that progress waits for them and not the other way round.
 */
export class StatusBudget {
  readonly #clock: Clock;
  readonly #lastWrite = new Map<string, number>();
  #tokens = WRITES_PER_SECOND;
  #filledAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#filledAt = clock.monotonic();
  }

  /** Milliseconds until this task's progress may be written; 0 = now. */
  progressInMs(key: string): number {
    this.#fill();
    const last = this.#lastWrite.get(key) ?? Number.NEGATIVE_INFINITY;
    const own = Math.max(0, last + PROGRESS_INTERVAL - this.#clock.monotonic());
    const all = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / WRITES_PER_SECOND) * 1_000;
    return Math.max(own, all);
  }

  written(key: string): void {
    this.#fill();
    this.#tokens = Math.max(-WRITES_PER_SECOND, this.#tokens - 1);
    this.#lastWrite.set(key, this.#clock.monotonic());
  }

  forget(key: string): void {
    this.#lastWrite.delete(key);
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    const gained = ((now - this.#filledAt) / 1_000) * WRITES_PER_SECOND;
    this.#tokens = Math.min(WRITES_PER_SECOND, this.#tokens + gained);
    this.#filledAt = now;
  }
}
