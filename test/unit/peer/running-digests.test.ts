import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { RunningDigests } from '../../../src/peer/running-digests.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function filled(digests: RunningDigests, id: string): void {
  const hash = digests.at(id, 0);
  assert.ok(hash);
  hash.update('abcd');
  digests.keep(id, hash, 4);
}

test('a chunk that breaks off leaves the digest as it was before', () => {
  const digests = new RunningDigests();
  filled(digests, 'a');
  digests.at('a', 4)?.update('broken off');
  const again = digests.at('a', 4);
  assert.equal(again?.update('ef').digest('hex'), sha256('abcdef'));
  assert.equal(digests.at('a', 4)?.digest('hex'), sha256('abcd'));
});

test('what is not known at just that length is not known', () => {
  const digests = new RunningDigests();
  filled(digests, 'a');
  assert.deepEqual([digests.at('a', 3), digests.at('a', 5), digests.at('b', 4)], [undefined, undefined, undefined]);
  digests.forget('a');
  assert.equal(digests.at('a', 4), undefined);
});

test('only so many are kept, the oldest go first', () => {
  const digests = new RunningDigests();
  for (let index = 0; index <= 256; index += 1) filled(digests, String(index));
  assert.deepEqual([digests.at('0', 4), digests.at('1', 4) === undefined], [undefined, false]);
});
