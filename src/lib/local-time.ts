/**
 * Instants and local date-times of one zone. A local date-time is ISO 8601 without zone, as bk-repo writes it
 * (contract §1.3: `2020-03-16T12:13:03.371`, a fraction of 0 to 9 digits). Milliseconds are kept, finer digits are cut.
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface Zone {
  /** The IANA name, or the offset as `+08:00`. */
  readonly name: string;
  /** Milliseconds that local time is ahead of UTC at this instant. */
  offsetAt(epochMs: number): number;
}

export class UnknownZoneError extends Error {
  readonly code = 'UnknownZone';
  constructor(name: string) {
    super(`"${name}" is neither an IANA time zone nor an offset like +08:00`);
    this.name = 'UnknownZoneError';
  }
}

/** A zone that keeps one offset for ever: `Z`, `+0800`, `+08:00`, `-03:30`; undefined when the text is no such offset. */
export function fixedZone(text: string): Zone | undefined {
  if (text === 'Z') return { name: '+00:00', offsetAt: () => 0 };
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [, sign, hours, minutes] = match;
  if (Number(hours) > 18 || Number(minutes) > 59) return undefined;
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return { name: `${sign}${hours}:${minutes}`, offsetAt: () => offset };
}

/** An IANA zone or a fixed offset. Throws {@link UnknownZoneError}. */
export function zoneOf(name: string): Zone {
  return fixedZone(name) ?? ianaZone(name);
}

function ianaZone(name: string): Zone {
  const format = zoneFormat(name);
  return {
    name,
    offsetAt(epochMs) {
      const fields: Record<string, number> = {};
      for (const part of format.formatToParts(epochMs)) fields[part.type] = Number(part.value);
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
      const local = Date.UTC(year, month - 1, day, hour, minute, second);
      return local - Math.floor(epochMs / 1_000) * 1_000;
    },
  };
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new UnknownZoneError(timeZone);
  }
}

/** The local date-time of an instant, always with three digits of fraction. */
export function toLocalTime(instant: Date, zone: Zone): string {
  const epochMs = instant.getTime();
  return new Date(epochMs + zone.offsetAt(epochMs)).toISOString().slice(0, -1);
}

const ISO_DATE_TIME =
  /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?(?:\[[^\]]{1,64}\])?$/;

/**
 * The instant of a local date-time, or undefined when the text is not one. A time inside a gap moves forward by the
 * length of the gap, a time inside a fold means its first pass: as java.time does it, which is what bk-repo uses. An
 * offset at the end is ignored, as bk-repo ignores it (contract §1.3), unless `offset` says that it counts.
 */
export function fromLocalTime(text: string, zone: Zone, offset: 'ignored' | 'counts' = 'ignored'): Date | undefined {
  const match = ISO_DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, day = '', minutes = '', seconds = '00', fraction = '', told] = match;
  const millis = fraction.padEnd(3, '0').slice(0, 3);
  const written = `${day}T${minutes}:${seconds}.${millis}`;
  const local = Date.parse(`${written}Z`);
  // Date.parse takes February 30 for a day in March, and 24:00 for the next day.
  if (Number.isNaN(local) || new Date(local).toISOString() !== `${written}Z`) return undefined;
  const own = told === undefined || offset === 'ignored' ? zone : fixedZone(told);
  return own === undefined ? undefined : new Date(firstPass(local, own));
}

function firstPass(local: number, zone: Zone): number {
  const before = local - zone.offsetAt(local - DAY);
  const after = local - zone.offsetAt(local + DAY);
  const passes = [before, after].filter((epochMs) => epochMs + zone.offsetAt(epochMs) === local);
  return passes.length > 0 ? Math.min(...passes) : before;
}

/** The dates of one server: how it writes and reads them. */
export interface LocalTime {
  /** `2026-11-22T14:15:57.067`; trailing zeros of the fraction are left out, as a real bk-repo does. */
  format(instant: Date): string;
  /** undefined = not a date-time. */
  parse(text: string): Date | undefined;
  /** `+0800` at that instant: the header X-BKREPO-Time-Zone. */
  offset(instant: Date): string;
}

export function localTime(zone: Zone, offset: 'ignored' | 'counts'): LocalTime {
  return {
    format: (instant) => toLocalTime(instant, zone).replace(/\.000$|(?<=\.\d{1,2})0+$/, ''),
    parse: (text) => fromLocalTime(text, zone, offset),
    offset: (instant) => offsetText(zone.offsetAt(instant.getTime())),
  };
}

function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}${twoDigits(minutes % 60)}`;
}
