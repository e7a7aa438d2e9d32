import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';

import { KubeError } from './errors.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface KubeConfigChoice {
  /** A kubeconfig file; without it and without `inCluster` the usual places are looked at (KUBECONFIG, home, pod). */
  readonly kubeconfig?: string;
  /** A context of that file other than its current one. */
  readonly context?: string;
  /** Use the pod's service account. */
  readonly inCluster?: boolean;
  /** Put before the service account's directory; for a process that is no pod. */
  readonly serviceAccountRoot?: string;
}

export type KubeConfigLoader = () => KubeConfig;

/** Makes the factory that reads the configuration anew each time: credentials change while the process lives. */
export function kubeConfigLoader(choice: KubeConfigChoice): KubeConfigLoader {
  return () => {
    try {
      return load(choice);
    } catch (error) {
      if (error instanceof KubeError) throw error;
      const from = choice.kubeconfig ?? (choice.inCluster ? 'the service account' : 'the default places');
      throw new KubeError(0, 'ConfigUnusable', `cannot load the Kubernetes configuration from ${from}`, {
        cause: error,
      });
    }
  };
}

function load(choice: KubeConfigChoice): KubeConfig {
  const config = new KubeConfig();
  if (choice.inCluster) config.loadFromCluster(choice.serviceAccountRoot ?? '');
  else if (choice.kubeconfig !== undefined) config.loadFromFile(choice.kubeconfig);
  else config.loadFromDefault();
  if (choice.context !== undefined) config.setCurrentContext(choice.context);
  const server = config.getCurrentCluster()?.server;
  if (!server || server === 'http://localhost:8080')
    throw new KubeError(
      0,
      'ConfigUnusable',
      'found no Kubernetes cluster: neither a kubeconfig with a current context nor a service account; ' +
        'set KUBECONFIG, name a kubeconfig file, or run as a pod',
    );
  return config;
}

/** The namespace this process belongs to: the pod's, else the context's, else undefined. */
export function ownNamespace(choice: KubeConfigChoice): string | undefined {
  const config = kubeConfigLoader(choice)();
  const context = config.getContextObject(config.getCurrentContext());
  if (context?.namespace) return context.namespace.trim();
  if (!choice.inCluster) return undefined;
  return readFileSync(join(choice.serviceAccountRoot ?? '/', SERVICE_ACCOUNT, 'namespace'), 'utf8').trim();
}
