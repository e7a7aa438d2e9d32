/**
 * What an expression of either dialect comes to, and where its times lie on the time line of a wall clock that is never
 * put forward or back: whole seconds, each counted from 1970-01-01T00:00:00 on that wall ("local" below). Times lie in
 * the years 1970 to 2099. Nothing here knows of zones.
 */
import { type Days, firstDayIn, lastDayIn } from './cron-days.ts';

export interface CronTimes {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: Days;
  /** Hours are named one by one, so that each time is a fixed local time; else times follow elapsed time. */
  readonly fixed: boolean;
}

const DAY = 86_400;

/** The first time at or after this local second; undefined = there is none. */
export function firstFrom(times: CronTimes, local: number): number | undefined {
  const day = Math.floor(local / DAY);
  const found = firstDayIn(times.days, day);
  if (found === undefined) return undefined;
  if (found > day) return found * DAY + timeAt(times, 0);
  const rank = rankOf(times, local - day * DAY);
  if (rank < perDay(times)) return day * DAY + timeAt(times, rank);
  const next = firstDayIn(times.days, day + 1);
  return next === undefined ? undefined : next * DAY + timeAt(times, 0);
}

/** The last time before this local second; undefined = there is none. */
export function lastBefore(times: CronTimes, local: number): number | undefined {
  const day = Math.floor(local / DAY);
  const found = lastDayIn(times.days, day);
  if (found === undefined) return undefined;
  const latest = perDay(times) - 1;
  if (found < day) return found * DAY + timeAt(times, latest);
  const rank = rankOf(times, local - day * DAY);
  if (rank > 0) return day * DAY + timeAt(times, rank - 1);
  const previous = lastDayIn(times.days, day - 1);
  return previous === undefined ? undefined : previous * DAY + timeAt(times, latest);
}

/** How many times lie in [from, to), in local seconds; walks day by day. */
export function countIn(times: CronTimes, from: number, to: number): number {
  let count = 0;
  let day = firstDayIn(times.days, Math.floor(from / DAY));
  while (day !== undefined && day * DAY < to) {
    count += rankOf(times, Math.min(to - day * DAY, DAY)) - rankOf(times, Math.max(from - day * DAY, 0));
    day = firstDayIn(times.days, day + 1);
  }
  return count;
}

function perDay({ hours, minutes, seconds }: CronTimes): number {
  return hours.length * minutes.length * seconds.length;
}

/** The second of the day of the time with this rank, counted from 0. */
function timeAt({ hours, minutes, seconds }: CronTimes, rank: number): number {
  const second = seconds[rank % seconds.length] ?? 0;
  const minute = minutes[Math.floor(rank / seconds.length) % minutes.length] ?? 0;
  const hour = hours[Math.floor(rank / (seconds.length * minutes.length))] ?? 0;
  return (hour * 60 + minute) * 60 + second;
}

/** How many times of a day lie before this second of the day. */
function rankOf({ hours, minutes, seconds }: CronTimes, secondOfDay: number): number {
  const hour = Math.floor(secondOfDay / 3_600);
  const minute = Math.floor(secondOfDay / 60) % 60;
  let rank = below(hours, hour) * minutes.length * seconds.length;
  if (!hours.includes(hour)) return rank;
  rank += below(minutes, minute) * seconds.length;
  return minutes.includes(minute) ? rank + below(seconds, secondOfDay % 60) : rank;
}

function below(values: readonly number[], limit: number): number {
  const index = values.findIndex((value) => value >= limit);
  return index < 0 ? values.length : index;
}
