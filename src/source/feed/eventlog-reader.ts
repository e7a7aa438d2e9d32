/** One reading of the event log, from a position on, for one follower. */
import type { ObjectId } from 'mongodb';
import type { FeedBatch } from '../../engine/ports/feed.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { SourceDatabase } from '../database/database.ts';
import { eventChanges } from './eventlog-entries.ts';
import { Lateness, secondOf, ToldIds } from './eventlog-memory.ts';
import {
  type EventLogPlace,
  eventLogPosition,
  type NewestEntry,
  type ReadTime,
  readTime,
  SEEN,
} from './eventlog-position.ts';
import { EventLogStore, firstIdOf, isAfter, type LogEntry, logsSince } from './eventlog-store.ts';
import { positionLost } from './feed-errors.ts';
import { ENTRIES_AT_ONCE, type ToldEntries, tell } from './log-batches.ts';
import { type LogCollection, latestSecond, serverNow } from './log-collections.ts';

/** Between two looks. */
const POLL_MS = 250;

/** A pause is so many times as long as the look before it, if that is longer. */
const REST = 4;

/** A sign of life after this time. */
const ALIVE_MS = 5_000;

/** The collections are listed so often: the first entries of a new month wait for it. */
const LIST_MS = 5_000;

/** The whole overlap is read again so often. */
const WIDE_MS = 10_000;

/** Entries of which the lateness is measured: at the start, and then with each reading of the whole overlap. */
const MEASURED_FIRST = 10_000;
const MEASURED = 500;

export interface EventLogOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class EventLogReader {
  readonly #database: SourceDatabase;
  readonly #store: EventLogStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #place: EventLogPlace;
  readonly #told = new ToldIds();
  readonly #lateness = new Lateness();
  #logs: readonly LogCollection[] = [];
  /** All up to it were told, but those that come late. */
  #newest: NewestEntry | undefined;
  #at: number;
  /** The second from which on all that was visible was told by this reading. */
  #readFrom = Number.POSITIVE_INFINITY;
  #saidFull = false;
  /** Monotonic. */
  #alive: number;

  constructor(database: SourceDatabase, place: EventLogPlace, at: Date, { clock, logger }: EventLogOptions) {
    this.#database = database;
    this.#store = new EventLogStore(database);
    this.#clock = clock;
    this.#logger = logger;
    this.#place = place;
    this.#newest = place.newest;
    this.#at = at.getTime();
    this.#alive = clock.monotonic();
  }

  async *read(signal: AbortSignal): AsyncGenerator<FeedBatch> {
    await this.#list(signal);
    await this.#check(signal);
    await this.#measure(MEASURED_FIRST, signal);
    await this.#recall(signal);
    yield* this.#pass('whole', this.#lateness.wide, signal);
    let listed = this.#clock.monotonic();
    let wide = Number.NEGATIVE_INFINITY;
    for (;;) {
      const began = this.#clock.monotonic();
      if (began - listed >= LIST_MS) {
        listed = began;
        await this.#list(signal);
      }
      if (began - wide >= WIDE_MS) {
        wide = began;
        this.#lateness.turn();
        await this.#measure(MEASURED, signal);
        yield* this.#pass('ids', this.#lateness.wide, signal);
      } else yield* this.#pass('ids', this.#lateness.narrow, signal);
      const took = this.#clock.monotonic() - began;
      await this.#clock.sleep(Math.max(POLL_MS, REST * took), signal);
    }
  }

  /** Reads from `overlap` seconds before the newest entry to the end, and tells what was not told. */
  async *#pass(way: 'whole' | 'ids', overlap: number, signal: AbortSignal): AsyncGenerator<FeedBatch> {
    const now = await serverNow(this.#database, signal);
    const latest = latestSecond(now, this.#clock);
    const from = this.#floor(overlap);
    const logs = logsSince(this.#logs, from);
    const pages =
      way === 'whole'
        ? this.#store.entriesBehind(logs, firstIdOf(from), signal)
        : this.#store.idsBehind(logs, firstIdOf(from), signal);
    let held: ToldEntries | undefined;
    for await (const page of pages) {
      const fresh = page.filter(({ _id }) => !this.#told.has(_id));
      for (let start = 0; start < fresh.length; start += ENTRIES_AT_ONCE) {
        const some = fresh.slice(start, start + ENTRIES_AT_ONCE);
        const entries = way === 'whole' ? some : await this.#store.whole(some, signal);
        if (held !== undefined) yield this.#batch(held, latest);
        this.#remember(some, latest);
        held = tell(
          entries.map(({ fields }) => fields),
          eventChanges,
          new Date(this.#at),
        );
      }
      this.#advance(page, latest);
      if (held === undefined && this.#isSilent) yield this.#batch(NOTHING, latest);
    }
    this.#hasRead(from);
    if (held !== undefined || this.#isSilent) {
      this.#at = Math.max(this.#at, now.at);
      yield this.#batch(held ?? NOTHING, latest, readTime(now, await serverNow(this.#database, signal)));
    }
  }

  get #isSilent(): boolean {
    return this.#clock.monotonic() - this.#alive >= ALIVE_MS;
  }

  #batch({ newest = 0, ...told }: ToldEntries, latest: number, read?: ReadTime): FeedBatch {
    this.#alive = this.#clock.monotonic();
    this.#at = Math.max(this.#at, Math.min(newest, latest * 1_000));
    const entry = this.#newest;
    const place = {
      ...(entry === undefined ? {} : { newest: entry, seen: this.#told.counts(secondOf(entry.id), SEEN) }),
      ...(read === undefined ? {} : { read }),
    };
    return { ...told, position: eventLogPosition(place, this.#at) };
  }

  #remember(entries: readonly LogEntry[], latest: number): void {
    const newest = this.#newest === undefined ? 0 : secondOf(this.#newest.id);
    for (const { _id } of entries) {
      this.#told.add(_id);
      const second = secondOf(_id);
      // What is told for the first time from where nothing was read before is not late.
      if (second >= this.#readFrom && second < newest) this.#lateness.saw(newest - second);
    }
    this.#advance(entries, latest);
    if (this.#newest !== undefined) this.#told.forgetBefore(secondOf(this.#newest.id) - this.#lateness.wide);
  }

  /** What claims to be of the future must not carry the overlap away from the others. */
  #advance(entries: readonly LogEntry[], latest: number): void {
    const entry = entries.findLast(({ _id }) => secondOf(_id) <= latest);
    if (entry === undefined) return;
    if (this.#newest !== undefined && !isAfter(entry._id, this.#newest.id)) return;
    this.#newest = { id: entry._id, collection: entry.log.name, uuid: entry.log.uuid };
  }

  /** Seconds since the epoch. */
  #floor(overlap: number): number {
    if (this.#newest === undefined) return 0;
    const newest = secondOf(this.#newest.id);
    return Math.max(newest - overlap, Math.min(newest, this.#told.givenUpBefore));
  }

  /** All from this second on was told, but what was forgotten since. */
  #hasRead(from: number): void {
    const bound = this.#newest === undefined ? 0 : secondOf(this.#newest.id) - this.#lateness.wide;
    this.#readFrom = Math.max(Math.min(this.#readFrom, from), bound, this.#told.givenUpBefore);
    if (this.#told.givenUpBefore === 0 || this.#saidFull) return;
    this.#saidFull = true;
    this.#logger.warn(
      'The event log has more entries than can be remembered: late ones may be found by comparing only',
      {
        remembered: this.#told.size,
        overlapSeconds: this.#lateness.wide,
      },
    );
  }

  async #list(signal: AbortSignal): Promise<void> {
    this.#logs = await this.#store.logs(signal);
    if (this.#newest === undefined) return;
    const { collection, uuid } = this.#newest;
    const log = this.#logs.find(({ name }) => name === collection);
    if (log === undefined) throw positionLost(`the event log "${collection}" is not there any more`);
    if (log.uuid !== uuid) throw positionLost(`the event log "${collection}" was made anew`);
  }

  async #check(signal: AbortSignal): Promise<void> {
    if (this.#newest === undefined) return;
    const { collection, id } = this.#newest;
    if (!(await this.#store.has(collection, id, signal)))
      throw positionLost(`the last entry that was read is not in "${collection}" any more`);
  }

  async #measure(count: number, signal: AbortSignal): Promise<void> {
    const latest = latestSecond(await serverNow(this.#database, signal), this.#clock);
    for (const ids of await this.#store.latest(this.#logs.slice(-2), count, signal))
      this.#lateness.sawInOrder(ids, latest);
  }

  /** A second of which there are as many entries as were told is not told again. */
  async #recall(signal: AbortSignal): Promise<void> {
    const { seen } = this.#place;
    if (seen === undefined) return;
    let ids: ObjectId[] = [];
    const recall = (): void => {
      const [first] = ids;
      if (first !== undefined && ids.length === seen.counts[secondOf(first) - seen.from])
        for (const id of ids) this.#told.add(id);
      ids = [];
    };
    for await (const page of this.#store.idsBehind(logsSince(this.#logs, seen.from), firstIdOf(seen.from), signal))
      for (const { _id } of page) {
        if (secondOf(_id) >= seen.from + seen.counts.length) {
          recall();
          return;
        }
        const [first] = ids;
        if (first !== undefined && secondOf(first) !== secondOf(_id)) recall();
        ids.push(_id);
      }
    recall();
  }
}

const NOTHING: ToldEntries = { changes: [], unknown: 0 };
