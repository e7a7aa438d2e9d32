/** Keys that wait their turn in a circle: whoever is taken goes to the end. */
export class Rotation<K> {
  readonly #keys = new Set<K>();

  get size(): number {
    return this.#keys.size;
  }

  /** A key that is in already keeps its place. */
  add(key: K): void {
    this.#keys.add(key);
  }

  delete(key: K): void {
    this.#keys.delete(key);
  }

  [Symbol.iterator](): Iterator<K> {
    return this.#keys.values();
  }

  /** The first key that may go, moved to the end; undefined = none may. */
  take(allowed: (key: K) => boolean): K | undefined {
    for (const key of this.#keys) {
      if (!allowed(key)) continue;
      this.#keys.delete(key);
      this.#keys.add(key);
      return key;
    }
    return undefined;
  }
}
