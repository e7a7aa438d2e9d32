/** The Kubernetes API as commands reach it: with the kubeconfig, context and namespace that kubectl would take. */
import { kubeChoice } from '../compose/kube-choice.ts';
import { kubeConfigLoader, ownNamespace } from '../kube/config.ts';
import { Transport } from '../kube/transport.ts';
import { type CommandContext, flag } from './command.ts';
import { wantedNamespace } from './resources.ts';

export interface KubernetesAccess {
  readonly transport: Transport;
  /** undefined with `-A`. */
  readonly namespace: string | undefined;
}

/** Asks nothing of the server. Fails with `ConfigUnusable` when there is no usable kubeconfig. */
export function openKubernetes(context: CommandContext): KubernetesAccess {
  const choice = kubeChoice(context.config());
  const transport = new Transport({
    load: kubeConfigLoader(choice),
    userAgent: `bkrepo-replicator/${context.version} (${context.command.name})`,
    clock: context.clock,
  });
  const namespace = wantedNamespace(context);
  if (flag(context, 'all-namespaces')) return { transport, namespace: undefined };
  return { transport, namespace: namespace ?? context.config().namespace ?? ownNamespace(choice) ?? 'default' };
}
