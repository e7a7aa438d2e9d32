/**
 * Long work that reconciles start, adopt and abort but never wait for. Guaranteed: at most one run of a key at any
 * time, the finished one included until the reconcile has taken its outcome; a run's body never throws into the
 * process; listeners are only told the key. Not kept here: anything that must outlive the process (that is a journal's
 * work).
 */
import type { Clock } from '../lib/clock.ts';

export type RunResult<R> =
  | { readonly status: 'fulfilled'; readonly value: R }
  | { readonly status: 'rejected'; readonly reason: unknown };

/** One run as a reconcile sees it. */
export interface Run<P, R> {
  readonly key: string;
  /** The caller's name of the run, e.g. a record id. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What the body reported last. */
  readonly progress: P | undefined;
  /** Why it was told to stop, once it was. */
  readonly abortReason: unknown;
  /** Undefined while it is active. */
  readonly result: RunResult<R> | undefined;
  /** Settles when the body has ended; never rejects. */
  readonly settled: Promise<RunResult<R>>;
}

export interface RunContext<P> {
  readonly signal: AbortSignal;
  readonly report: (progress: P) => void;
}

export type RunBody<P, R> = (context: RunContext<P>) => Promise<R>;

export type RunEvent = 'progress' | 'settled';

export interface RunRegistryOptions {
  readonly clock: Clock;
  /** Told of progress and of the end; must be cheap (it enqueues the key). */
  readonly onEvent: (key: string, event: RunEvent) => void;
}

interface Entry<P, R> {
  readonly run: { -readonly [K in keyof Run<P, R>]: Run<P, R>[K] };
  readonly controller: AbortController;
}

export class RunRegistry<P, R> {
  readonly #clock: Clock;
  readonly #onEvent: (key: string, event: RunEvent) => void;
  readonly #entries = new Map<string, Entry<P, R>>();
  #stopped: { readonly reason: unknown } | undefined;

  constructor(options: RunRegistryOptions) {
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
  }

  /**
   * Starts `body` and returns at once. Fails with a RangeError while the key has a run that was not taken, and with the
   * reason of `stopAll` after it.
   */
  start(key: string, id: string, body: RunBody<P, R>): Run<P, R> {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
    if (this.#entries.has(key)) throw new RangeError(`a run of ${key} is registered already`);
    const controller = new AbortController();
    const { promise, resolve } = Promise.withResolvers<RunResult<R>>();
    const entry: Entry<P, R> = {
      controller,
      run: {
        key,
        id,
        startedAt: this.#clock.now(),
        progress: undefined,
        abortReason: undefined,
        result: undefined,
        settled: promise,
      },
    };
    this.#entries.set(key, entry);
    const report = (progress: P): void => {
      if (entry.run.result !== undefined) return;
      entry.run.progress = progress;
      this.#onEvent(key, 'progress');
    };
    const finish = (result: RunResult<R>): void => {
      entry.run.result = result;
      resolve(result);
      this.#onEvent(key, 'settled');
    };
    // Deferred by a microtask, so that a body which throws at once is no different from one that throws later.
    Promise.resolve()
      .then(() => body({ signal: controller.signal, report }))
      .then(
        (value) => finish({ status: 'fulfilled', value }),
        (reason: unknown) => finish({ status: 'rejected', reason }),
      );
    return entry.run;
  }

  /** The key's run, active or finished and not taken yet. */
  get(key: string): Run<P, R> | undefined {
    return this.#entries.get(key)?.run;
  }

  /** Runs whose body has not ended. */
  active(): readonly Run<P, R>[] {
    return [...this.#entries.values()].map(({ run }) => run).filter((run) => run.result === undefined);
  }

  /** Asks the key's active run to stop at a safe point; false when there is none. The first reason stands. */
  abort(key: string, reason: unknown): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.run.result !== undefined) return false;
    if (!entry.controller.signal.aborted) {
      entry.run.abortReason = reason;
      entry.controller.abort(reason);
    }
    return true;
  }

  /** Removes a finished run and returns its result; undefined while it is active or when `id` is another run's. */
  take(key: string, id: string): RunResult<R> | undefined {
    const entry = this.#entries.get(key);
    if (entry?.run.id !== id || entry.run.result === undefined) return undefined;
    this.#entries.delete(key);
    return entry.run.result;
  }

  /** Refuses new runs, aborts all active ones and waits until their bodies have ended or `signal` is aborted. */
  async stopAll(reason: unknown, signal: AbortSignal): Promise<void> {
    this.#stopped ??= { reason };
    const active = this.active();
    for (const run of active) this.abort(run.key, reason);
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = (): void => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await Promise.race([Promise.all(active.map((run) => run.settled)), promise]);
    signal.removeEventListener('abort', onAbort);
  }
}
