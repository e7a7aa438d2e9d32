/**
 * One reader of a feed for all who are near the same place in it, and what it read last. Guarantees: it reads on only when
 * one of its members has dealt with all that was read; nobody waits for a slower one; memory is bounded by
 * {@link CHANGES_KEPT}, and whoever is further behind has fallen out; a failure is told to everybody who waits.
 */
import type { FeedBatch, FeedPosition } from '../../engine/ports/feed.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import type { OrderedFeed } from './ordered-feed.ts';

const CHANGES_KEPT = 20_000;
const BATCHES_KEPT = 200;

interface Kept {
  readonly batch: FeedBatch;
  /** Where it begins. */
  readonly start: FeedPosition;
}

export class ReadingGroup {
  readonly #feed: OrderedFeed;
  readonly #batches: AsyncIterator<FeedBatch>;
  readonly #stop = new AbortController();
  readonly #ended: () => void;
  #kept: Kept[] = [];
  /** Number of the oldest batch that is kept. */
  #first = 0;
  #changes = 0;
  /** Behind all that was read. */
  #head: FeedPosition;
  #reading: Promise<void> | undefined;
  #members = 0;

  /** `ended` is called when it reads no more: with its last member, with a failure, or with both. */
  constructor(feed: OrderedFeed, from: FeedPosition, ended: () => void) {
    this.#feed = feed;
    this.#head = from;
    this.#ended = ended;
    this.#batches = feed.read(from, this.#stop.signal)[Symbol.asyncIterator]();
  }

  /** The number of the batch with which somebody at `position` goes on without missing anything; absent = not here. */
  entrance(position: FeedPosition): number | undefined {
    if ((this.#feed.order(this.#head, position) ?? 0) < 0) return undefined;
    if (this.#isUpTo(this.#head, position)) return this.#first + this.#kept.length;
    const behind = this.#kept.findLastIndex(({ start }) => this.#isUpTo(start, position));
    return behind < 0 ? undefined : this.#first + behind;
  }

  join(): void {
    this.#members += 1;
  }

  async leave(): Promise<void> {
    this.#members -= 1;
    if (this.#members > 0) return;
    this.#ended();
    this.#stop.abort(new Error('nobody reads the feed any more'));
    // What fails now has nobody to tell it to.
    await Promise.allSettled([this.#reading, this.#batches.return?.()]);
  }

  /** Absent = it is kept no more. Fails as the feed does, or with the reason of the signal. */
  async batch(number: number, signal: AbortSignal): Promise<FeedBatch | undefined> {
    for (;;) {
      signal.throwIfAborted();
      if (number < this.#first) return undefined;
      const kept = this.#kept[number - this.#first];
      if (kept !== undefined) return kept.batch;
      this.#reading ??= this.#read();
      await orAborted(this.#reading, signal);
    }
  }

  #isUpTo(one: FeedPosition, other: FeedPosition): boolean {
    return (this.#feed.order(one, other) ?? 1) <= 0;
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#batches.next();
      if (done === true) throw new Error('a feed ended without an error');
      this.#keep(value);
      this.#reading = undefined;
    } catch (error) {
      this.#ended();
      throw error;
    }
  }

  #keep(batch: FeedBatch): void {
    this.#kept.push({ batch, start: this.#head });
    this.#changes += batch.changes.length;
    this.#head = batch.position;
    while (this.#kept.length > BATCHES_KEPT || this.#changes > CHANGES_KEPT) {
      this.#changes -= this.#kept.shift()?.batch.changes.length ?? 0;
      this.#first += 1;
    }
  }
}
