import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { withLogFields } from '../../../src/telemetry/log-context.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

test('all lines of a piece of work have its fields, and none of another that goes on beside it', async () => {
  const lines: string[] = [];
  const root = createLogger({ level: 'info', format: 'json', destination: { write: (line) => lines.push(line) } });
  const work = (recordId: string): Promise<void> =>
    withLogFields({ recordId }, async () => {
      await setImmediate();
      withLogFields({ traceId: 'abc' }, () => root.child({ farSide: 'far' }).info('inner'));
      root.info('outer');
    });
  await Promise.all([work('one'), work('two')]);
  root.info('outside');
  const seen = lines.map((line) => {
    const { msg, recordId, traceId, farSide } = JSON.parse(line) as Record<string, string | undefined>;
    return [msg, recordId, traceId, farSide].filter((value) => value !== undefined).join(' ');
  });
  assert.deepEqual(seen, ['inner one abc far', 'outer one', 'inner two abc far', 'outer two', 'outside']);
});
