/** Which failures of MongoDB pass by themselves, and which mean that an account was refused; for every database we use. */

/** What the driver's errors show, whatever copy of the driver made them. */
export interface DatabaseFailure {
  readonly name: string;
  /** The server's own code, when the server answered. */
  readonly code?: unknown;
  hasErrorLabel(label: string): boolean;
}

/**
 * Server codes: host not reached or not found, no primary, elections, stepping down, shutting down, interrupted, time
 * limits, write concern not reached in time, network between members, lost cursors, conflicts between writes, a database
 * just being dropped, disk full (a person may have made room).
 */
const PASSING_CODES: ReadonlySet<unknown> = new Set([
  6, 7, 24, 43, 50, 63, 64, 89, 91, 112, 133, 134, 150, 175, 189, 202, 215, 234, 237, 262, 290, 317, 358, 384, 402, 462,
  9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436, 14031,
]);

/** The driver's errors that mean "no answer". */
const NO_ANSWER: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoOperationTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'WaitQueueTimeoutError',
  'MongoTopologyClosedError',
  'MongoServerClosedError',
  'MongoNotConnectedError',
  'MongoClientClosedError',
  'MongoExpiredSessionError',
]);

const PASSING_LABELS = ['TransientTransactionError', 'RetryableWriteError', 'SystemOverloadedError', 'NetworkError'];

/** UserNotFound, Unauthorized, AuthenticationFailed, AuthenticationAbandoned, and Atlas' own. */
const REFUSED_CODES: ReadonlySet<unknown> = new Set([11, 13, 18, 334, 8000]);

export function isPassingFailure(failure: DatabaseFailure): boolean {
  if (NO_ANSWER.has(failure.name) || PASSING_CODES.has(failure.code)) return true;
  return PASSING_LABELS.some((label) => failure.hasErrorLabel(label));
}

export function isRefusedAccount(failure: DatabaseFailure): boolean {
  return REFUSED_CODES.has(failure.code);
}
