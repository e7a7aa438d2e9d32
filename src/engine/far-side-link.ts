import type { Semaphore } from '../lib/semaphore.ts';
import type { EndpointHealth } from './endpoint-health.ts';
import type { Target } from './ports.ts';

/**
 * A far side as a run speaks to it: every call with retries against the health of that far side. The installation's
 * request permits are held only while a request is under way, never during back-off, so that a dead far side keeps none
 * from the others.
 */
export class FarSideLink {
  readonly id: string;
  readonly name: string;
  readonly #target: Target;
  readonly #health: EndpointHealth;
  readonly #permits: Semaphore;

  constructor(target: Target, health: EndpointHealth, permits: Semaphore) {
    this.id = target.id;
    this.name = target.name;
    this.#target = target;
    this.#health = health;
    this.#permits = permits;
  }

  /** `request` must not call again: it holds a permit. */
  call<T>(request: (target: Target) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#health.run(async () => {
      const release = await this.#permits.acquire(signal);
      try {
        return await request(this.#target);
      } finally {
        release();
      }
    }, signal);
  }
}
