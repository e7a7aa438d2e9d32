import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterId, INSTANCE_LABEL, LEGACY_ID_ANNOTATION } from '../../../src/api/names.ts';
import { refersTo, resolveReferences } from '../../../src/domain/references.ts';
import { isInScope, scopeText, servedByOther } from '../../../src/domain/scope.ts';
import { sampleCluster } from './task-samples.ts';

const legacy = (name: string, id: string) => sampleCluster(name, {}, { annotations: { [LEGACY_ID_ANNOTATION]: id } });
const clusters = [sampleCluster('east'), legacy('west', '651095'), legacy('north', 'twice'), legacy('south', 'twice')];

const cases: readonly (readonly [entry: string, name: string | undefined])[] = [
  ['east', 'east'],
  [clusterId('default', 'east'), 'east'],
  ['651095', 'west'],
  ['twice', undefined],
  ['nobody', undefined],
];
for (const [entry, name] of cases) {
  test(`${entry} means ${name ?? 'no cluster'}`, () => {
    assert.equal(resolveReferences([entry], clusters)[0]?.cluster?.metadata.name, name);
  });
}

test('a task refers to a cluster however it names it', () => {
  assert.ok(refersTo(['651095'], legacy('west', '651095'), clusters));
  assert.ok(!refersTo(['east'], legacy('west', '651095'), clusters));
});

const scopes: readonly (readonly [namespace: string, label: string | undefined, ours: boolean])[] = [
  ['a', 'blue', true],
  ['c', 'blue', false],
  ['a', undefined, false],
  ['a', 'green', false],
];
for (const [namespace, label, ours] of scopes) {
  test(`an object of ${namespace} labelled ${label} is ${ours ? 'ours' : "another's"}`, () => {
    const labels = label === undefined ? {} : { [INSTANCE_LABEL]: label };
    assert.equal(isInScope({ namespace, labels }, { watchNamespaces: ['a', 'b'], instance: 'blue' }), ours);
  });
}

test('the order of namespaces makes no other scope', () => {
  const scope = { watchNamespaces: ['a', 'b'], instance: undefined };
  assert.equal(scopeText(scope), scopeText({ ...scope, watchNamespaces: ['b', 'a'] }));
  assert.notEqual(scopeText(scope), scopeText({ ...scope, instance: 'blue' }));
});

test('what another installation serves is left alone', () => {
  assert.equal(servedByOther(undefined, 'us'), undefined);
  assert.equal(servedByOther('us', 'us'), undefined);
  assert.match(servedByOther('them', 'us') ?? '', /installation them/);
});
