import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type JsonObject, mergeDiff, plainJson } from '../../../src/resources/merge-diff.ts';

/** RFC 7396, as the API server applies it. */
function applied(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isMap = typeof before === 'object' && before !== null && !Array.isArray(before);
  const result = new Map(Object.entries(isMap ? before : {}));
  for (const [key, value] of Object.entries(patch))
    if (value === null) result.delete(key);
    else result.set(key, applied(result.get(key), value));
  return Object.fromEntries(result);
}

describe('the merge patch between two objects', () => {
  const cases: readonly { name: string; before: JsonObject; after: JsonObject; patch: JsonObject | undefined }[] = [
    { name: 'is none when equal', before: { a: 1, b: { c: [1] } }, after: { b: { c: [1] }, a: 1 }, patch: undefined },
    {
      name: 'is none when only the order of members inside a list differs',
      before: { conditions: [{ status: 'True', type: 'Ready' }] },
      after: { conditions: [{ type: 'Ready', status: 'True' }] },
      patch: undefined,
    },
    { name: 'removes by null', before: { a: 1, b: 2 }, after: { b: 2 }, patch: { a: null } },
    {
      name: 'removes inside',
      before: { progress: { done: 1, speed: 2 } },
      after: { progress: { done: 3 } },
      patch: { progress: { done: 3, speed: null } },
    },
    { name: 'replaces lists whole', before: { l: [1, 2] }, after: { l: [2] }, patch: { l: [2] } },
    { name: 'puts an object where there was a text', before: { a: 'x' }, after: { a: {} }, patch: { a: {} } },
    { name: 'adds an empty object', before: {}, after: { a: {} }, patch: { a: {} } },
    { name: 'keeps an empty object', before: { a: {} }, after: { a: {} }, patch: undefined },
    { name: 'empties an object', before: { a: { b: 1 } }, after: { a: {} }, patch: { a: { b: null } } },
    { name: 'puts a list where there was an object', before: { a: { b: 1 } }, after: { a: [1] }, patch: { a: [1] } },
  ];
  for (const { name, before, after, patch } of cases)
    it(name, () => {
      assert.deepEqual(mergeDiff(before, after), patch);
      assert.deepEqual(applied(before, patch ?? {}), after);
    });

  it('is taken between plain values: undefined members are absent, dates are text', () => {
    assert.deepEqual(plainJson({ a: undefined, at: new Date(0), l: [{ b: undefined }] }), {
      at: '1970-01-01T00:00:00.000Z',
      l: [{}],
    });
  });
});
