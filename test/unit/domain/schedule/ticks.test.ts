import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTicks, newestTick, nextTick, parseCron } from '../../../../src/domain/schedule/schedule.ts';

const AFTER = new Date('2016-01-01T00:00:00Z');
const UP_TO = new Date('2026-11-22T12:34:56.789Z');

test('the newest of years of seconds is found, and missed ticks are counted no further than asked', () => {
  const schedule = parseCron('* * * * * ?', 'Europe/Berlin');
  assert.equal(newestTick(schedule, AFTER, UP_TO)?.toISOString(), '2026-11-22T12:34:56.000Z');
  assert.equal(countTicks(schedule, AFTER, UP_TO, 101), 101);
});

test('more than a hundred missed ticks are counted', () => {
  const schedule = parseCron('0 */6 * * *', 'Asia/Shanghai');
  assert.equal(countTicks(schedule, new Date('2026-01-01T00:00:00Z'), new Date('2026-03-01T00:00:00Z'), 10_000), 236);
});

test('a tick at the end counts, and one at the beginning does not', () => {
  const schedule = parseCron('0 0 * * *', 'UTC');
  const [first, second] = [new Date('2026-11-22T00:00:00Z'), new Date('2026-11-23T00:00:00Z')];
  assert.equal(nextTick(schedule, first)?.getTime(), second.getTime());
  assert.equal(nextTick(schedule, new Date(first.getTime() - 1))?.getTime(), first.getTime());
  assert.equal(newestTick(schedule, first, second)?.getTime(), second.getTime());
  assert.equal(newestTick(schedule, first, new Date(second.getTime() - 1)), undefined);
  assert.equal(countTicks(schedule, first, second, 10), 1);
  assert.equal(countTicks(schedule, first, first, 10), 0);
});

test('an interval that ends before it begins has no ticks', () => {
  const schedule = parseCron('* * * * *', 'UTC');
  assert.equal(newestTick(schedule, UP_TO, AFTER), undefined);
  assert.equal(countTicks(schedule, UP_TO, AFTER, 10), 0);
});

test('a schedule whose years are over never runs again', () => {
  const schedule = parseCron('0 0 0 1 1 ? 2020-2022', 'UTC');
  assert.equal(nextTick(schedule, UP_TO), undefined);
  assert.equal(newestTick(schedule, AFTER, UP_TO)?.toISOString(), '2022-01-01T00:00:00.000Z');
  assert.equal(countTicks(schedule, AFTER, UP_TO, 10), 3);
});

/** Milliseconds of this process for three calls; a walk over seconds, minutes or days of all those years takes many times as long. */
const LIMIT_MS = 40;
const CALLS = 20;

for (const [expression, zone] of [
  ['0 0 0 29 2 ? 2096', 'Asia/Shanghai'],
  ['* * * * * ?', 'Europe/Berlin'],
  ['59 59 23 31 12 ? 2099', 'America/New_York'],
  ['0 30 2-2 ? 3 1L', 'Europe/Berlin'],
  ['0 0 13 * FRI', 'Australia/Lord_Howe'],
] as const) {
  test(`${expression} in ${zone} costs little, however far its ticks are`, () => {
    const schedule = parseCron(expression, zone);
    const started = process.cpuUsage();
    for (let call = 0; call < CALLS; call++) {
      nextTick(schedule, UP_TO);
      newestTick(schedule, AFTER, UP_TO);
      countTicks(schedule, AFTER, UP_TO, 101);
    }
    const { user, system } = process.cpuUsage(started);
    const each = (user + system) / 1_000 / CALLS;
    assert.ok(each < LIMIT_MS, `${each.toFixed(2)} ms`);
  });
}
