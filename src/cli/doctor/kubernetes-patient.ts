/** An installation in a Kubernetes cluster. */
import { CLUSTER_PLURAL, GROUP, REPLICA_TASK_PLURAL, VERSION } from '../../api/names.ts';
import { kubeChoice } from '../../compose/kube-choice.ts';
import { ownNamespace } from '../../kube/config.ts';
import { ResourceClient } from '../../kube/resource-client.ts';
import { resourceError } from '../../resources/kube-errors.ts';
import { createKubernetesStore } from '../../resources/kubernetes-store.ts';
import type { ResourceKind, ResourceKinds } from '../../resources/store.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { type CommandContext, textOption } from '../command.ts';
import { openKubernetes } from '../kubernetes.ts';
import type { Patient } from './patient.ts';

export function openKubernetesPatient(context: CommandContext): Patient {
  const { transport } = openKubernetes(context);
  const { clock, random } = context;
  const config = context.config();
  const [accountNamespace] = textOption(context, 'service-account')?.split('/') ?? [];
  const wanted = textOption(context, 'namespace');
  const namespaces = wanted === undefined ? config.watchNamespaces : [wanted];
  const list = async <K extends ResourceKind>(kind: K, plural: string, signal: AbortSignal) => {
    const client = new ResourceClient<ResourceKinds[K]>(transport, { group: GROUP, version: VERSION, plural, kind });
    try {
      const places = namespaces.length === 0 ? [undefined] : namespaces;
      return (await Promise.all(places.map((place) => client.list(place, signal)))).flatMap(({ items }) => items);
    } catch (error) {
      throw resourceError(`list ${kind}s`, error);
    }
  };
  return {
    transport,
    ownNamespace: config.namespace ?? accountNamespace ?? ownNamespace(kubeChoice(config)) ?? 'default',
    secrets: createKubernetesStore({
      transport,
      namespaces,
      recorder: { event: () => {} },
      clock,
      random,
      logger: silentLogger,
    }),
    clusters: (signal) => list('Cluster', CLUSTER_PLURAL, signal),
    tasks: (signal) => list('ReplicaTask', REPLICA_TASK_PLURAL, signal),
    close: () => transport.close(),
  };
}
