import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCHEMAS } from '../../../src/api/schemas.gen.ts';
import { refuseCluster } from '../../../src/domain/acceptance.ts';
import { sampleCluster } from './task-samples.ts';

/** A field that is added to the CRD must be performed or refused: then it is added here, too. */
test('every field of the CRD is known to be performed, descriptive, or refused', () => {
  const known: Readonly<Record<string, string>> = {
    setting:
      'adoptExisting automaticCreateRemoteRepo conflictStrategy deleteProtection errorStrategy executionPlan executionStrategy feed includeMetadata maxLag rateLimit recordUnchanged resyncInterval storageConsistencyCheck verifyInterval',
    executionPlan: 'cronExpression executeImmediately executeTime startingDeadlineSeconds timeZone',
    object: 'localRepoName packageConstraints pathConstraints remoteProjectId remoteRepoName repoType',
    task: 'description enabled localProjectId name record recordReserveDays remoteClusterIds replicaObjectType replicaTaskObjects replicaType setting',
    cluster:
      'caConfigMapRef caSecretRef certificate clientCertificateSecretRef credentialsSecretRef limits name probeInterval protocol proxyUrl timeZone type uploadVerification url',
    limits: 'bandwidth concurrency',
  };
  const task = SCHEMAS.ReplicaTask.properties.spec.properties;
  const cluster = SCHEMAS.Cluster.properties.spec.properties;
  const served: Readonly<Record<string, object>> = {
    setting: task.setting.properties,
    executionPlan: task.setting.properties.executionPlan.properties,
    object: task.replicaTaskObjects.items.properties,
    task,
    cluster,
    limits: cluster.limits.properties,
  };
  for (const [name, properties] of Object.entries(served))
    assert.equal(Object.keys(properties).toSorted().join(' '), known[name], name);
});

const clusters: readonly (readonly [what: string, spec: object, reason: string | undefined])[] = [
  ['STANDALONE', {}, undefined],
  ['EDGE', { type: 'EDGE' }, undefined],
  ['CENTER', { type: 'CENTER' }, 'ClusterTypeNotSupported'],
  ['REMOTE', { type: 'REMOTE' }, 'ClusterTypeNotSupported'],
  ['a limit of bandwidth', { limits: { bandwidth: 1 } }, undefined],
  ['a limit of concurrency', { limits: { concurrency: 2 } }, undefined],
];
for (const [what, spec, reason] of clusters) {
  test(`a cluster with ${what} is ${reason === undefined ? 'accepted' : `refused as ${reason}`}`, () => {
    assert.equal(refuseCluster(sampleCluster('east', spec).spec)?.reason, reason);
  });
}
