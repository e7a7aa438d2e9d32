/** The installation that doctor looks at: its resources and Secrets, wherever they are. */
import type { Cluster } from '../../api/cluster.gen.ts';
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { Transport } from '../../kube/transport.ts';
import type { ResourceStore } from '../../resources/store.ts';

export interface Patient {
  /** Absent for a standalone installation. */
  readonly transport?: Transport;
  /** Of the program. */
  readonly ownNamespace: string;
  readonly secrets: Pick<ResourceStore, 'secret' | 'configMap'>;
  clusters(signal: AbortSignal): Promise<readonly Cluster[]>;
  tasks(signal: AbortSignal): Promise<readonly ReplicaTask[]>;
  close(): Promise<void>;
}
