import type { Clock } from '../../src/lib/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time that moves only when a test says so; `sleep` of a `running` clock moves it by itself. */
export class FakeClock implements Clock {
  #now: number;
  /** What the wall clock is ahead of where it would be had nobody set it. */
  #set = 0;
  readonly #running: boolean;
  readonly #sleepers = new Set<Sleeper>();
  /** Every sleep asked for, in milliseconds. */
  readonly slept: number[] = [];

  constructor(options: { readonly now?: number; readonly running?: boolean } = {}) {
    this.#now = options.now ?? Date.parse('2026-11-22T12:00:00Z');
    this.#running = options.running ?? false;
  }

  /** Sleeps that have not ended. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  now(): number {
    return this.#now + this.#set;
  }

  /** Somebody sets the wall clock: no timer notices. */
  set(byMs: number): void {
    this.#set += byMs;
  }

  monotonic(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    if (this.#running) {
      this.advance(ms);
      await Promise.resolve();
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const sleeper = { at: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}
