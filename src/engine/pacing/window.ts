import type { Clock } from '../../lib/clock.ts';

/** Requests at once to a far side of which nothing is known yet. */
const FIRST_SIZE = 4;
/** A judgement needs so long, in milliseconds, and so many answers for each request at once. */
const EPOCH_MS = 1_000;
const ANSWERS = 4;
/** Part of the ideal gain that one request more must bring to be kept. */
const LEAST_GAIN = 0.25;
/** Epochs until growth is tried again after it brought nothing; doubled each time up to the second. */
const FIRST_HOLD = 8;
const LONGEST_HOLD = 64;
/** A request counts as one more for each so many bytes of payload. */
const BYTES_AS_REQUEST = 1024 * 1024;

/** What a request knows of the window it was begun in. */
export type Ticket = number;

/**
 * How many requests one far side gets at once. Grows by one while that makes more get done, stays where it does not, and
 * halves when the far side says that it is too much: once for all requests that were under way together.
 */
export class Window {
  readonly #clock: Clock;
  #most: number;
  #size: number;
  #cuts = 0;
  #epochBegan: number;
  #answers = 0;
  #work = 0;
  /** Somebody waited for lack of room: only then the size says something about the speed. */
  #full = false;
  /** Work per second before the last growth, while that is on trial. */
  #before: number | undefined;
  /** Smoothed work per second while growth is not tried. */
  #steady: number | undefined;
  #hold = 0;
  #nextHold = FIRST_HOLD;

  constructor(most: number, clock: Clock) {
    this.#clock = clock;
    this.#most = most;
    this.#size = Math.min(FIRST_SIZE, most);
    this.#epochBegan = clock.monotonic();
  }

  get size(): number {
    return this.#size;
  }

  /** `Cluster.spec.limits.concurrency` has changed. */
  setMost(most: number): void {
    if (most === this.#most) return;
    this.#most = most;
    this.#size = Math.min(this.#size, most);
    this.#forget();
  }

  begin(): Ticket {
    return this.#cuts;
  }

  /** There was no room for a request. */
  wasFull(): void {
    this.#full = true;
  }

  /** The far side answered; `payload` is what was uploaded, in bytes. */
  answered(payload: number): void {
    this.#answers += 1;
    this.#work += 1 + payload / BYTES_AS_REQUEST;
    const seconds = (this.#clock.monotonic() - this.#epochBegan) / 1_000;
    if (seconds * 1_000 < EPOCH_MS || this.#answers < ANSWERS * this.#size) return;
    const speed = this.#work / seconds;
    const full = this.#full;
    this.#beginEpoch();
    if (full) this.#judge(speed);
  }

  /** The far side could not take it. True = the window was halved for it. */
  congested(ticket: Ticket): boolean {
    if (ticket !== this.#cuts) return false;
    this.#cuts += 1;
    this.#size = Math.max(1, Math.floor(this.#size / 2));
    this.#forget();
    return true;
  }

  #judge(speed: number): void {
    if (this.#before !== undefined) {
      const gain = (LEAST_GAIN * this.#before) / (this.#size - 1);
      if (speed < this.#before + gain) {
        this.#size -= 1;
        this.#before = undefined;
        this.#hold = this.#nextHold;
        this.#nextHold = Math.min(LONGEST_HOLD, this.#nextHold * 2);
        return;
      }
      this.#nextHold = FIRST_HOLD;
      this.#before = undefined;
      this.#steady = speed;
    } else this.#steady = this.#steady === undefined ? speed : (this.#steady + speed) / 2;
    this.#hold = Math.max(0, this.#hold - 1);
    if (this.#hold > 0 || this.#size >= this.#most) return;
    this.#before = this.#steady;
    this.#steady = undefined;
    this.#size += 1;
  }

  #beginEpoch(): void {
    this.#epochBegan = this.#clock.monotonic();
    this.#answers = 0;
    this.#work = 0;
    this.#full = false;
  }

  #forget(): void {
    this.#before = undefined;
    this.#steady = undefined;
    this.#hold = 0;
    this.#nextHold = FIRST_HOLD;
    this.#beginEpoch();
  }
}
