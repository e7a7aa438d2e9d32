/**
 * The names by which our resources are known outside: they are contract, so each stands here once. Ids are derived from
 * names alone, so that a restored or re-created object has the same one in every mode (design §2).
 */
import { createHash } from 'node:crypto';

export const GROUP = 'replication.bkrepo.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

export const CLUSTER_KIND = 'Cluster';
export const CLUSTER_PLURAL = 'clusters';
export const REPLICA_TASK_KIND = 'ReplicaTask';
export const REPLICA_TASK_PLURAL = 'replicatasks';

/** On a Cluster while a task refers to it. A ReplicaTask never carries one. */
export const FINALIZER = `${GROUP}/finalizer`;

/** ReplicaTask: any new value starts a run; answered in `status.lastHandledRunRequest`. */
export const RUN_REQUESTED_ANNOTATION = `${GROUP}/run-requested`;
/** ReplicaTask: any new value cancels the active run; answered in `status.lastHandledCancelRequest`. */
export const CANCEL_REQUESTED_ANNOTATION = `${GROUP}/cancel-requested`;
/** ReplicaTask: any new value runs what failed again; answered in `status.lastHandledRetryRequest`. */
export const RETRY_REQUESTED_ANNOTATION = `${GROUP}/retry-requested`;
/** ReplicaTask: keeps the task from running without touching its spec; any value but `false`. */
export const SUSPENDED_ANNOTATION = `${GROUP}/suspended`;
/** REAL_TIME ReplicaTask: any new value lets deletions go on that are held back; answered in `status.lastHandledDeletesApproval`. */
export const DELETES_APPROVED_ANNOTATION = `${GROUP}/deletes-approved`;
/** REAL_TIME ReplicaTask: with the value `true` an operation log that is not capped is converted. */
export const CONVERT_OPERATE_LOG_ANNOTATION = `${GROUP}/convert-operate-log`;
/** Both kinds: the id (or key) that an older bk-repo gave the object; unique per namespace. */
export const LEGACY_ID_ANNOTATION = `${GROUP}/legacy-id`;

/** Both kinds, made by REST: who created the object, and who edited its spec by REST last. */
export const CREATED_BY_ANNOTATION = `${GROUP}/created-by`;
export const MODIFIED_BY_ANNOTATION = `${GROUP}/modified-by`;
/** Cluster, made by REST: the account at the far side, which REST answers show; its password is in the Secret only. */
export const ACCOUNT_ANNOTATION = `${GROUP}/account`;

/** Cluster: any new value has the far side asked at once, because its credentials have changed. */
export const CREDENTIALS_CHANGED_ANNOTATION = `${GROUP}/credentials-changed`;

/** Both kinds: which installation looks after the object; without it the one that has no `instance` configured. */
export const INSTANCE_LABEL = `${GROUP}/instance`;

/** `status.id` of a Cluster: 32 lower-case hexadecimal digits. */
export function clusterId(namespace: string, name: string): string {
  return stableId(CLUSTER_KIND, namespace, name);
}

/** `status.key` of a ReplicaTask: 32 lower-case hexadecimal digits. */
export function taskKey(namespace: string, name: string): string {
  return stableId(REPLICA_TASK_KIND, namespace, name);
}

function stableId(kind: string, namespace: string, name: string): string {
  return createHash('sha256').update(`${GROUP}/${kind}/${namespace}/${name}`).digest('hex').slice(0, 32);
}
