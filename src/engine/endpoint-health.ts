/**
 * Retries against one endpoint (a far side, or the source). Guarantees: a terminal error is thrown at once; a retryable
 * one is tried again with back-off and jitter, never before Retry-After; a caller's own budget is used up only while the
 * endpoint answers (others, or about this request), so that an outage fails nobody early; an endpoint silent for longer than `patience` is given
 * up with one cluster error for all callers.
 */
import { classify, ReplicationError } from '../domain/errors.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';

export interface EndpointOptions {
  /** In words, for messages: `far side east`, `source database`. */
  readonly what: string;
  /** Code of the error with which a silent endpoint is given up. */
  readonly unavailable: string;
  /** Milliseconds without any success after which the endpoint is given up. */
  readonly patience: number;
  /** Failures of one caller before its error is final, counted only while others succeed. */
  readonly attempts: number;
  readonly backoff: BackoffPolicy;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Upper bound for a far side's Retry-After. Milliseconds. */
const LONGEST_RETRY_AFTER = 300_000;

export class EndpointHealth {
  readonly #options: EndpointOptions;
  #successes = 0;
  #failingSince: number | undefined;
  #notBefore = 0;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /**
   * A call that takes long may tell that it got on, by what a further attempt goes on from: then a connection lost later
   * counts as the first failure.
   */
  async run<T>(call: (gotOn: () => void) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, attempts, backoff, random } = this.#options;
    let counted = 0;
    let moved = false;
    const gotOn = (): void => {
      moved = true;
      this.succeeded();
    };
    for (let attempt = 0; ; attempt += 1) {
      await this.#cooldown(signal);
      const successesBefore = this.#successes;
      moved = false;
      try {
        const result = await call(gotOn);
        this.succeeded();
        return result;
      } catch (cause) {
        signal.throwIfAborted();
        const error = classify(cause);
        if (error.errorClass !== 'retryable') {
          if (error.status !== undefined) this.succeeded();
          throw error;
        }
        if (moved && error.status === undefined) {
          counted = 0;
          attempt = 0;
        } else if (this.#successes > successesBefore || answeredAboutThis(error)) counted += 1;
        if (counted >= attempts) throw error;
        this.#giveUpIfSilent(error);
        if (error.retryAfterMs !== undefined) {
          this.#notBefore = Math.max(
            this.#notBefore,
            clock.monotonic() + Math.min(error.retryAfterMs, LONGEST_RETRY_AFTER),
          );
        }
        await clock.sleep(backoffDelay(backoff, attempt, random), signal);
      }
    }
  }

  /** The endpoint answered something else than a retryable error. */
  succeeded(): void {
    this.#successes += 1;
    this.#failingSince = undefined;
  }

  async #cooldown(signal: AbortSignal): Promise<void> {
    const wait = this.#notBefore - this.#options.clock.monotonic();
    if (wait > 0) await this.#options.clock.sleep(wait, signal);
    signal.throwIfAborted();
  }

  #giveUpIfSilent(error: ReplicationError): void {
    this.#failingSince ??= this.#options.clock.monotonic();
    const silent = this.#options.clock.monotonic() - this.#failingSince;
    if (silent < this.#options.patience) return;
    throw new ReplicationError(
      'cluster',
      this.#options.unavailable,
      `${this.#options.what} has not answered for ${Math.round(silent / 1000)} s, given up for this run: ${error.message}`,
      { cause: error },
    );
  }
}

/** An answer that speaks of this request, not of the endpoint's load: 500, but not 429, 502, 503 or 504. */
function answeredAboutThis(error: ReplicationError): boolean {
  return error.status !== undefined && ![408, 429, 502, 503, 504].includes(error.status);
}
