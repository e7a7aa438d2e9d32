/** The five fields of Unix cron, as Vixie's cron and Kubernetes read them; where these two differ, it is refused. */

import { type DayRule, FIRST_YEAR, LAST_YEAR } from './cron-days.ts';
import {
  CronFault,
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
} from './cron-field.ts';
import type { CronTimes } from './cron-times.ts';

const MINUTES: Field = { position: 1, name: 'minutes', min: 0, max: 59 };
const HOURS: Field = { position: 2, name: 'hours', min: 0, max: 23 };
const DAYS_OF_MONTH: Field = { position: 3, name: 'day of month', min: 1, max: 31 };
const MONTHS: Field = { position: 4, name: 'month', min: 1, max: 12, names: MONTH_NAMES };
/** 0 and 7 are both Sunday. */
const DAYS_OF_WEEK: Field = {
  position: 5,
  name: 'day of week',
  min: 0,
  max: 7,
  names: Object.fromEntries(DAY_NAMES.map((name, index) => [name, index])),
};

const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** The five fields that a nickname stands for. @throws {CronFault} */
export function nicknameFields(expression: string): string[] {
  const name = expression.toLowerCase();
  const fields = NICKNAMES[name];
  if (fields !== undefined) return fields.split(' ');
  if (/^@every\b/.test(name)) throw new CronFault('@every counts from the start of a program, not by the clock');
  if (name === '@reboot') throw new CronFault('@reboot has no time by the clock');
  throw new CronFault(`${quote(expression)} is none of ${Object.keys(NICKNAMES).join(', ')}`);
}

/** @throws {CronFault} */
export function parseUnixCron(fields: readonly string[]): CronTimes {
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = fields;
  const minutes = entriesOf(minute, MINUTES);
  const hours = entriesOf(hour, HOURS);
  const daysOfMonth = entriesOf(dayOfMonth, DAYS_OF_MONTH);
  const months = entriesOf(month, MONTHS);
  const daysOfWeek = entriesOf(dayOfWeek, DAYS_OF_WEEK);
  return {
    seconds: [0],
    minutes: valuesOf(minutes, MINUTES),
    hours: valuesOf(hours, HOURS),
    days: {
      years: Array.from({ length: LAST_YEAR - FIRST_YEAR + 1 }, (_, index) => FIRST_YEAR + index),
      months: valuesOf(months, MONTHS),
      rule: dayRule(daysOfMonth, daysOfWeek),
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
    if (part.startsWith('/')) throw refuse(field, `${quote(part)} has no start; write *${part}`);
    if (entry.to !== undefined && entry.to < entry.from)
      throw refuse(field, `the range ${quote(part)} goes backwards; write two ranges`);
    if (entry.step !== undefined && !entry.every && entry.to === undefined)
      throw refuse(
        field,
        `${quote(part)} is not the same to every cron; write ${entry.from}-${field.max}/${entry.step}`,
      );
    if (entry.step !== undefined && entry.step > field.max)
      throw refuse(field, `a step of ${entry.step} is more than ${field.max}`);
    if (entry.every && entry.step === undefined && text !== part) throw refuse(field, '* stands alone, not in a list');
    return entry;
  });
}

const QUARTZ_ONLY = /^(?:\?|L|LW|L-.*|\d+[LW]|[A-Z]{3}L|.*#.*)$/;
const JENKINS_ONLY = /^H(?:$|[(/])/;

function refuseForeign(part: string, field: Field): void {
  if (QUARTZ_ONLY.test(part))
    throw refuse(field, `${quote(part)} is Quartz cron, which has six or seven fields, seconds first; these are five`);
  if (JENKINS_ONLY.test(part))
    throw refuse(field, `${quote(part)} is Jenkins' choice of a time by hash; name the time`);
}

/** Two restricted fields: a day that fits either. A step from `*` beside a restricted field is where crons differ. */
function dayRule(daysOfMonth: readonly Entry[], daysOfWeek: readonly Entry[]): DayRule {
  const ofMonth = valuesOf(daysOfMonth, DAYS_OF_MONTH);
  const ofWeek = sorted(valuesOf(daysOfWeek, DAYS_OF_WEEK).map((day) => day % 7));
  const anyOfMonth = isEvery(daysOfMonth);
  const anyOfWeek = isEvery(daysOfWeek);
  if (anyOfMonth) return anyOfWeek ? { kind: 'every' } : { kind: 'weekdays', daysOfWeek: ofWeek };
  if (anyOfWeek) return { kind: 'days', daysOfMonth: ofMonth };
  refuseStarStep(daysOfMonth, DAYS_OF_MONTH, '1-31');
  refuseStarStep(daysOfWeek, DAYS_OF_WEEK, '0-6');
  return { kind: 'either', daysOfMonth: ofMonth, daysOfWeek: ofWeek };
}

function isEvery(entries: readonly Entry[]): boolean {
  return entries.length === 1 && entries[0]?.every === true && (entries[0].step ?? 1) === 1;
}

function refuseStarStep(entries: readonly Entry[], field: Field, whole: string): void {
  const [first] = entries;
  if (first?.every !== true) return;
  const other = field === DAYS_OF_MONTH ? DAYS_OF_WEEK : DAYS_OF_MONTH;
  throw refuse(
    field,
    `beside a restricted ${other.name}, ${first.text} means days that fit both fields to some crons and either to others; write ${whole}/${first.step} for either`,
  );
}
