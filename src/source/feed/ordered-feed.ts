import type { ChangeFeed, FeedPosition } from '../../engine/ports/feed.ts';

/** A feed whose positions can be compared, so that its followers can share readers. */
export interface OrderedFeed extends ChangeFeed {
  /** Negative = `one` is certainly before `other`, 0 = they are the same, positive = behind; absent = nobody knows. */
  order(one: FeedPosition, other: FeedPosition): number | undefined;
}

/**
 * Of a feed whose entries have an order that only the server knows: positions are the same, or nobody knows. The time of
 * entries says nothing: several servers write them, whose clocks differ.
 */
export function onlySameKnown(feed: ChangeFeed): OrderedFeed {
  return {
    kind: feed.kind,
    name: feed.name,
    end: (signal) => feed.end(signal),
    read: (from, signal) => feed.read(from, signal),
    order: (one, other) => (one.token === other.token ? 0 : undefined),
  };
}
