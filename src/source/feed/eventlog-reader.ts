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
} from './eventlog-position.ts';
import { EventLogStore, firstIdOf, isAfter, type LogEntry, logsSince } from './eventlog-store.ts';
import { positionLost } from './feed-errors.ts';
import { ENTRIES_AT_ONCE, type ToldEntries, tell } from './log-batches.ts';
import { type LogCollection, latestSecond, type ServerNow, serverNow } from './log-collections.ts';

/** Between two looks. */
const POLL_MS = 250;

/** A pause is so many times as long as the look before it, if that is longer. */
const REST = 2;

/** Of the whole overlap, with each look. */
const PAGES_AT_ONCE = 2;

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

/** A reading of the whole overlap, some pages at a time. */
interface Scan {
  /** As it began. */
  readonly before: ServerNow;
  /** Seconds since the epoch. */
  readonly from: number;
  /** Of the newest entry there was as it began: what becomes visible later is so much older at most as entries are late. */
  readonly base: number;
  readonly pages: AsyncGenerator<readonly LogEntry[]>;
  done: boolean;
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
  /** Of the last scan. */
  #base: number;
  #at: number;
  /** The second from which on all that was visible was told by this reading. */
  #readFrom = Number.POSITIVE_INFINITY;
  /** Since then nothing was told with a position that says so. */
  #readWhole: ServerNow | undefined;
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
    this.#base = place.base;
    this.#at = at.getTime();
    this.#alive = clock.monotonic();
  }

  async *read(signal: AbortSignal): AsyncGenerator<FeedBatch> {
    await this.#list(signal);
    await this.#check(signal);
    await this.#measure(MEASURED_FIRST, signal);
    await this.#recall(signal);
    const whole = await this.#beginScan(signal);
    yield* this.#tell(this.#allBehind(whole, signal), whole, signal);
    let scanned = this.#clock.monotonic();
    let listed = scanned;
    let scan: Scan | undefined;
    for (;;) {
      const began = this.#clock.monotonic();
      if (began - listed >= LIST_MS) {
        listed = began;
        await this.#list(signal);
      }
      if (scan === undefined && began - scanned >= WIDE_MS) {
        scanned = began;
        this.#lateness.turn();
        await this.#measure(MEASURED, signal);
        scan = await this.#beginScan(signal);
      }
      let others = 0;
      for await (const batch of this.#tell(this.#newAndLate(scan, signal), scan, signal)) {
        const given = this.#clock.monotonic();
        yield batch;
        others += this.#clock.monotonic() - given;
      }
      if (scan?.done === true) scan = undefined;
      const took = this.#clock.monotonic() - began - others;
      await this.#clock.sleep(Math.max(POLL_MS, REST * took), signal);
    }
  }

  /** Tells what of these pages was not told; they may be the last of `scan`. */
  async *#tell(
    pages: AsyncIterable<readonly LogEntry[]>,
    scan: Scan | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<FeedBatch> {
    const now = await serverNow(this.#database, signal);
    const latest = latestSecond(now, this.#clock);
    let held = NOTHING;
    for await (const page of pages) {
      const fresh = page.filter(({ _id }) => !this.#told.has(_id));
      for (let start = 0; start < fresh.length; start += ENTRIES_AT_ONCE) {
        const some = fresh.slice(start, start + ENTRIES_AT_ONCE);
        const entries = await this.#store.fieldsOf(some, signal);
        if (this.#isDue(held)) yield this.#batch(held, latest);
        this.#remember(some, latest);
        held = tell(entries, eventChanges, new Date(this.#at));
      }
      this.#advance(page, latest);
      if (held === NOTHING && this.#isDue(held)) yield this.#batch(held, latest);
    }
    if (scan?.done === true) this.#endScan(scan);
    if (!this.#isDue(held)) return;
    const before = this.#readWhole;
    const read = before === undefined ? undefined : readTime(before, await serverNow(this.#database, signal));
    this.#readWhole = undefined;
    this.#at = Math.max(this.#at, now.at);
    yield this.#batch(held, latest, read);
  }

  /** At the start: of entries up to the newest few are new, so only their ids are asked for; behind it all are. */
  async *#allBehind(scan: Scan, signal: AbortSignal): AsyncGenerator<readonly LogEntry[]> {
    const newest = this.#newest?.id;
    if (newest !== undefined) yield* scan.pages;
    // From here on each entry is read once, up to the end: what becomes visible meanwhile is not among those that were read.
    this.#base = scan.base;
    this.#told.forgetBefore(this.#oldest);
    const after = newest ?? firstIdOf(scan.from);
    yield* this.#store.entriesBehind(logsSince(this.#logs, scan.from), after, signal);
    scan.done = true;
  }

  /** Some pages of the whole overlap, which must not make the newest wait, and the last seconds. */
  async *#newAndLate(scan: Scan | undefined, signal: AbortSignal): AsyncGenerator<readonly LogEntry[]> {
    for (let pages = 0; scan !== undefined && !scan.done && pages < PAGES_AT_ONCE; pages += 1) {
      const { done, value } = await scan.pages.next();
      scan.done = done === true;
      if (value !== undefined) yield value;
    }
    const newest = this.#newest?.id;
    const from = newest === undefined ? 0 : this.#notGivenUp(secondOf(newest) - this.#lateness.narrow);
    yield* this.#store.idsBehind(logsSince(this.#logs, from), firstIdOf(from), signal);
  }

  async #beginScan(signal: AbortSignal): Promise<Scan> {
    const before = await serverNow(this.#database, signal);
    const last = await this.#store.newest(this.#logs, latestSecond(before, this.#clock), signal);
    const newest = this.#newest?.id;
    const from = newest === undefined ? 0 : this.#notGivenUp(Math.min(secondOf(newest), this.#oldest));
    const pages = this.#store.idsBehind(logsSince(this.#logs, from), firstIdOf(from), signal, newest);
    return { before, from, base: last === undefined ? this.#base : secondOf(last._id), pages, done: false };
  }

  #endScan({ before, from, base }: Scan): void {
    this.#base = base;
    this.#told.forgetBefore(this.#oldest);
    this.#readFrom = Math.max(Math.min(this.#readFrom, from), this.#oldest, this.#told.givenUpBefore);
    this.#readWhole = before;
    if (this.#told.givenUpBefore === 0 || this.#saidFull) return;
    this.#saidFull = true;
    const fields = { remembered: this.#told.size, overlapSeconds: this.#lateness.wide };
    this.#logger.warn(
      'The event log has more entries than can be remembered: late ones may be found by comparing only',
      fields,
    );
  }

  /** The second from which on entries may become visible that were not when the last scan began. */
  get #oldest(): number {
    return this.#base - this.#lateness.wide;
  }

  #notGivenUp(second: number): number {
    const newest = this.#newest === undefined ? 0 : secondOf(this.#newest.id);
    return Math.max(second, Math.min(newest, this.#told.givenUpBefore));
  }

  /** What tells of no change, as of what was read only, waits until a sign of life is due. */
  #isDue({ changes, unknown }: ToldEntries): boolean {
    return changes.length > 0 || unknown > 0 || this.#clock.monotonic() - this.#alive >= ALIVE_MS;
  }

  #batch({ newest = 0, ...told }: ToldEntries, latest: number, read?: ReadTime): FeedBatch {
    this.#alive = this.#clock.monotonic();
    this.#at = Math.max(this.#at, Math.min(newest, latest * 1_000));
    const entry = this.#newest;
    const place = {
      ...(entry === undefined ? {} : { newest: entry, seen: this.#told.seen(this.#base, secondOf(entry.id)) }),
      base: this.#base,
      ...(read === undefined ? {} : { read }),
    };
    return { ...told, position: eventLogPosition(place, this.#at) };
  }

  #remember(entries: readonly LogEntry[], latest: number): void {
    for (const { _id } of entries) {
      const second = secondOf(_id);
      // What is older is not read again.
      if (second >= this.#oldest) this.#told.add(_id);
      // What is told for the first time from where nothing was read before is not late.
      if (second >= this.#readFrom && second < this.#base) this.#lateness.saw(this.#base - second);
    }
    this.#advance(entries, latest);
  }

  /** What claims to be of the future must not carry the overlap away from the others. */
  #advance(entries: readonly LogEntry[], latest: number): void {
    const entry = entries.findLast(({ _id }) => secondOf(_id) <= latest);
    if (entry === undefined) return;
    if (this.#newest !== undefined && !isAfter(entry._id, this.#newest.id)) return;
    this.#newest = { id: entry._id, collection: entry.log.name, uuid: entry.log.uuid };
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
