import type { Config } from '../config.ts';
import type { KubeConfigChoice } from '../kube/config.ts';

/** Where the configuration says that the API server and the credentials for it are. */
export function kubeChoice({ kubernetes }: Config): KubeConfigChoice {
  const { kubeconfig, context, inCluster, serviceAccountRoot } = kubernetes;
  return {
    inCluster,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(serviceAccountRoot === undefined ? {} : { serviceAccountRoot }),
  };
}
