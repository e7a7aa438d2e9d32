/**
 * What one far side has taken and not finished. Guarantees: a key is never worked on twice at once, nor a file beside the
 * package version whose it may be, but together with it; what comes for it meanwhile waits; the cursor stands before the first mark that is not dealt with.
 */
import type { DirtyKey, Mark, Retry } from '../ports/follow-journal.ts';
import { keyText } from './dirty-keys.ts';

/** A key to be made equal, with all the marks that it answers. */
export interface Item {
  readonly key: DirtyKey;
  readonly text: string;
  /** When the first of its changes happened, by the clock of the source; milliseconds since the epoch. */
  readonly at: number;
  readonly seqs: readonly number[];
  /** How often it failed; 0 = it comes from the feed. */
  readonly attempts: number;
  /** Of a retry: when it was due, by which it is told from one that was saved since. */
  readonly dueAt?: Date;
}

export class Backlog {
  /** By the text of their keys, in the order in which they came. */
  #queue = new Map<string, Item>();
  readonly #busy = new Map<string, Item>();
  readonly #packagesOf: (key: DirtyKey) => readonly string[];
  /** How many files are being worked on that may be this package's, by the text of its key. */
  readonly #filesOf = new Map<string, number>();
  /** Marks that are not dealt with, in their order. */
  readonly #open = new Set<number>();
  #readUpTo: number;

  /** `packagesOf`: texts of the keys of packages and versions whose a file may be. */
  constructor(cursor: number, packagesOf: (key: DirtyKey) => readonly string[] = () => []) {
    this.#readUpTo = cursor;
    this.#packagesOf = packagesOf;
  }

  get size(): number {
    return this.#queue.size + this.#busy.size;
  }

  get hasRetries(): boolean {
    return [...this.#busy.values(), ...this.#queue.values()].some(({ attempts }) => attempts > 0);
  }

  /** Marks behind this one have not been read. */
  get readUpTo(): number {
    return this.#readUpTo;
  }

  /** All marks up to this one are dealt with. */
  get cursor(): number {
    for (const first of this.#open) return first - 1;
    return this.#readUpTo;
  }

  /** When the oldest change happened that is not dealt with. Milliseconds since the epoch. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const items of [this.#busy, this.#queue])
      for (const { at, attempts } of items.values())
        if (attempts === 0 && (oldest === undefined || at < oldest)) oldest = at;
    return oldest;
  }

  /** In the order of their seq, which is greater than all before. */
  add(marks: readonly Mark[]): void {
    for (const { key, seq, at } of marks) {
      this.#open.add(seq);
      this.#readUpTo = seq;
      this.#put({ key, text: keyText(key), at: at.getTime(), seqs: [seq], attempts: 0 });
    }
  }

  /** There is no mark from here up to `seq`. */
  skipTo(seq: number): void {
    this.#readUpTo = Math.max(this.#readUpTo, seq);
  }

  addRetries(retries: readonly Retry[]): void {
    for (const { key, at, attempts, dueAt } of retries) {
      const text = keyText(key);
      if (!this.#busy.has(text)) this.#put({ key, text, at: at.getTime(), seqs: [], attempts, dueAt });
    }
  }

  /** At most `count`; none whose key is being worked on, or that has to be worked on together with one that is. */
  take(count: number): readonly Item[] {
    const taken: Item[] = [];
    for (const item of this.#queue.values()) {
      if (taken.length >= count) break;
      if (!this.#isHeldUp(item)) taken.push(item);
    }
    for (const item of taken) {
      this.#queue.delete(item.text);
      this.#busy.set(item.text, item);
      this.#countFile(item, 1);
    }
    return taken;
  }

  /** What is told twice is done once. */
  done(items: readonly Item[]): void {
    for (const item of items) {
      this.#release(item);
      for (const seq of item.seqs) this.#open.delete(seq);
    }
  }

  /** To be worked on again, before all others. */
  putBack(items: readonly Item[]): void {
    const rest = this.#queue;
    this.#queue = new Map();
    for (const item of items) {
      // What is dealt with early may be worked on anew.
      this.#release(item);
      this.#put(item);
    }
    for (const item of rest.values()) this.#put(item);
  }

  #isHeldUp({ key, text }: Item): boolean {
    if (this.#busy.has(text) || this.#filesOf.has(text)) return true;
    return this.#packagesOf(key).some((owner) => this.#busy.has(owner));
  }

  #release(item: Item): void {
    if (this.#busy.get(item.text) !== item) return;
    this.#busy.delete(item.text);
    this.#countFile(item, -1);
  }

  #countFile({ key }: Item, by: 1 | -1): void {
    for (const owner of this.#packagesOf(key)) {
      const count = (this.#filesOf.get(owner) ?? 0) + by;
      if (count === 0) this.#filesOf.delete(owner);
      else this.#filesOf.set(owner, count);
    }
  }

  #put(item: Item): void {
    const known = this.#queue.get(item.text);
    this.#queue.set(item.text, known === undefined ? item : joined(known, item));
  }
}

function joined(a: Item, b: Item): Item {
  const dueAt = b.dueAt ?? a.dueAt;
  return {
    ...a,
    ...(dueAt === undefined ? {} : { dueAt }),
    at: Math.min(a.at, b.at),
    seqs: [...a.seqs, ...b.seqs],
    attempts: Math.max(a.attempts, b.attempts),
  };
}
