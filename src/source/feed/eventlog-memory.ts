/** Which entries were told lately, and how late entries come. Pure; memory is bounded. */
import type { ObjectId } from 'mongodb';
import type { SeenEntries } from './eventlog-position.ts';

/** Ids that are remembered: some 30 MB. */
const IDS = 400_000;

/** Entries become visible so long after others with greater ids, when nothing else was seen. Seconds. */
const WIDE = 60;

/** The same between two readings of the wide overlap. Seconds. */
const NARROW = 2;

/** What comes later than this between two readings of the wide overlap waits for the next. Seconds. */
const NARROW_AT_MOST = 15;

/** No greater lateness is believed: the clocks of bk-repo's servers do not differ by more. Seconds. */
const LATEST = 30 * 60;

/** Of so many seconds it is said how many entries were told, at most. */
const SEEN = 600;

/** For so many turns a lateness counts. */
const TURNS = 30;
const RECENT_TURNS = 2;

/** The second in which an id was made, since the epoch. */
export function secondOf(id: ObjectId): number {
  return id.getTimestamp().getTime() / 1_000;
}

export class ToldIds {
  readonly #bySecond = new Map<number, Set<string>>();
  readonly #limit: number;
  #size = 0;
  /** What was told before this second was given up for want of room: it must not be read again. */
  #givenUpBefore = 0;

  constructor(limit = IDS) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  get givenUpBefore(): number {
    return this.#givenUpBefore;
  }

  has(id: ObjectId): boolean {
    return this.#bySecond.get(secondOf(id))?.has(tailOf(id)) === true;
  }

  add(id: ObjectId): void {
    const second = secondOf(id);
    const tails = this.#bySecond.get(second) ?? new Set();
    this.#bySecond.set(second, tails);
    this.#size -= tails.size;
    tails.add(tailOf(id));
    this.#size += tails.size;
    while (this.#size > this.#limit && this.#bySecond.size > 1) {
      const oldest = Math.min(...this.#bySecond.keys());
      this.#forget(oldest);
      this.#givenUpBefore = Math.max(this.#givenUpBefore, oldest + 1);
    }
  }

  forgetBefore(bound: number): void {
    for (const second of this.#bySecond.keys()) if (second < bound) this.#forget(second);
  }

  /** How many there are of each second in which more may become visible, up to the newest. Seconds since the epoch. */
  seen(base: number, newest: number): SeenEntries {
    const from = Math.max(base - WIDE, newest - SEEN + 1);
    const length = Math.max(0, newest - from + 1);
    return { from, counts: Array.from({ length }, (_, index) => this.#bySecond.get(from + index)?.size ?? 0) };
  }

  #forget(second: number): void {
    this.#size -= this.#bySecond.get(second)?.size ?? 0;
    this.#bySecond.delete(second);
  }
}

/**
 * How long after greater ids an id may become visible. The ids are made by several servers whose clocks differ, shortly
 * before the entries are written.
 */
export class Lateness {
  /** The greatest of each turn, the present one first. Seconds. */
  #turns: number[] = [0];

  /** An entry became visible when one that is so many seconds younger was visible already. */
  saw(seconds: number): void {
    this.#turns[0] = Math.max(this.#turns[0] ?? 0, Math.min(seconds, LATEST));
  }

  /** Ids in the order in which their entries became visible; those after `latest` (seconds) tell nothing of others. */
  sawInOrder(ids: readonly ObjectId[], latest: number): void {
    let youngest = 0;
    for (const id of ids) {
      const second = secondOf(id);
      if (second < youngest) this.saw(youngest - second);
      else if (second <= latest) youngest = second;
    }
  }

  turn(): void {
    this.#turns = [0, ...this.#turns.slice(0, TURNS - 1)];
  }

  /** Seconds to be read again now and then. */
  get wide(): number {
    return WIDE + Math.max(...this.#turns);
  }

  /** Seconds to be read again with every look. */
  get narrow(): number {
    return Math.min(NARROW_AT_MOST, NARROW + Math.max(...this.#turns.slice(0, RECENT_TURNS)));
  }
}

/** The rest of an id, which with its second is the whole. */
function tailOf(id: ObjectId): string {
  return id.toHexString().slice(8);
}
