/**
 * Puts marks on dirty keys, in one order for all far sides. Guarantees: what `mark` has answered for is durable; a key that
 * waits for every far side is not marked again, however often it changes meanwhile, unless very many others have come
 * behind it; nobody is told of a mark while an earlier one is not durable. Memory: {@link WAITING_KEPT} keys.
 */
import type { DirtyKey, FollowJournal, Mark } from '../ports/follow-journal.ts';
import { keyText } from './dirty-keys.ts';

/** Marks of one epoch. */
const EPOCH = 2 ** 33;
/** One that is not remembered is marked again, which costs a write and moves it behind the others. */
const WAITING_KEPT = 50_000;

export class Marker {
  readonly #journal: Pick<FollowJournal, 'mark'>;
  /** The last keys that no far side has taken, with their seq, in its order. */
  readonly #waiting = new Map<string, number>();
  #allotted: number;
  #durable: number;
  #taken: number;
  readonly #listeners: (() => void)[] = [];

  constructor(journal: Pick<FollowJournal, 'mark' | 'state'>) {
    this.#journal = journal;
    const { epoch, lastSeq } = journal.state;
    this.#allotted = Math.max(lastSeq, epoch * EPOCH);
    this.#durable = lastSeq;
    this.#taken = this.#allotted;
  }

  /** All marks up to this one can be read. */
  get durable(): number {
    return this.#durable;
  }

  /** Called with all marks to come. */
  onNext(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** One call at a time. */
  async mark(changes: readonly { readonly key: DirtyKey; readonly at: Date }[], signal: AbortSignal): Promise<void> {
    const marks = new Map<string, Mark>();
    for (const { key, at } of changes) {
      const text = keyText(key);
      if (marks.has(text) || (this.#waiting.get(text) ?? 0) > this.#taken) continue;
      this.#allotted += 1;
      marks.set(text, { key, seq: this.#allotted, at });
    }
    if (marks.size === 0) return;
    await this.#journal.mark([...marks.values()], signal);
    // Not before: what could not be written does not wait for anybody, and is marked again.
    for (const [text, { seq }] of marks) {
      this.#waiting.delete(text);
      this.#waiting.set(text, seq);
    }
    this.#forgetFirst(this.#waiting.size - WAITING_KEPT);
    this.#durable = this.#allotted;
    for (const listener of this.#listeners) listener();
  }

  /** A far side has taken all marks up to this one: what changes from now on is to be marked anew. */
  taken(seq: number): void {
    this.#taken = Math.max(this.#taken, seq);
    for (const [text, waiting] of this.#waiting) {
      if (waiting > this.#taken) return;
      this.#waiting.delete(text);
    }
  }

  #forgetFirst(count: number): void {
    let left = count;
    for (const text of this.#waiting.keys()) {
      if (left <= 0) return;
      this.#waiting.delete(text);
      left -= 1;
    }
  }
}
