/** Time not used is made up for up to this long: timers ring late. Milliseconds. */
const CREDIT_MS = 250;
/** Nothing was wanted for so long: what comes now is a new beginning, without credit. Milliseconds. */
const PAUSE_MS = 1_000;

/**
 * What may pass in the course of time at one rate. In any time of `t` seconds that is at most `t` seconds' worth, plus
 * {@link CREDIT_MS} of it and the last piece; at the beginning, and after a pause, without the credit.
 */
export class Meter {
  /** Units per second; infinity = no limit. */
  #rate: number;
  /** When what has passed is paid for; in the past before the first piece. */
  #next = Number.NEGATIVE_INFINITY;

  constructor(rate = Number.POSITIVE_INFINITY) {
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  /** What has passed already counts at the rate that was valid then. */
  setRate(rate: number): void {
    this.#rate = rate;
  }

  /** When the next piece may pass, in monotonic milliseconds; in the past = at once. */
  get next(): number {
    return this.#rate === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : this.#next;
  }

  /** A piece passes now. */
  spend(amount: number, now: number): void {
    const begin = now - this.#next > PAUSE_MS ? now : Math.max(this.#next, now - CREDIT_MS);
    this.#next = begin + (amount / this.#rate) * 1_000;
  }
}
