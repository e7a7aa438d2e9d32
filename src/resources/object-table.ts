/**
 * The objects of the directory mode: in memory for reading, each in a file of the state directory. An object is on disk
 * before it is seen, and seen before listeners are told. Writing one after the other is the caller's duty.
 */
import type { Logger } from '../telemetry/logger.ts';
import { objectId, removeObject, saveObject } from './state-files.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from './store.ts';
import type { AnyResource, StoredObject } from './stored-object.ts';

type Listener = (key: ObjectKey) => void;

export class ObjectTable {
  readonly #stateDir: string;
  readonly #logger: Logger;
  readonly #objects: Map<string, StoredObject>;
  readonly #listeners: Readonly<Record<ResourceKind, Set<Listener>>> = { Cluster: new Set(), ReplicaTask: new Set() };

  constructor(stateDir: string, logger: Logger, objects: ReadonlyMap<string, StoredObject>) {
    this.#stateDir = stateDir;
    this.#logger = logger;
    this.#objects = new Map(objects);
  }

  /** By objectId. */
  get stored(): ReadonlyMap<string, StoredObject> {
    return this.#objects;
  }

  get<K extends ResourceKind>(kind: K, key: ObjectKey): ResourceKinds[K] | undefined {
    return this.#objects.get(objectId(kind, key.namespace, key.name))?.object as ResourceKinds[K] | undefined;
  }

  list<K extends ResourceKind>(kind: K, namespace?: string): readonly ResourceKinds[K][] {
    return [...this.#objects.values()]
      .map(({ object }) => object)
      .filter((object) => object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace))
      .map((object) => object as ResourceKinds[K]);
  }

  /** Tells of what is there already as well, as a reflector does. */
  subscribe(kind: ResourceKind, listener: Listener): () => void {
    this.#listeners[kind].add(listener);
    for (const { metadata } of this.list(kind)) this.#call(listener, metadata);
    return () => void this.#listeners[kind].delete(listener);
  }

  async put(id: string, stored: StoredObject): Promise<void> {
    const before = this.#objects.get(id);
    if (before === stored) return;
    await saveObject(this.#stateDir, id, stored);
    this.#objects.set(id, stored);
    if (before?.object !== stored.object) this.#tell(stored.object);
  }

  async remove(id: string): Promise<void> {
    const stored = this.#objects.get(id);
    if (stored === undefined) return;
    await removeObject(this.#stateDir, id);
    this.#objects.delete(id);
    this.#tell(stored.object);
  }

  #tell(object: AnyResource): void {
    for (const listener of this.#listeners[object.kind]) this.#call(listener, object.metadata);
  }

  #call(listener: Listener, { namespace, name }: ObjectKey): void {
    try {
      listener({ namespace, name });
    } catch (error) {
      this.#logger.error('a listener of changes failed', { namespace, name, error });
    }
  }
}
