import { type Clock, systemClock } from '../../src/lib/clock.ts';

/** The system's clock, whose wall time somebody sets: timers do not notice, as on a real machine. */
export class SettableClock implements Clock {
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  /** Says that it is this instant now (RFC 3339). */
  set(instant: string): void {
    this.#aheadMs = Date.parse(instant) - Date.now();
  }

  turn(byMs: number): void {
    this.#aheadMs += byMs;
  }
}
