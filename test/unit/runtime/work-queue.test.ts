import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WorkQueue } from '../../../src/runtime/work-queue.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass, settle } from './steps.ts';

function setUp(random = () => 0): { clock: FakeClock; queue: WorkQueue } {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue({ clock, random }) };
}

/** The keys that can be taken without waiting; each is given back. */
async function drain(queue: WorkQueue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.depth.waiting > 0) {
    const key = await queue.take();
    assert.ok(key !== undefined);
    taken.push(key);
    queue.done(key);
  }
  return taken;
}

test('a key added many times while it waits is handed out once, in order of its first add', async () => {
  const { queue } = setUp();
  for (const key of ['a', 'b', 'a', 'c', 'b', 'a']) queue.add(key);
  assert.deepEqual(await drain(queue), ['a', 'b', 'c']);
});

test('a key added while it is processed is not handed to a second worker, and comes once more afterwards', async () => {
  const { queue } = setUp();
  queue.add('a');
  assert.equal(await queue.take(), 'a');
  queue.add('a');
  queue.add('a');
  assert.deepEqual(queue.depth, { waiting: 0, delayed: 0, processing: 1 });
  queue.done('a');
  assert.deepEqual(await drain(queue), ['a']);
});

test('a waiting worker is woken by an add, and every waiting worker by close', async () => {
  const { queue } = setUp();
  const taken = [queue.take(), queue.take(), queue.take()];
  queue.add('a');
  assert.equal(await Promise.race(taken), 'a');
  queue.close();
  assert.deepEqual(await Promise.all(taken), ['a', undefined, undefined]);
});

test('a delayed key comes when it is due; the earliest of several delays counts', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 5_000);
  queue.addAfter('a', 2_000);
  queue.addAfter('a', 9_000);
  queue.addAfter('b', 1_000);
  await pass(clock, 999);
  assert.deepEqual(await drain(queue), []);
  await pass(clock, 1);
  assert.deepEqual(await drain(queue), ['b']);
  await pass(clock, 1_000);
  assert.deepEqual(await drain(queue), ['a']);
  await pass(clock, 20_000);
  assert.deepEqual(await drain(queue), [], 'the later delays of a are gone');
});

test('an add now makes a delayed add of the same key superfluous', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 1_000);
  queue.add('a');
  assert.deepEqual(await drain(queue), ['a']);
  await pass(clock, 2_000);
  assert.deepEqual(await drain(queue), []);
});

test('back-off grows per key from 1 s to 15 min, starts anew after forget, and is spread by randomness', () => {
  const { queue } = setUp();
  const delays = Array.from({ length: 12 }, () => queue.addRateLimited('a'));
  assert.deepEqual(
    delays,
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900].map((s) => s * 1_000),
  );
  assert.equal(queue.addRateLimited('b'), 1_000, 'another key has its own');
  queue.forget('a');
  assert.equal(queue.addRateLimited('a'), 1_000);
  assert.equal(queue.addRateLimited('a', 60_000), 60_000, 'the least wait asked for is kept');
  const spread = setUp(() => 0.999).queue.addRateLimited('a');
  assert.ok(spread > 1_400 && spread < 1_500, String(spread));
});

test('after close nothing is taken, waiting and delayed keys are dropped, and work under way can end', async () => {
  const { clock, queue } = setUp();
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 1_000);
  assert.equal(await queue.take(), 'a');
  queue.add('a');
  queue.close();
  queue.done('a');
  queue.add('d');
  queue.addRateLimited('e');
  await pass(clock, 5_000);
  assert.equal(await queue.take(), undefined);
  assert.deepEqual(queue.depth, { waiting: 0, delayed: 0, processing: 0 });
});

test('thousands of delayed keys need one timer', async () => {
  const { clock, queue } = setUp();
  for (let i = 0; i < 5_000; i += 1) queue.addAfter(`k${i}`, 1_000 + i);
  assert.equal(clock.slept.length, 1);
  await settle();
  await pass(clock, 6_000, 1_000);
  assert.equal((await drain(queue)).length, 5_000);
});
