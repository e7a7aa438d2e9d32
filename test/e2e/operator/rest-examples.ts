/** The request examples of bk-repo's API documents, with what there is here in the place of their names and addresses. */
import { SMALL } from './parts.ts';

/** Where {@link firstDocument} copies to. */
export const FIRST_COPY = { projectId: 'by-rest', repoName: 'small' };

/** The first document's: neither executionStrategy nor replicaObjectType. It runs at once. */
export function firstDocument(name: string, clusterIds: readonly string[], changes: object = {}): object {
  return {
    name,
    localProjectId: SMALL.projectId,
    replicaTaskObjects: [
      {
        localRepoName: SMALL.repoName,
        remoteProjectId: FIRST_COPY.projectId,
        remoteRepoName: FIRST_COPY.repoName,
        repoType: 'GENERIC',
        packageConstraints: [],
        pathConstraints: [],
      },
    ],
    replicaType: 'SCHEDULED',
    setting: {
      rateLimit: 0,
      includeMetadata: true,
      conflictStrategy: 'SKIP',
      errorStrategy: 'CONTINUE',
      executionPlan: { executeImmediately: true },
    },
    remoteClusterIds: clusterIds,
    enabled: true,
    description: 'test replica task',
    ...changes,
  };
}

/** Of later documents: versions of a package. */
export function laterDocument(name: string, clusterIds: readonly string[], changes: object = {}): object {
  return {
    ...firstDocument(name, clusterIds),
    localProjectId: 'bkrepo',
    replicaObjectType: 'PACKAGE',
    replicaTaskObjects: [
      {
        localRepoName: 'maven-local',
        remoteProjectId: 'bkrepo',
        remoteRepoName: 'maven-local',
        repoType: 'MAVEN',
        packageConstraints: [{ packageKey: 'gav://com.alibaba:fastjson', versions: ['1.2.47', '1.2.48'] }],
        pathConstraints: [],
      },
    ],
    setting: {
      rateLimit: 0,
      includeMetadata: true,
      conflictStrategy: 'SKIP',
      errorStrategy: 'CONTINUE',
      executionStrategy: 'IMMEDIATELY',
      executionPlan: { executeImmediately: true },
    },
    ...changes,
  };
}

/** As a real bk-repo was sent it. It waits for three in the morning: by REST it can be edited. */
export function nightly(name: string, clusterIds: readonly string[], changes: object = {}): object {
  return {
    name,
    localProjectId: SMALL.projectId,
    replicaObjectType: 'REPOSITORY',
    replicaTaskObjects: [{ localRepoName: 'gen', remoteProjectId: 'rp1', remoteRepoName: 'gen', repoType: 'GENERIC' }],
    replicaType: 'SCHEDULED',
    setting: {
      executionStrategy: 'CRON_EXPRESSION',
      executionPlan: { executeImmediately: false, cronExpression: '0 0 3 * * ?' },
    },
    remoteClusterIds: clusterIds,
    ...changes,
  };
}
