/**
 * The resource store over the Kubernetes API.
 *
 * Clusters and tasks come from reflectors; Secrets and ConfigMaps are read one by one at each question. All writes are
 * merge patches that carry the resourceVersion of what was read (and, outside `/status`, its uid): whoever was faster
 * wins, and a re-created object is never touched. A status patch is the difference to the status read, removed fields as
 * nulls, so that what is no longer said vanishes. Verbs used: list, watch and patch of both kinds, patch of `/status`,
 * get of secrets and configmaps, create and patch of events.
 */
import { API_VERSION, CLUSTER_PLURAL, GROUP, INSTANCE_LABEL, REPLICA_TASK_PLURAL, VERSION } from '../api/names.ts';
import { type KeyValues, readConfigMap, readSecret } from '../kube/core-objects.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/event-recorder.ts';
import type { KubeObject } from '../kube/object.ts';
import { Reflector } from '../kube/reflector.ts';
import { ResourceClient } from '../kube/resource-client.ts';
import type { Transport } from '../kube/transport.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { CONTROLLER_MANAGER, QUIET_MANAGERS } from './editor.ts';
import { readError, resourceError } from './kube-errors.ts';
import { type JsonObject, mergeDiff, plainJson } from './merge-diff.ts';
import type {
  ObjectKey,
  ResourceEvent,
  ResourceKind,
  ResourceKinds,
  ResourceStore,
  SecretData,
  WriteResult,
} from './store.ts';

export interface KubernetesStoreOptions {
  readonly transport: Transport;
  /** Empty = all. */
  readonly namespaces: readonly string[];
  /** Only objects with this value of the label INSTANCE_LABEL; without it only objects without the label. */
  readonly instance?: string;
  /** Run and flushed by whoever made it. */
  readonly recorder: Pick<EventRecorder, 'event'>;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly relistIntervalMs?: number;
}

export interface KubernetesStore extends ResourceStore {
  /** Lists and watches until `signal` is aborted; then returns. */
  run(signal: AbortSignal): Promise<void>;
}

interface Room<T extends KubeObject> {
  readonly client: ResourceClient<T>;
  readonly reflector: Reflector<T>;
}

type Rooms = { readonly [K in ResourceKind]: Room<ResourceKinds[K]> };

/** Asks nothing of the server until `run`. */
export function createKubernetesStore(options: KubernetesStoreOptions): KubernetesStore {
  return new ApiStore(options);
}

class ApiStore implements KubernetesStore {
  readonly #options: KubernetesStoreOptions;
  readonly #rooms: Rooms;

  constructor(options: KubernetesStoreOptions) {
    this.#options = options;
    this.#rooms = {
      Cluster: roomOf<ResourceKinds['Cluster']>('Cluster', CLUSTER_PLURAL, options),
      ReplicaTask: roomOf<ResourceKinds['ReplicaTask']>('ReplicaTask', REPLICA_TASK_PLURAL, options),
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#rooms.Cluster.reflector.run(signal), this.#rooms.ReplicaTask.reflector.run(signal)]);
  }

  async ready(signal: AbortSignal): Promise<void> {
    await this.#rooms.Cluster.reflector.waitForSync(signal);
    await this.#rooms.ReplicaTask.reflector.waitForSync(signal);
  }

  get<K extends ResourceKind>(kind: K, key: ObjectKey): ResourceKinds[K] | undefined {
    return this.#rooms[kind].reflector.get(key.namespace, key.name);
  }

  list<K extends ResourceKind>(kind: K, namespace?: string): readonly ResourceKinds[K][] {
    return this.#rooms[kind].reflector.list(namespace);
  }

  subscribe(kind: ResourceKind, listener: (key: ObjectKey) => void): () => void {
    const tell = (change: { readonly object: ResourceKinds[ResourceKind] }): void => {
      const { namespace, name } = change.object.metadata;
      listener({ namespace, name });
    };
    return kind === 'Cluster'
      ? this.#rooms.Cluster.reflector.subscribe(tell)
      : this.#rooms.ReplicaTask.reflector.subscribe(tell);
  }

  async writeStatus<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    status: NonNullable<ResourceKinds[K]['status']>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const difference = mergeDiff(plainJson(read.status ?? {}), plainJson(status));
    if (difference === undefined) return 'unchanged';
    return this.#attempt(kind, read, `write the status of ${nameOf(kind, read)}`, () =>
      this.#rooms[kind].client.patchStatus(read, difference, { fieldManager: CONTROLLER_MANAGER }, signal),
    );
  }

  async writeAnnotations<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const present = read.metadata.annotations ?? {};
    const changes = Object.entries(annotations).filter(([key, value]) => (present[key] ?? null) !== value);
    if (changes.length === 0) return 'unchanged';
    return this.#writeMetadata(kind, read, { annotations: Object.fromEntries(changes) }, signal);
  }

  async addFinalizer<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    finalizer: string,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { finalizers = [], deletionTimestamp } = read.metadata;
    if (finalizers.includes(finalizer)) return 'unchanged';
    // The server refuses new finalizers on an object that is being deleted.
    if (deletionTimestamp !== undefined) return 'gone';
    return this.#writeMetadata(kind, read, { finalizers: [...finalizers, finalizer] }, signal);
  }

  async removeFinalizer<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    finalizer: string,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { finalizers = [] } = read.metadata;
    if (!finalizers.includes(finalizer)) return 'unchanged';
    const left = finalizers.filter((other) => other !== finalizer);
    return this.#writeMetadata(kind, read, { finalizers: left }, signal);
  }

  async secret(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined> {
    try {
      return dataOf(await readSecret(this.#options.transport, key.namespace, key.name, signal));
    } catch (error) {
      throw readError('Secret', key, error);
    }
  }

  async configMap(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined> {
    try {
      return dataOf(await readConfigMap(this.#options.transport, key.namespace, key.name, signal));
    } catch (error) {
      throw readError('ConfigMap', key, error);
    }
  }

  event(kind: ResourceKind, regarding: ResourceKinds[ResourceKind], event: ResourceEvent): void {
    const { namespace, name, uid, resourceVersion } = regarding.metadata;
    this.#options.recorder.event({ apiVersion: API_VERSION, kind, namespace, name, uid, resourceVersion }, event);
  }

  #writeMetadata<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    metadata: JsonObject,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { namespace, name, uid, resourceVersion } = read.metadata;
    const patch = { metadata: { uid, resourceVersion, ...metadata } };
    return this.#attempt(kind, read, `write the metadata of ${nameOf(kind, read)}`, () =>
      this.#rooms[kind].client.mergePatch(namespace, name, patch, { fieldManager: CONTROLLER_MANAGER }, signal),
    );
  }

  async #attempt<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    doing: string,
    write: () => Promise<unknown>,
  ): Promise<WriteResult> {
    try {
      await write();
      return 'written';
    } catch (error) {
      if (isNotFound(error)) return 'gone';
      if (!isConflict(error)) throw resourceError(doing, error);
      const present = this.get(kind, read.metadata);
      return present !== undefined && present.metadata.uid !== read.metadata.uid ? 'gone' : 'conflict';
    }
  }
}

function roomOf<T extends KubeObject>(kind: ResourceKind, plural: string, options: KubernetesStoreOptions): Room<T> {
  const { transport, namespaces, instance, clock, random, logger, relistIntervalMs } = options;
  const client = new ResourceClient<T>(transport, { group: GROUP, version: VERSION, plural, kind });
  const reflector = new Reflector<T>({
    client,
    namespaces,
    clock,
    random,
    logger: logger.child({ controllerKind: kind }),
    quietManagers: QUIET_MANAGERS,
    filter: (object) => object.metadata.labels?.[INSTANCE_LABEL] === instance,
    ...(relistIntervalMs === undefined ? {} : { relistIntervalMs }),
  });
  return { client, reflector };
}

function nameOf(kind: ResourceKind, read: ResourceKinds[ResourceKind]): string {
  return `${kind} ${read.metadata.namespace}/${read.metadata.name}`;
}

function dataOf(values: KeyValues | undefined): SecretData | undefined {
  return values === undefined ? undefined : { data: Object.fromEntries(values.data) };
}
