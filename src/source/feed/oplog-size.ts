/** How large an operation log is, and how large it should be. */
import type { FeedCapacity } from '../../engine/ports/feed.ts';
import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';

const MIB = 2 ** 20;

/** No log is suggested to be smaller. */
const SMALLEST = 64 * MIB;

/** No log is suggested to be larger: whoever writes that much must choose for himself. */
const LARGEST = 256 * 1_024 * MIB;

/** Room for days that are busier than those that were measured. */
const SPARE = 1.5;

/** Entries of which the recent rate is measured. */
const RECENT = 10_000;

/** A burst counts as if it had taken this time at least. */
const SHORTEST_MS = 10 * 60_000;

/** What an entry needs where none was written yet. Bytes. */
const USUAL_ENTRY = 1_024;

/** A log of which less is filled has not wrapped: MongoDB removes entries only when there is no room for a new one. */
const CERTAINLY_NOT_FULL = 0.5;

export interface OplogSize {
  readonly count: number;
  /** Of all entries, in bytes. */
  readonly bytes: number;
  /** Of a capped log; 0 = not capped. */
  readonly maxBytes: number;
  /** Of a capped log; 0 = no limit. */
  readonly maxCount: number;
}

/** Entries per millisecond, and when the oldest and the newest were made. */
export interface OplogRate {
  readonly perMs: number;
  readonly oldest?: Date;
  readonly newest?: Date;
}

interface StorageStats {
  readonly count?: number;
  readonly size?: number;
  readonly maxSize?: number;
  readonly max?: number;
}

/** Fails, classified. */
export async function oplogSize(database: SourceDatabase, name: string, signal: AbortSignal): Promise<OplogSize> {
  const [found] = await classified(`the size of "${name}"`, signal, () =>
    database
      .collection(name)
      .aggregate<{ readonly storageStats: StorageStats }>([{ $collStats: { storageStats: {} } }], {
        readPreference: 'primary',
        signal,
      })
      .toArray(),
  );
  const { count = 0, size = 0, maxSize = 0, max = 0 } = found?.storageStats ?? {};
  // A limit that was not given is the largest number there is.
  return { count, bytes: size, maxBytes: maxSize, maxCount: max < 2 ** 31 - 1 ? Math.max(0, max) : 0 };
}

/** Whether it may be that entries were overwritten already. */
export function hasWrapped({ count, bytes, maxBytes, maxCount }: OplogSize): boolean {
  if (maxCount > 0 && count >= maxCount * CERTAINLY_NOT_FULL) return true;
  return bytes >= maxBytes * CERTAINLY_NOT_FULL;
}

/** Fails, classified. The recent rate and that of the whole log: the larger one. */
export async function oplogRate(
  database: SourceDatabase,
  name: string,
  { count }: OplogSize,
  signal: AbortSignal,
): Promise<OplogRate> {
  const at = async ($natural: 1 | -1, skip: number): Promise<Date | undefined> => {
    const [entry] = await classified(`the age of "${name}"`, signal, () =>
      database
        .collection(name)
        .find({ createdDate: { $type: 'date' } }, { maxTimeMS: database.maxTimeMs, readPreference: 'primary', signal })
        .sort({ $natural })
        .project<{ readonly createdDate: Date }>({ _id: 0, createdDate: 1 })
        .skip(skip)
        .limit(1)
        .toArray(),
    );
    return entry?.createdDate;
  };
  const [oldest, newest] = [await at(1, 0), await at(-1, 0)];
  if (oldest === undefined || newest === undefined) return { perMs: 0 };
  const recent = Math.min(count, RECENT);
  const since = (await at(-1, recent - 1)) ?? oldest;
  const perMs = Math.max(
    count / Math.max(SHORTEST_MS, newest.getTime() - oldest.getTime()),
    recent / Math.max(SHORTEST_MS, newest.getTime() - since.getTime()),
  );
  return { perMs, oldest, newest };
}

/** `maxBytes` of a log that is not capped: of the one it would become; `wantedMs`: the history it shall hold. */
export function capacityOf(size: OplogSize, rate: OplogRate, wantedMs: number): FeedCapacity {
  const entry = size.count === 0 ? USUAL_ENTRY : size.bytes / size.count;
  const wanted = Math.ceil((rate.perMs * entry * wantedMs * SPARE) / SMALLEST) * SMALLEST;
  const suggestedSize = Math.min(LARGEST, Math.max(SMALLEST, wanted));
  return { size: size.maxBytes, holdsMs: holdsMs(size, rate, entry), suggestedSize };
}

/** What is written before something is overwritten; once something was, what is there. */
function holdsMs(size: OplogSize, { perMs, oldest, newest }: OplogRate, entry: number): number {
  if (isFull(size, entry) && oldest !== undefined && newest !== undefined)
    return Math.max(0, newest.getTime() - oldest.getTime());
  if (perMs === 0) return Number.MAX_SAFE_INTEGER;
  const bySize = size.maxBytes / entry;
  return Math.round(Math.min(bySize, size.maxCount || bySize) / perMs);
}

function isFull({ count, bytes, maxBytes, maxCount }: OplogSize, entry: number): boolean {
  if (maxCount > 0 && count >= maxCount) return true;
  return maxBytes > 0 && bytes + 2 * entry >= maxBytes;
}
