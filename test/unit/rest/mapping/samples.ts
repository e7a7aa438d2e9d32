/** Bodies and resources that tests of the mapping begin with, and how they are judged. */

import type { Cluster } from '../../../../src/api/cluster.gen.ts';
import { clusterId } from '../../../../src/api/names.ts';
import type { ObjectMeta } from '../../../../src/api/object.ts';
import type { ReplicaTask } from '../../../../src/api/replica-task.gen.ts';
import { compileAdmission } from '../../../../src/api/validate.ts';
import type { RunRecord } from '../../../../src/journal/records.ts';
import { localTime, zoneOf } from '../../../../src/lib/local-time.ts';
import type { SpecDraft } from '../../../../src/resources/editor.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import { admitted } from '../../../../src/rest/mapping/admission.ts';
import type { FindCluster } from '../../../../src/rest/mapping/task-info.ts';
import type { UpdateTerms } from '../../../../src/rest/mapping/task-update.ts';
import type { TaskCreateBody } from '../../../../src/rest/schemas/task-bodies.ts';

export const admit = compileAdmission();
export const NOW = new Date('2026-11-22T12:00:00Z');
export const dates = localTime(zoneOf('Asia/Shanghai'), 'ignored');

export function metadata(name: string, more: Partial<ObjectMeta> = {}): ObjectMeta {
  return {
    name,
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-11-22T06:29:23Z',
    ...more,
  };
}

export const FAR: Cluster = {
  apiVersion: 'replication.bkrepo.io/v1alpha1',
  kind: 'Cluster',
  metadata: metadata('far'),
  spec: {
    type: 'STANDALONE',
    protocol: 'bkrepo',
    url: 'http://127.0.0.1:18090/replication',
    limits: { bandwidth: 0, concurrency: 8 },
    uploadVerification: 'auto',
    probeInterval: '60s',
  },
  status: { observedGeneration: 1 },
};
export const FAR_ID = clusterId('default', 'far');

export const find: FindCluster = (_namespace, entry) => (entry === 'far' || entry === FAR_ID ? FAR : undefined);
export const terms: UpdateTerms = { dates, now: NOW, scheduleZone: 'Asia/Shanghai', find };

export function task(spec: SpecDraft<'ReplicaTask'>, more: Partial<ReplicaTask> = {}): ReplicaTask {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: metadata('nightly'),
    status: { observedGeneration: 1 },
    ...more,
    spec: admitted(admit, 'ReplicaTask', { namespace: 'default', name: 'nightly' }, spec),
  };
}

/** The body that the captured exchanges begin with. */
export function createBody(changes: Readonly<Record<string, unknown>> = {}): TaskCreateBody {
  return {
    name: 'rt2',
    localProjectId: 'p1',
    replicaObjectType: 'REPOSITORY',
    replicaTaskObjects: [{ localRepoName: 'gen', remoteProjectId: 'rp1', remoteRepoName: 'gen', repoType: 'GENERIC' }],
    replicaType: 'SCHEDULED',
    setting: {
      executionStrategy: 'CRON_EXPRESSION',
      executionPlan: { executeImmediately: false, cronExpression: '0 0 3 * * ?' },
    },
    remoteClusterIds: [FAR_ID],
    ...changes,
  };
}

/** `code subject` of each complaint; fails when there is none. */
export function complaintsOf(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return error.complaints.map(({ code, subject }) => `${code} ${subject}`);
  }
  throw new Error('nothing was refused');
}

/** A run that has ended, with a number of its own in each count. */
export const RUN: RunRecord = {
  id: '6b02fc51b143b3715aaaf985',
  taskKey: 'k',
  taskUid: 'u',
  namespace: 'default',
  name: 'nightly',
  claim: 'one-shot:x',
  trigger: 'one-shot',
  specHash: 'h',
  generation: 1,
  executionNumber: 1,
  epoch: 1,
  status: 'SUCCESS',
  startTime: new Date('2026-11-22T06:29:37.117Z'),
  endTime: new Date('2026-11-22T06:29:37.250Z'),
  reserveDays: 30,
  keepDetails: true,
  replicaOverview: { success: 2, failed: 3, conflict: 5, unchanged: 7, notTried: 11, fileSuccess: 13, fileFailed: 17 },
  replicatedBytes: 20,
  totalBytes: 30,
  farSides: [],
};

/** Without the fields that are null. */
export function given(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, typeof member === 'object' && !Array.isArray(member) ? given(member) : member]),
  );
}
