import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { watchLevel } from '../../../src/cli/log-level.ts';
import { createLogger, type LogLevel } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';

test('the level is read again when told to and every ten seconds, and stays when the configuration is unusable', async () => {
  const lines: string[] = [];
  const clock = new FakeClock();
  const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line) => lines.push(line) } });
  const child = logger.child({ namespace: 'shop' });
  const stop = new AbortController();
  let read = (): LogLevel => 'info';
  let reload = (): void => assert.fail('nobody listens');
  const watching = watchLevel(
    {
      clock,
      logger,
      level: 'info',
      read: () => read(),
      onReload: (listener) => {
        reload = listener;
      },
    },
    stop.signal,
  );
  child.debug('never');
  read = () => 'debug';
  reload();
  child.debug('at once');
  read = () => {
    throw new Error('log.level: is loud');
  };
  reload();
  reload();
  child.debug('still');
  read = () => 'error';
  clock.advance(10_000);
  await setImmediate();
  child.warn('no more');
  stop.abort();
  await watching;
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg),
    [
      'log level changed',
      'at once',
      'the configuration cannot be read again, the log level stays',
      'still',
      'log level changed',
    ],
  );
});
