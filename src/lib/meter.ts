/** Time not used is made up for up to this long: timers ring late. Milliseconds. */
const CREDIT_MS = 250;

/**
 * What may pass in the course of time at one rate. In any time of `t` seconds that is at most `t` seconds' worth, plus
 * {@link CREDIT_MS} of it and the last piece.
 */
export class Meter {
  /** Units per second. */
  #rate: number;
  #next: number;

  /** `now` and all other times are monotonic milliseconds; infinity = no limit. */
  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#next = now;
  }

  get rate(): number {
    return this.#rate;
  }

  /** What has passed already counts at the rate that was valid then. */
  setRate(rate: number): void {
    this.#rate = rate;
  }

  /** When the next piece may pass; in the past = at once. */
  get next(): number {
    return this.#rate === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : this.#next;
  }

  /** A piece passes now. */
  spend(amount: number, now: number): void {
    this.#next = Math.max(this.#next, now - CREDIT_MS) + (amount / this.#rate) * 1_000;
  }
}
