/**
 * When a task runs (design §5): the ticks of a cron expression in a zone, and the instant of an executeTime. Pure: no
 * clock is read.
 *
 * Guaranteed: ticks lie at whole seconds in the years 1970 to 2099 of the zone's local time; an expression that parses
 * has at least one. On days of clock change, a fixed local time (hours named one by one) inside a gap runs at the first
 * instant after it, several of one gap once; inside a fold on the first pass only. An expression with a wildcard, range
 * or step of hours follows elapsed time: nothing for a gap, both passes of a fold. No call walks through ticks one by
 * one: it jumps to days that fit. Not guaranteed: that a zone's rules of today hold for years to come.
 */
import { fromLocalTime, type Zone } from '../../lib/local-time.ts';
import { FIRST_YEAR } from './cron-days.ts';
import { CronFault } from './cron-field.ts';
import { type CronTimes, firstFrom, lastBefore } from './cron-times.ts';
import { parseQuartzCron } from './quartz-cron.ts';
import { countTicksIn, firstTickIn, lastTickIn } from './stretch-ticks.ts';
import { instantOfLocal, namedZone, ZoneFault } from './time-zone.ts';
import { nicknameFields, parseUnixCron } from './unix-cron.ts';
import { FARTHEST_OFFSET, LONGEST_CHANGE, stretchesIn, WINDOW } from './zone-stretches.ts';

/** A schedule of the user's that cannot be honoured; the message says what, where and why. */
export class ScheduleError extends Error {
  readonly code: 'InvalidCron' | 'UnknownTimeZone' | 'InvalidExecuteTime';

  constructor(code: ScheduleError['code'], message: string) {
    super(message);
    this.name = 'ScheduleError';
    this.code = code;
  }
}

/** Compiled by {@link parseCron}. */
export interface CronSchedule {
  readonly times: CronTimes;
  readonly zone: Zone;
}

/** @throws {ScheduleError} InvalidCron or UnknownTimeZone */
export function parseCron(expression: string, timeZone: string): CronSchedule {
  const schedule = { times: timesOf(expression), zone: knownZone(timeZone) };
  if (nextTick(schedule, new Date(-LONGEST_CHANGE)) === undefined)
    throw invalidCron(expression, 'never: no time in the years 1970 to 2099 fits it');
  return schedule;
}

function timesOf(expression: string): CronTimes {
  try {
    return parse(expression.split(/[ \t\r\n]+/).filter((field) => field !== ''));
  } catch (error) {
    if (error instanceof CronFault) throw invalidCron(expression, error.message);
    throw error;
  }
}

function parse(fields: readonly string[]): CronTimes {
  const [first = ''] = fields;
  if (/^(?:CRON_)?TZ=/i.test(first))
    throw new CronFault(`${first.split('=')[0]}= is not taken: name the zone in timeZone`);
  if (first.startsWith('@')) return parseUnixCron(nicknameFields(fields.join(' ')));
  if (fields.length === 5) return parseUnixCron(fields);
  if (fields.length === 6 || fields.length === 7) return parseQuartzCron(fields);
  throw new CronFault(
    `it has ${fields.length} fields; Unix cron has five (minutes first), Quartz cron six or seven (seconds first, year last)`,
  );
}

function invalidCron(expression: string, why: string): ScheduleError {
  return new ScheduleError('InvalidCron', `cronExpression ${shown(expression)}: ${why}`);
}

/** The name of a zone in the IANA database that the runtime has. @throws {ScheduleError} UnknownTimeZone */
export function checkTimeZone(zone: string): void {
  knownZone(zone);
}

function knownZone(name: string): Zone {
  try {
    return namedZone(name);
  } catch (error) {
    if (error instanceof ZoneFault) throw new ScheduleError('UnknownTimeZone', error.message);
    throw error;
  }
}

const EXECUTE_TIME = /^(\d{4})-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * The instant of an executeTime: RFC 3339, or without offset a local time of the zone (inside a gap the first instant
 * after it, inside a fold the first pass). Digits finer than milliseconds are cut.
 * @throws {ScheduleError} InvalidExecuteTime or UnknownTimeZone
 */
export function executeInstant(executeTime: string, timeZone: string): Date {
  const zone = knownZone(timeZone);
  const [, year, offset] = EXECUTE_TIME.exec(executeTime) ?? [];
  if (year === undefined)
    throw invalidExecuteTime(
      executeTime,
      'is not a date and time; write RFC 3339, like 2026-11-22T02:30:00+08:00, or without the offset local time in timeZone',
    );
  const written = fromLocalTime(executeTime, UTC, 'counts');
  if (written === undefined) throw invalidExecuteTime(executeTime, 'is no date and time that there is');
  if (Number(year) < FIRST_YEAR) throw invalidExecuteTime(executeTime, `is before ${FIRST_YEAR}`);
  return offset === undefined ? new Date(instantOfLocal(written.getTime(), zone)) : written;
}

const UTC: Zone = { name: 'UTC', offsetAt: () => 0 };

function invalidExecuteTime(executeTime: string, why: string): ScheduleError {
  return new ScheduleError('InvalidExecuteTime', `executeTime ${shown(executeTime)} ${why}`);
}

/** Bounds what a message repeats; a stored expression has at most 256 characters. */
function shown(text: string): string {
  return JSON.stringify(text.length <= 256 ? text : `${text.slice(0, 256)}…`);
}

/** The first tick strictly after; undefined = never again. */
export function nextTick({ times, zone }: CronSchedule, after: Date): Date | undefined {
  for (let from = after.getTime() + 1; ; from += WINDOW) {
    const local = firstFrom(times, secondsOf(from + zone.offsetAt(from) - LONGEST_CHANGE));
    if (local === undefined) return undefined;
    from = Math.max(from, local * 1_000 - FARTHEST_OFFSET);
    for (const stretch of stretchesIn(zone, from, from + WINDOW)) {
      const tick = firstTickIn(times, stretch, from, from + WINDOW);
      if (tick !== undefined) return new Date(tick);
    }
  }
}

/** The newest tick after `after`, at most at `upTo`; undefined = there is none. */
export function newestTick({ times, zone }: CronSchedule, after: Date, upTo: Date): Date | undefined {
  const begin = after.getTime() + 1;
  for (let to = upTo.getTime() + 1; to > begin; to -= WINDOW) {
    const local = lastBefore(times, secondsOf(to + zone.offsetAt(to) + LONGEST_CHANGE));
    if (local === undefined) return undefined;
    to = Math.min(to, local * 1_000 + FARTHEST_OFFSET);
    const from = Math.max(begin, to - WINDOW);
    if (to <= from) return undefined;
    for (const stretch of stretchesIn(zone, from, to).toReversed()) {
      const tick = lastTickIn(times, stretch, from, to);
      if (tick !== undefined) return new Date(tick);
    }
  }
  return undefined;
}

/** How many ticks lie after `after` and at most at `upTo`; counts no further than `most`. */
export function countTicks({ times, zone }: CronSchedule, after: Date, upTo: Date, most: number): number {
  const end = upTo.getTime() + 1;
  let count = 0;
  for (let from = after.getTime() + 1; from < end && count < most; from += WINDOW) {
    const local = firstFrom(times, secondsOf(from + zone.offsetAt(from) - LONGEST_CHANGE));
    if (local === undefined) break;
    from = Math.max(from, local * 1_000 - FARTHEST_OFFSET);
    const to = Math.min(end, from + WINDOW);
    if (to <= from) break;
    for (const stretch of stretchesIn(zone, from, to)) count += countTicksIn(times, stretch, from, to);
  }
  return Math.min(count, most);
}

function secondsOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
