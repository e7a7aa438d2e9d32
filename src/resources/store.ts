/**
 * The one way in which controllers and the REST shim see resources. Two adapters: the Kubernetes API and a directory of
 * YAML files. Reads of clusters and tasks come from a warm cache and never fail; everything else is a request.
 *
 * Guarantees: listeners are called after the cache holds what they are told about; a status write never lands on an
 * object that was re-created under the same name; an unchanged status is not sent.
 */
import type { Cluster } from '../api/cluster.gen.ts';
import type { ReplicaTask } from '../api/replica-task.gen.ts';

export interface ResourceKinds {
  readonly Cluster: Cluster;
  readonly ReplicaTask: ReplicaTask;
}
export type ResourceKind = keyof ResourceKinds;

export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** Read from the API at the time of the call, never cached (design §2). */
export interface SecretData {
  readonly data: Readonly<Record<string, Buffer>>;
}

export type WriteResult = 'written' | 'unchanged' | 'gone' | 'conflict';

export interface ResourceEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, equal to the condition's reason where there is one. */
  readonly reason: string;
  /** What the controller did or tried, e.g. Reconcile, Replicate, Probe. */
  readonly action: string;
  readonly note: string;
}

export interface ResourceStore {
  /** Resolves when the caches hold what was there at the start. */
  ready(signal: AbortSignal): Promise<void>;
  get<K extends ResourceKind>(kind: K, key: ObjectKey): ResourceKinds[K] | undefined;
  list<K extends ResourceKind>(kind: K, namespace?: string): readonly ResourceKinds[K][];
  /** Tells of every add, change and removal of an object; returns the function that ends it. */
  subscribe(kind: ResourceKind, listener: (key: ObjectKey) => void): () => void;
  /**
   * Replaces `status` of exactly this object (uid and resourceVersion of what the caller read). `conflict` = someone
   * else wrote first: reconcile again. `gone` = deleted or re-created.
   */
  writeStatus<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    status: NonNullable<ResourceKinds[K]['status']>,
    signal: AbortSignal,
  ): Promise<WriteResult>;
  /** Sets or removes (null) annotations. */
  writeAnnotations<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<WriteResult>;
  addFinalizer<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    finalizer: string,
    signal: AbortSignal,
  ): Promise<WriteResult>;
  removeFinalizer<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    finalizer: string,
    signal: AbortSignal,
  ): Promise<WriteResult>;
  /** undefined = there is none. Fails with spec error `SecretForbidden` naming the missing binding. */
  secret(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined>;
  configMap(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined>;
  /** Never blocks and never fails. */
  event(kind: ResourceKind, regarding: Cluster | ReplicaTask, event: ResourceEvent): void;
}
