import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs } from '../../../src/api/duration.ts';
import { scheduleText } from '../../../src/api/schedule-text.ts';

const DURATIONS: readonly (readonly [string, number])[] = [
  ['0s', 0],
  ['60s', 60_000],
  ['2m30s', 150_000],
  ['1h1m1s', 3_661_000],
  ['30s2m', 150_000],
  ['99999h', 359_996_400_000],
];
for (const [text, ms] of DURATIONS) test(`${text} is ${ms} ms`, () => assert.equal(durationMs(text), ms));

for (const text of ['', '60', '1.5m', '500ms', '-1s', '1d', '1h ']) {
  test(`${JSON.stringify(text)} is no duration`, () => assert.throws(() => durationMs(text), RangeError));
}

const SETTING = {
  rateLimit: 0,
  includeMetadata: true,
  conflictStrategy: 'SKIP',
  errorStrategy: 'CONTINUE',
  storageConsistencyCheck: false,
  automaticCreateRemoteRepo: true,
  recordUnchanged: false,
  adoptExisting: false,
} as const;

const PLANS = [
  [undefined, 'Once'],
  [{}, 'Once'],
  [{ executeImmediately: true }, 'Once'],
  [{ executeImmediately: false }, 'On request'],
  [{ executeTime: '2026-12-01T02:00:00Z' }, 'Once, at 2026-12-01T02:00:00Z'],
  [{ executeTime: '2026-12-01T02:00:00-05:00', timeZone: 'Asia/Shanghai' }, 'Once, at 2026-12-01T02:00:00-05:00'],
  [{ executeTime: '2026-12-01T02:00' }, 'Once, at 2026-12-01T02:00 (Europe/Paris)'],
  [{ executeTime: '2026-12-01T02:00', timeZone: 'Asia/Shanghai' }, 'Once, at 2026-12-01T02:00 (Asia/Shanghai)'],
  [{ cronExpression: '0 2 * * *' }, '0 2 * * * (Europe/Paris)'],
  [{ cronExpression: '0 2 * * *', timeZone: 'Asia/Shanghai' }, '0 2 * * * (Asia/Shanghai)'],
  [{ executeImmediately: true, cronExpression: '0 2 * * *' }, 'Now, then 0 2 * * * (Europe/Paris)'],
] as const;

for (const [executionPlan, expected] of PLANS) {
  test(`the plan ${JSON.stringify(executionPlan)} reads "${expected}"`, () => {
    const setting = executionPlan === undefined ? SETTING : { ...SETTING, executionPlan };
    assert.equal(scheduleText({ replicaType: 'SCHEDULED', setting }, 'Europe/Paris'), expected);
  });
}

test('a real-time task runs continuously', () => {
  assert.equal(scheduleText({ replicaType: 'REAL_TIME', setting: SETTING }, 'UTC'), 'Continuously');
});
