/**
 * The ticks within one stretch of unchanged offset, where the rules for days of clock change hold (schedule.ts). All
 * instants in milliseconds; a tick counts when it is in [from, to) and in the stretch.
 */
import { type CronTimes, countIn, firstFrom, lastBefore } from './cron-times.ts';
import type { Stretch } from './zone-stretches.ts';

export function firstTickIn(times: CronTimes, stretch: Stretch, from: number, to: number): number | undefined {
  const bounds = boundsOf(times, stretch, from, to);
  if (bounds.atChange !== undefined) return bounds.atChange;
  const local = firstFrom(times, bounds.from);
  return local === undefined || local >= bounds.to ? undefined : instantOf(local, stretch);
}

export function lastTickIn(times: CronTimes, stretch: Stretch, from: number, to: number): number | undefined {
  const bounds = boundsOf(times, stretch, from, to);
  const local = lastBefore(times, bounds.to);
  return local === undefined || local < bounds.from ? bounds.atChange : instantOf(local, stretch);
}

export function countTicksIn(times: CronTimes, stretch: Stretch, from: number, to: number): number {
  const bounds = boundsOf(times, stretch, from, to);
  return (
    (bounds.atChange === undefined ? 0 : 1) + (bounds.from < bounds.to ? countIn(times, bounds.from, bounds.to) : 0)
  );
}

interface Bounds {
  /** Local seconds [from, to) in which times are ticks. */
  readonly from: number;
  readonly to: number;
  /** The instant at which the clock was put forward, when times it left out run then; local times begin after it. */
  readonly atChange?: number;
}

function boundsOf(times: CronTimes, stretch: Stretch, from: number, to: number): Bounds {
  const begin = Math.max(from, stretch.from);
  const bounds: Bounds = {
    from: localOf(begin, stretch.offset),
    to: localOf(Math.min(to, stretch.to), stretch.offset),
  };
  const { before } = stretch;
  if (!times.fixed || before === undefined) return bounds;
  const told = localOf(stretch.from, before);
  // Put back: what the clock told before is told again, and does not count again.
  if (before > stretch.offset) return { ...bounds, from: Math.max(bounds.from, told) };
  const left = firstFrom(times, told);
  const tells = localOf(stretch.from, stretch.offset);
  if (begin > stretch.from || stretch.from >= to || left === undefined || left >= tells) return bounds;
  return { from: tells + 1, to: bounds.to, atChange: stretch.from };
}

/** The first whole local second at or after an instant. */
function localOf(instant: number, offset: number): number {
  return Math.ceil((instant + offset) / 1_000);
}

function instantOf(local: number, { offset }: Stretch): number {
  return local * 1_000 - offset;
}
