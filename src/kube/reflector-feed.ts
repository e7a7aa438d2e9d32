import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { isGone, isNotFound, KubeError } from './errors.ts';
import { type KubeObject, withoutManagedFields } from './object.ts';
import type { ListPage, ResourceClient } from './resource-client.ts';

const NOBODY: ReadonlySet<string> = new Set();

export interface FeedOptions<T extends KubeObject> {
  readonly client: ResourceClient<T>;
  readonly namespace: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly relistIntervalMs?: number;
  readonly onList: (objects: readonly T[]) => void;
  readonly onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T) => void;
  readonly quietManagers?: ReadonlySet<string>;
}

const BACKOFF: BackoffPolicy = { base: 800, cap: 30_000, factor: 2, jitter: 1 };
/** A connection that held so long was a good one: the next failure starts the back-off anew. */
const HEALTHY_MS = 120_000;
/** Watches end after a random time in this range, so that reflectors do not come back all at once. */
const WATCH_SECONDS = { min: 240, max: 480 };
const RELIST_MS = 4 * 3_600_000;

/** Lists one namespace (or the cluster) and follows it; see reflector.ts for what is guaranteed. */
export class NamespaceFeed<T extends KubeObject> {
  readonly #options: FeedOptions<T>;
  #synced = false;
  /** Where the next watch begins; undefined = list first. */
  #resourceVersion: string | undefined;
  #listedAt = 0;
  #failures = 0;
  /** The last failure was a 410, and nothing has gone well since. */
  #expired = false;

  constructor(options: FeedOptions<T>) {
    this.#options = options;
  }

  get synced(): boolean {
    return this.#synced;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const started = clock.monotonic();
      try {
        await this.#listOrWatch(signal);
        if (clock.monotonic() - started >= HEALTHY_MS) this.#markHealthy();
      } catch (error) {
        if (signal.aborted) return;
        if (clock.monotonic() - started >= HEALTHY_MS) this.#markHealthy();
        await this.#recover(error, signal);
      }
    }
  }

  async #listOrWatch(signal: AbortSignal): Promise<void> {
    if (this.#resourceVersion === undefined || this.#listAgeMs() >= this.#relistMs()) await this.#list(signal);
    else await this.#watch(this.#resourceVersion, signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, namespace, clock, onList, quietManagers = NOBODY } = this.#options;
    const items: T[] = [];
    let page: ListPage<T> | undefined;
    do {
      page = await client.listPage(namespace, page?.continue, signal);
      // Stripped page by page: a whole list with managedFields can be many times as large.
      for (const item of page.items) items.push(withoutManagedFields(item, quietManagers));
    } while (page.continue !== undefined);
    this.#resourceVersion = page.resourceVersion;
    this.#listedAt = clock.monotonic();
    this.#synced = true;
    onList(items);
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, namespace, random, onEvent, clock, quietManagers = NOBODY } = this.#options;
    const spread = WATCH_SECONDS.max - WATCH_SECONDS.min;
    const timeoutSeconds = Math.round(WATCH_SECONDS.min + spread * random());
    const started = clock.monotonic();
    for await (const { type, object } of client.watch(namespace, { resourceVersion, timeoutSeconds }, signal)) {
      this.#resourceVersion = object.metadata.resourceVersion;
      this.#markHealthy();
      if (type !== 'BOOKMARK') onEvent(type, withoutManagedFields(object, quietManagers));
    }
    // A stream that ends at once without a word, again and again, must not become a busy loop.
    if (clock.monotonic() - started < 1_000)
      throw new KubeError(0, 'Unreachable', 'the API server ended the watch at once');
  }

  #markHealthy(): void {
    this.#failures = 0;
    this.#expired = false;
  }

  /** A 410 lists at once, unless it follows another; all else waits. Trouble is logged once, then at debug. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, random, logger, client, namespace } = this.#options;
    const fields = { resource: client.type.plural, namespace: namespace ?? '', error };
    const expiredBefore = this.#expired;
    this.#expired = isGone(error);
    // A kind that is not served (any more) begins anew when it comes back.
    if (this.#expired || isNotFound(error)) this.#resourceVersion = undefined;
    if (this.#expired && !expiredBefore) {
      logger.debug('watch expired, listing again', fields);
      return;
    }
    const attempt = this.#failures;
    this.#failures += 1;
    const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    const wait = Math.max(asked, backoffDelay(BACKOFF, attempt, random));
    const message = isNotFound(error)
      ? 'the API server does not serve this kind (is its CustomResourceDefinition installed?), will be repeated'
      : 'list or watch failed, will be repeated';
    if (attempt === 0) logger.warn(message, { ...fields, retryInMs: Math.round(wait) });
    else logger.debug(message, { ...fields, retryInMs: Math.round(wait) });
    await clock.sleep(wait, signal).catch(() => {});
  }

  #listAgeMs(): number {
    return this.#options.clock.monotonic() - this.#listedAt;
  }

  #relistMs(): number {
    return this.#options.relistIntervalMs ?? RELIST_MS;
  }
}
