/**
 * The loop that turns keys into reconciles. Guaranteed: one reconcile per key at a time; an error or a throw is logged
 * once and retried with the key's back-off (no sooner than the error's `retryAfterMs`); a `TerminalError` is logged and
 * not retried until the key is added again; a reconcile that outlasts its timeout is aborted and counts as failed.
 * Not guaranteed: that any single change is seen by a reconcile of its own.
 */
import { randomUUID } from 'node:crypto';

import type { BackoffPolicy } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { LogFields, Logger } from '../telemetry/logger.ts';
import { splitKey } from './key.ts';
import { WorkQueue } from './work-queue.ts';

export interface ReconcileResult {
  /** Reconcile again after so many milliseconds; given a spread of ±5 % so that objects do not beat together. */
  readonly requeueAfterMs?: number;
  /**
   * Reconcile again at this instant (milliseconds since the epoch), not before and without a spread. It is counted from
   * now on: when the clock is set meanwhile, somebody has to enqueue the key (clock-watch.ts).
   */
  readonly requeueAtMs?: number;
}

export interface ReconcileContext {
  /** Unique per reconcile; in every log line of it. */
  readonly reconcileId: string;
  readonly logger: Logger;
}

export type Reconcile = (key: string, context: ReconcileContext, signal: AbortSignal) => Promise<ReconcileResult>;

/** No repetition can help: only a change of the object can. */
export class TerminalError extends Error {
  readonly code = 'TerminalError';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'TerminalError';
  }
}

/** The reconcile did not return in time. */
export class ReconcileTimeoutError extends Error {
  readonly code = 'ReconcileTimeout';

  constructor(ms: number) {
    super(`the reconcile did not end within ${ms} ms`);
    this.name = 'ReconcileTimeoutError';
  }
}

export type ReconcileOutcome = 'success' | 'requeue_after' | 'error' | 'terminal_error';

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Reconciles at once; default 4. */
  readonly workers?: number;
  /** Default 60,000 ms. */
  readonly reconcileTimeoutMs?: number;
  readonly rateLimit?: BackoffPolicy;
  /** More fields for each log line, e.g. controllerGroup and controllerKind. */
  readonly logFields?: LogFields;
  /** Told of each reconcile's end, for metrics. */
  readonly onOutcome?: (outcome: ReconcileOutcome, durationMs: number) => void;
}

const INTERVAL_SPREAD = 0.05;
/** A timer may ring a millisecond early, and an instant that has not come yet would cost a reconcile for nothing. */
const EXACT_MARGIN_MS = 2;

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #logger: Logger;
  readonly #timeoutMs: number;

  constructor(options: ControllerOptions) {
    const { clock, random, rateLimit, name } = options;
    this.name = name;
    this.#options = options;
    this.#timeoutMs = options.reconcileTimeoutMs ?? 60_000;
    this.#queue = new WorkQueue({ clock, random, ...(rateLimit === undefined ? {} : { rateLimit }) });
    this.#logger = options.logger.child({ controller: name, ...options.logFields });
  }

  /** Reconcile this key soon. May be called before `run`: the keys wait. */
  enqueue(key: string): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Keys waiting, delayed and in work. */
  get depth(): WorkQueue['depth'] {
    return this.#queue.depth;
  }

  /**
   * Works until `stopTaking` is aborted and the reconciles under way have ended. `signal` aborts those: it is the
   * harder of the two.
   */
  async run(stopTaking: AbortSignal, signal: AbortSignal): Promise<void> {
    const close = (): void => this.#queue.close();
    if (stopTaking.aborted || signal.aborted) close();
    stopTaking.addEventListener('abort', close, { once: true });
    signal.addEventListener('abort', close, { once: true });
    try {
      await Promise.all(Array.from({ length: this.#options.workers ?? 4 }, () => this.#work(signal)));
    } finally {
      stopTaking.removeEventListener('abort', close);
      signal.removeEventListener('abort', close);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      try {
        await this.#one(key, signal);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #one(key: string, signal: AbortSignal): Promise<void> {
    const { clock, onOutcome } = this.#options;
    const { namespace, name } = splitKey(key);
    const reconcileId = randomUUID();
    const logger = this.#logger.child({ namespace, name, reconcileID: reconcileId });
    const started = clock.monotonic();
    let outcome: ReconcileOutcome;
    try {
      const result = await this.#bounded(key, { reconcileId, logger }, signal);
      outcome = this.#succeeded(key, result);
    } catch (error) {
      outcome = this.#failed(key, error, logger, signal);
    }
    onOutcome?.(outcome, clock.monotonic() - started);
  }

  /** The timeout only aborts: a reconcile that ignores its signal keeps its worker, lest two work on one key. */
  async #bounded(key: string, context: ReconcileContext, signal: AbortSignal): Promise<ReconcileResult> {
    const { clock, reconcile } = this.#options;
    const own = new AbortController();
    const onAbort = (): void => own.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = new AbortController();
    clock.sleep(this.#timeoutMs, timer.signal).then(
      () => own.abort(new ReconcileTimeoutError(this.#timeoutMs)),
      () => {},
    );
    try {
      return await reconcile(key, context, own.signal);
    } finally {
      timer.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #succeeded(key: string, result: ReconcileResult): ReconcileOutcome {
    this.#queue.forget(key);
    const { requeueAfterMs, requeueAtMs } = result;
    if (requeueAfterMs !== undefined) {
      const spread = 1 + INTERVAL_SPREAD * (2 * this.#options.random() - 1);
      this.#queue.addAfter(key, requeueAfterMs * spread);
    }
    if (requeueAtMs !== undefined) this.#queue.addAfter(key, requeueAtMs - this.#options.clock.now() + EXACT_MARGIN_MS);
    return requeueAfterMs === undefined && requeueAtMs === undefined ? 'success' : 'requeue_after';
  }

  #failed(key: string, error: unknown, logger: Logger, signal: AbortSignal): ReconcileOutcome {
    if (signal.aborted) {
      logger.debug('reconcile aborted', { error });
      return 'error';
    }
    if (error instanceof TerminalError) {
      this.#queue.forget(key);
      logger.error('reconcile failed for good', { error });
      return 'terminal_error';
    }
    const backoff = this.#queue.addRateLimited(key, retryAfterMs(error));
    logger.warn('reconcile failed, will be repeated', { error, retryInMs: Math.round(backoff) });
    return 'error';
  }
}

/** What a server asked us to wait, on whichever error class carries it. */
function retryAfterMs(error: unknown): number {
  const wait = (error as { readonly retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  return typeof wait === 'number' && wait > 0 ? wait : 0;
}
