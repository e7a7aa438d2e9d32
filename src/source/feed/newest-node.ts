import { ObjectId } from 'mongodb';
import { Semaphore } from '../../lib/semaphore.ts';
import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';

/** Shards that are asked at the same time. */
const AT_ONCE = 8;

/**
 * When the source made a file or folder last, deleted or not; absent = it never did. Cheap: one look into the index of each
 * shard's `_id`, which begins with the time.
 */
export async function newestNode(database: SourceDatabase, signal: AbortSignal): Promise<Date | undefined> {
  const turns = new Semaphore(AT_ONCE);
  const times = await Promise.all(
    Array.from({ length: database.shardCount }, async (_, shard) => {
      const done = await turns.acquire(signal);
      try {
        return await newestOf(database, `node_${shard}`, signal);
      } finally {
        done();
      }
    }),
  );
  const newest = Math.max(...times);
  return newest > 0 ? new Date(newest) : undefined;
}

async function newestOf(database: SourceDatabase, collection: string, signal: AbortSignal): Promise<number> {
  const options = { projection: { _id: 1 }, sort: { _id: -1 }, maxTimeMS: database.maxTimeMs, signal } as const;
  const node = await classified(`the newest node of ${collection}`, signal, () =>
    database.collection(collection).findOne({}, options),
  );
  return node?._id instanceof ObjectId ? node._id.getTimestamp().getTime() : 0;
}
