import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import { dealtWith, markOf, type ScheduleTimes, timesOf } from '../../../src/domain/schedule-times.ts';
import { countedTimes, judgeTicks, newestClaimed, type Ticks, tickClaim } from '../../../src/domain/ticks.ts';
import { type Timetable, timetableOf } from '../../../src/domain/timetable.ts';
import { sampleTask } from './task-samples.ts';

const DEFAULTS = { timeZone: 'UTC', startingDeadlineSeconds: 86_400 };

function timetable(executionPlan: object): Timetable {
  const found = timetableOf(sampleTask({ setting: { executionPlan } }).spec, DEFAULTS);
  assert.ok('kind' in found, JSON.stringify(found));
  return found;
}

function ticksOf(cronExpression: string, timeZone = 'UTC'): Ticks {
  const found = timetable({ cronExpression, timeZone });
  assert.equal(found.kind, 'cron');
  return found.ticks;
}

const instant = (text: string): number => Date.parse(text);
const text = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : tickClaim(ms).slice(5));

interface Case {
  readonly what: string;
  readonly cron?: string;
  readonly zone?: string;
  readonly mark: string;
  readonly now: string;
  readonly deadlineS?: number;
  readonly busyUntil?: string;
  readonly due?: string;
  readonly skipped?: number;
  readonly missed?: number;
  readonly dealtUntil?: string;
}

const HOURLY = '0 * * * *';
const CASES: readonly Case[] = [
  { what: 'nothing came', mark: '2026-11-22T01:00:00Z', now: '2026-11-22T01:59:59.999Z' },
  {
    what: 'a time comes to the millisecond',
    mark: '2026-11-22T01:00:00Z',
    now: '2026-11-22T02:00:00Z',
    due: '2026-11-22T02:00:00Z',
  },
  {
    what: 'after five days of downtime the newest runs, and 119 are missed',
    mark: '2026-11-17T12:00:00Z',
    now: '2026-11-22T12:30:00Z',
    due: '2026-11-22T12:00:00Z',
    missed: 119,
  },
  {
    what: 'a downtime of years is not counted to its end',
    mark: '2024-11-17T12:00:00Z',
    now: '2026-11-22T12:30:00Z',
    due: '2026-11-22T12:00:00Z',
    missed: 10_000,
  },
  {
    what: 'a time at the edge of its deadline runs',
    mark: '2026-11-22T01:00:00Z',
    now: '2026-11-22T02:10:00Z',
    deadlineS: 600,
    due: '2026-11-22T02:00:00Z',
  },
  {
    what: 'a time behind its deadline is missed, with those before it',
    mark: '2026-11-22T00:00:00Z',
    now: '2026-11-22T02:10:00.001Z',
    deadlineS: 600,
    missed: 2,
    dealtUntil: '2026-11-22T02:00:00Z',
  },
  {
    what: 'times that came while a run is active are skipped',
    mark: '2026-11-22T01:00:00Z',
    now: '2026-11-22T03:30:00Z',
    busyUntil: '2026-11-22T03:30:00Z',
    skipped: 2,
    dealtUntil: '2026-11-22T03:00:00Z',
  },
  {
    what: 'times that came before a run ended are skipped, those behind it are due or missed',
    mark: '2026-11-22T01:00:00Z',
    now: '2026-11-22T06:30:00Z',
    busyUntil: '2026-11-22T03:30:00Z',
    skipped: 2,
    missed: 2,
    dealtUntil: '2026-11-22T03:00:00Z',
    due: '2026-11-22T06:00:00Z',
  },
  {
    what: 'a run that ended before the last time leaves nothing skipped',
    mark: '2026-11-22T01:00:00Z',
    now: '2026-11-22T02:00:00Z',
    busyUntil: '2026-11-22T01:05:00Z',
    due: '2026-11-22T02:00:00Z',
  },
  {
    what: 'a clock that is set back ten minutes repeats nothing',
    mark: '2026-11-22T02:00:00Z',
    now: '2026-11-22T01:51:00Z',
  },
  {
    what: 'a clock that comes again to a time that ran does not repeat it',
    mark: '2026-11-22T02:00:00Z',
    now: '2026-11-22T02:00:30Z',
  },
  {
    what: 'a clock that is set ten minutes ahead makes up for the newest time',
    cron: '*/5 * * * *',
    mark: '2026-11-22T02:00:00Z',
    now: '2026-11-22T02:11:00Z',
    due: '2026-11-22T02:10:00Z',
    missed: 1,
  },
  {
    what: "at year's end",
    cron: '59 59 23 31 12 ?',
    zone: 'Asia/Shanghai',
    mark: '2025-12-31T15:59:59Z',
    now: '2026-12-31T15:59:59Z',
    due: '2026-12-31T15:59:59Z',
  },
  {
    what: 'on 29 February, four years after the last',
    cron: '0 0 29 2 *',
    mark: '2024-02-29T00:00:00Z',
    now: '2028-02-29T00:00:01Z',
    due: '2028-02-29T00:00:00Z',
  },
  {
    what: 'on no 29 February of a common year',
    cron: '0 0 29 2 *',
    mark: '2024-02-29T00:00:00Z',
    now: '2027-03-01T00:00:00Z',
  },
  {
    what: 'in a gap, at the first instant behind it',
    cron: '30 2 * * *',
    zone: 'Europe/Berlin',
    mark: '2026-03-28T12:00:00Z',
    now: '2026-03-29T01:00:00Z',
    due: '2026-03-29T01:00:00Z',
  },
  {
    what: 'in a fold, not on the second pass',
    cron: '30 2 * * *',
    zone: 'Europe/Berlin',
    mark: '2026-10-25T00:30:00Z',
    now: '2026-10-25T01:30:00Z',
  },
  {
    what: 'in a gap of the other hemisphere',
    cron: '30 2 * * *',
    zone: 'Australia/Sydney',
    mark: '2026-10-03T00:00:00Z',
    now: '2026-10-03T16:00:00Z',
    due: '2026-10-03T16:00:00Z',
  },
];
for (const {
  what,
  cron = HOURLY,
  zone,
  mark,
  now,
  deadlineS = 86_400,
  busyUntil,
  due,
  skipped,
  missed,
  dealtUntil,
} of CASES) {
  test(`a time is dealt with once: ${what}`, () => {
    const verdict = judgeTicks({
      ticks: ticksOf(cron, zone),
      mark: instant(mark),
      now: instant(now),
      deadlineMs: deadlineS * 1_000,
      busyUntil: busyUntil === undefined ? undefined : instant(busyUntil),
    });
    assert.deepEqual(
      { ...verdict, due: text(verdict.due), dealtUntil: text(verdict.dealtUntil) },
      { due, skipped: skipped ?? 0, missed: missed ?? 0, dealtUntil },
    );
  });
}

const NOW = instant('2026-11-22T12:00:00.700Z');
const SCHEDULE = '0 * * * * (UTC)';
const KNOWN: Partial<ReplicaTaskStatus> = {
  schedule: SCHEDULE,
  scheduledSince: '2026-11-20T00:00:00Z',
  lastScheduleTime: '2026-11-22T11:00:00Z',
  skippedRuns: 3,
  missedRuns: 4,
};
const CREATED = instant('2026-11-19T00:00:00Z');
const STATES: readonly (readonly [
  what: string,
  status: Partial<ReplicaTaskStatus> | undefined,
  enabled: boolean,
  expected: Partial<ScheduleTimes>,
])[] = [
  [
    'a task seen for the first time: since it was created',
    undefined,
    true,
    { scheduledSince: CREATED, lastScheduleTime: undefined, skippedRuns: 0 },
  ],
  [
    'a known one: as before',
    KNOWN,
    true,
    {
      scheduledSince: instant('2026-11-20T00:00:00Z'),
      lastScheduleTime: instant('2026-11-22T11:00:00Z'),
      missedRuns: 4,
    },
  ],
  [
    'another schedule: since now, and the counts go on',
    { ...KNOWN, schedule: 'Once' },
    true,
    { scheduledSince: NOW, lastScheduleTime: undefined, skippedRuns: 3, missedRuns: 4 },
  ],
  [
    'resumed: since now',
    { ...KNOWN, suspendedSince: '2026-11-21T00:00:00Z' },
    true,
    { scheduledSince: NOW, lastScheduleTime: undefined },
  ],
  [
    'suspended: as before',
    { ...KNOWN, suspendedSince: '2026-11-21T00:00:00Z' },
    false,
    { scheduledSince: instant('2026-11-20T00:00:00Z') },
  ],
  ['a status that lost its beginning: since now', { schedule: SCHEDULE }, true, { scheduledSince: NOW }],
];
for (const [what, status, enabled, expected] of STATES) {
  test(`since when a schedule holds: ${what}`, () => {
    const times = timesOf({ status, text: SCHEDULE, enabled, createdAt: CREATED, now: NOW });
    assert.deepEqual({ ...times, ...expected }, times);
  });
}

test('no schedule holds since an instant to come, whoever told it', () => {
  const createdAt = NOW + 600_000;
  const seen = timesOf({ status: undefined, text: SCHEDULE, enabled: true, createdAt, now: NOW });
  const known = timesOf({
    status: { ...KNOWN, scheduledSince: '2031-01-01T00:00:00Z' },
    text: SCHEDULE,
    enabled: true,
    createdAt,
    now: NOW,
  });
  assert.deepEqual([seen.scheduledSince, known.scheduledSince], [NOW, NOW]);
});

test('what was dealt with moves the mark and the counts together', () => {
  const before = timesOf({ status: KNOWN, text: SCHEDULE, enabled: true, createdAt: CREATED, now: NOW });
  const after = dealtWith(before, instant('2026-11-22T12:00:00Z'), { skipped: 1, missed: 2 });
  assert.equal(markOf(after), instant('2026-11-22T12:00:00Z'));
  assert.deepEqual([after.skippedRuns, after.missedRuns], [4, 6]);
  assert.equal(markOf(dealtWith(before, undefined, { skipped: 0, missed: 0 })), instant('2026-11-22T11:00:00Z'));
});

test('runs tell which time they were begun for, but not one of a clock that was ahead', () => {
  const claims = ['request:x', 'tick:2026-11-22T13:00:00Z', 'tick:2026-11-22T11:00:00Z', 'tick:2026-11-22T10:00:00Z'];
  const runs = claims.map((claim) => ({ claim }));
  assert.equal(text(newestClaimed(runs, NOW)), '2026-11-22T11:00:00Z');
  assert.equal(newestClaimed([{ claim: 'one-shot:h' }], NOW), undefined);
});

test('counts are told in words', () => {
  assert.deepEqual([1, 2, 9_999, 10_000].map(countedTimes), [
    '1 scheduled time',
    '2 scheduled times',
    '9999 scheduled times',
    'more than 10,000 scheduled times',
  ]);
});

const PLANS: readonly (readonly [plan: object, kind: string, immediately: boolean | undefined])[] = [
  [{}, 'none', true],
  [{ executeImmediately: true }, 'none', true],
  [{ executeImmediately: false }, 'none', false],
  [{ cronExpression: '0 2 * * *' }, 'cron', false],
  [{ cronExpression: '0 2 * * *', executeImmediately: false }, 'cron', false],
  [{ cronExpression: '0 2 * * *', executeImmediately: true }, 'cron', true],
  [{ executeTime: '2030-01-01T00:00:00Z' }, 'at', undefined],
];
for (const [plan, kind, immediately] of PLANS) {
  test(`executionPlan ${JSON.stringify(plan)} is ${kind}, immediately: ${immediately}`, () => {
    const found = timetable(plan);
    assert.deepEqual([found.kind, 'immediately' in found ? found.immediately : undefined], [kind, immediately]);
  });
}

test('a local time is of the zone of the task, else of the installation', () => {
  const at = (plan: object, timeZone: string): number | undefined => {
    const found = timetableOf(sampleTask({ setting: { executionPlan: plan } }).spec, { ...DEFAULTS, timeZone });
    return 'kind' in found && found.kind === 'at' ? found.at : undefined;
  };
  const executeTime = '2030-01-01T08:00:00';
  assert.equal(at({ executeTime }, 'Asia/Shanghai'), instant('2030-01-01T00:00:00Z'));
  assert.equal(at({ executeTime, timeZone: 'Europe/Paris' }, 'Asia/Shanghai'), instant('2030-01-01T07:00:00Z'));
  assert.equal(at({ executeTime: `${executeTime}+01:00` }, 'Asia/Shanghai'), instant('2030-01-01T07:00:00Z'));
});

test('a zone that there is not is refused also where nothing depends on it', () => {
  const found = timetableOf(sampleTask({ setting: { executionPlan: { timeZone: 'Mars/Olympus' } } }).spec, DEFAULTS);
  assert.ok('reason' in found);
  assert.deepEqual([found.reason, found.field], ['UnknownTimeZone', 'spec.setting.executionPlan.timeZone']);
});

test('the shipped sample runs at two in the morning in Shanghai', () => {
  const sample = new URL('../../../deploy/samples/scheduled.yaml', import.meta.url);
  const { spec } = parse(readFileSync(sample, 'utf8')) as { readonly spec: object };
  const found = timetableOf(sampleTask(spec).spec, DEFAULTS);
  assert.ok('kind' in found && found.kind === 'cron');
  assert.equal(text(found.ticks.next(instant('2026-11-22T00:00:00Z'))), '2026-11-22T18:00:00Z');
});
