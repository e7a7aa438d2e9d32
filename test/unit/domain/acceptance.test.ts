import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCHEMAS } from '../../../src/api/schemas.gen.ts';
import { refuseCluster, refuseTask } from '../../../src/domain/acceptance.ts';
import { sampleCluster, sampleTask } from './task-samples.ts';

const object = { localRepoName: 'files', repoType: 'GENERIC' };

test('a real-time task is told that it is not supported', () => {
  const refusal = refuseTask(sampleTask({ replicaType: 'REAL_TIME' }).spec);
  assert.equal(refusal?.reason, 'NotSupported');
  assert.equal(refusal?.field, 'spec.replicaType');
  assert.equal(refusal?.message, 'spec.replicaType: REAL_TIME tasks are not supported yet; use SCHEDULED');
});

const performed: Readonly<Record<string, object>> = {
  'the defaults': {},
  'all that is performed': {
    name: 'a name',
    description: 'words',
    enabled: false,
    record: false,
    recordReserveDays: 7,
    replicaObjectType: 'PATH',
    replicaTaskObjects: [
      { ...object, remoteProjectId: 'project', remoteRepoName: 'repo', pathConstraints: [{ path: '/releases' }] },
    ],
    setting: {
      rateLimit: 1024,
      includeMetadata: false,
      conflictStrategy: 'OVERWRITE',
      errorStrategy: 'FAST_FAIL',
      executionStrategy: 'CRON_EXPRESSION',
      executionPlan: {
        executeImmediately: true,
        cronExpression: '0 2 * * *',
        timeZone: 'Asia/Shanghai',
        startingDeadlineSeconds: 600,
      },
      storageConsistencyCheck: true,
      adoptExisting: true,
      automaticCreateRemoteRepo: false,
      recordUnchanged: true,
      verifyInterval: '168h',
    },
  },
  'packages of several types': {
    replicaTaskObjects: [
      { localRepoName: 'npm', repoType: 'NPM', packageConstraints: [{ packageKey: 'npm://a', versions: ['1.0.0'] }] },
      { localRepoName: 'drive', repoType: 'DRIVE' },
    ],
  },
  'a single run at a time': { setting: { executionPlan: { executeTime: '2031-01-01T00:00:00Z' } } },
  'a task on request': { setting: { executionPlan: { executeImmediately: false } } },
};
for (const [what, spec] of Object.entries(performed)) {
  test(`${what} is accepted`, () => {
    assert.equal(refuseTask(sampleTask(spec).spec), undefined);
  });
}

/** A field that is added to the CRD must be performed or refused: then it is added here, too. */
test('every field of the CRD is known to be performed, descriptive, or refused', () => {
  const known: Readonly<Record<string, string>> = {
    setting:
      'adoptExisting automaticCreateRemoteRepo conflictStrategy errorStrategy executionPlan executionStrategy includeMetadata rateLimit recordUnchanged storageConsistencyCheck verifyInterval',
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
