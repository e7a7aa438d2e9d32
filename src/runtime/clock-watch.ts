import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ManagedController } from './manager.ts';

export interface ClockWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The wall clock was set, or the machine slept: what waits for an instant waits for the wrong one. */
  readonly onJump: () => void;
}

/** Pause between two looks. Milliseconds. */
const INTERVAL = 5_000;
/** How far wall clock and timers may drift apart, slowly or at once. Milliseconds. */
const TOLERANCE = 500;

/**
 * Timers run on the monotonic clock, which neither jumps nor runs while the machine sleeps; instants are of the wall
 * clock. Guarantees that within five seconds of their coming apart by more than half a second `onJump` is called.
 */
export function clockWatch({ clock, logger, onJump }: ClockWatchOptions): ManagedController {
  return {
    name: 'clock-watch',
    async run(stopTaking, signal) {
      const end = AbortSignal.any([stopTaking, signal]);
      const difference = (): number => clock.now() - clock.monotonic();
      let known = difference();
      while (!end.aborted) {
        await clock.sleep(INTERVAL, end).catch(() => {});
        const jump = difference() - known;
        if (end.aborted || Math.abs(jump) <= TOLERANCE) continue;
        known += jump;
        logger.warn('the clock was set, or the machine slept: schedules are looked at again', {
          jumpMs: Math.round(jump),
        });
        onJump();
      }
    },
  };
}
