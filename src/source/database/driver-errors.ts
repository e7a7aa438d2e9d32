/**
 * What a failure of the driver means for a run (domain/errors.ts). Guarantees that the message names no account and no
 * password, and that an aborted call fails with the reason of its signal.
 */
import { MongoError, MongoServerError } from 'mongodb';
import { isPassingFailure, isRefusedAccount } from '../../domain/database-failures.ts';
import { ReplicationError } from '../../domain/errors.ts';

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
  if (error instanceof MongoError && isRefusedAccount(error)) {
    const message = `the source database refuses its account ${at}; check its name and password, and that it has the role "read" on the database`;
    return new ReplicationError('spec', 'SourceUnauthorized', message, cause);
  }
  if (error instanceof MongoError && isPassingFailure(error))
    return new ReplicationError('retryable', 'SourceUnavailable', `the source database is not there ${at}`, cause);
  if (error instanceof MongoServerError && error.code === BAD_VALUE && /hint/.test(words)) {
    const message = `an index that bk-repo makes itself is missing ${at}; restore the indexes of that collection`;
    return new ReplicationError('spec', 'SourceIndexMissing', message, cause);
  }
  if (error instanceof MongoError)
    return new ReplicationError('unit', 'SourceQueryFailed', `the source database failed ${at}`, cause);
  return new ReplicationError('unit', 'SourceDataInvalid', `unexpected data ${at}`, cause);
}
