import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Watchdog } from '../../../src/target/http/watchdog.ts';

test('a watchdog barks when nothing happens in time, and not after it was stopped', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const barks: string[] = [];
  const watchdog = new Watchdog((awaited) => void barks.push(awaited));
  watchdog.expect('its answer', 1_000);
  mock.timers.tick(1_000);
  assert.deepEqual(barks, ['its answer']);
  watchdog.expect('the next bytes', 1_000);
  watchdog.stop();
  watchdog.expect('the last bytes', 1_000);
  mock.timers.tick(2_000);
  assert.deepEqual(barks, ['its answer']);
});
