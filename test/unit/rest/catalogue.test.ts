import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Cluster } from '../../../src/api/cluster.gen.ts';
import { API_VERSION, clusterId, LEGACY_ID_ANNOTATION } from '../../../src/api/names.ts';
import type { ObjectKey, ResourceKind, ResourceStore } from '../../../src/resources/store.ts';
import { Catalogue } from '../../../src/rest/catalogue.ts';

type Follow = Pick<ResourceStore, 'get' | 'list' | 'subscribe'>;

/** What a store's cache tells, with Clusters only. */
class Cache implements Follow {
  readonly #clusters = new Map<string, Cluster>();
  readonly #listeners: ((key: ObjectKey) => void)[] = [];

  get<K extends ResourceKind>(kind: K, { namespace, name }: ObjectKey): never {
    return (kind === 'Cluster' ? this.#clusters.get(`${namespace}/${name}`) : undefined) as never;
  }

  list<K extends ResourceKind>(kind: K, namespace?: string): never {
    const all = kind === 'Cluster' ? [...this.#clusters.values()] : [];
    return all.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace) as never;
  }

  subscribe(kind: ResourceKind, listener: (key: ObjectKey) => void): () => void {
    if (kind === 'Cluster') this.#listeners.push(listener);
    return () => {};
  }

  put(cluster: Cluster): void {
    const { namespace, name } = cluster.metadata;
    this.#clusters.set(`${namespace}/${name}`, cluster);
    for (const listener of this.#listeners) listener({ namespace, name });
  }

  remove(key: ObjectKey): void {
    this.#clusters.delete(`${key.namespace}/${key.name}`);
    for (const listener of this.#listeners) listener(key);
  }
}

interface Given {
  readonly namespace?: string;
  readonly displayName?: string;
  readonly legacyId?: string;
  /** Seconds after an instant. */
  readonly age?: number;
  readonly uid?: string;
  readonly deleted?: boolean;
}

const START = Date.parse('2026-11-22T00:00:00Z');

function cluster(name: string, given: Given = {}): Cluster {
  const { namespace = 'one', displayName, legacyId, age = 0, uid = `uid-${name}`, deleted = false } = given;
  const creationTimestamp = new Date(START + age * 1_000).toISOString().replace('.000', '');
  return {
    apiVersion: API_VERSION,
    kind: 'Cluster',
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp,
      ...(legacyId === undefined ? {} : { annotations: { [LEGACY_ID_ANNOTATION]: legacyId } }),
      ...(deleted ? { deletionTimestamp: creationTimestamp } : {}),
    },
    spec: {
      ...(displayName === undefined ? {} : { name: displayName }),
      type: 'STANDALONE',
      protocol: 'bkrepo',
      url: 'http://far.test/replication',
      limits: { bandwidth: 0, concurrency: 8 },
      uploadVerification: 'auto',
      probeInterval: '60s',
    },
    status: { observedGeneration: 1 },
  };
}

function catalogue(...clusters: readonly Cluster[]): { cache: Cache; catalogue: Catalogue; names: () => string[] } {
  const cache = new Cache();
  const made = new Catalogue(cache, ['one', 'two']);
  for (const object of clusters) cache.put(object);
  return { cache, catalogue: made, names: () => made.clusters.list().map(({ metadata }) => metadata.name) };
}

describe('catalogue', () => {
  it('lists the newest first, and those of one second by uid', () => {
    const { names } = catalogue(
      cluster('a', { age: 1, uid: '1' }),
      cluster('b', { age: 2, uid: '2' }),
      cluster('c', { age: 1, uid: '3' }),
    );
    assert.deepEqual(names(), ['b', 'c', 'a']);
  });

  it('shows objects of the served namespaces only, and none that is being deleted', () => {
    const { names, catalogue: made } = catalogue(
      cluster('here'),
      cluster('there', { namespace: 'three' }),
      cluster('going', { deleted: true }),
    );
    assert.deepEqual(names(), ['here']);
    assert.equal(made.clusters.byName('going'), undefined);
    assert.equal(made.clusters.byId(clusterId('three', 'there')), undefined);
  });

  it('finds by own id, legacy id and name, as long as the object has them', () => {
    const { cache, catalogue: made } = catalogue(cluster('far', { displayName: 'Far side', legacyId: 'old' }));
    const found = () => ['old', clusterId('one', 'far')].map((id) => made.clusters.byId(id)?.metadata.name);
    assert.deepEqual(found(), ['far', 'far']);
    assert.equal(made.clusters.byName('Far side')?.metadata.name, 'far');
    assert.equal(made.clusters.byName('far'), undefined);
    cache.put(cluster('far', { displayName: 'Renamed', legacyId: 'new' }));
    assert.deepEqual(found(), [undefined, 'far']);
    assert.equal(made.clusters.byName('Far side'), undefined);
    assert.equal(made.clusters.byId('new')?.spec.name, 'Renamed');
    cache.remove({ namespace: 'one', name: 'far' });
    assert.equal(made.clusters.byId('new'), undefined);
    assert.equal(made.clusters.byName('Renamed'), undefined);
  });

  it('takes names and ids as they are, whatever they look like', () => {
    const { catalogue: made } = catalogue(cluster('a'));
    for (const text of ['__proto__', 'constructor', '', '.*', '../one/a', '\u0000', 'x'.repeat(100_000)]) {
      assert.equal(made.clusters.byId(text), undefined);
      assert.equal(made.clusters.byName(text), undefined);
      assert.equal(made.find('one', text), undefined);
    }
  });

  it('finds the oldest of several with one name or legacy id, in whatever order they came, and lists all', () => {
    const twins = [
      cluster('young', { displayName: 'twin', legacyId: 'same', age: 2 }),
      cluster('old', { displayName: 'twin', legacyId: 'same', age: 1, namespace: 'two' }),
    ];
    for (const order of [twins, twins.toReversed()]) {
      const { catalogue: made, names } = catalogue(...order);
      assert.equal(made.clusters.byName('twin')?.metadata.name, 'old');
      assert.equal(made.clusters.byId('same')?.metadata.name, 'old');
      assert.deepEqual(names(), ['young', 'old']);
    }
  });

  it('lets nobody take over an id by giving it as legacy id to an older object', () => {
    const { catalogue: made } = catalogue(
      cluster('victim', { age: 2 }),
      cluster('thief', { age: 1, legacyId: clusterId('one', 'victim') }),
    );
    assert.equal(made.clusters.byId(clusterId('one', 'victim'))?.metadata.name, 'victim');
  });

  it('finds the Cluster that a task means in its namespace only', () => {
    const { catalogue: made } = catalogue(
      cluster('far', { legacyId: 'old-1' }),
      cluster('far', { namespace: 'two', legacyId: 'old-2', uid: 'u2' }),
    );
    assert.equal(made.find('one', 'far')?.metadata.namespace, 'one');
    assert.equal(made.find('two', 'old-2')?.metadata.namespace, 'two');
    assert.equal(made.find('one', 'old-2'), undefined);
    assert.equal(made.find('one', clusterId('two', 'far')), undefined);
  });

  it('compares nothing while none of ten thousand objects comes or goes', () => {
    let reads = 0;
    const count = 10_000;
    const counted = (object: Cluster): Cluster => ({
      ...object,
      metadata: Object.defineProperty({ ...object.metadata }, 'creationTimestamp', {
        enumerable: true,
        get: () => {
          reads += 1;
          return object.metadata.creationTimestamp;
        },
      }),
    });
    const { cache, catalogue: made } = catalogue();
    for (let index = 0; index < count; index += 1) cache.put(counted(cluster(`c${index}`, { age: index })));
    const before = made.clusters.list();
    assert.equal(before.length, count);
    assert.ok(reads > count, 'the first look sorts');
    reads = 0;
    assert.equal(made.clusters.list(), before);
    const changed = counted(cluster('c5000', { age: 5_000, displayName: 'changed' }));
    cache.put(changed);
    assert.equal(made.clusters.list()[count - 1 - 5_000], changed);
    assert.equal(reads, 0);
  });
});
