/** Days on which the clock is put forward or back, in both hemispheres (docs/scheduling.md). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTicks, newestTick, nextTick, parseCron } from '../../../../src/domain/schedule/schedule.ts';

interface Case {
  readonly what: string;
  readonly zone: string;
  readonly expression: string;
  /** Without `Z`; all ticks after the first and up to the second. */
  readonly between: readonly [string, string];
  readonly ticks: readonly string[];
}

const CASES: readonly Case[] = [
  {
    what: 'a fixed time in a gap runs at the first instant after it',
    zone: 'Europe/Berlin',
    expression: '30 2 * * *',
    between: ['2026-03-28T00:00', '2026-03-30T12:00'],
    ticks: ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30'],
  },
  {
    what: 'several times of one gap run once, together with the time after it',
    zone: 'Europe/Berlin',
    expression: '*/30 2,3 * * *',
    between: ['2026-03-28T23:00', '2026-03-29T12:00'],
    ticks: ['2026-03-29T01:00', '2026-03-29T01:30'],
  },
  {
    what: 'the first time of the day after a gap is not doubled',
    zone: 'Europe/Berlin',
    expression: '0 2,3 * * *',
    between: ['2026-03-28T23:00', '2026-03-29T12:00'],
    ticks: ['2026-03-29T01:00'],
  },
  {
    what: 'a range of hours has nothing for a gap',
    zone: 'Europe/Berlin',
    expression: '30 1-3 * * *',
    between: ['2026-03-28T23:00', '2026-03-29T12:00'],
    ticks: ['2026-03-29T00:30', '2026-03-29T01:30'],
  },
  {
    what: 'a step of hours has nothing for a gap',
    zone: 'Europe/Berlin',
    expression: '0 */2 * * *',
    between: ['2026-03-28T22:30', '2026-03-29T05:00'],
    ticks: ['2026-03-28T23:00', '2026-03-29T02:00', '2026-03-29T04:00'],
  },
  {
    what: 'a fixed time in a fold runs on the first pass only',
    zone: 'Europe/Berlin',
    expression: '30 2 * * *',
    between: ['2026-10-24T12:00', '2026-10-26T12:00'],
    ticks: ['2026-10-25T00:30', '2026-10-26T01:30'],
  },
  {
    what: 'minutes of a named hour run on the first pass only',
    zone: 'Europe/Berlin',
    expression: '*/20 2 * * *',
    between: ['2026-10-24T12:00', '2026-10-25T12:00'],
    ticks: ['2026-10-25T00:00', '2026-10-25T00:20', '2026-10-25T00:40'],
  },
  {
    what: 'every hour runs on both passes of a fold',
    zone: 'Europe/Berlin',
    expression: '30 * * * *',
    between: ['2026-10-25T00:00', '2026-10-25T03:00'],
    ticks: ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
  },
  {
    what: 'the second pass of a rare time is not lost after its first',
    zone: 'Europe/Berlin',
    expression: '30 2-2 25 10 *',
    between: ['2026-10-25T00:50', '2026-10-25T12:00'],
    ticks: ['2026-10-25T01:30'],
  },
  {
    what: 'Quartz fields follow the same rules',
    zone: 'America/New_York',
    expression: '0 30 1 ? * SUN',
    between: ['2026-10-31T00:00', '2026-11-02T00:00'],
    ticks: ['2026-11-01T05:30'],
  },
  {
    what: 'a gap in the north of America',
    zone: 'America/New_York',
    expression: '0 15 2 8 3 ? 2026',
    between: ['2026-01-01T00:00', '2026-12-31T00:00'],
    ticks: ['2026-03-08T07:00'],
  },
  {
    what: 'a gap of half an hour, in October',
    zone: 'Australia/Lord_Howe',
    expression: '15 2 * * *',
    between: ['2026-10-02T16:00', '2026-10-04T16:00'],
    ticks: ['2026-10-03T15:30', '2026-10-04T15:15'],
  },
  {
    what: 'a fold of half an hour, in April',
    zone: 'Australia/Lord_Howe',
    expression: '*/15 * * * *',
    between: ['2026-04-04T14:20', '2026-04-04T15:40'],
    ticks: ['2026-04-04T14:30', '2026-04-04T14:45', '2026-04-04T15:00', '2026-04-04T15:15', '2026-04-04T15:30'],
  },
  {
    what: 'midnight in a gap of the southern spring',
    zone: 'America/Sao_Paulo',
    expression: '0 0 * * *',
    between: ['2018-11-03T12:00', '2018-11-05T12:00'],
    ticks: ['2018-11-04T03:00', '2018-11-05T02:00'],
  },
  {
    what: 'the hour before midnight, told twice at the end of the southern summer',
    zone: 'America/Sao_Paulo',
    expression: '30 23 * * *',
    between: ['2018-02-17T12:00', '2018-02-19T12:00'],
    ticks: ['2018-02-18T01:30', '2018-02-19T02:30'],
  },
  {
    what: 'midnight in a gap of a Friday in Egypt',
    zone: 'Africa/Cairo',
    expression: '@daily',
    between: ['2024-04-24T22:00', '2024-04-26T22:00'],
    ticks: ['2024-04-25T22:00', '2024-04-26T21:00'],
  },
  {
    what: 'a fold that reaches back over midnight, fixed',
    zone: 'America/St_Johns',
    expression: '0 0 * * *',
    between: ['2010-11-06T12:00', '2010-11-08T12:00'],
    ticks: ['2010-11-07T02:30', '2010-11-08T03:30'],
  },
  {
    what: 'a fold that reaches back over midnight, every half hour',
    zone: 'America/St_Johns',
    expression: '*/30 * * * *',
    between: ['2010-11-07T02:00', '2010-11-07T04:00'],
    ticks: ['2010-11-07T02:30', '2010-11-07T03:00', '2010-11-07T03:30', '2010-11-07T04:00'],
  },
  {
    what: 'noon of a day that was left out whole',
    zone: 'Pacific/Apia',
    expression: '0 12 * * *',
    between: ['2011-12-29T12:00', '2011-12-31T23:00'],
    ticks: ['2011-12-29T22:00', '2011-12-30T10:00', '2011-12-30T22:00', '2011-12-31T22:00'],
  },
  {
    what: 'every six hours over a day that was left out whole',
    zone: 'Pacific/Apia',
    expression: '0 */6 * * *',
    between: ['2011-12-29T23:00', '2011-12-30T18:00'],
    ticks: ['2011-12-30T04:00', '2011-12-30T10:00', '2011-12-30T16:00'],
  },
];

for (const { what, zone, expression, between, ticks } of CASES) {
  test(`${what}: ${expression} in ${zone}`, () => {
    const schedule = parseCron(expression, zone);
    const [after, upTo] = between.map((instant) => new Date(`${instant}Z`)) as [Date, Date];
    const forward: string[] = [];
    for (let tick = nextTick(schedule, after); tick !== undefined && tick <= upTo; tick = nextTick(schedule, tick))
      forward.push(tick.toISOString().slice(0, 16));
    assert.deepEqual(forward, ticks);
    const backward: string[] = [];
    for (let end = upTo; ; ) {
      const tick = newestTick(schedule, after, end);
      if (tick === undefined) break;
      backward.unshift(tick.toISOString().slice(0, 16));
      end = new Date(tick.getTime() - 1);
    }
    assert.deepEqual(backward, ticks);
    assert.equal(countTicks(schedule, after, upTo, 1_000), ticks.length);
  });
}
