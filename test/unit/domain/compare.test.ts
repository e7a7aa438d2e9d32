import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, judge, metadataDifference, travellingMetadata } from '../../../src/domain/compare.ts';

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
