import { createHash, type Hash } from 'node:crypto';

const MAX_KEPT = 256;

/**
 * SHA-256 of what unfinished uploads hold, made while their bytes arrive, so that the end need not read them all again.
 * Bounded, and lost with the process: then the file tells.
 */
export class RunningDigests {
  readonly #kept = new Map<string, { readonly hash: Hash; readonly length: number }>();

  /** A hash to go on with, of the first `length` bytes; the one that is kept stays as it is. */
  at(id: string, length: number): Hash | undefined {
    if (length === 0) return createHash('sha256');
    const kept = this.#kept.get(id);
    return kept?.length === length ? kept.hash.copy() : undefined;
  }

  keep(id: string, hash: Hash, length: number): void {
    this.#kept.delete(id);
    this.#kept.set(id, { hash, length });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  forget(id: string): void {
    this.#kept.delete(id);
  }
}
