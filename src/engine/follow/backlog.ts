/**
 * What one far side has taken and not finished. Guarantees: a key is never worked on twice at once; what comes for it
 * meanwhile waits; the cursor stands before the first mark that is not dealt with.
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
}

export class Backlog {
  /** By the text of their keys, in the order in which they came. */
  #queue = new Map<string, Item>();
  readonly #busy = new Map<string, Item>();
  /** Marks that are not dealt with, in their order. */
  readonly #open = new Set<number>();
  #readUpTo: number;

  constructor(cursor: number) {
    this.#readUpTo = cursor;
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
    for (const { key, at, attempts } of retries) {
      const text = keyText(key);
      if (!this.#busy.has(text)) this.#put({ key, text, at: at.getTime(), seqs: [], attempts });
    }
  }

  /** At most `count`; none whose key is being worked on. */
  take(count: number): readonly Item[] {
    const taken: Item[] = [];
    for (const [text, item] of this.#queue) {
      if (taken.length >= count) break;
      if (this.#busy.has(text)) continue;
      this.#queue.delete(text);
      this.#busy.set(text, item);
      taken.push(item);
    }
    return taken;
  }

  /** What is told twice is done once. */
  done(items: readonly Item[]): void {
    for (const item of items) {
      if (this.#busy.get(item.text) === item) this.#busy.delete(item.text);
      for (const seq of item.seqs) this.#open.delete(seq);
    }
  }

  /** To be worked on again, before all others. */
  putBack(items: readonly Item[]): void {
    const rest = this.#queue;
    this.#queue = new Map();
    for (const item of items) {
      // What is dealt with early may be worked on anew.
      if (this.#busy.get(item.text) === item) this.#busy.delete(item.text);
      this.#put(item);
    }
    for (const item of rest.values()) this.#put(item);
  }

  #put(item: Item): void {
    const known = this.#queue.get(item.text);
    this.#queue.set(item.text, known === undefined ? item : joined(known, item));
  }
}

function joined(a: Item, b: Item): Item {
  return {
    ...a,
    at: Math.min(a.at, b.at),
    seqs: [...a.seqs, ...b.seqs],
    attempts: Math.max(a.attempts, b.attempts),
  };
}
