import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseManifestFile } from '../../../src/resources/manifest-file.ts';

const TASK = `apiVersion: replication.bkrepo.io/v1alpha1
kind: ReplicaTask
metadata:
  name: t
spec:
  replicaTaskObjects:
    - localRepoName: a
      repoType: GENERIC
    - localRepoName: b
      repoType: GENERIC
`;

describe('a file of manifests', () => {
  it('knows the line of each field, and of the closest one around a missing field', () => {
    const { documents, problems } = parseManifestFile('a.yaml', `# comment\n---\n${TASK}`);
    assert.deepEqual(problems, []);
    const [task] = documents;
    assert.equal(task?.line, 3);
    const lines = ['metadata.name', 'spec.replicaTaskObjects[1].repoType', 'spec.replicaTaskObjects[1].none', 'none'];
    assert.deepEqual(
      lines.map((field) => task?.lineOf(field)),
      [6, 12, 11, 3],
    );
  });

  it('knows them inside a List as well', () => {
    const items = TASK.split('\n')
      .map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`)
      .join('\n');
    const { documents, problems } = parseManifestFile('l.yaml', `apiVersion: v1\nkind: List\nitems:\n${items}\n`);
    assert.deepEqual(problems, []);
    assert.equal(documents[0]?.lineOf('spec.replicaTaskObjects[0].repoType'), 11);
  });

  it('sorts: ours, plain data, foreign, and what is wrong', () => {
    const text = [
      TASK,
      'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n',
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n',
      'apiVersion: replication.bkrepo.io/v1\nkind: ReplicaTask\n',
      'kind: ReplicaTask\n',
      '- a list\n',
      'a: 1\na: 2\n',
    ].join('---\n');
    const { documents, problems, foreign } = parseManifestFile('a.yaml', text);
    assert.deepEqual(
      documents.map((document) => document.kind),
      ['ReplicaTask', 'Secret'],
    );
    assert.deepEqual(foreign, ['kustomize.config.k8s.io/v1beta1 Kustomization']);
    assert.deepEqual(
      problems.map((problem) => problem.line),
      [19, 22, 24, 27],
    );
  });

  it('does not let aliases explode', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}]`);
    const { problems } = parseManifestFile('bomb.yaml', `l0: &l0 x\n${levels.join('\n')}\n`);
    assert.match(problems[0]?.message ?? '', /not valid YAML: .*alias/i);
  });
});
