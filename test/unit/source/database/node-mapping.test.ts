import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeKind } from '../../../../src/source/database/node-mapping.ts';

const ZEROS = '0'.repeat(64);
const DIGEST = 'a'.repeat(64);
const entry = (key: string) => ({ key, value: 'x', system: false });

describe('the kind of a node', () => {
  const cases: readonly (readonly [kind: string, doc: Parameters<typeof nodeKind>[0]])[] = [
    ['file', { sha256: DIGEST }],
    ['file', { sha256: DIGEST, metadata: [entry('fs:attr'), entry('targetFullPath')] }],
    ['file', { sha256: DIGEST, archived: false, compressed: null }],
    ['block', { sha256: ZEROS, metadata: [entry('fs:attr')] }],
    ['block', { sha256: ZEROS, metadata: null }],
    ['block', { sha256: ZEROS, metadata: [entry('fs:attr'), entry('targetFullPath')] }],
    ['link', { sha256: ZEROS, metadata: [entry('targetFullPath')] }],
    ['archived', { sha256: DIGEST, archived: true }],
    ['archived', { sha256: ZEROS, archived: true, compressed: true, metadata: [entry('fs:attr')] }],
    ['compressed', { sha256: DIGEST, compressed: true }],
  ];
  for (const [kind, doc] of cases)
    it(`is ${kind} for ${JSON.stringify(doc).slice(0, 120)}`, () => assert.equal(nodeKind(doc), kind));
});
