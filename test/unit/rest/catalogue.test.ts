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
    if (kind !== 'Cluster') return () => {};
    this.#listeners.push(listener);
    for (const { metadata } of this.#clusters.values()) listener(metadata);
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

  it('shows what was in the cache before it', () => {
    const cache = new Cache();
    cache.put(cluster('early'));
    cache.put(cluster('hidden', { namespace: 'three' }));
    const made = new Catalogue(cache, ['one']);
    assert.deepEqual(
      made.clusters.list().map(({ metadata }) => metadata.name),
      ['early'],
    );
  });

  it('keeps the order through changes of all kinds, and what somebody holds as it was', () => {
    const { cache, catalogue: made, names } = catalogue();
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    let held = made.clusters.list();
    for (let step = 0; step < 2_000; step += 1) {
      const before = [...held];
      const name = `c${random(40)}`;
      if (random(3) === 0) cache.remove({ namespace: 'one', name });
      else cache.put(cluster(name, { age: random(8), uid: `${random(5)}`, deleted: random(9) === 0 }));
      assert.deepEqual(held, before);
      if (random(4) === 0) held = made.clusters.list();
      if (step % 500 !== 0) continue;
      const there: readonly Cluster[] = cache.list('Cluster', 'one');
      const expected = there
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.uid} ${metadata.name}`);
      const shown = made.clusters.list().map(({ metadata: m }) => `${m.creationTimestamp} ${m.uid} ${m.name}`);
      assert.deepEqual(shown, expected.toSorted().toReversed());
      assert.equal(new Set(names()).size, shown.length);
    }
  });

  it('sorts ten thousand objects once, and then compares a few for each that comes, changes or goes', () => {
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
    assert.equal(reads, 0);
    const before = made.clusters.list();
    assert.equal(before.length, count);
    reads = 0;
    assert.equal(made.clusters.list(), before);
    assert.equal(reads, 0);
    const few = 2 * 4 * Math.ceil(Math.log2(count));
    const changed = counted(cluster('c5000', { age: 5_000, displayName: 'changed' }));
    cache.put(changed);
    assert.equal(made.clusters.list()[count - 1 - 5_000], changed);
    cache.put(counted(cluster('new', { age: count })));
    cache.remove({ namespace: 'one', name: 'c0' });
    assert.equal(made.clusters.list()[0]?.metadata.name, 'new');
    assert.equal(made.clusters.list().length, count);
    assert.ok(reads > 0 && reads <= few, `${reads} reads`);
  });
});
