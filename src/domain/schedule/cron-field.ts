/**
 * What both dialects of cron share: values, ranges, steps and lists of one field. What only one of them has is refused
 * or understood by unix-cron.ts and quartz-cron.ts.
 */

/** An expression that cannot be honoured; the message says where and why, without the expression itself. */
export class CronFault extends Error {
  readonly code = 'CronFault';
}

export interface Field {
  /** As the user counts: from 1. */
  readonly position: number;
  /** For example `hours`. */
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The value of each name, in upper case. */
  readonly names?: Readonly<Record<string, number>>;
}

/** One part of a list: `*`, `5`, `1-5`, each perhaps with a step. */
export interface Entry {
  /** In upper case. */
  readonly text: string;
  readonly every: boolean;
  readonly from: number;
  /** Of a range only. */
  readonly to?: number;
  readonly step?: number;
  /** How its values are written. */
  readonly written: 'numbers' | 'names' | 'both';
}

export const MONTH_NAMES: Readonly<Record<string, number>> = Object.fromEntries(
  'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ').map((name, index) => [name, index + 1]),
);
/** Sunday is 0, in Quartz 1. */
export const DAY_NAMES: readonly string[] = 'SUN MON TUE WED THU FRI SAT'.split(' ');

export function refuse(field: Field, why: string): CronFault {
  return new CronFault(`field ${field.position} (${field.name}): ${why}`);
}

/** The parts of a list, in upper case. @throws {CronFault} for a part that is empty */
export function listOf(text: string, field: Field): string[] {
  const parts = text.toUpperCase().split(',');
  if (parts.includes('')) throw refuse(field, `${quote(text)} has a comma with nothing beside it`);
  return parts;
}

const ENTRY = /^(\*|[A-Z]+|\d+)?(?:-([A-Z]+|\d+))?(?:\/(\d+))?$/;

/** @throws {CronFault} */
export function entryOf(text: string, field: Field): Entry {
  const match = ENTRY.exec(text);
  const [, first, last, step] = match ?? [];
  // `/5` is `*/5` to Quartz; to Unix cron it is nothing, and that dialect refuses it.
  const every = first === '*' || (first === undefined && step !== undefined);
  if (match === null || (first === undefined && !every) || (every && last !== undefined))
    throw refuse(
      field,
      `${quote(text)} is not understood; it takes *, values, ranges like a-b, steps like */n and lists`,
    );
  const values = [first, last].filter((value) => value !== undefined && value !== '*');
  const numbers = values.filter((value) => /^\d/.test(value ?? '')).length;
  return {
    text,
    every,
    from: every ? field.min : valueOf(first ?? '', field),
    ...(last === undefined ? {} : { to: valueOf(last, field) }),
    ...(step === undefined ? {} : { step: stepOf(step, field) }),
    written: numbers === values.length ? 'numbers' : numbers === 0 ? 'names' : 'both',
  };
}

/** A number or a name within the field's bounds. @throws {CronFault} */
export function valueOf(text: string, field: Field): number {
  if (!/^\d+$/.test(text)) {
    const named = field.names?.[text];
    if (named !== undefined) return named;
    const names = Object.keys(field.names ?? {});
    const expected =
      names.length === 0 ? 'no number' : `neither a number nor a name from ${names[0]} to ${names.at(-1)}`;
    throw refuse(field, `${quote(text)} is ${expected}`);
  }
  const value = Number(text);
  if (value > field.max) throw refuse(field, `${shown(text)} is more than ${field.max}`);
  if (value < field.min) throw refuse(field, `${shown(text)} is less than ${field.min}`);
  return value;
}

function stepOf(text: string, field: Field): number {
  const step = Number(text);
  if (step === 0) throw refuse(field, 'a step must be at least 1');
  return step;
}

/** The values of an entry; a range whose end is before its start goes on from the field's least value. */
export function expand(entry: Entry, field: Field): number[] {
  const { from, step } = entry;
  const to = entry.to ?? (entry.every || step !== undefined ? field.max : from);
  const size = field.max - field.min + 1;
  const last = to < from ? to + size : to;
  const values: number[] = [];
  for (let value = from; value <= last; value += step ?? 1) values.push(value > field.max ? value - size : value);
  return values;
}

/** Whether an hour field names its hours one by one: its times are then fixed local times (see clock-change rules). */
export function isPlainList(entries: readonly Entry[]): boolean {
  return entries.every((entry) => !entry.every && entry.to === undefined && entry.step === undefined);
}

export function sorted(values: Iterable<number>): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

export function quote(text: string): string {
  return JSON.stringify(shown(text));
}

/** Bounds what a message repeats. */
function shown(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 64)}…`;
}
