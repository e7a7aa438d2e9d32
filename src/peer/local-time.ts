/**
 * Dates as bk-repo writes them: local date-times without zone, in the server's zone (contract §1.3). In a fold the
 * first pass is meant, in a gap the clock is read as if it had not been put forward.
 */
const ISO_DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?(?:\[[^\]]{1,64}\])?$/;
const DAY_MS = 86_400_000;

export interface LocalTime {
  /** `2026-11-22T14:15:57.067`; trailing zeros of the fraction are left out, as the real server does. */
  format(instant: Date): string;
  /** undefined = not a date-time. */
  parse(text: string): Date | undefined;
  /** `+0800` at that instant: the header X-BKREPO-Time-Zone. */
  offset(instant: Date): string;
}

/** @param timeZone IANA name or `+08:00`; throws RangeError for another. */
export function localTime(timeZone: string, offsetIgnored: boolean): LocalTime {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });

  /** Milliseconds that the local clock is ahead of UTC. */
  function offsetMs(instant: number): number {
    const field: Record<string, number> = {};
    for (const part of parts.formatToParts(instant)) field[part.type] = Number(part.value);
    const local = Date.UTC(
      field['year'] ?? 0,
      (field['month'] ?? 1) - 1,
      field['day'] ?? 1,
      field['hour'] ?? 0,
      field['minute'] ?? 0,
      field['second'] ?? 0,
    );
    return local - Math.floor(instant / 1000) * 1000;
  }

  function toInstant(local: number): number {
    const before = local - offsetMs(local - DAY_MS);
    if (local - offsetMs(before) === before) return before;
    const after = local - offsetMs(local + DAY_MS);
    return local - offsetMs(after) === after ? after : before;
  }

  return {
    format(instant) {
      const local = new Date(instant.getTime() + offsetMs(instant.getTime())).toISOString().slice(0, -1);
      return local.replace(/\.000$/, '').replace(/(\.\d*?)0+$/, '$1');
    },
    parse(text) {
      const match = ISO_DATE_TIME.exec(text);
      if (match === null) return undefined;
      const [year, month, day, hour, minute] = match.slice(1, 6).map(Number) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const second = Number(match[6] ?? 0);
      const fraction = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
      const local = Date.UTC(year, month - 1, day, hour, minute, second, fraction);
      const back = new Date(local);
      if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
        return undefined;
      const offset = match[8];
      return new Date(offset === undefined || offsetIgnored ? toInstant(local) : local - fixedOffset(offset));
    },
    offset(instant) {
      const minutes = Math.round(offsetMs(instant.getTime()) / 60_000);
      const absolute = Math.abs(minutes);
      return `${minutes < 0 ? '-' : '+'}${twoDigits(Math.floor(absolute / 60))}${twoDigits(absolute % 60)}`;
    },
  };
}

function fixedOffset(text: string): number {
  if (text === 'Z') return 0;
  const digits = text.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (digits.startsWith('-') ? -minutes : minutes) * 60_000;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
