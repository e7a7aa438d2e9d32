/** The stretches of time in which a zone keeps one offset, found by asking for offsets: a zone tells nothing else. */
import type { Zone } from '../../lib/local-time.ts';

/** Instants in milliseconds since 1970-01-01T00:00:00Z. */
export interface Stretch {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Milliseconds that local time is ahead of UTC. */
  readonly offset: number;
  /** The offset before `from`, where the clock was changed at that very instant. */
  readonly before?: number;
}

const HOUR = 3_600_000;
/** Longer than any change of a clock: Samoa left out 24 hours. */
export const LONGEST_CHANGE = 26 * HOUR;
/** No zone is further from UTC than this. */
export const FARTHEST_OFFSET = 16 * HOUR;
/**
 * With {@link LONGEST_CHANGE} shorter than the time between any two changes of one zone (a week: Recife in 2000), so that
 * none hides behind another that takes it back.
 */
export const WINDOW = 96 * HOUR;

/**
 * The stretches that cover [from, to), in order; the first begins early enough for it to show a change whose repeated
 * local times go on into the window. At most {@link WINDOW} long.
 */
export function stretchesIn(zone: Zone, from: number, to: number): Stretch[] {
  const start = from - LONGEST_CHANGE;
  const stretches: Stretch[] = [];
  let current: Stretch = { from: start, to, offset: zone.offsetAt(start) };
  for (const change of changesIn(zone, start, to)) {
    stretches.push({ ...current, to: change });
    current = { from: change, to, offset: zone.offsetAt(change), before: current.offset };
  }
  stretches.push(current);
  return stretches;
}

/** The instants in (from, to) from which on another offset holds; changes happen at whole seconds. */
function changesIn(zone: Zone, from: number, to: number): number[] {
  const first = { second: Math.floor(from / 1_000), offset: zone.offsetAt(from) };
  const second = Math.ceil(to / 1_000);
  const last = { second, offset: zone.offsetAt(second * 1_000) };
  return changesBetween(zone, first, last).filter((change) => change < to);
}

interface Told {
  readonly second: number;
  readonly offset: number;
}

function changesBetween(zone: Zone, first: Told, last: Told): number[] {
  if (first.offset === last.offset) return [];
  if (last.second - first.second === 1) return [last.second * 1_000];
  const second = Math.floor((first.second + last.second) / 2);
  const middle = { second, offset: zone.offsetAt(second * 1_000) };
  return [...changesBetween(zone, first, middle), ...changesBetween(zone, middle, last)];
}
