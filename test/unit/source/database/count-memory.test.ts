import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SelectionCount } from '../../../../src/engine/ports/source.ts';
import { CountMemory } from '../../../../src/source/database/count-memory.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const never = new AbortController().signal;

function scene() {
  const clock = new FakeClock();
  const memory = new CountMemory(clock);
  let counts = 0;
  const count = async (tookMs: number, signal = never): Promise<SelectionCount> =>
    memory.recall(
      'all',
      async () => {
        counts += 1;
        clock.advance(tookMs);
        if (tookMs === 20_000) throw new Error('too long');
        return { units: counts, bytes: 0 };
      },
      signal,
    );
  return { clock, memory, count, counted: () => counts };
}

test('a count that took long is believed for sixty times as long, and then made again', async () => {
  const { clock, count, counted } = scene();
  assert.deepEqual(await count(10_000), { units: 1, bytes: 0 });
  clock.advance(599_000);
  assert.deepEqual(await count(10_000), { units: 1, bytes: 0 });
  clock.advance(2_000);
  assert.deepEqual(await count(10_000), { units: 2, bytes: 0 });
  assert.equal(counted(), 2);
});

test('a cheap count is made each time', async () => {
  const { count, counted } = scene();
  for (let round = 0; round < 3; round += 1) await count(250);
  assert.equal(counted(), 3);
});

test('a count that took too long is not tried again at once', async () => {
  const { clock, count, counted } = scene();
  await assert.rejects(count(20_000), { message: 'too long' });
  clock.advance(60_000);
  await assert.rejects(count(20_000), { message: 'too long' });
  assert.equal(counted(), 1);
});

test('a count that was called off is not remembered', async () => {
  const { count, counted } = scene();
  await count(10_000, AbortSignal.abort());
  await count(10_000);
  assert.equal(counted(), 2);
});

test('of a thousand selections the oldest is forgotten', async () => {
  const { clock, memory } = scene();
  const asked: string[] = [];
  const recall = (key: string, tookMs: number): Promise<SelectionCount> =>
    memory.recall(
      key,
      async () => {
        asked.push(key);
        clock.advance(tookMs);
        return { units: 1, bytes: 0 };
      },
      never,
    );
  await recall('first', 30_000);
  for (let other = 1; other < 1_000; other += 1) await recall(`other ${other}`, 300);
  await recall('first', 30_000);
  assert.equal(asked.length, 1_000);
  await recall('one more', 300);
  await recall('first', 30_000);
  assert.deepEqual(asked.slice(1_000), ['one more', 'first']);
});
