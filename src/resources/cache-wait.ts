/** Waiting until a cache shows a write, so that who has written finds it (design §7). */
import type { Clock } from '../lib/clock.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, ResourceStore } from './store.ts';

/** A cache that lags more is not waited for: the write is done all the same. Milliseconds. */
const PATIENCE_MS = 2_000;

type Cache = Pick<ResourceStore, 'get' | 'subscribe'>;

/** Follows the cache once for all who wait: a subscription tells of every object that there is. */
export class CacheWait {
  readonly #cache: Cache;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();

  /** For the life of the program. */
  constructor(cache: Cache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
    for (const kind of ['Cluster', 'ReplicaTask'] as const)
      cache.subscribe(kind, (key) => {
        for (const look of this.#waiting.get(placeOf(kind, key)) ?? []) look();
      });
  }

  /** Resolves when the cache shows what satisfies `shows`, when the time is over, or when `signal` is aborted. */
  async until<K extends ResourceKind>(
    kind: K,
    key: ObjectKey,
    shows: (present: ResourceKinds[K] | undefined) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    if (shows(this.#cache.get(kind, key))) return;
    const seen = new AbortController();
    const place = placeOf(kind, key);
    const look = (): void => {
      if (shows(this.#cache.get(kind, key))) seen.abort();
    };
    const others = this.#waiting.get(place) ?? new Set();
    this.#waiting.set(place, others.add(look));
    try {
      // Ends early when it was seen, or when nobody waits any more.
      await this.#clock.sleep(PATIENCE_MS, AbortSignal.any([seen.signal, signal])).catch(() => {});
    } finally {
      others.delete(look);
      if (others.size === 0) this.#waiting.delete(place);
    }
  }
}

function placeOf(kind: ResourceKind, { namespace, name }: ObjectKey): string {
  return `${kind}/${namespace}/${name}`;
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
