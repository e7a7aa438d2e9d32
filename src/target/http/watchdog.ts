/**
 * One timer that follows a request through its phases and fires when the present phase makes no progress. It never
 * looks at how long a request takes as a whole.
 */
export class Watchdog {
  readonly #expired: (awaited: string, ms: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #awaited = '';
  #ms = 0;
  #stopped = false;

  constructor(expired: (awaited: string, ms: number) => void) {
    this.#expired = expired;
  }

  /** From now on `awaited` must happen within `ms`; call again for each sign of progress. */
  expect(awaited: string, ms: number): void {
    if (this.#stopped) return;
    if (this.#timer !== undefined && this.#awaited === awaited && this.#ms === ms) {
      this.#timer.refresh();
      return;
    }
    this.rest();
    this.#awaited = awaited;
    this.#ms = ms;
    this.#timer = setTimeout(() => this.#expired(awaited, ms), ms);
  }

  /** Nothing is awaited of the other side. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Nothing will be awaited any more: a body may still come to itself after its request has ended. */
  stop(): void {
    this.#stopped = true;
    this.rest();
  }
}
