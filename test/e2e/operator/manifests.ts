/** Clusters, tasks and Secrets as people write them, with little that varies. */

const GROUP_VERSION = 'replication.bkrepo.io/v1alpha1';

export function secret(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data };
}

/** `spec.url` and what else a case needs. */
export function cluster(name: string, spec: object): object {
  return {
    apiVersion: GROUP_VERSION,
    kind: 'Cluster',
    metadata: { name },
    spec: { type: 'STANDALONE', credentialsSecretRef: { name: 'good-credentials' }, probeInterval: '1s', ...spec },
  };
}

/** The project at the far side that a task of this name copies to. */
export function copyOf(name: string): { readonly projectId: string; readonly repoName: string } {
  return { projectId: `copy-${name}`, repoName: 'small' };
}

export interface TaskChanges {
  readonly spec?: object;
  /** Of the one object. */
  readonly object?: object;
  readonly setting?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Copies the small repository to a project of the task's own. */
export function task(name: string, clusters: readonly string[], changes: TaskChanges = {}): object {
  const { spec, object, setting, annotations } = changes;
  const { projectId: remoteProjectId } = copyOf(name);
  return {
    apiVersion: GROUP_VERSION,
    kind: 'ReplicaTask',
    metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      localProjectId: 'tools',
      replicaTaskObjects: [{ localRepoName: 'small', repoType: 'GENERIC', remoteProjectId, ...object }],
      remoteClusterIds: clusters,
      ...(setting === undefined ? {} : { setting }),
      ...spec,
    },
  };
}
