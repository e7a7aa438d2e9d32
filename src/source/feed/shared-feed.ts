/**
 * A feed with few readers for many followers. Guarantees to each follower what the feed itself does; followers that are
 * near each other share one reader; one that is behind has its own until it has come up with the others; a failure reaches
 * all who share the reader, and each goes on from its own position. A follower may be told something twice where it
 * changes from one reader to another.
 */
import type { ChangeFeed, FeedBatch, FeedPosition } from '../../engine/ports/feed.ts';
import type { OrderedFeed } from './ordered-feed.ts';
import { ReadingGroup } from './reading-group.ts';

export function shareFeed(feed: OrderedFeed): ChangeFeed {
  /** In the order in which they began: followers move only to older ones, so they end up in one. */
  const groups = new Set<ReadingGroup>();

  function begin(position: FeedPosition): Place {
    const group = new ReadingGroup(feed, position, () => groups.delete(group));
    groups.add(group);
    group.join();
    return { group, next: 0 };
  }

  /** Joins the oldest group that is near, of those that are older than `own`. */
  function joinOlder(position: FeedPosition, own?: ReadingGroup): Place | undefined {
    for (const group of groups) {
      if (group === own) return undefined;
      const next = group.entrance(position);
      if (next === undefined) continue;
      group.join();
      return { group, next };
    }
    return undefined;
  }

  async function* read(from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch> {
    let position = from;
    let { group, next } = joinOlder(position) ?? begin(position);
    try {
      for (;;) {
        const batch = await group.batch(next, signal);
        if (batch !== undefined) {
          next += 1;
          position = batch.position;
          yield batch;
        }
        const place = batch === undefined ? (joinOlder(position) ?? begin(position)) : joinOlder(position, group);
        if (place === undefined) continue;
        const left = group;
        ({ group, next } = place);
        await left.leave();
      }
    } finally {
      await group.leave();
    }
  }

  return { kind: feed.kind, name: feed.name, end: (signal) => feed.end(signal), read };
}

interface Place {
  readonly group: ReadingGroup;
  readonly next: number;
}
