/** Turns what the MongoDB driver throws into classified errors, and bounds every call by the caller's signal. */
import { MongoBulkWriteError, MongoError, MongoServerError } from 'mongodb';

import { isPassingFailure, isRefusedAccount } from '../domain/database-failures.ts';
import { ReplicationError } from '../domain/errors.ts';

/** Duplicate key. */
const DUPLICATE_KEY = 11000;

/** `doing` completes "the journal could not …". Errors already classified, and abort reasons, pass as they are. */
export function journalError(doing: string, error: unknown): unknown {
  if (!(error instanceof MongoError)) return error;
  // A bulk write that got no answer hides the driver's own error in here.
  if (error instanceof MongoServerError && error.errorResponse instanceof MongoError)
    return journalError(doing, error.errorResponse);
  if (isRefusedAccount(error))
    return new ReplicationError(
      'spec',
      'JournalForbidden',
      `the journal could not ${doing}: the account in its connection string was refused (${error.message}); it needs ` +
        'readWrite on the journal database',
      { cause: error },
    );
  if (isPassingFailure(error) || failsInPassing(error))
    return new ReplicationError('retryable', 'JournalUnavailable', `the journal could not ${doing}: ${error.message}`, {
      cause: error,
    });
  return new ReplicationError('spec', 'JournalFailed', `the journal could not ${doing}: ${error.message}`, {
    cause: error,
  });
}

/** A bulk write shows the code of the first write that failed: beside it others may have met, say, a full disk. */
function failsInPassing(error: MongoError): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  const writes = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  const failed = writes.find(({ code }) => code !== DUPLICATE_KEY);
  return failed !== undefined && isPassingFailure({ name: error.name, code: failed.code, hasErrorLabel: () => false });
}

/** The driver quotes the whole connection string when it cannot parse it: those words are never repeated. */
export function misconfigured(error: unknown): ReplicationError {
  const words = error instanceof MongoError ? error.message : '';
  const why =
    words === '' || /:\/\/|connection string/i.test(words)
      ? 'it is not a valid MongoDB URI (mongodb://user:password@host:port/?options)'
      : words;
  return new ReplicationError('spec', 'JournalMisconfigured', `the journal's connection string cannot be used: ${why}`);
}

/**
 * Runs one call. An abort is answered at once; what was already sent may still happen, and the driver's own time limit
 * ends it.
 */
export async function call<T>(doing: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(), aborted]);
  } catch (error) {
    throw journalError(doing, error);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** Returns the error when all it complains of are duplicate keys; throws any other. */
export function onlyDuplicates(error: unknown): MongoBulkWriteError {
  if (error instanceof MongoBulkWriteError) {
    const errors = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (errors.length > 0 && errors.every((one) => one.code === DUPLICATE_KEY)) return error;
  }
  throw error;
}
