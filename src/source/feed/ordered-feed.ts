import type { ChangeFeed, FeedPosition } from '../../engine/ports/feed.ts';

/** A feed whose positions can be compared, so that its followers can share readers. */
export interface OrderedFeed extends ChangeFeed {
  /** Negative = `one` is certainly before `other`, 0 = they are the same, positive = behind; absent = nobody knows. */
  order(one: FeedPosition, other: FeedPosition): number | undefined;
}

/**
 * For logs: entries are not told in the order of their time, but one that is `marginMs` later is told later. Milliseconds.
 */
export function orderedByTime(feed: ChangeFeed, marginMs: number): OrderedFeed {
  return {
    kind: feed.kind,
    name: feed.name,
    end: (signal) => feed.end(signal),
    read: (from, signal) => feed.read(from, signal),
    order(one, other) {
      if (one.token === other.token) return 0;
      const later = one.at.getTime() - other.at.getTime();
      return Math.abs(later) > marginMs ? Math.sign(later) : undefined;
    },
  };
}
