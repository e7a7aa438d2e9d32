/** Waiting until a cache shows a write, so that who has written finds it (design §7). */
import type { Clock } from '../lib/clock.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, ResourceStore } from './store.ts';

/** A cache that lags more is not waited for: the write is done all the same. Milliseconds. */
const PATIENCE_MS = 2_000;

type Cache = Pick<ResourceStore, 'get' | 'subscribe'>;

/** Resolves when the cache shows what satisfies `shows`, when the time is over, or when `signal` is aborted. */
export async function seenInCache<K extends ResourceKind>(
  cache: Cache,
  clock: Clock,
  kind: K,
  key: ObjectKey,
  shows: (present: ResourceKinds[K] | undefined) => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (shows(cache.get(kind, key))) return;
  const seen = new AbortController();
  const end = cache.subscribe(kind, ({ namespace, name }) => {
    if (namespace === key.namespace && name === key.name && shows(cache.get(kind, key))) seen.abort();
  });
  try {
    // Ends early when it was seen, or when nobody waits any more.
    await clock.sleep(PATIENCE_MS, AbortSignal.any([seen.signal, signal])).catch(() => {});
  } finally {
    end();
  }
}

/** Whether the object is the written one or a later state of it. */
export function isAsNew<K extends ResourceKind>(
  present: ResourceKinds[K] | undefined,
  written: ResourceKinds[K],
): boolean {
  if (present === undefined || present.metadata.uid !== written.metadata.uid) return false;
  const [seen, wanted] = [present.metadata.resourceVersion, written.metadata.resourceVersion];
  if (seen === wanted) return true;
  const numbers = /^\d+$/.test(seen) && /^\d+$/.test(wanted);
  return numbers && BigInt(seen) >= BigInt(wanted);
}

/** Whether the object is gone, another one, or on its way out. */
export function isRemoved(
  present: ResourceKinds[ResourceKind] | undefined,
  removed: ResourceKinds[ResourceKind],
): boolean {
  const meta = present?.metadata;
  return meta === undefined || meta.uid !== removed.metadata.uid || meta.deletionTimestamp !== undefined;
}
