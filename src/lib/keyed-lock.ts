import { Semaphore } from './semaphore.ts';

interface Entry {
  readonly turn: Semaphore;
  /** Holders and waiters. */
  users: number;
}

/**
 * One at a time for each key, first come first served, within this process. Not re-entrant: work that asks for its own
 * key waits for ever. A key that nobody holds or waits for takes no memory.
 */
export class KeyedLock {
  readonly #entries = new Map<string, Entry>();

  /** Keys that are held or waited for. */
  get size(): number {
    return this.#entries.size;
  }

  /** Fails as `work` does, or with the reason of `signal` while it waits: then `work` was not begun. */
  async hold<T>(key: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const entry = this.#entries.get(key) ?? { turn: new Semaphore(1), users: 0 };
    this.#entries.set(key, entry);
    entry.users += 1;
    try {
      const release = await entry.turn.acquire(signal);
      try {
        return await work();
      } finally {
        release();
      }
    } finally {
      entry.users -= 1;
      if (entry.users === 0) this.#entries.delete(key);
    }
  }
}
