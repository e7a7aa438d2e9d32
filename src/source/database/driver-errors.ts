/**
 * What a failure of the driver means for a run (domain/errors.ts). Guarantees that the message names no account and no
 * password, and that an aborted call fails with the reason of its signal.
 */
import {
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb';
import { ReplicationError } from '../../domain/errors.ts';

/** Server errors that pass: elections, shutdowns, network between members, time limits, lost cursors. */
const PASSING_CODES = new Set([
  6, 7, 24, 43, 50, 63, 89, 91, 112, 134, 150, 175, 189, 202, 234, 237, 262, 290, 358, 384, 402, 462, 9001, 10107,
  10058, 11600, 11602, 13388, 13435, 13436,
]);

/** Unauthorized, UserNotFound, AuthenticationFailed, AuthenticationAbandoned, and Atlas' own. */
const REFUSED_CODES = new Set([11, 13, 18, 334, 8000]);

const BAD_VALUE = 2;

/** Runs a query and classifies its failure. `what` completes "… while reading". */
export async function classified<T>(what: string, signal: AbortSignal, query: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await query();
  } catch (error) {
    signal.throwIfAborted();
    throw classifyDriverError(what, error);
  }
}

export function classifyDriverError(what: string, error: unknown): ReplicationError {
  if (error instanceof ReplicationError) return error;
  const words = error instanceof Error ? error.message : String(error);
  const at = `while reading ${what} from the source database: ${words}`;
  const cause = { cause: error };
  if (isRefusal(error)) {
    const message = `the source database refuses its account ${at}; it needs the role "read" on the database`;
    return new ReplicationError('spec', 'SourceUnauthorized', message, cause);
  }
  if (isPassing(error))
    return new ReplicationError('retryable', 'SourceUnavailable', `the source database is not there ${at}`, cause);
  if (error instanceof MongoServerError && error.code === BAD_VALUE && /hint/.test(words)) {
    const message = `an index that bk-repo makes itself is missing ${at}; restore (projectId, repoName, fullPath, deleted)`;
    return new ReplicationError('spec', 'SourceIndexMissing', message, cause);
  }
  if (error instanceof MongoError)
    return new ReplicationError('unit', 'SourceQueryFailed', `the source database failed ${at}`, cause);
  return new ReplicationError('unit', 'SourceDataInvalid', `unexpected data ${at}`, cause);
}

function isRefusal(error: unknown): boolean {
  return error instanceof MongoServerError && typeof error.code === 'number' && REFUSED_CODES.has(error.code);
}

function isPassing(error: unknown): boolean {
  if (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoNotConnectedError ||
    error instanceof MongoServerClosedError ||
    error instanceof MongoTopologyClosedError ||
    error instanceof MongoOperationTimeoutError
  )
    return true;
  if (!(error instanceof MongoServerError)) return false;
  if (typeof error.code === 'number' && PASSING_CODES.has(error.code)) return true;
  return ['TransientTransactionError', 'RetryableWriteError', 'SystemOverloadedError', 'NetworkError'].some((label) =>
    error.hasErrorLabel(label),
  );
}
