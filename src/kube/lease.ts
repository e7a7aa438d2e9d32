/**
 * Leader election over one Lease.
 *
 * Guaranteed: another holder's lease is taken only after its record has stood unchanged for its whole duration by the
 * local monotonic clock (times written in it are for people); writes are conditional on the version read; leadership
 * is never kept without a renewal for longer than the renew deadline, which ends before others may take over; once
 * lost it does not come back in this process.
 * Not guaranteed: fencing. A process may be stopped between looking at `remainingMs` and acting on it, so a request
 * with an effect outside starts only while `remainingMs` is more than its own timeout, and hangs on `lost`.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from './lease-store.ts';

export interface LeaseOptions {
  readonly store: LeaseStore;
  /** Unique to this process, e.g. host name and a random part. */
  readonly identity: string;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** How long others wait for a silent holder; whole seconds. Default 15,000 ms. */
  readonly durationMs?: number;
  /** How long the holder goes on without a renewal. Default 10,000 ms. */
  readonly renewDeadlineMs?: number;
  /** Between attempts. Default 2,000 ms. */
  readonly retryMs?: number;
  /** Told when the holder seen in the lease changes; empty = nobody. */
  readonly onLeader?: (holder: string) => void;
}

/** The reason of `lost`. */
export class LeaseLostError extends Error {
  readonly code = 'LeaseLost';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'LeaseLostError';
  }
}

const JITTER = 1.2;
const LAST_RETRY_MS = 250;

export class LeaseElector {
  readonly identity: string;
  readonly #options: LeaseOptions;
  readonly #durationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  readonly #lost = new AbortController();
  readonly #stop = new AbortController();
  readonly #acquired = Promise.withResolvers<void>();
  #campaign: Promise<void> | undefined;
  /** The lease as last read or written, and when (monotonic) its record was first seen so. */
  #seen: { readonly stored: StoredLease; readonly since: number } | undefined;
  /** When (monotonic) the last successful renewal was sent; undefined while not leading. */
  #renewedAt: number | undefined;
  #released = false;

  /** Fails with a RangeError unless duration > renew deadline > retry × 2.2. */
  constructor(options: LeaseOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.#durationMs = options.durationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 2_000;
    if (this.#durationMs % 1_000 !== 0 || this.#durationMs <= this.#renewDeadlineMs)
      throw new RangeError('the lease must last whole seconds and longer than the renew deadline');
    if (this.#renewDeadlineMs <= this.#retryMs * (1 + JITTER))
      throw new RangeError('the renew deadline must be longer than 2.2 times the retry period');
  }

  /** Aborted with a `LeaseLostError` when leadership is lost; never by `release`. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Who leads as far as we have seen; undefined before the first look. */
  get leader(): string | undefined {
    return this.#seen?.stored.record.holder;
  }

  isLeader(): boolean {
    return this.remainingMs() > 0;
  }

  /** Milliseconds for which no other process can hold the lease; 0 when not leading. */
  remainingMs(): number {
    if (this.#renewedAt === undefined || this.#lost.signal.aborted || this.#released) return 0;
    const age = this.#options.clock.monotonic() - this.#renewedAt;
    // Past the deadline leadership counts as lost, even if a stalled process has not noticed yet.
    return age >= this.#renewDeadlineMs ? 0 : this.#durationMs - age;
  }

  /** For a liveness probe: what is wrong when a leader has not renewed for the lease's duration and `graceMs`. */
  trouble(graceMs: number): string | undefined {
    if (this.#renewedAt === undefined || this.#released) return undefined;
    const age = this.#options.clock.monotonic() - this.#renewedAt;
    return age > this.#durationMs + graceMs ? `the lease was last renewed ${Math.round(age)} ms ago` : undefined;
  }

  /** Begins to compete. An unreachable API server is waited for. */
  start(): void {
    this.#campaign ??= this.#run();
  }

  /** Resolves once this process leads; rejects when the signal is aborted first. */
  async acquired(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#acquired.promise, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Stops competing and, when leading, gives the lease away so that another process may take it at once. Call it after
   * all work has ended. A release that fails is logged: the lease then runs out by itself.
   */
  async release(signal: AbortSignal): Promise<void> {
    const led = this.isLeader();
    this.#stop.abort(new Error('the elector was stopped'));
    await this.#campaign;
    const leading = led && !this.#lost.signal.aborted;
    this.#released = true;
    if (!leading) return;
    try {
      await this.#giveAway(signal);
      this.#options.logger.info('lease released', { identity: this.identity });
    } catch (error) {
      this.#options.logger.warn('lease not released, it will run out', { identity: this.identity, error });
    }
  }

  async #run(): Promise<void> {
    const { logger } = this.#options;
    const stop = this.#stop.signal;
    try {
      if (!(await this.#acquire(stop))) return;
      logger.info('lease acquired', { identity: this.identity });
      this.#acquired.resolve();
      await this.#keep(stop);
    } catch (error) {
      if (stop.aborted) return;
      const reason = error instanceof LeaseLostError ? error : new LeaseLostError('leader election failed', error);
      logger.error('lease lost', { identity: this.identity, error: reason });
      this.#lost.abort(reason);
    }
  }

  /** Tries until the lease is ours; false when stopped. */
  async #acquire(stop: AbortSignal): Promise<boolean> {
    const { clock, random, logger } = this.#options;
    let failing = false;
    while (!stop.aborted) {
      try {
        if (await this.#attempt(stop)) return true;
        failing = false;
      } catch (error) {
        if (stop.aborted) break;
        if (!failing) logger.warn('cannot compete for the lease, will be repeated', { error });
        failing = true;
      }
      await clock.sleep(this.#retryMs * (1 + JITTER * random()), stop).catch(() => {});
    }
    return false;
  }

  /** Renews until stopped; throws `LeaseLostError` at the deadline or when another holder is seen. */
  async #keep(stop: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    let lastError: unknown;
    while (!stop.aborted) {
      const left = this.#leftToDeadline();
      if (left <= 0)
        throw new LeaseLostError(`the lease could not be renewed within ${this.#renewDeadlineMs} ms`, lastError);
      // Closer together towards the deadline, so that a server which comes back just in time is met.
      await clock.sleep(Math.min(this.#retryMs, Math.max(left / 2, LAST_RETRY_MS)), stop).catch(() => {});
      if (stop.aborted) return;
      if (this.#leftToDeadline() <= 0) continue;
      try {
        if (!(await this.#attempt(stop)))
          throw new LeaseLostError(`the lease is held by ${this.leader || 'nobody'} now`);
        lastError = undefined;
      } catch (error) {
        if (stop.aborted) return;
        if (error instanceof LeaseLostError) throw error;
        logger.warn('lease not renewed, will be repeated', { identity: this.identity, error });
        lastError = error;
      }
    }
  }

  #leftToDeadline(): number {
    return (this.#renewedAt ?? 0) + this.#renewDeadlineMs - this.#options.clock.monotonic();
  }

  /**
   * One attempt to take or renew, bounded so that a hanging request leaves time for another one before the deadline.
   * True = the lease is ours; false = somebody else's.
   */
  async #attempt(stop: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const leading = this.#renewedAt !== undefined;
    const bound = Math.max(this.#retryMs, this.#renewDeadlineMs / 2);
    const ms = leading ? Math.min(bound, this.#leftToDeadline()) : bound;
    const own = new AbortController();
    const timer = new AbortController();
    const onStop = (): void => own.abort(stop.reason);
    stop.addEventListener('abort', onStop, { once: true });
    clock.sleep(ms, timer.signal).then(
      () => own.abort(new Error(`no answer within ${Math.round(ms)} ms`)),
      () => {},
    );
    try {
      return await this.#takeOrRenew(own.signal);
    } finally {
      timer.abort();
      stop.removeEventListener('abort', onStop);
    }
  }

  async #takeOrRenew(signal: AbortSignal): Promise<boolean> {
    if (this.#renewedAt !== undefined && this.#seen !== undefined) {
      try {
        return await this.#write(this.#seen.stored, signal);
      } catch (error) {
        // Perhaps only an earlier write of ours whose answer was lost: look who holds it.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    const stored = await this.#options.store.get(signal);
    if (stored !== undefined) this.#observe(stored);
    if (stored !== undefined && !this.#mayTake(stored.record)) return false;
    try {
      return await this.#write(stored, signal);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return this.#lostRace();
      throw error;
    }
  }

  /** A standby simply goes on; a leader must look again before the deadline. */
  #lostRace(): boolean {
    if (this.#renewedAt === undefined) return false;
    throw new Error('another write came first');
  }

  /** True when the record is ours, nobody's, or has stood unchanged for its duration. */
  #mayTake(record: LeaseRecord): boolean {
    if (record.holder === '' || record.holder === this.identity) return true;
    const since = this.#seen?.since ?? this.#options.clock.monotonic();
    const lasts = record.durationSeconds > 0 ? record.durationSeconds * 1_000 : this.#durationMs;
    return this.#options.clock.monotonic() - since > lasts;
  }

  async #write(previous: StoredLease | undefined, signal: AbortSignal): Promise<true> {
    const { clock, store } = this.#options;
    const ours = previous?.record.holder === this.identity;
    const now = new Date(clock.now());
    const record: LeaseRecord = {
      holder: this.identity,
      durationSeconds: this.#durationMs / 1_000,
      acquireTime: ours ? previous.record.acquireTime : now,
      renewTime: now,
      transitions: previous === undefined ? 0 : previous.record.transitions + (ours ? 0 : 1),
    };
    // Counted from before the request: others saw the new record no earlier.
    const sentAt = clock.monotonic();
    const stored =
      previous === undefined ? await store.create(record, signal) : await store.update(previous, record, signal);
    this.#renewedAt = sentAt;
    this.#observe(stored);
    return true;
  }

  async #giveAway(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#options;
    let stored = this.#seen?.stored;
    for (let attempt = 0; stored?.record.holder === this.identity; attempt += 1) {
      const now = new Date(clock.now());
      const empty = { ...stored.record, holder: '', durationSeconds: 1, renewTime: now, acquireTime: now };
      try {
        this.#observe(await store.update(stored, empty, signal));
        return;
      } catch (error) {
        if (attempt >= 3 || !isConflict(error)) throw error;
        stored = await store.get(signal);
      }
    }
  }

  #observe(stored: StoredLease): void {
    const before = this.#seen?.stored.record;
    const unchanged = before !== undefined && sameRecord(before, stored.record);
    const since = unchanged && this.#seen ? this.#seen.since : this.#options.clock.monotonic();
    this.#seen = { stored, since };
    if (before?.holder !== stored.record.holder) this.#options.onLeader?.(stored.record.holder);
  }
}

function sameRecord(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.holder === b.holder &&
    a.durationSeconds === b.durationSeconds &&
    a.transitions === b.transitions &&
    a.acquireTime.getTime() === b.acquireTime.getTime() &&
    a.renewTime.getTime() === b.renewTime.getTime()
  );
}
