import { ReplicationError } from '../../domain/errors.ts';

/** What lies behind a position is not all there any more: everything must be compared. `why` is a clause. */
export function positionLost(why: string, cause?: unknown): ReplicationError {
  return new ReplicationError(
    'cluster',
    'FeedPositionLost',
    `the feed cannot go on where it was left: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
