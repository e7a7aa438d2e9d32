import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  /** Per-key delay after failures; default 1 s doubling to 15 min, spread by up to a half. */
  readonly rateLimit?: BackoffPolicy;
}

/** Longest sleep of the timer: setTimeout takes more than 2^31 - 1 ms for "at once". Milliseconds. */
const MAX_SLEEP = 86_400_000;

const DEFAULT_RATE_LIMIT: BackoffPolicy = { base: 1_000, cap: 900_000, factor: 2, jitter: 0.5 };

/**
 * The queue of a controller: keys in three sets (waiting in order, dirty, processing).
 *
 * Guaranteed: a key is handed to one worker at a time; a key added any number of times while it waits is handed out
 * once; a key added while it is processed is handed out once more afterwards, so no change is lost; a delayed add never
 * puts off an earlier one. Not guaranteed: an order between keys added at the same time by different delays.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rateLimit: BackoffPolicy;
  readonly #waiting = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  /** key → monotonic milliseconds at which it becomes due. */
  readonly #delayed = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #takers = new Set<() => void>();
  #timer: { readonly due: number; readonly stop: AbortController } | undefined;
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#rateLimit = options.rateLimit ?? DEFAULT_RATE_LIMIT;
  }

  /** Marks a key as needing work. After `close` this does nothing. */
  add(key: string): void {
    if (this.#closed) return;
    this.#delayed.delete(key);
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (this.#processing.has(key)) return;
    this.#waiting.add(key);
    this.#wakeOne();
  }

  /** Adds the key after `delayMs`, unless it is due earlier already. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const due = this.#clock.monotonic() + delayMs;
    const known = this.#delayed.get(key);
    if (known !== undefined && known <= due) return;
    this.#delayed.set(key, due);
    this.#arm(due);
  }

  /** Adds the key after its own back-off (at least `minimumMs`), which grows until `forget`. Returns the delay in ms. */
  addRateLimited(key: string, minimumMs = 0): number {
    if (this.#closed) return 0;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delay = Math.max(minimumMs, backoffDelay(this.#rateLimit, failures, this.#random));
    this.addAfter(key, delay);
    return delay;
  }

  /** Ends the key's back-off: its next failure waits the base again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often the key failed since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Keys ready to be taken, in waiting order and delayed ones apart. */
  get depth(): { readonly waiting: number; readonly delayed: number; readonly processing: number } {
    return { waiting: this.#waiting.size, delayed: this.#delayed.size, processing: this.#processing.size };
  }

  /** The next key, or undefined once the queue is closed. Whoever takes a key must call `done` with it. */
  async take(): Promise<string | undefined> {
    for (;;) {
      if (this.#closed) return undefined;
      const [key] = this.#waiting;
      if (key !== undefined) {
        this.#waiting.delete(key);
        this.#dirty.delete(key);
        this.#processing.add(key);
        return key;
      }
      await new Promise<void>((resolve) => this.#takers.add(resolve));
    }
  }

  /** Ends the work on a taken key; it waits again if it was added meanwhile. */
  done(key: string): void {
    this.#processing.delete(key);
    if (!this.#dirty.has(key) || this.#closed) return;
    this.#waiting.add(key);
    this.#wakeOne();
  }

  /** Refuses new keys, drops waiting and delayed ones, and lets every `take` return undefined. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#dirty.clear();
    this.#delayed.clear();
    this.#failures.clear();
    this.#timer?.stop.abort();
    this.#timer = undefined;
    for (const wake of this.#takers) wake();
    this.#takers.clear();
  }

  #wakeOne(): void {
    const [wake] = this.#takers;
    if (wake === undefined) return;
    this.#takers.delete(wake);
    wake();
  }

  /** One timer in all: it sleeps until the earliest delayed key, or for a day. */
  #arm(due: number): void {
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    this.#timer?.stop.abort();
    const timer = { due, stop: new AbortController() };
    this.#timer = timer;
    this.#clock.sleep(Math.min(due - this.#clock.monotonic(), MAX_SLEEP), timer.stop.signal).then(
      () => this.#release(timer),
      () => {},
    );
  }

  #release(timer: { readonly due: number }): void {
    if (this.#timer !== timer) return;
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    const due = [...this.#delayed].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
    for (const [key] of due) this.add(key);
    let next = Infinity;
    for (const at of this.#delayed.values()) next = Math.min(next, at);
    if (next < Infinity) this.#arm(next);
  }
}
