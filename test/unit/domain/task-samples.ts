import type { Cluster } from '../../../src/api/cluster.gen.ts';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { compileAdmission } from '../../../src/api/validate.ts';
import type { RecordFact } from '../../../src/domain/task-status.ts';

/** Objects as they come out of admission: with all defaults. */
const admit = compileAdmission();
const API_VERSION = 'replication.bkrepo.io/v1alpha1';

export function sampleTask(spec: object = {}, metadata: object = {}): ReplicaTask {
  const { object, errors } = admit('ReplicaTask', {
    apiVersion: API_VERSION,
    kind: 'ReplicaTask',
    metadata: { name: 'copy' },
    spec: {
      localProjectId: 'acme',
      replicaTaskObjects: [{ localRepoName: 'files', repoType: 'GENERIC' }],
      remoteClusterIds: ['east'],
      ...spec,
    },
  });
  if (object === undefined) throw new Error(JSON.stringify(errors));
  return { ...object, metadata: meta('copy', metadata), status: { observedGeneration: -1 } };
}

export function sampleCluster(name: string, spec: object = {}, metadata: object = {}): Cluster {
  const { object, errors } = admit('Cluster', {
    apiVersion: API_VERSION,
    kind: 'Cluster',
    metadata: { name },
    spec: { type: 'STANDALONE', url: `http://${name}.example.com/replication`, ...spec },
  });
  if (object === undefined) throw new Error(JSON.stringify(errors));
  return { ...object, metadata: meta(name, metadata), status: { observedGeneration: -1 } };
}

export function sampleRecord(fields: Partial<RecordFact> & { readonly id: string }): RecordFact {
  return {
    taskUid: 'uid',
    specHash: 'hash',
    generation: 1,
    executionNumber: 1,
    trigger: 'one-shot',
    claim: 'one-shot:hash',
    status: 'SUCCESS',
    startTime: new Date('2026-11-22T12:00:00Z'),
    farSides: [],
    ...fields,
  };
}

function meta(name: string, metadata: object): ReplicaTask['metadata'] {
  return {
    name,
    namespace: 'default',
    uid: 'uid',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-11-22T11:00:00Z',
    ...metadata,
  };
}
