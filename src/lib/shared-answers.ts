import type { Clock } from './clock.ts';

interface Entry<T> {
  readonly answer: Promise<T>;
  /** Monotonic milliseconds up to which it stands; infinite while it is awaited. */
  until: number;
}

/**
 * One question for all who ask the same at the same time, or within `keepMs` of its answer. A failure is told to all who
 * wait for it and not kept. At most as many entries as keys were asked for within `keepMs`.
 */
export class SharedAnswers<T> {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** `ask` must come to an end by itself: whoever stops waiting (by `signal`) leaves it to the others. */
  async get(key: string, ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    this.#forgetOld();
    const entry = this.#entries.get(key) ?? this.#ask(key, ask);
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([entry.answer, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #ask(key: string, ask: () => Promise<T>): Entry<T> {
    const entry: Entry<T> = { answer: ask(), until: Number.POSITIVE_INFINITY };
    this.#entries.set(key, entry);
    entry.answer.then(
      () => {
        entry.until = this.#clock.monotonic() + this.#keepMs;
      },
      () => this.#entries.delete(key),
    );
    return entry;
  }

  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [key, { until }] of this.#entries) if (until <= now) this.#entries.delete(key);
  }
}
