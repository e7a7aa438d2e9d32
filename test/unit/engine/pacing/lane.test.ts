import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicationError } from '../../../../src/domain/errors.ts';
import { type Lane, type LaneRequest, Lanes } from '../../../../src/engine/pacing/lane.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { pass, settle } from './simulation.ts';

const never = new AbortController().signal;

class Scene {
  readonly clock = new FakeClock();
  readonly lanes: Lanes;
  /** Names of requests and units in the order in which they began. */
  readonly begun: string[] = [];
  readonly #end = new Map<string, (() => void)[]>();

  constructor(requests = 64) {
    this.lanes = new Lanes({ clock: this.clock, requests });
  }

  lane(clusterId: string, taskUid: string, changes: Partial<LaneRequest> = {}): Lane {
    return this.lanes.lane({ clusterId, taskUid, concurrency: 4, bandwidth: 0, rateLimit: 0, ...changes });
  }

  /** Begins requests that last until `end`. */
  request(lane: Lane, name: string, count = 1, payload = 0): void {
    for (let index = 0; index < count; index += 1) void lane.request(() => this.#begin(name), payload, never);
  }

  /** The same for units. */
  start(lane: Lane, name: string, count = 1): void {
    for (let index = 0; index < count; index += 1)
      void lane.acquire(never).then(async (end) => {
        await this.#begin(name);
        end();
      });
  }

  async end(name: string): Promise<void> {
    this.#end.get(name)?.shift()?.();
    await settle();
  }

  underWay(name: string): number {
    return this.#end.get(name)?.length ?? 0;
  }

  #begin(name: string): Promise<void> {
    this.begun.push(name);
    return new Promise((resolve) => {
      this.#end.set(name, [...(this.#end.get(name) ?? []), resolve]);
    });
  }
}

const busy = (status: number, retryAfterMs?: number): ReplicationError =>
  new ReplicationError('retryable', 'FarSideError', `answered ${status}`, {
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

async function fails(lane: Lane, error: Error): Promise<void> {
  await assert.rejects(
    lane.request(() => Promise.reject(error), 0, never),
    error,
  );
}

test('units: a task with ten thousand that wait does not keep another one waiting', async () => {
  const scene = new Scene();
  const [huge, small] = [scene.lane('east', 'huge'), scene.lane('east', 'small')];
  scene.start(huge, 'huge', 10_000);
  await settle();
  assert.equal(scene.underWay('huge'), 3, 'one turn stays free for whoever comes');
  scene.start(small, 'small', 3);
  await settle();
  assert.equal(scene.underWay('small'), 1);
  for (let ended = 0; ended < 4; ended += 1) await scene.end('huge');
  assert.deepEqual(scene.begun.slice(4), ['huge', 'small', 'huge'], 'by turns, and one stays free again');
});

test('units: no more than the limit are under way, and a limit of one is one', async () => {
  for (const [concurrency, alone] of [
    [1, 1],
    [2, 2],
    [3, 3],
    [8, 7],
  ] as const) {
    const scene = new Scene();
    scene.start(scene.lane('east', 'a', { concurrency }), 'a', 20);
    await settle();
    assert.equal(scene.underWay('a'), alone);
    for (const other of ['b', 'c', 'd']) scene.start(scene.lane('east', other, { concurrency }), other, 20);
    await settle();
    assert.equal(scene.begun.length, concurrency);
  }
});

test('units: a task whose bytes are held back takes no more than it leaves', async () => {
  const scene = new Scene();
  const [slow, fast] = [
    scene.lane('east', 'slow', { concurrency: 8, rateLimit: 1_000 }),
    scene.lane('east', 'fast', { concurrency: 8 }),
  ];
  scene.start(slow, 'slow', 20);
  scene.start(fast, 'fast', 20);
  await settle();
  assert.deepEqual([scene.underWay('slow'), scene.underWay('fast')], [4, 3]);
});

test('requests: far sides take turns, and at each far side its tasks', async () => {
  const scene = new Scene(1);
  const order: string[] = [];
  const lanes = { a1: ['a', '1'], a2: ['a', '2'], b1: ['b', '1'] } as const;
  const all = Object.entries(lanes).flatMap(([name, [farSide, task]]) => {
    const lane = scene.lane(farSide, task);
    return Array.from({ length: name === 'a1' ? 100 : 3 }, () =>
      lane.request(
        async () => {
          order.push(name);
          await settle();
        },
        0,
        never,
      ),
    );
  });
  await Promise.all(all);
  // The first one found nobody else.
  assert.deepEqual(order.slice(1, 10), ['a1', 'b1', 'a2', 'b1', 'a1', 'b1', 'a2', 'a1', 'a2']);
});

test('requests: no far side holds more of the whole than it leaves, so that a slow one shuts nobody out', async () => {
  const scene = new Scene(8);
  for (const farSide of ['slow', 'slower', 'fast', 'last']) {
    scene.request(scene.lane(farSide, 't', { concurrency: 64 }), farSide, 50);
    await settle();
  }
  assert.deepEqual(
    ['slow', 'slower', 'fast', 'last'].map((farSide) => scene.underWay(farSide)),
    [4, 2, 1, 1],
  );
});

test('requests: a failed one gives its turn back', async () => {
  const scene = new Scene(1);
  const lane = scene.lane('east', 't');
  await fails(lane, new Error('broken'));
  assert.equal(await lane.request(async () => 'answer', 0, never), 'answer');
});

test('requests: long uploads leave room for others, and take turns with them', async () => {
  const scene = new Scene();
  const lane = scene.lane('east', 't', { concurrency: 8 });
  scene.request(lane, 'upload', 20, 1e9);
  await settle();
  assert.equal(scene.underWay('upload'), 3);
  scene.request(lane, 'question', 10);
  await settle();
  assert.equal(scene.underWay('question'), 1);
  await scene.end('upload');
  await scene.end('upload');
  assert.deepEqual(scene.begun.slice(4), ['upload', 'question']);
});

test('requests: the slower a task, the fewer its uploads at once', async () => {
  for (const [rateLimit, most] of [
    [1_000, 2],
    [50_000, 3],
    [1_000_000, 4],
  ] as const) {
    const scene = new Scene();
    const lane = scene.lane('east', 't', { concurrency: 8, rateLimit });
    // Until all 8 turns are used.
    for (let requests = 0; requests < 3_000; requests += 1)
      void lane.request(async () => scene.clock.sleep(50), 0, never);
    await pass(scene.clock, 30_000, 10);
    scene.request(lane, 'upload', 20, 1_000);
    await settle();
    assert.equal(scene.underWay('upload'), most, `${rateLimit} bytes/s`);
  }
});

for (const error of [
  busy(429),
  busy(503),
  busy(504),
  busy(408),
  new ReplicationError('retryable', 'Timeout', 'waited in vain for its answer'),
  new ReplicationError('retryable', 'ConnectTimeout', 'no connection in time'),
  new ReplicationError('retryable', 'TooManyRequests', 'answered 400, 250129', { status: 400, remoteCode: 250129 }),
])
  test(`requests: ${error.code} ${error.status ?? ''} halves what this far side gets, and no other`, async () => {
    const scene = new Scene();
    const [east, west] = [scene.lane('east', 't'), scene.lane('west', 't')];
    await fails(east, error);
    scene.request(east, 'east', 10);
    scene.request(west, 'west', 10);
    await settle();
    assert.deepEqual([scene.underWay('east'), scene.underWay('west')], [2, 4]);
  });

for (const error of [
  busy(500),
  new ReplicationError('retryable', 'ConnectionLost', 'reset'),
  new ReplicationError('retryable', 'SourceStalled', 'waited in vain for the next bytes of the source'),
  new ReplicationError('unit', 'NodeNotFound', 'answered 404', { status: 404 }),
  new Error('a defect'),
])
  test(`requests: ${error.message} changes nothing`, async () => {
    const scene = new Scene();
    const east = scene.lane('east', 't');
    await fails(east, error);
    scene.request(east, 'east', 10);
    await settle();
    assert.equal(scene.underWay('east'), 4);
  });

test('requests: what was asked for by Retry-After holds for those who wait already, and for all tasks', async () => {
  const scene = new Scene();
  const [one, other] = [scene.lane('east', '1', { concurrency: 1 }), scene.lane('east', '2', { concurrency: 1 })];
  const west = scene.lane('west', '1');
  const told = fails(one, busy(429, 10_000));
  scene.request(one, 'one');
  scene.request(other, 'other');
  await told;
  await pass(scene.clock, 9_900, 100);
  assert.deepEqual(scene.begun, []);
  scene.request(west, 'west');
  await settle();
  assert.equal(scene.underWay('west'), 1, 'another far side is not concerned');
  await pass(scene.clock, 200, 100);
  assert.equal(scene.underWay('one'), 1);
  await scene.end('one');
  assert.equal(scene.underWay('other'), 1);
  assert.equal(scene.clock.sleeping, 0, 'no timer is left');
});

test('a unit or request whose signal is aborted while it waits leaves the queue', async () => {
  const scene = new Scene(1);
  const lane = scene.lane('east', 't', { concurrency: 1 });
  scene.request(lane, 'first');
  const unit = await lane.acquire(never);
  const abort = new AbortController();
  const reason = new Error('stopped');
  const waiting = [
    assert.rejects(
      lane.request(async () => scene.begun.push('aborted'), 0, abort.signal),
      reason,
    ),
    assert.rejects(lane.acquire(abort.signal), reason),
  ];
  abort.abort(reason);
  await Promise.all(waiting);
  await assert.rejects(lane.acquire(abort.signal), reason, 'aborted before');
  scene.request(lane, 'second');
  scene.start(lane, 'unit');
  await scene.end('first');
  unit();
  unit();
  await settle();
  assert.deepEqual(scene.begun, ['first', 'second', 'unit']);
});

test('limits given by a later run count for the lanes of earlier ones', async () => {
  const scene = new Scene();
  const lane = scene.lane('east', 't', { concurrency: 1 });
  scene.start(lane, 'unit', 3);
  scene.request(lane, 'request', 3);
  await settle();
  assert.deepEqual([scene.underWay('unit'), scene.underWay('request'), lane.isPaced(1e6)], [1, 1, false]);
  scene.lane('east', 't', { concurrency: 3, rateLimit: 1_000 });
  await settle();
  assert.equal(scene.underWay('unit'), 2);
  assert.equal(lane.isPaced(1e6), true);
});

test('what a far side was found to take is remembered for the next run, of some hundred far sides', async () => {
  const scene = new Scene();
  const east = scene.lane('east', 't');
  await fails(east, busy(429));
  east.close();
  east.close();
  const next = scene.lane('east', 'u');
  scene.request(next, 'next', 10);
  await settle();
  assert.equal(scene.underWay('next'), 2);
  for (let left = 0; left < 10; left += 1) await scene.end('next');
  next.close();
  for (let index = 0; index < 300; index += 1) scene.lane(`other-${index}`, 't').close();
  scene.request(scene.lane('east', 't'), 'anew', 10);
  await settle();
  assert.equal(scene.underWay('anew'), 4, 'forgotten');
});

test('a far side in use is never forgotten', async () => {
  const scene = new Scene();
  const east = scene.lane('east', 't');
  await fails(east, busy(429));
  for (let index = 0; index < 300; index += 1) scene.lane(`other-${index}`, 't').close();
  scene.request(scene.lane('east', 'u'), 'east', 10);
  await settle();
  assert.equal(scene.underWay('east'), 2);
});
