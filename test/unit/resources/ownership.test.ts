import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { managedBy, trackedBy } from '../../../src/resources/ownership.ts';

describe('who looks after an object', () => {
  const cases = [
    ['nobody', {}, undefined],
    ['labels of other things', { labels: { 'app.kubernetes.io/name': 'x' } }, undefined],
    [
      "ArgoCD's annotation",
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:ns/x' } },
      { tool: 'ArgoCD', application: 'shop' },
    ],
    [
      "ArgoCD's own label",
      { labels: { 'argocd.argoproj.io/instance': 'shop' } },
      { tool: 'ArgoCD', application: 'shop' },
    ],
    [
      "ArgoCD's usual label",
      { labels: { 'app.kubernetes.io/instance': 'shop' } },
      { tool: 'ArgoCD', application: 'shop' },
    ],
    [
      'a chart with the same label',
      { labels: { 'app.kubernetes.io/instance': 'shop', 'app.kubernetes.io/managed-by': 'Helm' } },
      { tool: 'Helm', application: 'shop' },
    ],
    ['a release', { annotations: { 'meta.helm.sh/release-name': 'shop' } }, { tool: 'Helm', application: 'shop' }],
    [
      'a Kustomization',
      { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux' } },
      { tool: 'Flux', application: 'flux/apps' },
    ],
    [
      'a HelmRelease, which is a release, too',
      {
        labels: { 'helm.toolkit.fluxcd.io/name': 'shop', 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: { 'meta.helm.sh/release-name': 'shop' },
      },
      { tool: 'Flux', application: 'shop' },
    ],
  ] as const;
  for (const [name, marks, expected] of cases)
    it(name, () => {
      const owner = trackedBy(marks);
      assert.deepEqual(owner && { tool: owner.tool, application: owner.application }, expected);
      if (expected !== undefined) assert.match(owner?.where ?? '', new RegExp(`^the .* ${expected.application}$`));
    });
});

describe('who looks after a field', () => {
  const entry = (manager: string, fieldsV1: Readonly<Record<string, unknown>>, more: object = {}) => [
    { manager, fieldsV1, ...more },
  ];
  const fields = { 'f:spec': { 'f:url': {}, 'f:limits': { '.': {}, 'f:bandwidth': {} }, 'f:list': {} } };
  const cases = [
    ['its own field', 'spec.url', 'Flux'],
    ['a part of it', 'spec.limits', 'Flux'],
    ['below it', 'spec.limits.bandwidth', 'Flux'],
    ['beside it', 'spec.limits.concurrency', undefined],
    ['in a list that is replaced whole', 'spec.list.item', 'Flux'],
    ['another field', 'spec.type', undefined],
  ] as const;
  for (const [name, path, tool] of cases)
    it(`${name}: ${path}`, () => {
      assert.equal(managedBy(entry('kustomize-controller', fields), path.split('.'))?.tool, tool);
    });

  it('people and controllers own nothing', () => {
    for (const manager of ['kubectl-client-side-apply', 'bkrepo-replicator-controller', 'bkrepo-replicator-rest'])
      assert.equal(managedBy(entry(manager, fields), ['spec', 'url']), undefined);
  });

  it('a status that a tool wrote makes it no owner', () => {
    const status = entry('argocd-controller', fields, { subresource: 'status' });
    assert.equal(managedBy(status, ['spec', 'url']), undefined);
  });
});
