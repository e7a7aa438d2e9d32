/** Clusters and tasks by the Kubernetes API, with the caller's own rights. */
import { CLUSTER_PLURAL, GROUP, REPLICA_TASK_PLURAL, VERSION } from '../api/names.ts';
import { isNotFound, KubeError } from '../kube/errors.ts';
import { ResourceClient } from '../kube/resource-client.ts';
import { REQUEST_MANAGER } from '../resources/editor.ts';
import { resourceError } from '../resources/kube-errors.ts';
import type { ResourceKind, ResourceKinds } from '../resources/store.ts';
import { type CommandContext, CommandFailed } from './command.ts';
import { openKubernetes } from './kubernetes.ts';
import { byName, type Resources } from './resources.ts';

export function openCluster(context: CommandContext): Resources {
  const { transport, namespace } = openKubernetes(context);
  const clients: { readonly [K in ResourceKind]: ResourceClient<ResourceKinds[K]> } = {
    Cluster: new ResourceClient(transport, typeOf('Cluster', CLUSTER_PLURAL)),
    ReplicaTask: new ResourceClient(transport, typeOf('ReplicaTask', REPLICA_TASK_PLURAL)),
  };
  return {
    standalone: false,
    namespace,
    async list(kind, signal) {
      try {
        return (await clients[kind].list(namespace, signal)).items.toSorted(byName);
      } catch (error) {
        throw inWords(`list ${kind}s`, error);
      }
    },
    async find(kind, key, signal) {
      try {
        return await clients[kind].get(key.namespace, key.name, signal);
      } catch (error) {
        if (isNotFound(error) && !isUnknownKind(error)) return undefined;
        throw inWords(`read ${kind} ${key.namespace}/${key.name}`, error);
      }
    },
    async annotate({ namespace: place, name }, annotations, signal) {
      const patch = { metadata: { annotations } };
      try {
        await clients.ReplicaTask.mergePatch(place, name, patch, { fieldManager: REQUEST_MANAGER }, signal);
      } catch (error) {
        if (isNotFound(error) && !isUnknownKind(error))
          throw new CommandFailed(`there is no ReplicaTask ${place}/${name}`);
        throw inWords(`annotate ReplicaTask ${place}/${name}`, error);
      }
    },
    close: () => transport.close(),
  };
}

function typeOf(kind: ResourceKind, plural: string) {
  return { group: GROUP, version: VERSION, plural, kind };
}

/** A 404 about the kind itself names no object. */
function isUnknownKind(error: unknown): boolean {
  return error instanceof KubeError && /could not find the requested resource/.test(error.message);
}

function inWords(doing: string, error: unknown): unknown {
  if (!isUnknownKind(error)) return resourceError(doing, error);
  return new CommandFailed(
    `cannot ${doing}: the API server does not serve ${GROUP}/${VERSION}: install the CustomResourceDefinitions (crds/)`,
  );
}
