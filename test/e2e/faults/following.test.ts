import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followInStorms } from '../../soak/following.ts';
import { printedSeed } from '../../support/seed.ts';

test('far sides that follow become equal after random changes under kills, outages and line faults', async (t) => {
  const seed = printedSeed('following');
  const report = (line: string): void => t.diagnostic(line);
  const result = await followInStorms({ seed, count: Number.POSITIVE_INFINITY, durationMs: 75_000, report });
  assert.ok(result.storms > 0 && result.changes > 0);
});
