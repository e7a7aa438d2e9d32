import type { EndpointHealth } from './endpoint-health.ts';
import type { Lane } from './pacing/lane.ts';
import type { Target } from './ports/target.ts';

/**
 * A far side as a run speaks to it: every call with retries against the health of that far side. A turn of the lane is
 * held only while a request is under way, never during back-off, so that a dead far side keeps none from the others.
 */
export class FarSideLink {
  readonly id: string;
  readonly name: string;
  readonly #target: Target;
  readonly #health: EndpointHealth;
  readonly #lane: Lane;

  constructor(target: Target, health: EndpointHealth, lane: Lane) {
    this.id = target.id;
    this.name = target.name;
    this.#target = target;
    this.#health = health;
    this.#lane = lane;
  }

  /** Scheme, host and port of the far side. */
  get origin(): string {
    return this.#target.origin;
  }

  /** `request` must not call again: it holds a turn. */
  call<T>(request: (target: Target) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#health.run(() => this.#lane.request(() => request(this.#target), 0, signal), signal);
  }

  /** As `call`, for a request that uploads a blob of `bytes` and may tell that a further attempt has less to do. */
  upload<T>(
    request: (target: Target, gotOn: () => void) => Promise<T>,
    bytes: number,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#health.run((gotOn) => this.#lane.request(() => request(this.#target, gotOn), bytes, signal), signal);
  }
}
