import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, farSideIsNewer, judge, metadataDifference, travellingMetadata } from '../../../src/domain/compare.ts';

const entry = (key: string, value: string | number | boolean | readonly string[], system = false) => ({
  key,
  value,
  system,
});
const source = { sha256: 'a', size: 3, metadata: [entry('k', 'v')] };
const far = { folder: false, sha256: 'a', size: 3, metadata: [entry('k', 'v')] };

const verdicts = [
  { name: 'nothing there', far: undefined, owned: [], verdict: 'absent' },
  { name: 'all equal', far, owned: [], verdict: 'same' },
  { name: 'another digest', far: { ...far, sha256: 'b' }, owned: [], verdict: 'different' },
  { name: 'another size under the same digest', far: { ...far, size: 4 }, owned: [], verdict: 'different' },
  { name: 'a folder', far: { ...far, folder: true, sha256: null }, owned: [], verdict: 'folder' },
  { name: 'another value', far: { ...far, metadata: [entry('k', 'w')] }, owned: [], verdict: 'metadata-differs' },
  {
    name: 'a number where the source has a string',
    far: { ...far, metadata: [entry('k', 1)] },
    owned: [],
    verdict: 'metadata-differs',
  },
  {
    name: 'the same key as a system entry',
    far: { ...far, metadata: [entry('k', 'v', true)] },
    owned: [],
    verdict: 'metadata-differs',
  },
  {
    name: 'a key that the far side added',
    far: { ...far, metadata: [entry('k', 'v'), entry('x', 1)] },
    owned: [],
    verdict: 'same',
  },
  {
    name: 'a key that this task wrote and the source dropped',
    far: { ...far, metadata: [entry('k', 'v'), entry('x', 1)] },
    owned: ['x'],
    verdict: 'metadata-differs',
  },
] as const;

for (const { name, far: found, owned, verdict } of verdicts) {
  test(`judges ${name} as ${verdict}`, () => {
    assert.equal(judge(source, found, owned), verdict);
  });
}

const actions = [
  ['absent', 'SKIP', 'create'],
  ['absent', 'OVERWRITE', 'create'],
  ['absent', 'FAST_FAIL', 'create'],
  ['same', 'SKIP', 'none'],
  ['same', 'OVERWRITE', 'none'],
  ['same', 'FAST_FAIL', 'none'],
  ['different', 'SKIP', 'conflict'],
  ['different', 'OVERWRITE', 'overwrite'],
  ['different', 'FAST_FAIL', 'fail'],
  ['metadata-differs', 'SKIP', 'conflict'],
  ['metadata-differs', 'OVERWRITE', 'repair-metadata'],
  ['metadata-differs', 'FAST_FAIL', 'fail'],
  ['folder', 'SKIP', 'conflict'],
  ['folder', 'OVERWRITE', 'fail'],
  ['folder', 'FAST_FAIL', 'fail'],
] as const;

for (const [verdict, strategy, kind] of actions) {
  test(`${strategy} answers ${verdict} with ${kind}`, () => {
    assert.equal(decide(verdict, strategy, false).kind, kind);
  });
}

test('what this run wrote itself is replaced under every strategy', () => {
  for (const strategy of ['SKIP', 'OVERWRITE', 'FAST_FAIL'] as const) {
    assert.equal(decide('different', strategy, true).kind, 'overwrite');
    assert.equal(decide('metadata-differs', strategy, true).kind, 'repair-metadata');
  }
});

test('without includeMetadata system entries and bans still travel', () => {
  const all = [entry('a', 1), entry('mediaType', 'x', true), entry('forbidStatus', true)];
  assert.deepEqual(
    travellingMetadata(all, false).map(({ key }) => key),
    ['mediaType', 'forbidStatus'],
  );
  assert.equal(travellingMetadata(all, true), all);
});

test('a difference names what to save and only owned keys to remove', () => {
  const difference = metadataDifference(
    [entry('list', ['a', 'b']), entry('new', 1)],
    [entry('list', ['a', 'b']), entry('theirs', 1), entry('dropped', 1)],
    ['dropped', 'long-gone'],
  );
  assert.deepEqual(
    difference.save.map(({ key }) => key),
    ['new'],
  );
  assert.deepEqual(difference.remove, ['dropped']);
});

const earlier = new Date('2026-01-01T00:00:00.000Z');
const later = new Date('2026-01-01T00:00:00.001Z');
const dated = [
  ['a later one at the far side', 'b', earlier, 'a', later, true],
  ['an earlier one at the far side', 'a', later, 'b', earlier, false],
  ['a greater digest of the same date', 'a', earlier, 'b', earlier, true],
  ['a smaller digest of the same date', 'b', earlier, 'a', earlier, false],
  ['the same digest of the same date', 'a', earlier, 'a', earlier, false],
  ['the same digest of a later date', 'a', earlier, 'a', later, true],
  ['a date that the far side does not tell', 'a', earlier, 'b', undefined, false],
] as const;
for (const [what, sha256, lastModifiedDate, farDigest, farDate, newer] of dated) {
  const here = { sha256, lastModifiedDate };
  const there = { sha256: farDigest, ...(farDate && { lastModifiedDate: farDate }) };
  test(`${what} is ${newer ? '' : 'not '}newer`, () => assert.equal(farSideIsNewer(here, there), newer));
  if (farDate !== undefined && sha256 !== farDigest)
    test(`${what}: the other side decides alike`, () => assert.equal(farSideIsNewer(there, here), !newer));
}

test('nothing, and a folder, are not newer', () => {
  const here = { sha256: 'a', lastModifiedDate: earlier };
  assert.equal(farSideIsNewer(here, undefined), false);
  assert.equal(farSideIsNewer(here, { sha256: null, lastModifiedDate: later }), false);
});

for (const verdict of ['different', 'metadata-differs'] as const) {
  test(`what is newer at the far side stays under OVERWRITE, and is told: ${verdict}`, () => {
    assert.equal(decide(verdict, 'OVERWRITE', false, true).kind, 'keep');
    assert.equal(decide(verdict, 'SKIP', false, true).kind, 'conflict');
    assert.equal(decide(verdict, 'FAST_FAIL', false, true).kind, 'fail');
  });

  test(`what the task left there itself is replaced, however new it is: ${verdict}`, () => {
    assert.notEqual(decide(verdict, 'OVERWRITE', true, true).kind, 'keep');
  });
}
