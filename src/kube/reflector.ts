/**
 * A warm copy of all objects of one kind in some namespaces, kept by list and watch.
 *
 * Guaranteed: the copy is replaced before handlers are told; a re-created object (same name, other uid) is told as
 * deleted and added; whatever the server does (resets, 410, 429, hangs, restarts, being away at start), the reflector
 * comes back by itself with back-off; of `managedFields` only the last edit is kept; objects must be treated as immutable.
 * Not guaranteed: that every version is seen. Handlers must only enqueue keys.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { KubeObject } from './object.ts';
import { NamespaceFeed } from './reflector-feed.ts';
import type { ResourceClient } from './resource-client.ts';

export type Change<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  /** `object` is the last known state. */
  | { readonly type: 'deleted'; readonly object: T };

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: ResourceClient<T>;
  /** Empty = the whole cluster, by one watch. */
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Every so often all is listed again, in case a watch lies silent (etcd restored); default 4 h, in ms. */
  readonly relistIntervalMs?: number;
  /** Whether an object is of interest; others are neither kept nor told. */
  readonly filter?: (object: T) => boolean;
  /** Field managers whose writes do not count as edits in `metadata.lastEdit`. */
  readonly quietManagers?: ReadonlySet<string>;
}

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #feeds: readonly NamespaceFeed<T>[];
  readonly #syncWaiters = new Set<() => void>();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    const namespaces = options.namespaces.length === 0 ? [undefined] : [...new Set(options.namespaces)];
    this.#feeds = namespaces.map(
      (namespace) =>
        new NamespaceFeed<T>({
          ...options,
          namespace,
          onList: (objects) => this.#replace(namespace, objects),
          onEvent: (type, object) => (type === 'DELETED' ? this.#delete(object) : this.#put(object)),
        }),
    );
  }

  /** Is told of every change from now on, and of what is known already as added. Returns the function that ends it. */
  subscribe(handler: (change: Change<T>) => void): () => void {
    this.#handlers.add(handler);
    for (const object of this.#objects.values()) this.#tellOne(handler, { type: 'added', object });
    return () => void this.#handlers.delete(handler);
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  /** All objects, or those of one namespace, in no particular order. */
  list(namespace?: string): readonly T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** True once every namespace was listed; stays true. */
  hasSynced(): boolean {
    return this.#feeds.every((feed) => feed.synced);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    while (!this.hasSynced()) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          this.#syncWaiters.delete(wake);
          reject(signal.reason);
        };
        const wake = (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        };
        this.#syncWaiters.add(wake);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
  }

  /** Lists and watches until `signal` is aborted; then returns. Fails only by a defect of ours. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.run(signal)));
  }

  #replace(namespace: string | undefined, listed: readonly T[]): void {
    const present = new Map(listed.map((object) => [keyOf(object.metadata.namespace, object.metadata.name), object]));
    const inFeed = (object: T): boolean => namespace === undefined || object.metadata.namespace === namespace;
    const before = new Map([...this.#objects].filter(([, object]) => inFeed(object)));
    const changes: Change<T>[] = [];
    for (const [key, object] of before) if (!present.has(key)) changes.push(...this.#store(key, undefined, object));
    for (const [key, object] of present) changes.push(...this.#store(key, object, before.get(key)));
    for (const change of changes) this.#tell(change);
    for (const wake of this.#syncWaiters) wake();
    this.#syncWaiters.clear();
  }

  #put(object: T): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    for (const change of this.#store(key, object, this.#objects.get(key))) this.#tell(change);
  }

  #delete(object: T): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const known = this.#objects.get(key);
    // The delete of an earlier object of that name says nothing about the present one.
    if (known === undefined || known.metadata.uid !== object.metadata.uid) return;
    for (const change of this.#store(key, undefined, known)) this.#tell(change);
  }

  /** Puts or removes one object and returns what that means for handlers. */
  #store(key: string, received: T | undefined, previous: T | undefined): readonly Change<T>[] {
    const wanted = received !== undefined && (this.#options.filter?.(received) ?? true);
    const object = wanted ? received : undefined;
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    if (object === undefined) return previous === undefined ? [] : [{ type: 'deleted', object: previous }];
    if (previous === undefined) return [{ type: 'added', object }];
    if (previous.metadata.uid !== object.metadata.uid)
      return [
        { type: 'deleted', object: previous },
        { type: 'added', object },
      ];
    if (previous.metadata.resourceVersion === object.metadata.resourceVersion) return [];
    return [{ type: 'updated', object, previous }];
  }

  #tell(change: Change<T>): void {
    for (const handler of this.#handlers) this.#tellOne(handler, change);
  }

  #tellOne(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      const { namespace, name } = change.object.metadata;
      this.#options.logger.error('a handler of changes failed', { namespace, name, change: change.type, error });
    }
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}
