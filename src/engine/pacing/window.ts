import type { Clock } from '../../lib/clock.ts';

/** Requests at once to a far side of which nothing is known yet. */
const FIRST_SIZE = 4;
/** A judgement needs so long, in milliseconds, and so many answers for each request at once. */
const EPOCH_MS = 1_000;
const ANSWERS = 4;
/** Part of the ideal gain that one request more must bring to be kept; one less is kept where it costs no more. */
const LEAST_GAIN = 0.5;
/** Epochs until something is tried again after it did not help; doubled each time up to the second. */
const FIRST_HOLD = 8;
const LONGEST_HOLD = 64;
/** A request counts as one more for each so many bytes of payload. */
const BYTES_AS_REQUEST = 1024 * 1024;

/** One request more or less than `from`, with which so much got done in a second. */
interface Trial {
  readonly from: number;
  readonly before: number;
}

/** What a request knows of the window it was begun in. */
export type Ticket = number;

/**
 * How many requests one far side gets at once. Grows by one while that makes more get done, stays where it does not (and
 * looks now and then whether fewer do as well), and halves when the far side says that it is too much: once for all
 * requests that were under way together.
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
  #trial: Trial | undefined;
  /** Smoothed work per second while nothing is tried. */
  #steady: number | undefined;
  /** The next trial is with more. */
  #up = true;
  /** Epochs until then. */
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
    const trial = this.#trial;
    if (trial === undefined) this.#steady = this.#steady === undefined ? speed : (this.#steady + speed) / 2;
    else this.#endTrial(trial, speed);
    this.#hold -= 1;
    if (this.#hold < 0) this.#try(this.#steady ?? speed);
  }

  #endTrial({ from, before }: Trial, speed: number): void {
    const step = this.#size - from;
    this.#trial = undefined;
    if (speed >= before + step * LEAST_GAIN * (before / from)) {
      this.#steady = speed;
      this.#nextHold = FIRST_HOLD;
      this.#hold = step > 0 ? 0 : FIRST_HOLD;
      return;
    }
    this.#size = from;
    this.#steady = before;
    this.#up = step < 0;
    this.#hold = this.#nextHold;
    this.#nextHold = Math.min(LONGEST_HOLD, this.#nextHold * 2);
  }

  #try(before: number): void {
    const least = Math.min(FIRST_SIZE, this.#most);
    if (this.#size >= this.#most) this.#up = false;
    if (this.#size <= least) this.#up = true;
    const size = this.#size + (this.#up ? 1 : -1);
    if (this.#up ? size > this.#most : size < least) return;
    this.#trial = { from: this.#size, before };
    this.#size = size;
  }

  #beginEpoch(): void {
    this.#epochBegan = this.#clock.monotonic();
    this.#answers = 0;
    this.#work = 0;
    this.#full = false;
  }

  #forget(): void {
    this.#trial = undefined;
    this.#steady = undefined;
    this.#up = true;
    this.#hold = 0;
    this.#nextHold = FIRST_HOLD;
    this.#beginEpoch();
  }
}
