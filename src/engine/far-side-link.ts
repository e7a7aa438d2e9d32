import type { EndpointHealth } from './endpoint-health.ts';
import type { Target } from './ports.ts';

/** A far side as a run speaks to it: every call with retries against the health of that far side. */
export class FarSideLink {
  readonly id: string;
  readonly name: string;
  readonly #target: Target;
  readonly #health: EndpointHealth;

  constructor(target: Target, health: EndpointHealth) {
    this.id = target.id;
    this.name = target.name;
    this.#target = target;
    this.#health = health;
  }

  call<T>(request: (target: Target) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#health.run(() => request(this.#target), signal);
  }
}
