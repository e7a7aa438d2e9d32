/** Remembers how many details a filter leaves, so that turning the pages of a large record counts once. */
import type { Clock } from '../lib/clock.ts';
import type { DetailFilter, RunRecord } from './records.ts';

const MAX_TOTALS = 1_000;
/** Characters; longer questions are counted each time. */
const MAX_KEY = 1_000;

export class DetailTotals {
  readonly #clock: Clock;
  /** Milliseconds after a run's end within which a batch of its details may still arrive. */
  readonly #settleMs: number;
  readonly #totals = new Map<string, number>();

  constructor(clock: Clock, settleMs: number) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** What `count` says, or has said of a record whose details change no more. */
  async of(record: RunRecord, filter: DetailFilter, count: () => Promise<number>): Promise<number> {
    const key = `${record.id} ${JSON.stringify(Object.entries(filter).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
    if (key.length > MAX_KEY || !this.#settled(record)) return count();
    const total = this.#totals.get(key) ?? (await count());
    // The one asked for last goes to the end; the first is the one that was not asked for longest.
    this.#totals.delete(key);
    this.#totals.set(key, total);
    for (const oldest of this.#totals.keys()) {
      if (this.#totals.size <= MAX_TOTALS) break;
      this.#totals.delete(oldest);
    }
    return total;
  }

  #settled({ endTime, detailsGone }: RunRecord): boolean {
    return endTime !== undefined && detailsGone !== true && this.#clock.now() - endTime.getTime() > this.#settleMs;
  }
}
