/** What a person asks of a follower while it works: kept until it is taken, told to whoever waits. */
export type FollowOrder = 'compare' | 'retry' | 'approve-deletes';

export class FollowOrders {
  readonly #given = new Set<FollowOrder>();
  #waiting = Promise.withResolvers<void>();

  give(order: FollowOrder): void {
    this.#given.add(order);
    this.#waiting.resolve();
    this.#waiting = Promise.withResolvers<void>();
  }

  /** True once for each order, or several of a kind together. */
  take(order: FollowOrder): boolean {
    return this.#given.delete(order);
  }

  /** Resolves with the next order that is given. */
  next(): Promise<void> {
    return this.#waiting.promise;
  }
}
