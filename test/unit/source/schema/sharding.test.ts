import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  blockNodeCollectionName,
  effectiveShardCount,
  fileReferenceCollectionName,
  javaStringHashCode,
  nodeCollectionName,
  shardIndex,
} from '../../../../src/source/schema/sharding.ts';

describe('sharding', () => {
  const checks: readonly (readonly [key: string, hash: number, shard: number])[] = [
    ['', 0, 0],
    ['a', 97, 97],
    ['ab', 3105, 33],
    ['bkrepo', -1386996933, 59],
    ['test-project', 1457438942, 222],
    ['fx', 3282, 210],
    ['😀', 1772899, 99],
  ];
  for (const [key, hash, shard] of checks) {
    it(`puts ${JSON.stringify(key)} where a server puts it`, () => {
      assert.equal(javaStringHashCode(key), hash);
      assert.equal(shardIndex(key, 256), shard);
    });
  }

  it('names the collections of the three families, 256 shards unless told otherwise', () => {
    assert.equal(nodeCollectionName('fx'), 'node_210');
    assert.equal(nodeCollectionName('fx', 16), 'node_2');
    assert.equal(blockNodeCollectionName('bkrepo', 1024), `block_node_${-1386996933 & 1023}`);
    assert.equal(
      fileReferenceCollectionName('ac6d0637539085578f4e46762efda6f2fd87b778c75bb5129a8444282d4fd4af'),
      'file_reference_11',
    );
  });

  it('rounds a configured count up to a power of two, at most 1024', () => {
    assert.deepEqual(
      [1, 2, 3, 200, 256, 257, 1024, 5000].map(effectiveShardCount),
      [1, 2, 4, 256, 256, 512, 1024, 1024],
    );
    for (const bad of [0, -1, 1.5, Number.NaN]) assert.throws(() => effectiveShardCount(bad), RangeError);
  });
});
