import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicationError } from '../../../src/domain/errors.ts';
import { EndpointHealth } from '../../../src/engine/endpoint-health.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const signal = new AbortController().signal;

function setup(patience = 60_000) {
  const clock = new FakeClock({ running: true });
  const health = new EndpointHealth({
    what: 'far side east',
    unavailable: 'FarSideUnavailable',
    patience,
    attempts: 3,
    backoff: { base: 1000, cap: 8000, jitter: 0 },
    clock,
    random: () => 0,
  });
  return { clock, health };
}

function failing(
  times: number,
  error: () => Error,
): { readonly call: () => Promise<string>; readonly count: () => number } {
  let calls = 0;
  return {
    call: async () => {
      calls += 1;
      if (calls <= times) throw error();
      return 'answer';
    },
    count: () => calls,
  };
}

const reset = () => new ReplicationError('retryable', 'NetworkError', 'connection reset');
const unavailable = (retryAfterMs?: number) =>
  new ReplicationError('retryable', 'FarSideBusy', '429', {
    status: 429,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

test('a network error is tried again with growing pauses', async () => {
  const { clock, health } = setup();
  assert.equal(await health.run(failing(3, reset).call, signal), 'answer');
  assert.deepEqual(clock.slept, [1000, 2000, 4000]);
});

test('a terminal error is thrown at once', async () => {
  const { health } = setup();
  const { call, count } = failing(1, () => new ReplicationError('unit', 'NodeConflict', 'conflict'));
  await assert.rejects(health.run(call, signal), { code: 'NodeConflict' });
  assert.equal(count(), 1);
});

test('nothing is sent to an endpoint before its Retry-After has passed, by no caller', async () => {
  const { clock, health } = setup();
  const began = clock.now();
  await health.run(failing(1, () => unavailable(20_000)).call, signal);
  assert.ok(clock.now() - began >= 20_000, `${clock.now() - began} ms`);
});

test('an endpoint silent for longer than patience is given up with a cluster error that says so', async () => {
  const { health } = setup(10_000);
  await assert.rejects(health.run(failing(1000, reset).call, signal), (error: ReplicationError) => {
    assert.equal(error.errorClass, 'cluster');
    assert.equal(error.code, 'FarSideUnavailable');
    assert.match(error.message, /far side east has not answered for \d+ s.*connection reset/);
    return true;
  });
});

test('a long quiet time before the first failure does not count as silence', async () => {
  const { clock, health } = setup(10_000);
  await health.run(async () => 'x', signal);
  clock.advance(3_600_000);
  assert.equal(await health.run(failing(2, reset).call, signal), 'answer');
});

test('a request that the endpoint answers with 500 each time fails after its attempts', async () => {
  const { health } = setup(3_600_000);
  const { call, count } = failing(
    1000,
    () => new ReplicationError('retryable', 'FarSideError', 'boom', { status: 500 }),
  );
  await assert.rejects(health.run(call, signal), { code: 'FarSideError' });
  assert.equal(count(), 3);
});

test('an aborted caller gets the reason of its abort, not the error', async () => {
  const { health } = setup();
  const controller = new AbortController();
  const reason = new Error('stop');
  await assert.rejects(
    health.run(async () => {
      controller.abort(reason);
      throw reset();
    }, controller.signal),
    reason,
  );
});

test('a call that gets on each time is not given up for lost connections, however many and however long', async () => {
  const { clock, health } = setup(10_000);
  let left = 20;
  const call = async (gotOn: () => void): Promise<string> => {
    left -= 1;
    if (left < 0) return 'answer';
    gotOn();
    await clock.sleep(60_000, signal);
    throw reset();
  };
  assert.equal(await health.run(call, signal), 'answer');
  assert.ok(
    clock.slept.every((ms) => ms === 60_000 || ms === 1000),
    'the pauses do not grow',
  );
});

test('a call that gets on and is answered with errors each time is given up', async () => {
  const { health } = setup();
  let calls = 0;
  const call = async (gotOn: () => void): Promise<string> => {
    calls += 1;
    gotOn();
    throw new ReplicationError('retryable', 'DigestMismatch', 'wrong bytes', { status: 400 });
  };
  await assert.rejects(health.run(call, signal), { code: 'DigestMismatch' });
  assert.equal(calls, 3);
});
