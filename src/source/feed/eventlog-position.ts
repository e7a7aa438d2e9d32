/**
 * Where the event log stands. Its entries become visible in another order than that of their ids, so a position is the
 * newest entry that was told, how many were told of each second shortly before it, and when the log was read whole.
 */
import { BSON, ObjectId } from 'mongodb';
import type { FeedPosition } from '../../engine/ports/feed.ts';
import { positionLost } from './feed-errors.ts';
import type { ServerNow } from './log-collections.ts';
import { type Fields, fieldsIn, textIn } from './log-fields.ts';

/** An operation may become visible so much later than its time says. Seconds. */
const HOLES = 5;

export interface EventLogPlace {
  /** Absent = from the beginning of a log that was empty. */
  readonly newest?: NewestEntry;
  /** Second (since the epoch) of the newest entry there was when the log was last read for late entries. */
  readonly base: number;
  /** What was told of the seconds before and with `newest`. */
  readonly seen?: SeenEntries;
  /** Absent = in the midst of reading, or nobody knows. */
  readonly read?: ReadTime;
}

export interface NewestEntry {
  readonly id: ObjectId;
  readonly collection: string;
  /** Of the collection. */
  readonly uuid: string;
}

export interface SeenEntries {
  /** The first of the seconds, since the epoch. */
  readonly from: number;
  /** How many entries were told of each. */
  readonly counts: readonly number[];
}

/** When the log was read whole, by the time of the server's operations, which never goes back; the times sort as text. */
export interface ReadTime {
  /** All that was visible then was told. */
  readonly from: string;
  /** Nothing that became visible later was told. */
  readonly to: string;
}

export function eventLogPosition({ newest, base, seen, read }: EventLogPlace, at: number): FeedPosition {
  const token = JSON.stringify({
    ...(newest === undefined ? {} : { ...newest, id: newest.id.toHexString() }),
    base,
    ...(seen === undefined ? {} : { seen }),
    // No two places in the midst of reading are the same, however alike they look.
    ...(read === undefined ? { part: new ObjectId().toHexString() } : { read }),
  });
  return { kind: 'eventlog', at: new Date(at), token };
}

/** Fails with `FeedPositionLost` for what is no position of an event log. */
export function eventLogPlace({ kind, token }: FeedPosition): EventLogPlace {
  const found = kind === 'eventlog' ? parsed(token) : undefined;
  if (found === undefined) throw positionLost('the saved position is not one of an event log');
  const { id, seen, base } = found;
  const read = readIn(found);
  const collection = textIn(found['collection']);
  const uuid = textIn(found['uuid']);
  const entry = typeof id === 'string' && ObjectId.isValid(id) && collection !== undefined && uuid !== undefined;
  const counted = seenIn(seen);
  if (typeof base !== 'number') throw positionLost('the saved position is not one of an event log');
  return {
    base,
    ...(entry ? { newest: { id: new ObjectId(id), collection, uuid } } : {}),
    ...(counted === undefined ? {} : { seen: counted }),
    ...(read === undefined ? {} : { read }),
  };
}

/** Of a log that was read between two looks at the server; absent for one that is no replica set. */
export function readTime(before: ServerNow, after: ServerNow): ReadTime | undefined {
  const [from, to] = [before.operation, after.operation];
  if (from === undefined || to === undefined) return undefined;
  return { from: hex(Math.max(0, from.t - HOLES)) + hex(from.i), to: hex(to.t) + hex(to.i) };
}

/** `one` is before `other` when all that was told before `one` was told before `other`, too. */
export function orderOfEventLog(one: FeedPosition, other: FeedPosition): number | undefined {
  if (one.token === other.token) return 0;
  const first = readIn(parsed(one.token));
  const second = readIn(parsed(other.token));
  if (first === undefined || second === undefined) return undefined;
  if (first.to <= second.from) return -1;
  return second.to <= first.from ? 1 : undefined;
}

function readIn(found: Fields | undefined): ReadTime | undefined {
  const read = fieldsIn(found?.['read']);
  const from = textIn(read?.['from']);
  const to = textIn(read?.['to']);
  return from === undefined || to === undefined ? undefined : { from, to };
}

function seenIn(value: unknown): SeenEntries | undefined {
  const seen = fieldsIn(value);
  const from = seen?.['from'];
  const counts: unknown = seen?.['counts'];
  if (!Number.isInteger(from) || !Array.isArray(counts) || !counts.every(Number.isInteger)) return undefined;
  return { from: from as number, counts };
}

function parsed(token: string) {
  try {
    const found = fieldsIn(BSON.EJSON.parse(token));
    return found !== undefined && ('read' in found || 'part' in found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
