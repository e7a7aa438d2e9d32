import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTimeZone, executeInstant, ScheduleError } from '../../../../src/domain/schedule/schedule.ts';

const INSTANTS: readonly (readonly [what: string, zone: string, executeTime: string, instant: string])[] = [
  ['UTC', 'Asia/Shanghai', '2026-11-22T02:30:00Z', '2026-11-22T02:30:00.000Z'],
  ['an offset, whatever the zone', 'Europe/Berlin', '2026-11-22T02:30:00+08:00', '2026-11-21T18:30:00.000Z'],
  ['an offset and no seconds', 'Europe/Berlin', '2026-11-22T02:30-03:30', '2026-11-22T06:00:00.000Z'],
  ['local time', 'Asia/Shanghai', '2026-11-22T02:30:00', '2026-11-21T18:30:00.000Z'],
  ['local time without seconds', 'America/New_York', '2026-07-04T02:30', '2026-07-04T06:30:00.000Z'],
  ['a fraction, cut to milliseconds', 'UTC', '2026-11-22T02:30:00.123456789', '2026-11-22T02:30:00.123Z'],
  ['the first instant after a gap', 'Europe/Berlin', '2026-03-29T02:30:00', '2026-03-29T01:00:00.000Z'],
  ['the first instant after a gap at midnight', 'America/Sao_Paulo', '2018-11-04T00:10:00', '2018-11-04T03:00:00.000Z'],
  ['the end of a gap', 'Europe/Berlin', '2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
  ['the first pass of a fold', 'Europe/Berlin', '2026-10-25T02:30:00', '2026-10-25T00:30:00.000Z'],
  ['the first pass of half an hour', 'Australia/Lord_Howe', '2026-04-05T01:45:00', '2026-04-04T14:45:00.000Z'],
  ['a day that was left out', 'Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T10:00:00.000Z'],
  ['29 February', 'UTC', '2028-02-29T00:00:00', '2028-02-29T00:00:00.000Z'],
];
for (const [what, zone, executeTime, instant] of INSTANTS) {
  test(`executeTime ${executeTime} in ${zone} (${what}) is ${instant}`, () => {
    assert.equal(executeInstant(executeTime, zone).toISOString(), instant);
  });
}

const NOT_A_TIME =
  'is not a date and time; write RFC 3339, like 2026-11-22T02:30:00+08:00, or without the offset local time in timeZone';
const REFUSED: readonly (readonly [executeTime: string, message: string])[] = [
  ['tomorrow', `executeTime "tomorrow" ${NOT_A_TIME}`],
  ['', `executeTime "" ${NOT_A_TIME}`],
  ['2026-11-22', `executeTime "2026-11-22" ${NOT_A_TIME}`],
  ['2026-11-22T02:30:00[Europe/Berlin]', `executeTime "2026-11-22T02:30:00[Europe/Berlin]" ${NOT_A_TIME}`],
  ['2026-02-29T00:00:00', 'executeTime "2026-02-29T00:00:00" is no date and time that there is'],
  ['2026-11-22T24:00:00Z', 'executeTime "2026-11-22T24:00:00Z" is no date and time that there is'],
  ['2026-11-22T02:30:00+19:00', 'executeTime "2026-11-22T02:30:00+19:00" is no date and time that there is'],
  ['0026-11-22T02:30:00', 'executeTime "0026-11-22T02:30:00" is before 1970'],
];
for (const [executeTime, message] of REFUSED) {
  test(`executeTime ${JSON.stringify(executeTime)} is refused`, () => {
    assert.throws(() => executeInstant(executeTime, 'UTC'), new ScheduleError('InvalidExecuteTime', message));
  });
}

for (const zone of [
  'UTC',
  'Asia/Shanghai',
  'Etc/GMT+8',
  'America/Argentina/Buenos_Aires',
  'EST',
  'EST5EDT',
  'Asia/Calcutta',
]) {
  test(`${zone} is a time zone`, () => checkTimeZone(zone));
}

const UNKNOWN: readonly (readonly [zone: string, message: string])[] = [
  ['', 'timeZone is empty; name a zone of the IANA database, like Asia/Shanghai'],
  ['+08:00', 'timeZone "+08:00" is an offset; name a zone of the IANA database, like Asia/Shanghai'],
  ['UTC+8', 'timeZone "UTC+8" is an offset; name a zone of the IANA database, like Asia/Shanghai'],
  ['Z', 'timeZone "Z" is not in the IANA database that this program has; an example is Asia/Shanghai'],
  ['Local', 'timeZone "Local" is not in the IANA database that this program has; an example is Asia/Shanghai'],
  [
    'Mars/Olympus',
    'timeZone "Mars/Olympus" is not in the IANA database that this program has; an example is Asia/Shanghai',
  ],
  [
    'CST',
    'timeZone "CST" is an abbreviation, which means several zones; name one of the IANA database, like Asia/Shanghai',
  ],
];
for (const [zone, message] of UNKNOWN) {
  test(`${JSON.stringify(zone)} is no time zone, for a cron expression and for an executeTime`, () => {
    assert.throws(() => checkTimeZone(zone), new ScheduleError('UnknownTimeZone', message));
    assert.throws(() => executeInstant('2026-11-22T02:30:00Z', zone), { code: 'UnknownTimeZone' });
  });
}
