import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LARGE_BLOB_BYTES, mustReadBack } from '../../../src/domain/upload-verification.ts';

const small = { size: 10, provedByUpload: false, smallBlobsProved: 0, random: 0.99 };
const large = { ...small, size: LARGE_BLOB_BYTES };

const cases = [
  ['always', 'a blob that its upload proved', { ...large, provedByUpload: true }, true],
  ['never', 'a large blob', large, false],
  ['auto', 'a large blob', large, true],
  ['auto', 'a large blob that its upload proved', { ...large, provedByUpload: true }, false],
  ['auto', 'the first small blob', small, true],
  ['auto', 'the hundredth small blob', { ...small, smallBlobsProved: 99 }, true],
  ['auto', 'a later small blob that is not drawn', { ...small, smallBlobsProved: 100 }, false],
  ['auto', 'a later small blob that is drawn', { ...small, smallBlobsProved: 100, random: 0.01 }, true],
] as const;

for (const [verification, what, facts, expected] of cases) {
  test(`${verification}: ${what} is ${expected ? '' : 'not '}read back`, () => {
    assert.equal(mustReadBack(verification, facts), expected);
  });
}
