import { MongoServerError } from 'mongodb';
import { isPassingFailure, isRefusedAccount } from '../../domain/database-failures.ts';
import type { ReplicationError } from '../../domain/errors.ts';
import { positionLost } from './feed-errors.ts';

/** What the server says when it cannot go on behind a token, and what that means. */
const LOST: ReadonlyMap<unknown, string> = new Map([
  [136, 'the server has dropped the history behind it'],
  [260, 'the server does not understand the saved resume token'],
  [280, 'the server cannot resume behind it'],
  [286, 'the server has dropped the history behind it; a larger oplog keeps more'],
  [10_334, 'an event is too large for the server to tell'],
  [40_573, 'the source is no replica set any more'],
]);

/** Absent for failures that say nothing about the position: the server is not there, or refuses the account. */
export function lostByServer(error: unknown): ReplicationError | undefined {
  if (!(error instanceof MongoServerError) || isPassingFailure(error) || isRefusedAccount(error)) return undefined;
  const why = LOST.get(error.code) ?? 'the server fails behind it';
  return positionLost(`${why} (${error.message})`, error);
}
