/** Whether the CustomResourceDefinitions that are installed have what this program needs. */
import { CLUSTER_KIND, CLUSTER_PLURAL, GROUP, REPLICA_TASK_KIND, REPLICA_TASK_PLURAL, VERSION } from '../api/names.ts';
import { servedSchemaLacks } from '../kube/served-schema.ts';
import type { Transport } from '../kube/transport.ts';

/** Fields without which a status or a spec would lose something that the program relies on. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  [CLUSTER_KIND]: ['spec.uploadVerification', 'spec.limits.concurrency', 'status.servedBy', 'status.lastProbeTime'],
  [REPLICA_TASK_KIND]: [
    'spec.setting.verifyInterval',
    'spec.replicaTaskObjects[].pathConstraints',
    'status.activeRun',
    'status.history',
    'status.remoteClusters',
    'status.servedBy',
    'status.lastHandledRunRequest',
    'status.scheduledSince',
    'status.lastScheduleTime',
  ],
};

const KINDS = [
  { group: GROUP, version: VERSION, kind: CLUSTER_KIND, plural: CLUSTER_PLURAL },
  { group: GROUP, version: VERSION, kind: REPLICA_TASK_KIND, plural: REPLICA_TASK_PLURAL },
];

/** In words, what they lack; none = empty. */
export async function installedSchemaLacks(transport: Transport, signal: AbortSignal): Promise<readonly string[]> {
  const lacks = await Promise.all(
    KINDS.map((type) => servedSchemaLacks(transport, type, NEEDED[type.kind] ?? [], signal)),
  );
  return lacks.flat();
}
