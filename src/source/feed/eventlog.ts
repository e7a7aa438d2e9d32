/**
 * The event log `artifact_oplog` (contract §4.2). It is not capped, so it is read by `_id`, again and again the last part of
 * it, as entries become visible later than others with greater ids. Guarantees: every entry that becomes visible behind a
 * position is told, as long as it is no later than the overlap: a minute, and what was measured of how late entries come, up
 * to half an hour; a collection that was dropped, made again or cleared past the position is `FeedPositionLost`; an entry
 * that is not understood is counted. Memory: the ids within the overlap.
 *
 * Does not guarantee that the log has an entry for every change (the fixture's README lists what it never says), nor that
 * nothing is told twice.
 */
import type { FeedPosition } from '../../engine/ports/feed.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SourceDatabase } from '../database/database.ts';
import { secondOf, ToldIds } from './eventlog-memory.ts';
import { eventLogPlace, eventLogPosition, orderOfEventLog, readTime } from './eventlog-position.ts';
import { type EventLogOptions, EventLogReader } from './eventlog-reader.ts';
import { EVENT_LOG, EventLogStore, firstIdOf, logsSince } from './eventlog-store.ts';
import { latestSecond, serverNow } from './log-collections.ts';
import type { OrderedFeed } from './ordered-feed.ts';

/** Looks at nothing before it is asked. */
export function openEventLog(database: SourceDatabase, options: EventLogOptions): OrderedFeed {
  return {
    kind: 'eventlog',
    name: EVENT_LOG,
    order: orderOfEventLog,
    end: (signal) => endOfEventLog(database, options.clock, signal),
    async *read(from, signal) {
      yield* new EventLogReader(database, eventLogPlace(from), from.at, options).read(signal);
    },
  };
}

/** What is there now counts as told. */
async function endOfEventLog(database: SourceDatabase, clock: Clock, signal: AbortSignal): Promise<FeedPosition> {
  const store = new EventLogStore(database);
  const now = await serverNow(database, signal);
  const logs = await store.logs(signal);
  const newest = await store.newest(logs, latestSecond(now, clock), signal);
  if (newest === undefined) return eventLogPosition({ base: 0 }, now.at);
  const { _id: id, log } = newest;
  const base = secondOf(id);
  const told = new ToldIds();
  const { from } = told.seen(base, base);
  for await (const page of store.idsBehind(logsSince(logs, from), firstIdOf(from), signal))
    for (const { _id } of page) told.add(_id);
  const place = { newest: { id, collection: log.name, uuid: log.uuid }, base, seen: told.seen(base, base) };
  const read = readTime(now, await serverNow(database, signal));
  return eventLogPosition({ ...place, ...(read === undefined ? {} : { read }) }, now.at);
}
