/**
 * The collections of the event log (contract §4.2) as one: `artifact_oplog`, and one for each month. Which month an entry is
 * written to is a matter of its server's clock and time zone, so around the turn of a month several are written to.
 */
import { type Document, ObjectId } from 'mongodb';
import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';
import { EVENT_LOG_FIELDS } from './eventlog-entries.ts';
import { type LogCollection, listLogs } from './log-collections.ts';
import type { Fields } from './log-fields.ts';

export const EVENT_LOG = 'artifact_oplog';
const MONTHLY = /_(\d{4})(\d{2})$/;

/** Clocks and time zones differ by less. Seconds. */
const MARGIN = 2 * 24 * 3_600;

/** Ids of one page: some 250 KB. */
const IDS_AT_ONCE = 10_000;

/** Entries of one page. */
const WHOLE_AT_ONCE = 1_000;

export interface LogEntry {
  readonly _id: ObjectId;
  readonly log: LogCollection;
  /** Absent where only ids were asked for. */
  readonly fields?: Fields;
}

type Query = { readonly filter: Document; readonly sort: Record<string, 1 | -1>; readonly limit: number };

const ID_ONLY = { _id: 1 } as const;

export class EventLogStore {
  readonly #database: SourceDatabase;

  constructor(database: SourceDatabase) {
    this.#database = database;
  }

  /** All there are, the oldest month first. */
  async logs(signal: AbortSignal): Promise<readonly LogCollection[]> {
    return await listLogs(this.#database, { name: { $regex: `^${EVENT_LOG}(_[0-9]{6})?$` } }, signal);
  }

  async has(name: string, id: ObjectId, signal: AbortSignal): Promise<boolean> {
    const found = await this.#find(name, { filter: { _id: id }, sort: { _id: 1 }, limit: 1 }, ID_ONLY, signal);
    return found.length > 0;
  }

  /** The entry with the greatest id of those that are not after `second` (since the epoch). */
  async newest(logs: readonly LogCollection[], second: number, signal: AbortSignal): Promise<LogEntry | undefined> {
    let newest: LogEntry | undefined;
    for (const log of logs) {
      const query: Query = { filter: { _id: { $lt: firstIdOf(second + 1) } }, sort: { _id: -1 }, limit: 1 };
      const [last] = await this.#entries(log, query, ID_ONLY, signal);
      if (last !== undefined && (newest === undefined || isAfter(last._id, newest._id))) newest = last;
    }
    return newest;
  }

  /** The ids that became visible last, in the order in which they did, by collection. */
  async latest(logs: readonly LogCollection[], limit: number, signal: AbortSignal): Promise<readonly ObjectId[][]> {
    const lists: ObjectId[][] = [];
    for (const log of logs) {
      const found = await this.#find(log.name, { filter: {}, sort: { $natural: -1 }, limit }, ID_ONLY, signal);
      lists.push(found.flatMap(({ _id }) => (isId(_id) ? [_id] : [])).toReversed());
    }
    return lists;
  }

  /** Ids alone, ascending over all collections, up to `last`. */
  idsBehind(
    logs: readonly LogCollection[],
    after: ObjectId,
    signal: AbortSignal,
    last?: ObjectId,
  ): AsyncGenerator<readonly LogEntry[]> {
    return this.#behind(logs, { after, ...(last === undefined ? {} : { last }) }, IDS_AT_ONCE, ID_ONLY, signal);
  }

  /** Whole entries, ascending over all collections. */
  entriesBehind(
    logs: readonly LogCollection[],
    after: ObjectId,
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogEntry[]> {
    return this.#behind(logs, { after }, WHOLE_AT_ONCE, wanted(), signal);
  }

  /** The fields of entries; without those that were removed meanwhile. */
  async fieldsOf(entries: readonly LogEntry[], signal: AbortSignal): Promise<readonly Fields[]> {
    const known = entries.flatMap(({ fields }) => (fields === undefined ? [] : [fields]));
    if (known.length === entries.length) return known;
    const found: Fields[] = [];
    for (const [log, ours] of Map.groupBy(entries, (entry) => entry.log)) {
      const ids = ours.map(({ _id }) => _id);
      const query: Query = { filter: { _id: { $in: ids } }, sort: { _id: 1 }, limit: ids.length };
      found.push(...(await this.#find(log.name, query, wanted(), signal)));
    }
    return found;
  }

  async *#behind(
    logs: readonly LogCollection[],
    { after: from, last }: { readonly after: ObjectId; readonly last?: ObjectId },
    size: number,
    projection: Document,
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogEntry[]> {
    const upTo = last === undefined ? {} : { $lte: last };
    for (let after = from; ; ) {
      const pages: (readonly LogEntry[])[] = [];
      const query: Query = { filter: { _id: { $gt: after, ...upTo } }, sort: { _id: 1 }, limit: size };
      for (const log of logs) pages.push(await this.#entries(log, query, projection, signal));
      // Of a page that is full nobody knows what is behind it, so others must not go beyond it.
      const ends = pages.filter((page) => page.length === size).map((page) => page[size - 1]?._id);
      const end = ends.reduce((a, b) => (a !== undefined && b !== undefined && isAfter(a, b) ? b : a), ends[0]);
      const merged = pages.flat().filter(({ _id }) => end === undefined || !isAfter(_id, end));
      yield pages.length === 1 ? merged : merged.toSorted(byId);
      if (end === undefined) return;
      after = end;
    }
  }

  async #entries(
    log: LogCollection,
    query: Query,
    projection: Document,
    signal: AbortSignal,
  ): Promise<readonly LogEntry[]> {
    const found = await this.#find(log.name, query, projection, signal);
    return found.map((fields) => ({ _id: fields._id, log, ...(projection === ID_ONLY ? {} : { fields }) }));
  }

  async #find(
    name: string,
    { filter, sort, limit }: Query,
    projection: Document,
    signal: AbortSignal,
  ): Promise<readonly (Document & { readonly _id: ObjectId })[]> {
    return await classified(`the event log "${name}"`, signal, () =>
      this.#database
        .collection<Document & { readonly _id: ObjectId }>(name)
        .find(filter, {
          projection,
          sort,
          limit,
          batchSize: limit + 1,
          readPreference: 'primary',
          enableUtf8Validation: false,
          maxTimeMS: this.#database.maxTimeMs,
          signal,
        })
        .toArray(),
    );
  }
}

/** Those that may have entries of `second` (since the epoch) or later. */
export function logsSince(logs: readonly LogCollection[], second: number): readonly LogCollection[] {
  return logs.filter(({ name }) => {
    const [, year, month] = MONTHLY.exec(name) ?? [];
    return month === undefined || Date.UTC(Number(year), Number(month)) / 1_000 + MARGIN > second;
  });
}

/** No id of this second (since the epoch) is before it. */
export function firstIdOf(second: number): ObjectId {
  return ObjectId.createFromTime(Math.max(0, second));
}

/** Nothing else is found by a range of ids, and bk-repo writes nothing else. */
function isId(id: unknown): id is ObjectId {
  return id instanceof ObjectId;
}

export function isAfter(one: ObjectId, other: ObjectId): boolean {
  return one.toHexString() > other.toHexString();
}

function byId(one: LogEntry, other: LogEntry): number {
  if (one._id.equals(other._id)) return 0;
  return isAfter(one._id, other._id) ? 1 : -1;
}

function wanted(): Document {
  return Object.fromEntries(EVENT_LOG_FIELDS.map((field) => [field, 1]));
}
