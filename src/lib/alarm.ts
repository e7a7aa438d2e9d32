import type { Clock } from './clock.ts';

/** One wake-up at a time, and no timer while none is set. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #pending: { readonly at: number; readonly cancel: AbortController } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` of the monotonic clock, instead of when it was set to before. */
  set(at: number): void {
    if (this.#pending?.at === at) return;
    this.clear();
    const cancel = new AbortController();
    const pending = { at, cancel };
    this.#pending = pending;
    this.#clock.sleep(Math.max(0, at - this.#clock.monotonic()), cancel.signal).then(
      () => {
        if (this.#pending !== pending) return;
        this.#pending = undefined;
        this.#ring();
      },
      // Only `clear` ends the sleep early.
      () => {},
    );
  }

  clear(): void {
    this.#pending?.cancel.abort();
    this.#pending = undefined;
  }
}
