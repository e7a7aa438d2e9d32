/** The collections that logs are kept in, and the clock of the server that has them. The role `read` is enough. */
import type { Document, Timestamp } from 'mongodb';
import type { Clock } from '../../lib/clock.ts';
import type { SourceDatabase } from '../database/database.ts';

/** A collection as the server lists it. */
export interface LogCollection {
  readonly name: string;
  /** Another one after it was dropped, made again, restored or converted. */
  readonly uuid: string;
  readonly capped: boolean;
  /** Of a capped one, in bytes. */
  readonly maxSize: number;
}

export interface ServerNow {
  /** Milliseconds since the epoch by the clock of the server. */
  readonly at: number;
  /** Of the newest operation that the primary of a replica set has: never goes back, whatever server is the primary. */
  readonly operation?: Timestamp;
  /** MongoDB 4.4 is 9, 6.0 is 17. */
  readonly wireVersion: number;
}

/** Those that match a filter on what the server lists, by name; views are left out. Fails, classified. */
export async function listLogs(
  database: SourceDatabase,
  filter: Document,
  signal: AbortSignal,
): Promise<readonly LogCollection[]> {
  const list = { listCollections: 1, filter, cursor: { batchSize: 1_000 } };
  const answer = await database.command('the list of its collections', list, signal);
  const found = (answer['cursor'] as { readonly firstBatch: readonly Document[] }).firstBatch;
  return found
    .filter(({ type }) => type === 'collection')
    .map(({ name, options, info }) => ({
      name: String(name),
      uuid: String(info?.uuid),
      capped: options?.capped === true,
      maxSize: Number(options?.size ?? 0),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Fails, classified. */
export async function serverNow(database: SourceDatabase, signal: AbortSignal): Promise<ServerNow> {
  const answer = await database.command('its clock', { hello: 1 }, signal);
  const operation = answer['operationTime'] as Timestamp | undefined;
  return {
    at: (answer['localTime'] as Date).getTime(),
    wireVersion: Number(answer['maxWireVersion']),
    ...(operation === undefined ? {} : { operation }),
  };
}

/** The second (since the epoch) that is not of the future, by whichever of the two clocks is ahead. */
export function latestSecond({ at }: ServerNow, clock: Clock): number {
  return Math.floor(Math.max(at, clock.now()) / 1_000) + 1;
}
