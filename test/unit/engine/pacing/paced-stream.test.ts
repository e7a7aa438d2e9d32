import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { type Lane, Lanes } from '../../../../src/engine/pacing/lane.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { pass, settle } from './simulation.ts';

const CONTENT = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251));
const never = new AbortController().signal;

function scene(rateLimit: number, bandwidth = 0): { readonly clock: FakeClock; readonly lane: Lane } {
  const clock = new FakeClock();
  const lanes = new Lanes({ clock, requests: 8 });
  return { clock, lane: lanes.lane({ clusterId: 'c', taskUid: 't', concurrency: 8, bandwidth, rateLimit }) };
}

function source(): Readable {
  return Readable.from([CONTENT.subarray(0, 20_001), Buffer.alloc(0), CONTENT.subarray(20_001)], { objectMode: false });
}

test('without limits the stream itself is sent', () => {
  const stream = source();
  assert.equal(scene(0).lane.pace(stream, never), stream);
  stream.destroy();
});

test('a blob is sent piece by piece unless it fits into one', () => {
  assert.equal(scene(0).lane.isPaced(1e12), false);
  assert.equal(scene(20_000).lane.isPaced(1_000), false);
  assert.equal(scene(20_000).lane.isPaced(1_001), true);
  assert.equal(scene(1e12).lane.isPaced(64 * 1024 + 1), true);
  assert.equal(scene(0, 20_000).lane.isPaced(1_001), true, 'limit of the far side');
});

test('the bytes arrive as they are, at the pace of the limit', async () => {
  const { clock, lane } = scene(10_000);
  let done = false;
  const read = buffer(lane.pace(source(), never)).finally(() => {
    done = true;
  });
  await pass(clock, 4_500);
  assert.equal(done, false, '50,000 bytes at 10,000 per second');
  await pass(clock, 1_000);
  assert.equal(done, true);
  assert.ok((await read).equals(CONTENT));
  assert.equal(clock.sleeping, 0, 'no timer is left');
});

test('nothing is asked for while nobody reads', async () => {
  const { clock, lane } = scene(10_000);
  const idle = lane.pace(source(), never);
  idle.read(0);
  await pass(clock, 5_000);
  assert.equal(idle.readableLength, 500, 'one piece ahead');
  const other = buffer(lane.pace(source(), never));
  await pass(clock, 5_100);
  assert.ok((await other).equals(CONTENT), 'the other stream gets all of the task');
  idle.destroy();
});

test('a failure of the source comes out as it is', async () => {
  const { lane } = scene(1e9);
  const broken = Readable.from(
    (function* broken() {
      yield CONTENT;
      throw new Error('disk gone');
    })(),
  );
  await assert.rejects(buffer(lane.pace(broken, never)), /disk gone/);
});

for (const how of ['destroyed', 'aborted'])
  test(`a stream that is ${how} while it waits ends its source and leaves no timer`, async () => {
    const { clock, lane } = scene(10);
    const abort = new AbortController();
    const stream = source();
    const paced = lane.pace(stream, abort.signal);
    paced.on('error', () => {});
    paced.resume();
    await pass(clock, 50);
    assert.equal(clock.sleeping, 1);
    if (how === 'aborted') abort.abort(new Error('stopped'));
    else paced.destroy();
    await settle();
    assert.equal(clock.sleeping, 0);
    assert.ok(stream.destroyed);
    await pass(clock, 60_000, 1_000);
    assert.equal(paced.readableLength, 0, 'nothing comes afterwards');
  });
