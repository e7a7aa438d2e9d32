/**
 * The editor over the Kubernetes API. Objects are read live, with the owners of their fields. Spec edits carry uid and
 * resourceVersion and are merge patches of what differs, so that owned fields that stay as they are keep their owner.
 *
 * Verbs used: get, create, patch and delete of both kinds; get, create and update of secrets.
 */
import type { FieldError } from '../api/field-error.ts';
import {
  API_VERSION,
  CLUSTER_KIND,
  CLUSTER_PLURAL,
  GROUP,
  INSTANCE_LABEL,
  REPLICA_TASK_PLURAL,
  VERSION,
} from '../api/names.ts';
import { ReplicationError } from '../domain/errors.ts';
import { createSecret, type KeyValues, readSecret, replaceSecret, type SecretWrite } from '../kube/core-objects.ts';
import { isAlreadyExists, isConflict, isInvalid, isNotFound, KubeError } from '../kube/errors.ts';
import { type KubeObject, withoutManagedFields } from '../kube/object.ts';
import { ResourceClient } from '../kube/resource-client.ts';
import type { Transport } from '../kube/transport.ts';
import type { Clock } from '../lib/clock.ts';
import { CacheWait, isAsNew, isRemoved } from './cache-wait.ts';
import {
  type Credentials,
  credentialsSecretName,
  type Draft,
  EDIT_MANAGER,
  type EditOutcome,
  type LiveObject,
  QUIET_MANAGERS,
  REQUEST_MANAGER,
  type ResourceEditor,
  type SpecChange,
  shortened,
} from './editor.ts';
import { readError, resourceError } from './kube-errors.ts';
import { mergeDiff, plainJson } from './merge-diff.ts';
import { managedBy, trackedBy } from './ownership.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, ResourceStore } from './store.ts';

/** On Secrets that belong to a Cluster: its name. */
const CREDENTIALS_LABEL = `${GROUP}/credentials-of`;
/** Tries of writing a Secret that others write at the same time. */
const SECRET_TRIES = 3;

export interface KubernetesEditorOptions {
  readonly transport: Transport;
  /** The cache that shows the writes. */
  readonly store: Pick<ResourceStore, 'get' | 'subscribe'>;
  /** As of the store: objects of other installations are not there. */
  readonly instance?: string;
  readonly clock: Clock;
}

export function createKubernetesEditor(options: KubernetesEditorOptions): ResourceEditor {
  return new ApiEditor(options);
}

type Clients = { readonly [K in ResourceKind]: ResourceClient<ResourceKinds[K]> };

class ApiEditor implements ResourceEditor {
  readonly #options: KubernetesEditorOptions;
  readonly #clients: Clients;
  readonly #cache: CacheWait;

  constructor(options: KubernetesEditorOptions) {
    this.#options = options;
    this.#cache = new CacheWait(options.store, options.clock);
    this.#clients = {
      Cluster: clientOf<ResourceKinds['Cluster']>(options.transport, 'Cluster', CLUSTER_PLURAL),
      ReplicaTask: clientOf<ResourceKinds['ReplicaTask']>(options.transport, 'ReplicaTask', REPLICA_TASK_PLURAL),
    };
  }

  async read<K extends ResourceKind>(kind: K, key: ObjectKey, signal: AbortSignal): Promise<LiveObject<K> | undefined> {
    const object = await this.#get(kind, key, signal);
    if (object === undefined || !this.#isOurs(object)) return undefined;
    const owner = trackedBy(object.metadata);
    const { managedFields = [] }: KubeObject['metadata'] = object.metadata;
    return { object, owner, ownerOf: (path) => owner ?? managedBy(managedFields, path) };
  }

  async create<K extends ResourceKind>(kind: K, draft: Draft<K>, signal: AbortSignal): Promise<EditOutcome<K>> {
    const { namespace, name, labels, annotations, spec } = draft;
    const object = { apiVersion: API_VERSION, kind, metadata: { namespace, name, labels, annotations }, spec };
    try {
      const written = await this.#clients[kind].create(object, namespace, { fieldManager: EDIT_MANAGER }, signal);
      return await this.#shown(kind, written, signal);
    } catch (error) {
      if (isAlreadyExists(error)) return { outcome: 'exists', object: await this.#get(kind, draft, signal) };
      return this.#refusal(`create ${kind} ${namespace}/${name}`, error);
    }
  }

  async replaceSpec<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    { spec, annotations = {} }: SpecChange<K>,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>> {
    const difference = mergeDiff(plainJson(read.spec), plainJson(spec));
    const present = read.metadata.annotations ?? {};
    const annotated = Object.entries(annotations).some(([key, value]) => (present[key] ?? null) !== value);
    if (difference === undefined && !annotated) return { outcome: 'written', object: read };
    const patch = difference === undefined ? {} : { spec: difference };
    return await this.#patch(kind, read, { annotations }, patch, EDIT_MANAGER, signal);
  }

  async annotate<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>> {
    return await this.#patch(kind, read, { annotations }, {}, REQUEST_MANAGER, signal);
  }

  async remove<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    signal: AbortSignal,
  ): Promise<'removed' | 'gone' | 'conflict'> {
    const { namespace, name, uid, resourceVersion } = read.metadata;
    try {
      await this.#clients[kind].delete(namespace, name, { uid, resourceVersion }, signal);
    } catch (error) {
      if (isNotFound(error)) return 'gone';
      if (isConflict(error)) return 'conflict';
      throw resourceError(`delete ${nameOf(read)}`, error);
    }
    await this.#cache.until(kind, read.metadata, (present) => isRemoved(present, read), signal);
    return 'removed';
  }

  async writeCredentials(
    cluster: ResourceKinds['Cluster'],
    { username, password }: Credentials,
    signal: AbortSignal,
  ): Promise<void> {
    const { transport } = this.#options;
    const { namespace, name, uid } = cluster.metadata;
    const secret: SecretWrite = {
      namespace,
      name: credentialsSecretName(name),
      labels: { [CREDENTIALS_LABEL]: labelValue(name) },
      owner: { apiVersion: API_VERSION, kind: CLUSTER_KIND, name, uid },
      data: { username, password },
    };
    const key = { namespace, name: secret.name };
    for (let tries = 1; ; tries += 1) {
      const present = await this.#secret(key, signal);
      if (present !== undefined && present.labels[CREDENTIALS_LABEL] !== labelValue(name)) throw secretForeign(key);
      try {
        if (present === undefined) return await createSecret(transport, secret, EDIT_MANAGER, signal);
        return await replaceSecret(transport, secret, present, EDIT_MANAGER, signal);
      } catch (error) {
        const raced = isConflict(error) || isAlreadyExists(error) || isNotFound(error);
        if (!raced || tries === SECRET_TRIES) throw resourceError(`write Secret ${namespace}/${secret.name}`, error);
      }
    }
  }

  async #secret({ namespace, name }: ObjectKey, signal: AbortSignal): Promise<KeyValues | undefined> {
    try {
      return await readSecret(this.#options.transport, namespace, name, signal);
    } catch (error) {
      throw readError('Secret', { namespace, name }, error);
    }
  }

  async #get<K extends ResourceKind>(
    kind: K,
    key: ObjectKey,
    signal: AbortSignal,
  ): Promise<ResourceKinds[K] | undefined> {
    try {
      return await this.#clients[kind].get(key.namespace, key.name, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw resourceError(`read ${kind} ${key.namespace}/${key.name}`, error);
    }
  }

  #isOurs({ metadata }: ResourceKinds[ResourceKind]): boolean {
    return metadata.labels?.[INSTANCE_LABEL] === this.#options.instance;
  }

  async #patch<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    metadata: object,
    rest: object,
    fieldManager: string,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>> {
    const { namespace, name, uid, resourceVersion } = read.metadata;
    const patch = { metadata: { uid, resourceVersion, ...metadata }, ...rest };
    try {
      const written = await this.#clients[kind].mergePatch(namespace, name, patch, { fieldManager }, signal);
      return await this.#shown(kind, written, signal);
    } catch (error) {
      if (isNotFound(error)) return { outcome: 'gone' };
      // A patch of a re-created object is refused for its uid, too: reading again tells which it is.
      if (isConflict(error)) return { outcome: 'conflict' };
      return this.#refusal(`change ${nameOf(read)}`, error);
    }
  }

  async #shown<K extends ResourceKind>(
    kind: K,
    written: ResourceKinds[K],
    signal: AbortSignal,
  ): Promise<EditOutcome<K>> {
    // The cache never shows what is another installation's.
    if (this.#isOurs(written))
      await this.#cache.until(kind, written.metadata, (present) => isAsNew(present, written), signal);
    return { outcome: 'written', object: withoutManagedFields(written, QUIET_MANAGERS) };
  }

  #refusal<K extends ResourceKind>(doing: string, error: unknown): EditOutcome<K> {
    if (!isInvalid(error) || !(error instanceof KubeError)) throw resourceError(doing, error);
    const causes: readonly FieldError[] = error.causes.map(({ field, message }) => ({ field, message }));
    return { outcome: 'invalid', errors: causes.length > 0 ? causes : [{ field: '', message: error.message }] };
  }
}

function clientOf<T extends KubeObject>(transport: Transport, kind: ResourceKind, plural: string): ResourceClient<T> {
  return new ResourceClient<T>(transport, { group: GROUP, version: VERSION, plural, kind });
}

function nameOf({ kind, metadata }: ResourceKinds[ResourceKind]): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

/** Label values have at most 63 characters; names of objects have up to 253. */
function labelValue(name: string): string {
  return shortened(name, 63);
}

function secretForeign({ namespace, name }: ObjectKey): ReplicationError {
  return new ReplicationError(
    'spec',
    'SecretForeign',
    `Secret ${namespace}/${name} was not made for this Cluster by REST and is left alone: remove it, or name it in ` +
      'credentialsSecretRef and keep the password there',
  );
}
