import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCron, ScheduleError } from '../../../../src/domain/schedule/schedule.ts';

const DIALECTS = 'Unix cron has five (minutes first), Quartz cron six or seven (seconds first, year last)';
const QUARTZ = 'is Quartz cron, which has six or seven fields, seconds first; these are five';
const TAKES = 'is not understood; it takes *, values, ranges like a-b, steps like */n and lists';
const NEVER = 'never: no time in the years 1970 to 2099 fits it';

const REFUSED: readonly (readonly [expression: string, why: string])[] = [
  ['', `it has 0 fields; ${DIALECTS}`],
  ['* * * *', `it has 4 fields; ${DIALECTS}`],
  ['0 0 0 1 1 ? 2030 x', `it has 8 fields; ${DIALECTS}`],
  ['TZ=Asia/Shanghai 0 2 * * *', 'TZ= is not taken: name the zone in timeZone'],
  ['CRON_TZ=Asia/Shanghai 0 2 * * *', 'CRON_TZ= is not taken: name the zone in timeZone'],
  ['@every 1h', '@every counts from the start of a program, not by the clock'],
  ['@reboot', '@reboot has no time by the clock'],
  ['@noon', '"@noon" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually'],
  ['60 * * * *', 'field 1 (minutes): 60 is more than 59'],
  ['* 24 * * *', 'field 2 (hours): 24 is more than 23'],
  ['* * 0 * *', 'field 3 (day of month): 0 is less than 1'],
  ['* * * 13 *', 'field 4 (month): 13 is more than 12'],
  ['* * * * 8', 'field 5 (day of week): 8 is more than 7'],
  ['* * * foo *', 'field 4 (month): "FOO" is neither a number nor a name from JAN to DEC'],
  ['* * * * MONDAY', 'field 5 (day of week): "MONDAY" is neither a number nor a name from SUN to SAT'],
  ['x * * * *', 'field 1 (minutes): "X" is no number'],
  ['1-2-3 * * * *', `field 1 (minutes): "1-2-3" ${TAKES}`],
  ['-5 * * * *', `field 1 (minutes): "-5" ${TAKES}`],
  ['1.5 * * * *', `field 1 (minutes): "1.5" ${TAKES}`],
  ['1,,2 * * * *', 'field 1 (minutes): "1,,2" has a comma with nothing beside it'],
  ['*,5 * * * *', 'field 1 (minutes): * stands alone, not in a list'],
  ['*/0 * * * *', 'field 1 (minutes): a step must be at least 1'],
  ['*/90 * * * *', 'field 1 (minutes): a step of 90 is more than 59'],
  ['/5 * * * *', 'field 1 (minutes): "/5" has no start; write */5'],
  ['5/15 * * * *', 'field 1 (minutes): "5/15" is not the same to every cron; write 5-59/15'],
  ['0 22-2 * * *', 'field 2 (hours): the range "22-2" goes backwards; write two ranges'],
  ['0 0 * * FRI-SUN', 'field 5 (day of week): the range "FRI-SUN" goes backwards; write two ranges'],
  ['0 0 ? * 1', `field 3 (day of month): "?" ${QUARTZ}`],
  ['0 0 L * *', `field 3 (day of month): "L" ${QUARTZ}`],
  ['0 0 15W * *', `field 3 (day of month): "15W" ${QUARTZ}`],
  ['0 0 * * 5L', `field 5 (day of week): "5L" ${QUARTZ}`],
  ['0 0 * * MON#2', `field 5 (day of week): "MON#2" ${QUARTZ}`],
  ['H 2 * * *', 'field 1 (minutes): "H" is Jenkins\' choice of a time by hash; name the time'],
  ['H(0-29)/10 * * * *', 'field 1 (minutes): "H(0-29)/10" is Jenkins\' choice of a time by hash; name the time'],
  [
    '0 0 */2 * 1',
    'field 3 (day of month): beside a restricted day of week, */2 means days that fit both fields to some crons and either to others; write 1-31/2 for either',
  ],
  [
    '0 0 1 * */2',
    'field 5 (day of week): beside a restricted day of month, */2 means days that fit both fields to some crons and either to others; write 0-6/2 for either',
  ],
  ['0 0 31 2,4,6 *', NEVER],

  ['0 0 25 * * ?', 'field 3 (hours): 25 is more than 23'],
  ['60 0 0 * * ?', 'field 1 (seconds): 60 is more than 59'],
  ['0 0 0 ? * 0', 'field 6 (day of week): 0 is less than 1'],
  ['0 0 0 1 1 ? 1969', 'field 7 (year): 1969 is less than 1970'],
  ['0 0 0 1 1 ? 2100', 'field 7 (year): 2100 is more than 2099'],
  ['0 0 0 1 1 ? 2030-2020', 'field 7 (year): the range "2030-2020" goes backwards'],
  [
    '0 0 0 * * *',
    'field 6 (day of week): one of day of month and day of week must be "?": Quartz has no days that fit both',
  ],
  ['0 0 0 ? * ?', 'field 6 (day of week): only one of day of month and day of week can be "?"'],
  ['0 0 ? * * ?', 'field 3 (hours): "?" stands for a day of month or a day of week only, and alone'],
  ['0 0 0 ? * MON-FRI/2', 'field 6 (day of week): Quartz ignores the step after a name in "MON-FRI/2"; write numbers'],
  ['0 0 0 ? * 2-FRI', 'field 6 (day of week): the range "2-FRI" mixes a name and a number'],
  ['0/70 0 0 * * ?', 'field 1 (seconds): a step of 70 is more than 59'],
  ['0 0 0 1,L * ?', 'field 4 (day of month): "L" stands alone in its field, not in a list'],
  ['0 0 0 1W,15W * ?', 'field 4 (day of month): "1W" stands alone in its field, not in a list'],
  ['0 0 0 ? * 2#1,3#2', 'field 6 (day of week): "2#1" stands alone in its field, not in a list'],
  ['0 0 L * * ?', 'field 3 (hours): "L" is not for this field'],
  ['0 0 0 ? * LW', 'field 6 (day of week): "LW" is not for this field'],
  ['0 0 0 2L * ?', 'field 4 (day of month): "2L" is not for this field'],
  ['0 0 0 ? * 2#6', 'field 6 (day of week): "2#6": a month has a 1st to a 5th of a day of week'],
  ['0 0 0 L-31 * ?', 'field 4 (day of month): "L-31": no month has a day 31 days before its last'],
  [
    '0 0 0 L-28W * ?',
    'field 4 (day of month): "L-28W": not every month has that day, and Quartz then leaves the month',
  ],
  [
    '0 0 0 31W * ?',
    'field 4 (day of month): "31W": not every month has that day, and Quartz then leaves the month; write LW for the last weekday',
  ],
  ['0 0 0 30 2 ?', NEVER],
  ['0 0 0 29 2 ? 2027', NEVER],
];

for (const [expression, why] of REFUSED) {
  test(`${JSON.stringify(expression)} is refused: ${why}`, () => {
    assert.throws(
      () => parseCron(expression, 'UTC'),
      new ScheduleError('InvalidCron', `cronExpression ${JSON.stringify(expression)}: ${why}`),
    );
  });
}

test('a zone that is not known is refused before the ticks are looked for', () => {
  assert.throws(() => parseCron('0 0 30 2 *', 'Mars/Olympus'), { code: 'UnknownTimeZone' });
});

test('a message repeats only the beginning of a long expression', () => {
  assert.throws(
    () => parseCron(`${'9'.repeat(1_000)} * * * *`, 'UTC'),
    (error) => error instanceof ScheduleError && error.message.length < 512,
  );
});
