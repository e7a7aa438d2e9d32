/** The days of an expression in the Gregorian calendar, from 1970 to 2099. A day is a number: 0 is 1970-01-01. */

export const FIRST_YEAR = 1970;
export const LAST_YEAR = 2099;

/** Which days of a month; days of the week count from Sunday = 0. */
export type DayRule =
  | { readonly kind: 'every' }
  | { readonly kind: 'days'; readonly daysOfMonth: readonly number[] }
  | { readonly kind: 'weekdays'; readonly daysOfWeek: readonly number[] }
  | { readonly kind: 'either'; readonly daysOfMonth: readonly number[]; readonly daysOfWeek: readonly number[] }
  /** So many days before the month's last; `toWeekday` = the weekday (Monday to Friday) of this month nearest to it. */
  | { readonly kind: 'beforeLast'; readonly offset: number; readonly toWeekday: boolean }
  | { readonly kind: 'nearestWeekday'; readonly day: number }
  | { readonly kind: 'nth'; readonly dayOfWeek: number; readonly nth: number }
  | { readonly kind: 'lastOfWeek'; readonly dayOfWeek: number };

export interface Days {
  readonly years: readonly number[];
  /** 1 to 12. */
  readonly months: readonly number[];
  readonly rule: DayRule;
}

const DAY = 86_400_000;

/** The first day that fits, this one or a later one; undefined = there is none. */
export function firstDayIn(days: Days, from: number): number | undefined {
  const start = new Date(from * DAY).getUTCFullYear();
  for (const year of days.years) {
    if (year < start) continue;
    for (const month of days.months) {
      if (year === start && Date.UTC(year, month, 1) / DAY <= from) continue;
      const found = fittingDays(days.rule, year, month).find((day) => day >= from);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The last day that fits, this one or an earlier one; undefined = there is none. */
export function lastDayIn(days: Days, upTo: number): number | undefined {
  const end = new Date(upTo * DAY).getUTCFullYear();
  for (const year of days.years.toReversed()) {
    if (year > end) continue;
    for (const month of days.months.toReversed()) {
      if (year === end && Date.UTC(year, month - 1, 1) / DAY > upTo) continue;
      const found = fittingDays(days.rule, year, month).findLast((day) => day <= upTo);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function fittingDays(rule: DayRule, year: number, month: number): number[] {
  const first = Date.UTC(year, month - 1, 1) / DAY;
  const length = Date.UTC(year, month, 1) / DAY - first;
  return daysOf(rule, length, weekdayOf(first)).map((day) => first + day - 1);
}

/** The days of a month, from 1, in order. */
function daysOf(rule: DayRule, length: number, firstWeekday: number): number[] {
  const all = Array.from({ length }, (_, index) => index + 1);
  const weekday = (day: number): number => (firstWeekday + day - 1) % 7;
  switch (rule.kind) {
    case 'every':
      return all;
    case 'days':
      return all.filter((day) => rule.daysOfMonth.includes(day));
    case 'weekdays':
      return all.filter((day) => rule.daysOfWeek.includes(weekday(day)));
    case 'either':
      return all.filter((day) => rule.daysOfMonth.includes(day) || rule.daysOfWeek.includes(weekday(day)));
    case 'beforeLast': {
      const day = length - rule.offset;
      if (day < 1) return [];
      return [rule.toWeekday ? nearestWeekday(day, length, weekday(day)) : day];
    }
    case 'nearestWeekday':
      return rule.day > length ? [] : [nearestWeekday(rule.day, length, weekday(rule.day))];
    case 'nth':
      return all.filter((day) => weekday(day) === rule.dayOfWeek && Math.ceil(day / 7) === rule.nth);
    case 'lastOfWeek':
      return all.filter((day) => weekday(day) === rule.dayOfWeek && day > length - 7);
  }
}

/** Never in another month: the 1st on a Saturday gives Monday the 3rd, the last on a Sunday gives the Friday before. */
function nearestWeekday(day: number, length: number, weekday: number): number {
  if (weekday === 6) return day === 1 ? 3 : day - 1;
  if (weekday === 0) return day === length ? day - 2 : day + 1;
  return day;
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(day: number): number {
  return (day + 4) % 7;
}
