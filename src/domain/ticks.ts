/**
 * What becomes of the times of a cron: of those that have come, the newest within the starting deadline runs, those before
 * it are missed, and those that came while a run of the task was active are skipped (runs of a task never overlap). Every
 * time is dealt with once: none at or before the mark is looked at again, however the clock is set. Pure.
 */

/** The times of a cron in its zone; instants are milliseconds since the epoch. */
export interface Ticks {
  /** The first one behind `after`; undefined = never again. */
  next(after: number): number | undefined;
  /** The newest one in (after, until]. */
  newest(after: number, until: number): number | undefined;
  /** How many there are in (after, until], counted up to MAX_COUNTED. */
  count(after: number, until: number): number;
}

/** More times than this are not counted one by one. */
export const MAX_COUNTED = 10_000;

export interface TickFacts {
  readonly ticks: Ticks;
  /** The newest time that was dealt with, or since when the schedule holds: whichever is later. */
  readonly mark: number;
  readonly now: number;
  readonly deadlineMs: number;
  /** Up to when a run of the task was, or is, active. */
  readonly busyUntil: number | undefined;
}

export interface TickVerdict {
  /** To be run now. It stays due until it was dealt with or its deadline passes. */
  readonly due: number | undefined;
  /** Times that nothing will be done about, and the newest of them. Those before a due one are among them. */
  readonly skipped: number;
  readonly missed: number;
  readonly dealtUntil: number | undefined;
}

const NOTHING: TickVerdict = { due: undefined, skipped: 0, missed: 0, dealtUntil: undefined };

export function judgeTicks({ ticks, mark, now, deadlineMs, busyUntil }: TickFacts): TickVerdict {
  const newest = ticks.newest(mark, now);
  if (newest === undefined) return NOTHING;
  const busy = Math.min(busyUntil ?? Number.NEGATIVE_INFINITY, now);
  const skippedUntil = busy > mark ? ticks.newest(mark, busy) : undefined;
  const skipped = skippedUntil === undefined ? 0 : ticks.count(mark, skippedUntil);
  if (skippedUntil === newest) return { due: undefined, skipped, missed: 0, dealtUntil: newest };
  const from = skippedUntil ?? mark;
  if (newest < now - deadlineMs)
    return { due: undefined, skipped, missed: ticks.count(from, newest), dealtUntil: newest };
  // Up to a millisecond before it: times are whole seconds.
  return { due: newest, skipped, missed: ticks.count(from, newest - 1), dealtUntil: skippedUntil };
}

/** `tick:2026-11-22T02:00:00Z` */
export function tickClaim(tick: number): string {
  return `${CLAIM}${new Date(tick).toISOString().replace('.000Z', 'Z')}`;
}

const CLAIM = 'tick:';

/** The newest time up to `now` that these runs were begun for; later ones are of a clock that was wrong. */
export function newestClaimed(runs: readonly { readonly claim: string }[], now: number): number | undefined {
  const claimed = runs
    .filter(({ claim }) => claim.startsWith(CLAIM))
    .map(({ claim }) => Date.parse(claim.slice(CLAIM.length)))
    .filter((tick) => tick <= now);
  return claimed.length === 0 ? undefined : Math.max(...claimed);
}

/** `1 scheduled time`, `more than 10,000 scheduled times`. */
export function countedTimes(count: number): string {
  if (count >= MAX_COUNTED) return 'more than 10,000 scheduled times';
  return count === 1 ? '1 scheduled time' : `${count} scheduled times`;
}
