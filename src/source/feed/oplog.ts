/**
 * The capped operation log, read with a tailable cursor. Guarantees: every entry behind a position is told, in the order in
 * which it was inserted; a log that has wrapped past the position, was emptied, dropped, made again or converted since is
 * `FeedPositionLost`; an entry that is not understood is counted. Between two batches nothing is kept in memory.
 *
 * Does not guarantee that the log has an entry for every change: bk-repo writes it after the change, and not for all.
 */
import { type Document, MongoServerError, type ObjectId } from 'mongodb';
import { ReplicationError } from '../../domain/errors.ts';
import type { ChangeFeed, FeedBatch, FeedPosition } from '../../engine/ports/feed.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';
import { positionLost } from './feed-errors.ts';
import { tell } from './log-batches.ts';
import { type LogCollection, listLogs, serverNow } from './log-collections.ts';
import { OplogCursor, type OplogDocument } from './oplog-cursor.ts';
import { oplogChanges } from './oplog-entries.ts';
import { idText, type OplogPlace, oplogPlace, oplogPosition } from './oplog-position.ts';
import { hasWrapped, oplogSize } from './oplog-size.ts';

/** A sign of life after this time. */
const ALIVE_MS = 5_000;

/** A cursor on an empty log ends at once, and is opened again after this time. */
const EMPTY_MS = 500;

/** An entry that claims to be further ahead of our clock does not move the time of the position. */
const AHEAD_MS = 15 * 60_000;

/** Entries that may be overwritten between counting those before a place and going there. */
const SPARE = 1_000;

/** Ids of one page: some 250 KB. */
const IDS_AT_ONCE = 10_000;

/** The server's code for a cursor whose place in a capped collection was overwritten. */
const CAPPED_POSITION_LOST = 136;

export interface OplogOptions {
  /** Name of the collection. */
  readonly collection: string;
  readonly clock: Clock;
}

/** bk-repo's are ObjectIds; whatever else somebody wrote is found as well. */
interface StoredEntry extends Document {
  readonly _id: ObjectId;
}

/** Looks at nothing before it is asked. */
export function openOplog(database: SourceDatabase, options: OplogOptions): ChangeFeed {
  const reader = new OplogReader(database, options);
  return {
    kind: 'oplog',
    name: options.collection,
    end: (signal) => reader.end(signal),
    read: (from, signal) => reader.read(from, signal),
  };
}

class OplogReader {
  readonly #database: SourceDatabase;
  readonly #name: string;
  readonly #clock: Clock;

  constructor(database: SourceDatabase, { collection, clock }: OplogOptions) {
    this.#database = database;
    this.#name = collection;
    this.#clock = clock;
  }

  async end(signal: AbortSignal): Promise<FeedPosition> {
    const { at } = await serverNow(this.#database, signal);
    const log = await this.#log(signal);
    if (log?.capped !== true) {
      const message = `the operation log "${this.#name}" is ${log === undefined ? 'not there' : 'not capped'} any more`;
      throw new ReplicationError('retryable', 'FeedChanged', message);
    }
    const newest = await this.#told(signal, () =>
      this.#collection().findOne(
        {},
        { sort: { $natural: -1 }, projection: { _id: 1 }, readPreference: 'primary', signal },
      ),
    );
    return oplogPosition({ uuid: log.uuid, ...(newest === null ? {} : { id: newest._id }) }, at);
  }

  async *read(from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch> {
    let position = from;
    let alive = this.#clock.monotonic();
    for (;;) {
      for await (const batch of this.#tail(position, signal)) {
        ({ position } = batch);
        alive = this.#clock.monotonic();
        yield batch;
      }
      await this.#clock.sleep(EMPTY_MS, signal);
      if (this.#clock.monotonic() - alive < ALIVE_MS) continue;
      alive = this.#clock.monotonic();
      yield { ...NOTHING, position };
    }
  }

  /** Reads behind `from` until the server ends the cursor, as it does while the log is empty. */
  async *#tail(from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch> {
    const place = oplogPlace(from);
    await this.#check(place, signal);
    const skip = place.id === undefined ? 0 : yield* this.#before(place.id, from, signal);
    // The second time when more was overwritten meanwhile than there was to spare.
    for (const start of skip === 0 ? [0] : [skip, 0]) {
      const { at: now } = await serverNow(this.#database, signal);
      const cursor = new OplogCursor(this.#database, this.#name, start);
      try {
        const behind = yield* this.#find(cursor, place, from, signal);
        if (behind === undefined) continue;
        yield* this.#follow(cursor, behind, { place, at: from.at.getTime(), now }, signal);
        return;
      } finally {
        await cursor.close();
      }
    }
    throw this.#gone();
  }

  /** `behind`: what came with the place itself; `now`: the time of the server before that. */
  async *#follow(
    cursor: OplogCursor,
    behind: readonly OplogDocument[],
    { place, at: from, now: before }: { readonly place: OplogPlace; readonly at: number; readonly now: number },
    signal: AbortSignal,
  ): AsyncGenerator<FeedBatch> {
    let [at, now, last] = [from, before, place];
    for (let entries = behind; ; entries = await this.#told(signal, () => cursor.next(signal))) {
      if (entries.length > 0) {
        const { newest = 0, ...told } = tell(entries, oplogChanges, new Date(at));
        at = Math.max(at, Math.min(newest, this.#clock.now() + AHEAD_MS));
        last = { ...place, id: entries.at(-1)?._id };
        yield { ...told, position: oplogPosition(last, at) };
      } else if (cursor.ended) return;
      else if (entries !== behind) {
        at = Math.max(at, now);
        yield { ...NOTHING, position: oplogPosition(last, at) };
        ({ at: now } = await serverNow(this.#database, signal));
      }
    }
  }

  /** Fails with `FeedPositionLost` when it is certain that what is behind a place is not all there any more. */
  async #check({ uuid, id }: OplogPlace, signal: AbortSignal): Promise<void> {
    const log = await this.#log(signal);
    if (log === undefined) throw positionLost(`the operation log "${this.#name}" is not there any more`);
    if (log.uuid !== uuid) throw positionLost(`the operation log "${this.#name}" was made anew, or converted`);
    if (!log.capped) throw positionLost(`the operation log "${this.#name}" is not capped`);
    if (id !== undefined) {
      // By its index, so that a lost place is known before the whole log is read.
      const find = () =>
        this.#collection().findOne(
          { _id: id as ObjectId },
          { projection: { _id: 1 }, readPreference: 'primary', signal },
        );
      if ((await this.#told(signal, find)) === null) throw this.#gone();
    } else if (hasWrapped(await oplogSize(this.#database, this.#name, signal)))
      throw positionLost(`the operation log "${this.#name}" was empty, and may have wrapped since`);
  }

  /** How many entries are certainly before `id`, or some fewer: counted from the newest, as places are lost at the other end. */
  async *#before(id: unknown, from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch, number> {
    const wanted = idText(id);
    const { count } = await oplogSize(this.#database, this.#name, signal);
    const options = { projection: { _id: 1 }, batchSize: IDS_AT_ONCE, readPreference: 'primary', signal } as const;
    const ids = this.#collection().find({}, { ...options, sort: { $natural: -1 } });
    try {
      let behind = 0;
      let alive = this.#clock.monotonic();
      for (;;) {
        const first = await this.#told(signal, () => ids.next());
        if (first === null) throw this.#gone();
        const some = [first, ...ids.readBufferedDocuments()];
        const found = some.findIndex(({ _id }) => idText(_id) === wanted);
        if (found >= 0) return Math.max(0, count - behind - found - SPARE);
        behind += some.length;
        if (this.#clock.monotonic() - alive < ALIVE_MS) continue;
        alive = this.#clock.monotonic();
        yield { ...NOTHING, position: from };
      }
    } finally {
      await ids.close();
    }
  }

  /** Moves a new cursor behind `place`; the entries behind it that came with it. Absent = it is not there. */
  async *#find(
    cursor: OplogCursor,
    { id }: OplogPlace,
    from: FeedPosition,
    signal: AbortSignal,
  ): AsyncGenerator<FeedBatch, readonly OplogDocument[] | undefined> {
    const wanted = id === undefined ? undefined : idText(id);
    let alive = this.#clock.monotonic();
    for (;;) {
      const entries = await this.#told(signal, () => cursor.next(signal));
      if (wanted === undefined) return entries;
      if (entries.length === 0) return undefined;
      const found = entries.findIndex(({ _id }) => idText(_id) === wanted);
      if (found >= 0) return entries.slice(found + 1);
      if (this.#clock.monotonic() - alive < ALIVE_MS) continue;
      alive = this.#clock.monotonic();
      yield { ...NOTHING, position: from };
    }
  }

  async #log(signal: AbortSignal): Promise<LogCollection | undefined> {
    return (await listLogs(this.#database, { name: this.#name }, signal))[0];
  }

  #collection() {
    return this.#database.collection<StoredEntry>(this.#name);
  }

  #gone(): ReplicationError {
    return positionLost(
      `the last entry that was read is not in the operation log "${this.#name}" any more: it has wrapped`,
    );
  }

  async #told<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    return await classified(`the operation log "${this.#name}"`, signal, async () => {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof MongoServerError && error.code === CAPPED_POSITION_LOST)
          throw positionLost(`the operation log "${this.#name}" wrapped faster than it was read`, error);
        throw error;
      }
    });
  }
}

const NOTHING = { changes: [], unknown: 0 } as const;
