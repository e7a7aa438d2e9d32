/** Where the operation log stands: its collection as it was made, and the last entry that was told. */
import { BSON, ObjectId } from 'mongodb';
import type { FeedPosition } from '../../engine/ports/feed.ts';
import { positionLost } from './feed-errors.ts';
import { fieldsIn, textIn } from './log-fields.ts';

export interface OplogPlace {
  /** Of the collection. */
  readonly uuid: string;
  /** Absent = from the beginning of a log that was empty. */
  readonly id?: unknown;
}

export function oplogPosition({ uuid, id }: OplogPlace, at: number): FeedPosition {
  const token = BSON.EJSON.stringify({ uuid, ...(id === undefined ? {} : { id }) });
  return { kind: 'oplog', at: new Date(at), token };
}

/** Fails with `FeedPositionLost` for what is no position of an operation log. */
export function oplogPlace({ kind, token }: FeedPosition): OplogPlace {
  const place = kind === 'oplog' ? parsed(token) : undefined;
  const uuid = textIn(place?.['uuid']);
  if (place === undefined || uuid === undefined)
    throw positionLost('the saved position is not one of an operation log');
  return { uuid, ...('id' in place ? { id: place['id'] } : {}) };
}

/** Equal for equal ids, whatever type they have. */
export function idText(id: unknown): string {
  return id instanceof ObjectId ? id.toHexString() : BSON.EJSON.stringify({ id }, { relaxed: false });
}

function parsed(token: string) {
  try {
    return fieldsIn(BSON.EJSON.parse(token));
  } catch {
    return undefined;
  }
}
