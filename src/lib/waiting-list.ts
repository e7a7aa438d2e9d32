/** First come, first served. Whoever's signal is aborted leaves the list; nobody is left in it without a signal of his own. */
export class WaitingList {
  readonly #waiters = new Set<() => void>();

  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves when it is this one's turn; rejects with the signal's reason, after `left` was called, when aborted before. */
  join(left: () => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(grant);
        left();
        reject(signal.reason);
      };
      const grant = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#waiters.add(grant);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets the first one go. */
  next(): void {
    const [first] = this.#waiters;
    if (first === undefined) return;
    this.#waiters.delete(first);
    first();
  }
}
