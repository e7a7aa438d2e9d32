/** Resources in memory, as store and editor promise them, and somebody else at work on them at chosen moments. */
import type { Cluster, ClusterStatus } from '../../../../src/api/cluster.gen.ts';
import { API_VERSION } from '../../../../src/api/names.ts';
import type { ReplicaTask, ReplicaTaskStatus } from '../../../../src/api/replica-task.gen.ts';
import { type Admit, compileAdmission } from '../../../../src/api/validate.ts';
import {
  type Credentials,
  credentialsSecretName,
  type Draft,
  type EditOutcome,
  type LiveObject,
  type Owner,
  type ResourceEditor,
  type SpecChange,
} from '../../../../src/resources/editor.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, ResourceStore } from '../../../../src/resources/store.ts';

type AnyObject = Cluster | ReplicaTask;

interface Stored {
  readonly object: AnyObject;
  readonly ownerOf: (path: readonly string[]) => Owner | undefined;
}

export interface Applied extends ObjectKey {
  readonly spec: object;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** Of the whole object, or by the path of a field. */
  readonly owner?: Owner | ((path: readonly string[]) => Owner | undefined);
}

export const admit: Admit = compileAdmission();

const START = Date.parse('2026-11-22T00:00:00Z');
const REST_MANAGER = 'bkrepo-replicator-rest';

export class ResourcesInMemory implements ResourceEditor, Pick<ResourceStore, 'get' | 'list' | 'subscribe'> {
  readonly secrets = new Map<string, Credentials>();
  /** What happens just before the next write; then it is over. */
  meanwhile: (() => void) | undefined;
  /** Fails the next write of a Secret. */
  secretFailure: Error | undefined;
  readonly #objects = new Map<string, Stored>();
  readonly #listeners: { readonly kind: ResourceKind; readonly tell: (key: ObjectKey) => void }[] = [];
  #serial = 0;

  get<K extends ResourceKind>(kind: K, key: ObjectKey): ResourceKinds[K] | undefined {
    return this.#stored(kind, key)?.object as ResourceKinds[K] | undefined;
  }

  list<K extends ResourceKind>(kind: K, namespace?: string): readonly ResourceKinds[K][] {
    return [...this.#objects.values()]
      .map(({ object }) => object)
      .filter(
        (object) => object.kind === kind && (namespace ?? object.metadata.namespace) === object.metadata.namespace,
      )
      .map((object) => object as ResourceKinds[K]);
  }

  subscribe(kind: ResourceKind, listener: (key: ObjectKey) => void): () => void {
    const entry = { kind, tell: listener };
    this.#listeners.push(entry);
    return () => void this.#listeners.splice(this.#listeners.indexOf(entry), 1);
  }

  /** As `kubectl apply` does. */
  apply<K extends ResourceKind>(kind: K, applied: Applied): ResourceKinds[K] {
    const { namespace, name, spec, annotations, finalizers, owner } = applied;
    const before = this.get(kind, { namespace, name });
    const { object, errors } = admit(kind, { apiVersion: API_VERSION, kind, metadata: { name, namespace }, spec });
    if (object === undefined) throw new Error(errors.map(({ field, message }) => `${field}: ${message}`).join('; '));
    const present = this.#next(before ?? this.#fresh(kind, { namespace, name }), { spec: object.spec }, 'kubectl');
    const metadata = {
      ...present.metadata,
      ...(annotations === undefined ? {} : { annotations: { ...present.metadata.annotations, ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers }),
    };
    const ownerOf = typeof owner === 'function' ? owner : () => owner;
    return this.#keep({ ...present, metadata } as AnyObject, ownerOf) as ResourceKinds[K];
  }

  /** As `kubectl delete` does, when nothing keeps it. */
  forget(kind: ResourceKind, { namespace, name }: ObjectKey): void {
    this.#objects.delete(placeOf(kind, { namespace, name }));
    this.secrets.delete(placeOf('Secret', { namespace, name: credentialsSecretName(name) }));
    this.#tell(kind, { namespace, name });
  }

  setStatus<K extends ResourceKind>(
    kind: K,
    key: ObjectKey,
    status: K extends 'Cluster' ? Partial<ClusterStatus> : Partial<ReplicaTaskStatus>,
  ): void {
    const object = this.#present(kind, key);
    this.#keep(this.#next(object, { status: { ...object.status, ...status } }) as AnyObject);
  }

  async read<K extends ResourceKind>(kind: K, key: ObjectKey): Promise<LiveObject<K> | undefined> {
    const stored = this.#stored(kind, key);
    if (stored === undefined) return undefined;
    const { ownerOf } = stored;
    return {
      object: stored.object as ResourceKinds[K],
      owner: ownerOf([]),
      ownerOf: (path) => ownerOf([]) ?? ownerOf(path),
    };
  }

  async create<K extends ResourceKind>(kind: K, draft: Draft<K>): Promise<EditOutcome<K>> {
    this.#letOthers();
    const { namespace, name, labels, annotations, spec } = draft;
    const there = this.get(kind, { namespace, name });
    if (there !== undefined) return { outcome: 'exists', object: there };
    const { object, errors } = admit(kind, { apiVersion: API_VERSION, kind, metadata: { name, namespace }, spec });
    if (object === undefined) return { outcome: 'invalid', errors };
    const fresh = this.#next(this.#fresh(kind, draft), { spec: object.spec }, REST_MANAGER);
    const metadata = {
      ...fresh.metadata,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    };
    return {
      outcome: 'written',
      object: this.#keep({ ...fresh, metadata } as AnyObject, () => undefined) as ResourceKinds[K],
    };
  }

  async replaceSpec<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    { spec, annotations }: SpecChange<K>,
  ): Promise<EditOutcome<K>> {
    const stale = this.#stale(kind, read);
    if (stale !== undefined) return stale;
    const { name, namespace } = read.metadata;
    const { object, errors } = admit(kind, { apiVersion: API_VERSION, kind, metadata: { name, namespace }, spec });
    if (object === undefined) return { outcome: 'invalid', errors };
    const changed = this.#next(this.#annotated(read, annotations ?? {}), { spec: object.spec }, REST_MANAGER);
    return { outcome: 'written', object: this.#keep(changed as AnyObject) as ResourceKinds[K] };
  }

  async annotate<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
  ): Promise<EditOutcome<K>> {
    const stale = this.#stale(kind, read);
    if (stale !== undefined) return stale;
    return {
      outcome: 'written',
      object: this.#keep(this.#next(this.#annotated(read, annotations), {}) as AnyObject) as ResourceKinds[K],
    };
  }

  async remove<K extends ResourceKind>(kind: K, read: ResourceKinds[K]): Promise<'removed' | 'gone' | 'conflict'> {
    const stale = this.#stale(kind, read);
    if (stale !== undefined) return stale.outcome;
    const { metadata } = read;
    if ((metadata.finalizers ?? []).length > 0) {
      const deleted = { ...read, metadata: { ...metadata, deletionTimestamp: metadata.creationTimestamp } };
      this.#keep(this.#next(deleted, {}) as AnyObject);
    } else {
      this.#objects.delete(placeOf(kind, metadata));
      this.secrets.delete(placeOf('Secret', { ...metadata, name: credentialsSecretName(metadata.name) }));
      this.#tell(kind, metadata);
    }
    return 'removed';
  }

  async writeCredentials({ metadata }: Cluster, credentials: Credentials): Promise<void> {
    const { secretFailure } = this;
    this.secretFailure = undefined;
    if (secretFailure !== undefined) throw secretFailure;
    this.secrets.set(placeOf('Secret', { ...metadata, name: credentialsSecretName(metadata.name) }), credentials);
  }

  #stale(kind: ResourceKind, { metadata }: AnyObject): { readonly outcome: 'gone' | 'conflict' } | undefined {
    this.#letOthers();
    const present = this.get(kind, metadata);
    if (present?.metadata.uid !== metadata.uid) return { outcome: 'gone' };
    return present.metadata.resourceVersion === metadata.resourceVersion ? undefined : { outcome: 'conflict' };
  }

  #letOthers(): void {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    meanwhile?.();
  }

  #fresh<K extends ResourceKind>(kind: K, { namespace, name }: ObjectKey): ResourceKinds[K] {
    this.#serial += 1;
    const creationTimestamp = new Date(START + this.#serial * 1_000).toISOString().replace('.000', '');
    const metadata = {
      namespace,
      name,
      uid: `uid-${this.#serial}`,
      resourceVersion: '0',
      generation: 0,
      creationTimestamp,
    };
    return {
      apiVersion: API_VERSION,
      kind,
      metadata,
      spec: {},
      status: { observedGeneration: -1 },
    } as unknown as ResourceKinds[K];
  }

  #next<T extends AnyObject>(object: T, change: { spec?: object; status?: object }, manager?: string): T {
    this.#serial += 1;
    const time = new Date(START + this.#serial * 1_000).toISOString();
    const changed = change.spec !== undefined && JSON.stringify(change.spec) !== JSON.stringify(object.spec);
    const metadata = {
      ...object.metadata,
      resourceVersion: String(this.#serial),
      generation: object.metadata.generation + (changed ? 1 : 0),
      ...(manager === undefined ? {} : { lastEdit: { manager, time } }),
    };
    return { ...object, ...change, metadata };
  }

  #annotated<T extends AnyObject>(object: T, changes: Readonly<Record<string, string | null>>): T {
    const entries = Object.entries({ ...object.metadata.annotations, ...changes });
    const annotations = Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
    return { ...object, metadata: { ...object.metadata, annotations } };
  }

  #keep(object: AnyObject, ownerOf?: Stored['ownerOf']): AnyObject {
    const place = placeOf(object.kind, object.metadata);
    const owners = ownerOf ?? this.#objects.get(place)?.ownerOf ?? (() => undefined);
    this.#objects.set(place, { object, ownerOf: owners });
    this.#tell(object.kind, object.metadata);
    return object;
  }

  #tell(kind: ResourceKind, { namespace, name }: ObjectKey): void {
    for (const listener of this.#listeners) if (listener.kind === kind) listener.tell({ namespace, name });
  }

  #stored(kind: ResourceKind, key: ObjectKey): Stored | undefined {
    return this.#objects.get(placeOf(kind, key));
  }

  #present<K extends ResourceKind>(kind: K, key: ObjectKey): ResourceKinds[K] {
    const object = this.get(kind, key);
    if (object === undefined) throw new Error(`there is no ${kind} ${key.namespace}/${key.name}`);
    return object;
  }
}

function placeOf(kind: string, { namespace, name }: ObjectKey): string {
  return `${kind}/${namespace}/${name}`;
}
