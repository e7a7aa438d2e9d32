/**
 * The six or seven fields of Quartz (`org.quartz.CronExpression`, contract §1.8). What Quartz itself takes in and then
 * ignores or misreads (a step after names, letters behind a value, `W` in a list) is refused: docs/scheduling.md.
 */

import { type DayRule, FIRST_YEAR, LAST_YEAR } from './cron-days.ts';
import {
  DAY_NAMES,
  type Entry,
  entryOf,
  expand,
  type Field,
  isPlainList,
  listOf,
  MONTH_NAMES,
  quote,
  refuse,
  sorted,
  valueOf,
} from './cron-field.ts';
import type { CronTimes } from './cron-times.ts';

const SECONDS: Field = { position: 1, name: 'seconds', min: 0, max: 59 };
const MINUTES: Field = { position: 2, name: 'minutes', min: 0, max: 59 };
const HOURS: Field = { position: 3, name: 'hours', min: 0, max: 23 };
const DAYS_OF_MONTH: Field = { position: 4, name: 'day of month', min: 1, max: 31 };
const MONTHS: Field = { position: 5, name: 'month', min: 1, max: 12, names: MONTH_NAMES };
/** Sunday is 1. */
const DAYS_OF_WEEK: Field = {
  position: 6,
  name: 'day of week',
  min: 1,
  max: 7,
  names: Object.fromEntries(DAY_NAMES.map((name, index) => [name, index + 1])),
};
const YEARS: Field = { position: 7, name: 'year', min: FIRST_YEAR, max: LAST_YEAR };

/** The latest day that every month has: the nearest weekday to a later one, Quartz finds wrongly in short months. */
const LAST_DAY_OF_ALL = 28;
/** So many days before its last, every month has a day. */
const OFFSET_OF_ALL = 27;
const LARGEST_OFFSET = 30;

/** @throws {CronFault} */
export function parseQuartzCron(fields: readonly string[]): CronTimes {
  const [second = '', minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = '*'] = fields;
  const seconds = valuesOf(entriesOf(second, SECONDS), SECONDS);
  const minutes = valuesOf(entriesOf(minute, MINUTES), MINUTES);
  const hours = entriesOf(hour, HOURS);
  const rule = dayRule(dayOfMonth.toUpperCase(), dayOfWeek.toUpperCase());
  return {
    seconds,
    minutes,
    hours: valuesOf(hours, HOURS),
    days: {
      months: valuesOf(entriesOf(month, MONTHS), MONTHS),
      rule,
      years: valuesOf(entriesOf(year, YEARS), YEARS),
    },
    fixed: isPlainList(hours),
  };
}

function valuesOf(entries: readonly Entry[], field: Field): number[] {
  return sorted(entries.flatMap((entry) => expand(entry, field)));
}

function entriesOf(text: string, field: Field): Entry[] {
  return listOf(text, field).map((part) => {
    refuseForeign(part, field);
    const entry = entryOf(part, field);
    if (entry.written === 'both') throw refuse(field, `the range ${quote(part)} mixes a name and a number`);
    if (entry.step !== undefined && entry.written === 'names')
      throw refuse(field, `Quartz ignores the step after a name in ${quote(part)}; write numbers`);
    if (field === YEARS && entry.to !== undefined && entry.to < entry.from)
      throw refuse(field, `the range ${quote(part)} goes backwards`);
    refuseLongStep(entry, field);
    return entry;
  });
}

/** Quartz bounds a step without a range, except of years. */
function refuseLongStep({ step, to }: Entry, field: Field): void {
  if (step === undefined || to !== undefined || field === YEARS || step <= field.max) return;
  throw refuse(field, `a step of ${step} is more than ${field.max}`);
}

const FORMS_OF_MONTH = /^(?:L(?:-\d+)?W?|\d+W)$/;
const FORMS_OF_WEEK = /^(?:L|(?:\d+|[A-Z]{3})(?:L|#\d+))$/;

/** What stands alone in a field of days has been understood before: here it is in a list, or in another field. */
function refuseForeign(part: string, field: Field): void {
  if (part === '?') throw refuse(field, '"?" stands for a day of month or a day of week only, and alone');
  const ofMonth = FORMS_OF_MONTH.test(part);
  const ofWeek = FORMS_OF_WEEK.test(part);
  if ((field === DAYS_OF_MONTH && ofMonth) || (field === DAYS_OF_WEEK && ofWeek))
    throw refuse(field, `${quote(part)} stands alone in its field, not in a list`);
  if (ofMonth || ofWeek) throw refuse(field, `${quote(part)} is not for this field`);
}

function dayRule(dayOfMonth: string, dayOfWeek: string): DayRule {
  if (dayOfMonth === '?' && dayOfWeek === '?')
    throw refuse(DAYS_OF_WEEK, 'only one of day of month and day of week can be "?"');
  if (dayOfMonth !== '?' && dayOfWeek !== '?')
    throw refuse(DAYS_OF_WEEK, 'one of day of month and day of week must be "?": Quartz has no days that fit both');
  return dayOfWeek === '?' ? daysOfMonth(dayOfMonth) : daysOfWeek(dayOfWeek);
}

function daysOfMonth(text: string): DayRule {
  const last = /^L(?:-(\d+))?(W)?$/.exec(text);
  if (last !== null) {
    const [, before = '0', toWeekday] = last;
    const offset = Number(before);
    if (offset > LARGEST_OFFSET)
      throw refuse(DAYS_OF_MONTH, `${quote(text)}: no month has a day ${offset} days before its last`);
    if (toWeekday !== undefined && offset > OFFSET_OF_ALL)
      throw refuse(DAYS_OF_MONTH, `${quote(text)}: not every month has that day, and Quartz then leaves the month`);
    return { kind: 'beforeLast', offset, toWeekday: toWeekday !== undefined };
  }
  const nearest = /^(\d+)W$/.exec(text);
  if (nearest !== null) {
    const day = valueOf(nearest[1] ?? '', DAYS_OF_MONTH);
    if (day > LAST_DAY_OF_ALL)
      throw refuse(
        DAYS_OF_MONTH,
        `${quote(text)}: not every month has that day, and Quartz then leaves the month; write LW for the last weekday`,
      );
    return { kind: 'nearestWeekday', day };
  }
  const days = valuesOf(entriesOf(text, DAYS_OF_MONTH), DAYS_OF_MONTH);
  return { kind: 'days', daysOfMonth: days };
}

function daysOfWeek(text: string): DayRule {
  if (text === 'L') return { kind: 'weekdays', daysOfWeek: [6] };
  const last = /^(\d+|[A-Z]{3})L$/.exec(text);
  if (last !== null) return { kind: 'lastOfWeek', dayOfWeek: valueOf(last[1] ?? '', DAYS_OF_WEEK) - 1 };
  const nth = /^(\d+|[A-Z]{3})#(\d+)$/.exec(text);
  if (nth !== null) {
    const dayOfWeek = valueOf(nth[1] ?? '', DAYS_OF_WEEK) - 1;
    const count = Number(nth[2]);
    if (count < 1 || count > 5)
      throw refuse(DAYS_OF_WEEK, `${quote(text)}: a month has a 1st to a 5th of a day of week`);
    return { kind: 'nth', dayOfWeek, nth: count };
  }
  const days = valuesOf(entriesOf(text, DAYS_OF_WEEK), DAYS_OF_WEEK);
  return { kind: 'weekdays', daysOfWeek: days.map((day) => day - 1) };
}
