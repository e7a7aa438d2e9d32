/** Clusters as REST shows them, without any secret (contract §1.5). */
import type { Cluster } from '../../api/cluster.gen.ts';
import { ACCOUNT_ANNOTATION } from '../../api/names.ts';
import type { LocalTime } from '../../lib/local-time.ts';
import { credentialsSecretName } from '../../resources/editor.ts';
import type { ClusterNodeInfo } from '../schemas/cluster-answers.ts';
import { authorship, idOf, restName } from './identity.ts';

export function clusterInfo(cluster: Cluster, dates: LocalTime): ClusterNodeInfo {
  const { metadata, spec, status } = cluster;
  const healthy = status.health === 'HEALTHY';
  const { createdBy, ...authors } = authorship(metadata, dates);
  return {
    id: idOf(cluster),
    name: restName(cluster),
    status: healthy ? 'HEALTHY' : 'UNHEALTHY',
    errorReason: healthy ? null : reasonOf(cluster),
    type: spec.type,
    url: spec.url,
    username: accountOf(cluster) ?? null,
    certificate: spec.certificate ?? null,
    appId: null,
    accessKey: null,
    udpPort: null,
    createdBy,
    extension: null,
    ...authors,
    detectType: 'PING',
    lastReportTime: null,
  };
}

function reasonOf({ status }: Cluster): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const told = status.errorReason ?? (ready?.status === 'False' ? ready.message : undefined);
  return told ?? 'not probed yet';
}

/** The account that REST wrote, while the Cluster still uses REST's Secret. */
export function accountOf({ metadata, spec }: Cluster): string | undefined {
  const own = spec.credentialsSecretRef?.name === credentialsSecretName(metadata.name);
  return own ? metadata.annotations?.[ACCOUNT_ANNOTATION] : undefined;
}
