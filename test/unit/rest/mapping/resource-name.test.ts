import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { resourceName } from '../../../../src/rest/mapping/resource-name.ts';
import { generated } from './generated.ts';

const { seed } = generated('names of resources');

test('A hundred thousand names give as many resource names, all of them labels', () => {
  const names = new Set(
    fc.sample(fc.string({ maxLength: 12, unit: fc.constantFrom(...Array.from('abAB0-. _é中')) }), {
      seed: seed(),
      numRuns: 60_000,
    }),
  );
  for (let index = 0; index < 50_000; index++)
    names.add(`Nightly ${index}`).add(`nightly-${index.toString(16).padStart(12, '0')}`);
  const made = new Set(Array.from(names, resourceName));
  assert.equal(made.size, names.size);
  assert.ok(names.size > 100_000);
  for (const name of made) assert.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
});

for (const [name, expected] of [
  ['nightly', 'nightly'],
  ['a'.repeat(63), 'a'.repeat(63)],
  ['a'.repeat(64), /^a{50}-[0-9a-f]{12}$/],
  ['计划', /^name-[0-9a-f]{12}$/],
  ['Nightly Backup', 'nightly-backup-0af317e99d7d'],
  ['nightly-0123456789ab', /^nightly-0123456789ab-[0-9a-f]{12}$/],
  ['..', /^name-[0-9a-f]{12}$/],
] as const) {
  test(`The resource of ${JSON.stringify(name)} is ${expected}`, () => {
    if (typeof expected === 'string') assert.equal(resourceName(name), expected);
    else assert.match(resourceName(name), expected);
    assert.equal(resourceName(name), resourceName(name));
  });
}
