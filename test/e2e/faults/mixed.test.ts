import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schedulesOverTypes } from '../../soak/types.ts';
import { printedSeed } from '../../support/seed.ts';

test('random faults over repositories of every type leave whole versions, right bytes and equal sides', async (t) => {
  const seed = printedSeed('schedules over types');
  const options = { seed, count: 200, durationMs: 35_000, report: (line: string) => t.diagnostic(line) };
  const result = await schedulesOverTypes(options);
  t.diagnostic(JSON.stringify(result));
  // A machine that is busy plays fewer of them.
  assert.ok(result.schedules >= 2, `${result.schedules} schedules`);
  assert.ok(result.strikes >= 2 * result.schedules, `${result.strikes} faults struck`);
});
