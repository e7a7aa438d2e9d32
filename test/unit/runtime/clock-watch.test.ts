import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockWatch } from '../../../src/runtime/clock-watch.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass, settle } from './steps.ts';

const logger = createLogger({ level: 'error', format: 'text', destination: { write: () => {} } });

const JUMPS: readonly (readonly [what: string, ms: number, told: number])[] = [
  ['ten minutes ahead', 600_000, 1],
  ['ten minutes back', -600_000, 1],
  ['a second ahead, as after a short sleep of the machine', 1_000, 1],
  ['half a second back', -500, 0],
  ['nowhere', 0, 0],
];
for (const [what, ms, told] of JUMPS) {
  test(`a clock that is set ${what} is ${told === 0 ? 'not ' : ''}told within five seconds, once`, async () => {
    const clock = new FakeClock();
    let jumps = 0;
    const stop = new AbortController();
    const running = clockWatch({ clock, logger, onJump: () => (jumps += 1) }).run(
      stop.signal,
      new AbortController().signal,
    );
    await pass(clock, 20_000, 1_000);
    assert.equal(jumps, 0);
    clock.set(ms);
    await pass(clock, 5_000, 1_000);
    assert.equal(jumps, told);
    await pass(clock, 60_000, 1_000);
    assert.equal(jumps, told);
    stop.abort();
    await running;
    assert.equal(clock.sleeping, 0);
  });
}

test('a clock that drifts slowly is told each time it is half a second off', async () => {
  const clock = new FakeClock();
  let jumps = 0;
  const stop = new AbortController();
  const running = clockWatch({ clock, logger, onJump: () => (jumps += 1) }).run(
    stop.signal,
    new AbortController().signal,
  );
  await settle();
  for (let step = 0; step < 100; step += 1) {
    clock.set(20);
    await pass(clock, 5_000, 5_000);
  }
  assert.equal(jumps, 3, '2 seconds in all');
  stop.abort();
  await running;
});
