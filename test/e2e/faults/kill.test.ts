import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killAtRandom } from '../../soak/kill.ts';
import { printedSeed } from '../../support/seed.ts';

test('SIGKILL at random points of runs leaves nothing partial, nothing double, and every run ends equal', async (t) => {
  const seed = printedSeed('kill');
  const result = await killAtRandom({ seed, kills: 12, durationMs: 50_000, report: (line) => t.diagnostic(line) });
  t.diagnostic(JSON.stringify(result));
  assert.ok(result.inRun >= 6, `${result.inRun} kills struck a run`);
  assert.ok(result.adoptions >= 5, `${result.adoptions} adoptions`);
  assert.ok(result.broken >= 3, `${result.broken} large uploads were broken off`);
  assert.ok(Object.keys(result.moments).length >= 2, `kills struck at ${JSON.stringify(result.moments)}`);
  assert.ok(result.looks > 60 && result.nodesSeen > 500, `${result.looks} looks at ${result.nodesSeen} nodes`);
});
