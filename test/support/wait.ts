import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface EventuallyOptions {
  /** Milliseconds until it counts as failed (10 s). */
  readonly timeoutMs?: number;
  /** Milliseconds between two tries (50 ms). */
  readonly intervalMs?: number;
  /** Ends the waiting at once. */
  readonly signal?: AbortSignal;
}

/**
 * Tries until `check` neither throws nor answers `false`, `undefined` or `null`, and answers what it answered.
 *
 * @throws {Error} at the deadline, telling how the last try failed
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<Awaited<T>, false | undefined | null>> {
  const { timeoutMs = 10_000, intervalMs = 50, signal } = options;
  const deadline = performance.now() + timeoutMs;
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted();
    let failure: unknown;
    try {
      const value = await check();
      if (value !== false && value !== undefined && value !== null)
        return value as Exclude<Awaited<T>, false | undefined | null>;
      failure = `it answered ${inspect(value)}`;
    } catch (error) {
      failure = error;
    }
    if (performance.now() + intervalMs > deadline) {
      const last = failure instanceof Error ? failure.message : String(failure);
      throw new Error(`not so within ${timeoutMs} ms (${tries} tries); the last time: ${last}`, { cause: failure });
    }
    await delay(intervalMs);
  }
}
