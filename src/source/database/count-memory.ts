import type { SelectionCount } from '../../engine/ports/source.ts';
import type { Clock } from '../../lib/clock.ts';

/** A count is believed for so many times as long as it took: then counting costs a database at most this part of its time. */
const PATIENCE = 60;
/** A count that took no longer is made again each time. Milliseconds. */
const CHEAP = 250;
/** Selections remembered; the oldest count goes first. */
const MOST = 1_000;

interface Counted {
  readonly outcome: Promise<SelectionCount>;
  /** Monotonic milliseconds until which it is believed. */
  readonly until: number;
}

/**
 * What selections were found to hold, so that a task that runs every minute does not have a large repository counted
 * every minute. A count that failed, because it took too long for instance, is remembered as well; one that was
 * called off is not.
 */
export class CountMemory {
  readonly #clock: Clock;
  readonly #counted = new Map<string, Counted>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async recall(
    key: string,
    count: (signal: AbortSignal) => Promise<SelectionCount>,
    signal: AbortSignal,
  ): Promise<SelectionCount> {
    const begun = this.#clock.monotonic();
    const known = this.#counted.get(key);
    if (known !== undefined && begun < known.until) return await known.outcome;
    const outcome = count(signal);
    await outcome.catch(() => undefined);
    if (signal.aborted) return await outcome;
    this.#counted.delete(key);
    const now = this.#clock.monotonic();
    if (now - begun <= CHEAP) return await outcome;
    this.#counted.set(key, { outcome, until: now + (now - begun) * PATIENCE });
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > MOST && oldest !== undefined) this.#counted.delete(oldest);
    return await outcome;
  }
}
