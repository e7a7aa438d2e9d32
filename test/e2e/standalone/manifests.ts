/** The objects that tests write into directories, as plain data. */
import { PROJECT, REPOSITORY } from '../../support/world.ts';

export const PASSWORD = 'pass:word';

export function secret(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data };
}

/** Secret `<cluster>-login`. */
export function login(cluster: string, password = PASSWORD): object {
  return secret(`${cluster}-login`, { username: 'replicator', password });
}

export function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

/** `url` is a server's root; the Secret is `<name>-login`. */
export function cluster(name: string, url: string, spec: object = {}): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'Cluster',
    metadata: { name },
    spec: {
      type: 'STANDALONE',
      url: `${url}/replication`,
      credentialsSecretRef: { name: `${name}-login` },
      probeInterval: '1s',
      ...spec,
    },
  };
}

export function task(name: string, clusters: readonly string[], spec: object = {}, annotations: object = {}): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: { name, annotations },
    spec: {
      localProjectId: PROJECT,
      replicaTaskObjects: [copyOf(REPOSITORY)],
      remoteClusterIds: clusters,
      ...spec,
    },
  };
}

export function copyOf(localRepoName: string, changes: object = {}): object {
  return { localRepoName, remoteProjectId: 'mirror', repoType: 'GENERIC', ...changes };
}
