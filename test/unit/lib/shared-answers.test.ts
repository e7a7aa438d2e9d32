import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedAnswers } from '../../../src/lib/shared-answers.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const never = new AbortController().signal;

test('all who ask the same while it is asked, or a second later, share one answer', async () => {
  const clock = new FakeClock();
  const shared = new SharedAnswers<number>(clock, 1_000);
  let asked = 0;
  const ask = async (): Promise<number> => (asked += 1);
  assert.deepEqual(await Promise.all([shared.get('a', ask, never), shared.get('a', ask, never)]), [1, 1]);
  clock.advance(999);
  assert.equal(await shared.get('a', ask, never), 1);
  assert.equal(await shared.get('b', ask, never), 2, 'another question');
  clock.advance(1);
  assert.equal(await shared.get('a', ask, never), 3);
});

test('a failure is told to all who wait, and asked again by the next', async () => {
  const shared = new SharedAnswers<number>(new FakeClock(), 1_000);
  const failure = new Error('no');
  const broken = (): Promise<number> => Promise.reject(failure);
  const results = await Promise.allSettled([shared.get('a', broken, never), shared.get('a', broken, never)]);
  assert.deepEqual(
    results.map((result) => result.status === 'rejected' && result.reason),
    [failure, failure],
  );
  assert.equal(await shared.get('a', async () => 1, never), 1);
});

test('who gives up waiting leaves the answer to the others', async () => {
  const shared = new SharedAnswers<number>(new FakeClock(), 1_000);
  const { promise, resolve } = Promise.withResolvers<number>();
  const impatient = new AbortController();
  const first = shared.get('a', () => promise, impatient.signal);
  const second = shared.get('a', () => promise, never);
  impatient.abort(new Error('stopped'));
  await assert.rejects(first, /stopped/);
  resolve(7);
  assert.equal(await second, 7);
});
