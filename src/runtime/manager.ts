/**
 * The life of an operator process: warm caches, wait for leadership, run controllers, stop in order.
 *
 * Guaranteed order at a stop: take no more work, bring runs to a safe point, let reconciles end, flush, give the lease
 * away, end the caches. The lease is given away only when all work has ended; else it runs out by itself. When the
 * lease is lost all work is aborted at once and `run` rejects: the process must exit. A standby keeps warm caches and
 * is ready.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ProbeCheck } from './probes.ts';

export interface ManagedCache {
  readonly name: string;
  /** Until aborted. */
  run(signal: AbortSignal): Promise<void>;
  waitForSync(signal: AbortSignal): Promise<void>;
  hasSynced(): boolean;
}

export interface ManagedController {
  readonly name: string;
  /** Until `stopTaking` and its work has ended; `signal` aborts that work. */
  run(stopTaking: AbortSignal, signal: AbortSignal): Promise<void>;
}

/** Work beside the controllers, e.g. an event recorder. */
export interface ManagedTask {
  readonly name: string;
  /** Until aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Called once when all work has ended. */
  flush?(signal: AbortSignal): Promise<void>;
}

export interface Election {
  start(): void;
  acquired(signal: AbortSignal): Promise<void>;
  readonly lost: AbortSignal;
  release(signal: AbortSignal): Promise<void>;
}

export interface ManagerOptions {
  readonly caches: readonly ManagedCache[];
  readonly controllers: readonly ManagedController[];
  readonly tasks?: readonly ManagedTask[];
  /** Stops long work at a safe point; refuses new. */
  readonly runs: { stopAll(reason: unknown, signal: AbortSignal): Promise<void> };
  /** Absent = this process always leads. */
  readonly election?: Election;
  /** Done once, as leader with synced caches, before the controllers start. */
  readonly onLeading?: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a stop may take until work is aborted the hard way; default 30,000 ms. */
  readonly graceMs?: number;
}

export type ManagerState = 'starting' | 'standby' | 'leading' | 'stopping' | 'stopped';

/** The reason with which work is aborted when the process was asked to stop. */
export class ShutdownError extends Error {
  readonly code = 'Shutdown';

  constructor() {
    super('the process is stopping');
    this.name = 'ShutdownError';
  }
}

/** Time for requests under way to notice that the lease is lost. */
const LOST_GRACE_MS = 3_000;
const FLUSH_MS = 3_000;
const RELEASE_MS = 5_000;
const BACKGROUND_MS = 5_000;

export class Manager {
  readonly #options: ManagerOptions;
  /** Aborted when anything must end at once. */
  readonly #hard = new AbortController();
  /** Aborted when no more work is taken. */
  readonly #stopTaking = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #state: ManagerState = 'starting';

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => {});
  }

  get state(): ManagerState {
    return this.#state;
  }

  /** For `/readyz`: caches are synced and the process is not stopping. */
  readyCheck(): ProbeCheck {
    return {
      name: 'manager',
      check: () => {
        if (this.#state === 'stopping' || this.#state === 'stopped') return 'stopping';
        const cold = this.#options.caches.filter((cache) => !cache.hasSynced()).map(({ name }) => name);
        return cold.length === 0 ? undefined : `not synced yet: ${cold.join(', ')}`;
      },
    };
  }

  /**
   * Runs until `stop` is aborted and everything has ended. Rejects when the lease is lost, or with the error of a cache,
   * controller or task that failed.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { caches, tasks = [], election, logger } = this.#options;
    const background = [...caches, ...tasks].map((part) => this.#guard(part.name, part.run(this.#hard.signal)));
    election?.start();
    const work: Promise<void>[] = [];
    let failure: { readonly error: unknown } | undefined;
    try {
      const becoming = this.#becomeLeader(stop);
      work.push(becoming.catch(() => {}));
      await this.#whenNotStopped(stop, becoming);
      if (!stop.aborted) {
        work.push(this.#lead());
        await this.#whenNotStopped(stop, new Promise<never>(() => {}));
      }
    } catch (error) {
      failure = { error };
      logger.error('stopping because of a failure', { error });
    }
    await this.#shutDown(work, failure);
    await this.#within(BACKGROUND_MS, async () => void (await Promise.all(background)));
    this.#state = 'stopped';
    if (failure !== undefined) throw failure.error;
  }

  /** Resolves with the work or when `stop` is aborted; rejects when the lease is lost or a part failed. */
  async #whenNotStopped(stop: AbortSignal, work: Promise<void>): Promise<void> {
    const lost = this.#options.election?.lost;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onStop = (): void => resolve();
    const onLost = (): void => reject(lost?.reason);
    stop.addEventListener('abort', onStop, { once: true });
    lost?.addEventListener('abort', onLost, { once: true });
    if (stop.aborted) onStop();
    if (lost?.aborted) onLost();
    work.then(resolve, (error: unknown) => (stop.aborted ? resolve() : reject(error)));
    try {
      await Promise.race([promise, this.#failed.promise]);
    } finally {
      stop.removeEventListener('abort', onStop);
      lost?.removeEventListener('abort', onLost);
    }
  }

  async #becomeLeader(stop: AbortSignal): Promise<void> {
    const { caches, election, onLeading, logger } = this.#options;
    await Promise.all(caches.map((cache) => cache.waitForSync(stop)));
    stop.throwIfAborted();
    logger.info('caches synced', { caches: caches.map(({ name }) => name) });
    this.#state = 'standby';
    await election?.acquired(stop);
    stop.throwIfAborted();
    await onLeading?.(stop);
  }

  #lead(): Promise<void> {
    this.#state = 'leading';
    this.#options.logger.info('leading, controllers start');
    const runs = this.#options.controllers.map((controller) =>
      this.#guard(controller.name, controller.run(this.#stopTaking.signal, this.#hard.signal)),
    );
    return Promise.all(runs).then(() => {});
  }

  async #shutDown(work: readonly Promise<void>[], failure: { readonly error: unknown } | undefined): Promise<void> {
    const { logger, runs, tasks = [], election } = this.#options;
    const graceMs = failure === undefined ? (this.#options.graceMs ?? 30_000) : LOST_GRACE_MS;
    const reason = failure === undefined ? new ShutdownError() : failure.error;
    this.#state = 'stopping';
    this.#stopTaking.abort(reason);
    // A process that no longer leads must not write another word.
    if (failure !== undefined) this.#hard.abort(reason);
    let ended = false;
    await this.#within(graceMs, async (signal) => {
      await Promise.all([runs.stopAll(reason, signal), ...work]);
      ended = !signal.aborted;
    });
    if (!ended) logger.warn('work did not end within the grace period', { graceMs });
    if (failure === undefined)
      await this.#within(FLUSH_MS, async (signal) => {
        for (const task of tasks) await task.flush?.(signal);
      });
    if (ended) await this.#within(RELEASE_MS, async (signal) => election?.release(signal));
    this.#hard.abort(reason);
  }

  /** Waits for a step of the stop, but no longer than `ms`; then its signal is aborted and it is left to itself. */
  async #within(ms: number, step: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, logger } = this.#options;
    const deadline = new AbortController();
    const timer = new AbortController();
    const timeout = clock.sleep(ms, timer.signal).then(
      () => deadline.abort(new Error(`not done within ${ms} ms`)),
      () => {},
    );
    const done = step(deadline.signal).catch((error: unknown) => logger.warn('a step of the stop failed', { error }));
    await Promise.race([done, timeout]);
    timer.abort();
  }

  /** A part that fails takes the process down; one that ends after the abort is what we asked for. */
  async #guard(name: string, part: Promise<void>): Promise<void> {
    try {
      await part;
    } catch (error) {
      if (this.#hard.signal.aborted) return;
      this.#options.logger.error('a part of the program failed', { part: name, error });
      this.#failed.reject(error);
    }
  }
}
