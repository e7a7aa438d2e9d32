/**
 * The shim's view of the store: the objects of its namespaces by REST's ids and names, newest first.
 *
 * Guaranteed: as fresh as the store's cache; an object that is being deleted is not there for REST; of several with one
 * name or id (which only people with kubectl can make) the oldest is found, all are listed. The order is kept as objects
 * come, change and go, so that a page of ten thousand costs a walk over them and no sorting.
 */
import type { Cluster } from '../api/cluster.gen.ts';
import { clusterId, LEGACY_ID_ANNOTATION, taskKey } from '../api/names.ts';
import type { ReplicaTask } from '../api/replica-task.gen.ts';
import type { ObjectKey, ResourceStore } from '../resources/store.ts';
import { restName } from './mapping/identity.ts';

/** With more changes than that since somebody looked, everything is sorted at the next look: a cache that fills. */
const MAX_CHANGES = 256;

type Follow = Pick<ResourceStore, 'get' | 'list' | 'subscribe'>;

export class Catalogue {
  readonly clusters: Shelf<Cluster>;
  readonly tasks: Shelf<ReplicaTask>;
  readonly #store: Follow;

  /** Follows the store, which tells of what is there first, for the life of the program. */
  constructor(store: Follow, namespaces: readonly string[]) {
    const served = new Set(namespaces);
    this.#store = store;
    this.clusters = new Shelf(clusterId);
    this.tasks = new Shelf(taskKey);
    store.subscribe('Cluster', (key) => {
      if (served.has(key.namespace)) this.clusters.put(key, store.get('Cluster', key));
    });
    store.subscribe('ReplicaTask', (key) => {
      if (served.has(key.namespace)) this.tasks.put(key, store.get('ReplicaTask', key));
    });
  }

  /** The Cluster that an entry of `remoteClusterIds` means: by the rules of the controllers (design §2). */
  find(namespace: string, entry: string): Cluster | undefined {
    const named = this.#store.get('Cluster', { namespace, name: entry });
    if (named !== undefined) return named;
    return this.clusters.answering(entry).find(({ metadata }) => metadata.namespace === namespace);
  }

  /** Names of the tasks that keep a Cluster from going. */
  tasksOf(cluster: Cluster): readonly string[] {
    const { namespace, name } = cluster.metadata;
    return this.#store
      .list('ReplicaTask', namespace)
      .filter(({ spec }) => spec.remoteClusterIds.some((entry) => this.find(namespace, entry)?.metadata.name === name))
      .map((task) => restName(task));
  }
}

interface Kept<T> {
  readonly object: T;
  readonly ids: readonly string[];
  readonly name: string;
}

/** The objects of one kind. */
export class Shelf<T extends Cluster | ReplicaTask> {
  readonly #ownId: (namespace: string, name: string) => string;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #byId = new Map<string, Set<string>>();
  readonly #byName = new Map<string, Set<string>>();
  /** Newest first, unless `#stale`. */
  #order: T[] = [];
  #stale = true;
  /** Somebody may hold `#order`: it is copied before it changes. */
  #lent = false;
  /** Since somebody looked. */
  #changes = 0;

  constructor(ownId: (namespace: string, name: string) => string) {
    this.#ownId = ownId;
  }

  put(key: ObjectKey, object: T | undefined): void {
    const place = `${key.namespace}/${key.name}`;
    const before = this.#kept.get(place);
    const present = object?.metadata.deletionTimestamp === undefined ? object : undefined;
    if (before !== undefined) this.#forget(place, before);
    if (present !== undefined) this.#keep(place, present);
    this.#changes += 1;
    if (this.#changes > MAX_CHANGES) this.#stale = true;
    if (!this.#stale) this.#reorder(before?.object, present);
  }

  /** By name in its namespace. */
  get({ namespace, name }: ObjectKey): T | undefined {
    return this.#kept.get(`${namespace}/${name}`)?.object;
  }

  /** By id or key, own or legacy: its own goes first. */
  byId(id: string): T | undefined {
    const found = this.answering(id);
    return found.find(({ metadata }) => this.#ownId(metadata.namespace, metadata.name) === id) ?? found[0];
  }

  /** All that answer to an id, oldest first. */
  answering(id: string): readonly T[] {
    return this.#oldestFirst(this.#byId.get(id));
  }

  byName(name: string): T | undefined {
    return this.named(name)[0];
  }

  /** All that REST shows by that name, oldest first. */
  named(name: string): readonly T[] {
    return this.#oldestFirst(this.#byName.get(name));
  }

  /** Newest first, as of now. Not to be changed. */
  list(): readonly T[] {
    if (this.#stale) this.#order = [...this.#kept.values()].map(({ object }) => object).toSorted(newestFirst);
    this.#stale = false;
    this.#changes = 0;
    this.#lent = true;
    return this.#order;
  }

  #reorder(before: T | undefined, present: T | undefined): void {
    if (this.#lent) this.#order = [...this.#order];
    this.#lent = false;
    const order = this.#order;
    if (before !== undefined && present !== undefined && newestFirst(before, present) === 0) {
      order[position(order, before)] = present;
      return;
    }
    if (before !== undefined) order.splice(position(order, before), 1);
    if (present !== undefined) order.splice(position(order, present), 0, present);
  }

  #keep(place: string, object: T): void {
    const { namespace, name, annotations } = object.metadata;
    const legacy = annotations?.[LEGACY_ID_ANNOTATION] ?? '';
    const ids = [this.#ownId(namespace, name), ...(legacy === '' ? [] : [legacy])];
    const kept = { object, ids, name: restName(object) };
    this.#kept.set(place, kept);
    for (const id of ids) add(this.#byId, id, place);
    add(this.#byName, kept.name, place);
  }

  #forget(place: string, { ids, name }: Kept<T>): void {
    this.#kept.delete(place);
    for (const id of ids) remove(this.#byId, id, place);
    remove(this.#byName, name, place);
  }

  #oldestFirst(places: ReadonlySet<string> | undefined): readonly T[] {
    if (places === undefined) return [];
    const objects = [...places].flatMap((place) => this.#kept.get(place)?.object ?? []);
    return objects.length < 2 ? objects : objects.toSorted((a, b) => newestFirst(b, a));
  }
}

/** By creation, which has whole seconds; within one second by uid, so that pages do not overlap. */
function newestFirst({ metadata: a }: Cluster | ReplicaTask, { metadata: b }: Cluster | ReplicaTask): number {
  return (
    descending(a.creationTimestamp, b.creationTimestamp) ||
    descending(a.uid, b.uid) ||
    descending(a.namespace, b.namespace) ||
    descending(a.name, b.name)
  );
}

function descending(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}

/** Of the object in a sorted list, or where it belongs. */
function position<T extends Cluster | ReplicaTask>(order: readonly T[], object: T): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = order[middle];
    if (there !== undefined && newestFirst(there, object) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function add(index: Map<string, Set<string>>, key: string, place: string): void {
  const places = index.get(key);
  if (places === undefined) index.set(key, new Set([place]));
  else places.add(place);
}

function remove(index: Map<string, Set<string>>, key: string, place: string): void {
  const places = index.get(key);
  places?.delete(place);
  if (places?.size === 0) index.delete(key);
}
