import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BSON, Decimal128, Double, Int32, Long } from 'mongodb';
import type { MetadataEntry, MetadataValue } from '../../../../src/engine/ports/source.ts';
import type { MetadataDoc } from '../../../../src/source/schema/documents.ts';
import { decodeDottedKeys, encodeDottedKeys } from '../../../../src/source/schema/dotted-keys.ts';
import { decodeMetadata, encodeMetadata } from '../../../../src/source/schema/metadata.ts';

describe('metadata', () => {
  const stored: readonly (readonly [what: string, value: unknown, expected: MetadataValue])[] = [
    ['a string', '42', '42'],
    ['an empty string', '', ''],
    ['a boolean', true, true],
    ['an int32', new Int32(12), 12],
    ['a double', new Double(1.5), 1.5],
    ['an int64', Long.fromString('5000000000'), 5_000_000_000],
    ['an int64 beyond 2^53, as text', Long.fromString('9007199254740993'), '9007199254740993'],
    ['a decimal, as text', Decimal128.fromString('0.1'), '0.1'],
    ['a list', ['a', 'b', new Int32(1), [false]], ['a', 'b', 1, [false]]],
    ['a date, as text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a sub-document, as text', { mode: 420 }, '{"mode":420}'],
    ['nothing', undefined, null],
  ];
  for (const [what, value, expected] of stored) {
    it(`reads ${what}, as the driver gives it and unpromoted`, () => {
      const bytes = BSON.serialize({ metadata: [{ key: 'k.with.dot', value }] }, { ignoreUndefined: true });
      for (const promoteValues of [true, false]) {
        const doc = BSON.deserialize(bytes, { promoteValues })['metadata'] as MetadataDoc[];
        assert.deepEqual(decodeMetadata(doc), [{ key: 'k.with.dot', value: expected, system: false }]);
      }
    });
  }

  it('writes what it reads, with the types a server stores', () => {
    const entries: readonly MetadataEntry[] = [
      { key: 'text', value: 'v', system: false },
      { key: 'count', value: 12, system: true },
      { key: 'big', value: 5_000_000_000, system: false },
      { key: 'half', value: 0.5, system: false },
      { key: 'list', value: ['a', -1], system: false },
      { key: 'none', value: null, system: false },
      { key: 'described', value: true, system: false, description: 'why', link: 'l', color: 'red' },
    ];
    const bytes = BSON.serialize({ metadata: encodeMetadata(entries) });
    const raw = BSON.deserialize(bytes, { promoteValues: false, promoteLongs: false })['metadata'] as MetadataDoc[];
    assert.deepEqual(
      raw.map((doc) => doc.value?.constructor.name),
      ['String', 'Int32', 'Long', 'Double', 'Array', undefined, 'Boolean'],
    );
    assert.deepEqual(raw.map(Object.keys)[0], ['key', 'value', 'system']);
    assert.deepEqual(decodeMetadata(BSON.deserialize(bytes)['metadata'] as MetadataDoc[]), entries);
  });

  it('takes absent and null lists and flags as empty and false', () => {
    assert.deepEqual(decodeMetadata(undefined), []);
    assert.deepEqual(decodeMetadata(null), []);
    assert.deepEqual(decodeMetadata([{ key: 'k', value: 1, system: null, description: null }]), [
      { key: 'k', value: 1, system: false },
    ]);
  });
});

describe('dotted keys', () => {
  it('are stored without dots at every depth, and read back', () => {
    const map = { 'docker.manifest': { 'a.b': 1 }, list: [{ 'x.y': 'v.w' }], plain: new Date(0) };
    const encoded = encodeDottedKeys(map);
    assert.deepEqual(encoded, {
      'docker#dot#manifest': { 'a#dot#b': 1 },
      list: [{ 'x#dot#y': 'v.w' }],
      plain: new Date(0),
    });
    assert.deepEqual(decodeDottedKeys(encoded), map);
  });
});
