import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzRestOverResources } from '../../support/rest-fuzz/stage.ts';
import { printedSeed } from '../../support/seed.ts';

const CASES = 2_000;

test('whatever is asked of REST is answered in the envelope with a known code, and never by a 5xx', async () => {
  const { answers } = await fuzzRestOverResources({
    seed: printedSeed('fuzz of REST'),
    cases: CASES,
    report: () => {},
  });
  assert.ok((answers['200 0'] ?? 0) > CASES / 10, `too little was right: ${JSON.stringify(answers)}`);
  for (const answer of ['400 250106', '400 250105', '400 250131', '413 250106', '405 250112', '404 250130'])
    assert.ok((answers[answer] ?? 0) > 0, `nothing was answered ${answer}: ${JSON.stringify(answers)}`);
});
