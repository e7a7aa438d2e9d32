import type { Lane } from './pacing/lane.ts';

/**
 * Units in flight to one far side. `start` waits for its turn, which is what keeps memory bounded; a unit's failure goes
 * to its own handler, and a failure of that handler comes out of `idle`.
 */
export class UnitPool {
  readonly #lane: Pick<Lane, 'acquire'>;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(lane: Pick<Lane, 'acquire'>) {
    this.#lane = lane;
  }

  async start(
    work: (signal: AbortSignal) => Promise<void>,
    onError: (error: unknown) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const release = await this.#lane.acquire(signal);
    const running = work(signal)
      .catch(onError)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(running);
        release();
      });
    this.#running.add(running);
  }

  /** One step of a unit that needs a permit only now and then; its failure is the caller's. */
  async step<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const release = await this.#lane.acquire(signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
