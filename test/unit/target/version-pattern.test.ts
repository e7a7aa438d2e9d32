import assert from 'node:assert/strict';
import { test } from 'node:test';

import { patternBatches, versionPattern } from '../../../src/target/bkrepo/version-pattern.ts';

/** As the server applies it. */
const matcher = (names: readonly string[]): RegExp => new RegExp(`^${versionPattern(names)}`, 'u');

const SETS: readonly (readonly string[])[] = [
  ['1.0.0'],
  ['1.0', '1.0.0', '1.0.0-rc.1'],
  ['1.0+b', '1.0*', '1.0?', '1.0|2'],
  ['(a', '[b]', '{c}', '^d$', 'e\\E', '.'],
  ['😀1', '😁1', '版本'],
  ['', 'a'],
  ['same', 'other'],
  Array.from({ length: 300 }, (_, at) => `1.${at % 10}.${at}-rc`),
  Array.from({ length: 60 }, (_, at) => 'a'.repeat(at + 1)),
];
const STRANGERS = ['1x0', '1.0.00', '10', 'a', 'b', '1.0b', '1.00', 'x1.0.0', '1.0.0x', '2', 'sam', '😀', '版本1'];

for (const names of SETS)
  test(`the pattern of ${JSON.stringify(names).slice(0, 60)} names them exactly`, () => {
    const pattern = matcher(names);
    for (const name of names) assert.match(name, pattern);
    for (const name of STRANGERS.filter((each) => !names.includes(each))) assert.doesNotMatch(name, pattern);
  });

test('a single name is left to the index; what many have in common stands before the bracket', () => {
  assert.equal(versionPattern(['1.0.0']), '1\\.0\\.0$');
  assert.equal(versionPattern(['1.0.0', '1.0.1-a']), '1\\.0\\.(0|1-a)$');
  const names = ['1.10.2', '1.11.4', '1.10.0', '1.10.1', '2.0', '1.10.3'];
  assert.equal(versionPattern(names), '(1\\.1(0\\.(0|1|2|3)|1\\.4)|2\\.0)$');
});

test('names that each begin with the one before do not nest too deeply for a server', () => {
  const names = Array.from({ length: 500 }, (_, at) => 'a'.repeat(at + 1));
  let depth = 0;
  let deepest = 0;
  for (const char of versionPattern(names)) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  assert.ok(deepest < 100, `${deepest} brackets`);
});

test('batches hold every name once, in patterns that fit a request', () => {
  const names = [
    ...Array.from({ length: 2_000 }, (_, at) => `10.${at % 7}.${at}-SNAPSHOT+${at}`),
    '版'.repeat(300),
    'x'.repeat(9_000),
    '😀',
  ];
  const batches = [...patternBatches(names)];
  assert.deepEqual(batches.flat().sort(), [...names].sort());
  for (const batch of batches)
    assert.ok(batch.length === 1 || encodeURIComponent(versionPattern(batch)).length <= 4_020, `${batch.length} names`);
  assert.ok(batches.length < 30, `${batches.length} batches`);
});

test('names that begin alike fit by the hundreds', () => {
  const names = Array.from({ length: 500 }, (_, at) => `2.0.${2_000 + at}`);
  assert.equal([...patternBatches(names)].length, 1);
});
