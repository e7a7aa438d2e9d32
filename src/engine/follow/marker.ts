/**
 * Puts marks on dirty keys, in one order for all far sides. Guarantees: what `mark` has answered for is durable; a key that
 * waits for every far side is not marked again, however often it changes meanwhile; nobody is told of a mark while an
 * earlier one is not durable.
 */
import type { DirtyKey, FollowJournal, Mark } from '../ports/follow-journal.ts';
import { keyText } from './dirty-keys.ts';

/** Marks of one epoch. */
const EPOCH = 2 ** 33;

export class Marker {
  readonly #journal: Pick<FollowJournal, 'mark'>;
  /** Keys that no far side has taken, with their seq, in its order. */
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
}
