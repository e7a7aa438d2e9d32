import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../../../src/api/field-error.ts';
import { API_VERSION } from '../../../src/api/names.ts';
import { compileAdmission } from '../../../src/api/validate.ts';
import { CASES } from './cases.ts';

const admit = compileAdmission();

for (const { title, kind, spec, refused } of CASES) {
  test(`${kind}: ${title}: ${refused === undefined ? 'admitted' : `refused for ${refused.join(', ')}`}`, () => {
    const result = admit(kind, { apiVersion: API_VERSION, kind, metadata: { name: 'a' }, spec });
    const fields = [...new Set(result.errors.map(({ field }) => field))].sort();
    assert.deepEqual(fields, [...(refused ?? [])].sort(), result.errors.map(fieldErrorText).join('\n'));
    assert.equal(result.object === undefined, refused !== undefined);
  });
}

const TASK = {
  localProjectId: 'tools',
  replicaTaskObjects: [{ localRepoName: 'generic-local', repoType: 'GENERIC' }],
  remoteClusterIds: ['shanghai'],
};

test('an admitted task has its defaults, and none for when it runs', () => {
  const document = { apiVersion: API_VERSION, kind: 'ReplicaTask', metadata: { name: 'a' }, spec: TASK };
  assert.deepEqual(admit('ReplicaTask', document).object?.spec, {
    ...TASK,
    replicaType: 'SCHEDULED',
    enabled: true,
    record: true,
    recordReserveDays: 30,
    setting: {
      rateLimit: 0,
      includeMetadata: true,
      conflictStrategy: 'SKIP',
      errorStrategy: 'CONTINUE',
      storageConsistencyCheck: false,
      automaticCreateRemoteRepo: true,
      recordUnchanged: false,
      adoptExisting: false,
    },
  });
});

test('admitting leaves the given document as it was', () => {
  const document = Object.freeze({
    apiVersion: API_VERSION,
    kind: 'ReplicaTask',
    metadata: { name: 'a' },
    spec: Object.freeze({ ...TASK }),
  });
  const before = structuredClone(document);
  admit('ReplicaTask', document);
  assert.deepEqual(document, before);
});

test('what the server writes is left out', () => {
  const metadata = { name: 'a', namespace: 'b', uid: 'x', resourceVersion: '7', managedFields: [], labels: { c: 'd' } };
  const document = { apiVersion: API_VERSION, kind: 'ReplicaTask', metadata, spec: TASK, status: { key: 'x' } };
  const { object } = admit('ReplicaTask', document);
  assert.deepEqual(object?.metadata, { name: 'a', namespace: 'b', labels: { c: 'd' } });
  assert.equal(object !== undefined && 'status' in object, false);
});

const ENVELOPES: readonly (readonly [string, unknown, readonly string[]])[] = [
  ['no object', 'text', ['']],
  ['another version', { apiVersion: 'replication.bkrepo.io/v1' }, ['apiVersion']],
  ['another kind', { kind: 'Cluster' }, ['kind']],
  ['an unknown field', { data: {} }, ['data']],
  ['no spec', { spec: undefined }, ['spec']],
  ['a spec that is a list', { spec: [] }, ['spec']],
  ['no metadata', { metadata: undefined }, ['metadata']],
  ['no name', { metadata: {} }, ['metadata.name']],
  ['a name that is none', { metadata: { name: 'A_b' } }, ['metadata.name']],
  ['a name that is too long', { metadata: { name: 'a'.repeat(254) } }, ['metadata.name']],
  ['a namespace that is none', { metadata: { name: 'a', namespace: 'a.b' } }, ['metadata.namespace']],
  ['an unknown metadata field', { metadata: { name: 'a', label: {} } }, ['metadata.label']],
  ['a label that is no text', { metadata: { name: 'a', labels: { x: 1 } } }, ['metadata.labels[x]']],
  ['a label key that is none', { metadata: { name: 'a', labels: { 'a/b/c': 'x' } } }, ['metadata.labels']],
  ['a label value that is none', { metadata: { name: 'a', labels: { x: 'a b' } } }, ['metadata.labels']],
  ['an annotation key that is none', { metadata: { name: 'a', annotations: { ' ': 'x' } } }, ['metadata.annotations']],
  [
    'annotations that are too large',
    { metadata: { name: 'a', annotations: { x: 'y'.repeat(262_144) } } },
    ['metadata.annotations'],
  ],
  [
    'wrong in several places',
    { kind: 'x', metadata: {}, spec: {} },
    ['kind', 'metadata.name', 'spec.localProjectId', 'spec.remoteClusterIds', 'spec.replicaTaskObjects'],
  ],
];

for (const [title, patch, fields] of ENVELOPES) {
  test(`refused: ${title}`, () => {
    const whole = { apiVersion: API_VERSION, kind: 'ReplicaTask', metadata: { name: 'a' }, spec: TASK };
    const document = typeof patch === 'object' ? { ...whole, ...patch } : patch;
    const { errors } = admit('ReplicaTask', document);
    assert.deepEqual(errors.map(({ field }) => field).sort(), fields, errors.map(fieldErrorText).join('\n'));
  });
}

test('an annotation key may have upper case and a prefix', () => {
  const metadata = { name: 'a', annotations: { 'replication.bkrepo.io/run-requested': 'now', 'Some.Key_x': '' } };
  assert.deepEqual(
    admit('ReplicaTask', { apiVersion: API_VERSION, kind: 'ReplicaTask', metadata, spec: TASK }).errors,
    [],
  );
});

test('names from the prototype are unknown fields like others', () => {
  const spec: unknown = JSON.parse('{"__proto__": {"localProjectId": "x"}, "constructor": 1, "toString": {}}');
  const { errors } = admit('ReplicaTask', {
    apiVersion: API_VERSION,
    kind: 'ReplicaTask',
    metadata: { name: 'a' },
    spec,
  });
  const fields = errors.map(({ field }) => field);
  for (const key of ['__proto__', 'constructor', 'toString', 'localProjectId'])
    assert.ok(fields.includes(`spec.${key}`), key);
});

test('a huge wrong value is not quoted whole', () => {
  const spec = { ...TASK, localProjectId: 'x'.repeat(1_000_000).concat('/') };
  const { errors } = admit('ReplicaTask', {
    apiVersion: API_VERSION,
    kind: 'ReplicaTask',
    metadata: { name: 'a' },
    spec,
  });
  assert.ok(errors.map(fieldErrorText).join('\n').length < 2_000);
});
