import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { eventually } from '../../support/wait.ts';
import { bench, clusterYaml, KEY, never, present, putFile } from './directory-samples.ts';

const FINALIZER = 'replication.bkrepo.io/finalizer';

describe('a directory of resources', () => {
  it('serves many documents of many files, with defaults, and tells listeners', async (t) => {
    const { put, open } = await bench(t);
    await put('all.yaml', `# first\n${clusterYaml('a')}---\n---\n${clusterYaml('b', { namespace: 'team' })}`);
    await put('deep/more.yml', clusterYaml('c'));
    await put('list.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [] }));
    await put('notes.txt', 'not: read');
    await put('.hidden/x.yaml', 'not: read');
    const store = await open();
    const told: string[] = [];
    store.subscribe('Cluster', ({ namespace, name }) => told.push(`${namespace}/${name}`));
    await store.refresh(never);
    await store.ready(never);
    assert.deepEqual(
      told.toSorted((a, b) => a.localeCompare(b)),
      ['default/a', 'default/c', 'team/b'],
    );
    assert.deepEqual(
      store.list('Cluster', 'team').map((one) => one.metadata.name),
      ['b'],
    );
    const cluster = present(store, 'a');
    assert.equal(cluster.spec.probeInterval, '60s');
    assert.deepEqual(cluster.status, { observedGeneration: -1 });
    assert.equal(cluster.metadata.generation, 1);
    assert.deepEqual(store.problems(), []);
  });

  it('keeps uid over a change, raises generation with spec only, gives a new uid after deletion', async (t) => {
    const { put, open, dir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const store = await open();
    await store.refresh(never);
    const first = present(store);
    await store.refresh(never);
    assert.equal(present(store), first, 'nothing changed');
    await put('a.yaml', clusterYaml('edge-a', { extra: '  labels: {team: x}\n' }));
    await store.refresh(never);
    const labelled = present(store);
    assert.equal(labelled.metadata.generation, 1);
    assert.notEqual(labelled.metadata.resourceVersion, first.metadata.resourceVersion);
    await rename(join(dir, 'a.yaml'), join(dir, 'b.yaml'));
    await put('b.yaml', clusterYaml('edge-a', { url: 'http://127.0.0.1:2/replication' }));
    await store.refresh(never);
    const changed = present(store);
    assert.deepEqual([changed.metadata.uid, changed.metadata.generation], [first.metadata.uid, 2]);
    await rm(join(dir, 'b.yaml'));
    await store.refresh(never);
    assert.equal(store.get('Cluster', KEY), undefined);
    await put('b.yaml', clusterYaml());
    await store.refresh(never);
    assert.notEqual(present(store).metadata.uid, first.metadata.uid);
    assert.equal(await store.writeStatus('Cluster', changed, { observedGeneration: 2 }, never), 'gone');
  });

  it('keeps status, annotations and finalizers over a restart; equal status is not written', async (t) => {
    const { put, open, stateDir } = await bench(t);
    await put('a.yaml', clusterYaml('edge-a', { extra: '  annotations: {mine: "1", changes: "1", goes: "1"}\n' }));
    let store = await open();
    await store.refresh(never);
    const read = present(store);
    const status = { observedGeneration: 1, health: 'HEALTHY' } as const;
    assert.equal(await store.writeStatus('Cluster', read, status, never), 'written');
    assert.equal(await store.writeStatus('Cluster', read, status, never), 'conflict');
    assert.equal(await store.writeStatus('Cluster', present(store), { ...status }, never), 'unchanged');
    assert.equal(await store.addFinalizer('Cluster', present(store), FINALIZER, never), 'written');
    const annotations = { added: 'x', mine: '2', changes: '2' };
    assert.equal(await store.writeAnnotations('Cluster', present(store), annotations, never), 'written');
    const before = present(store);
    for (const name of await readdir(join(stateDir, 'objects')))
      assert.equal((await stat(join(stateDir, 'objects', name))).mode & 0o777, 0o600);

    await put('a.yaml', clusterYaml('edge-a', { extra: '  annotations: {mine: "1", changes: "3"}\n' }));
    store = await open();
    assert.deepEqual(present(store), before, 'before the first look');
    await store.refresh(never);
    const after = present(store);
    assert.deepEqual(after.status, status);
    assert.deepEqual(after.metadata.finalizers, [FINALIZER]);
    assert.equal(after.metadata.uid, before.metadata.uid);
    assert.deepEqual(after.metadata.annotations, { added: 'x', mine: '2', changes: '3' });
  });

  it('holds a deleted object while it has finalizers, and lets it come back as a new one', async (t) => {
    const { put, open, dir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const store = await open();
    await store.refresh(never);
    await store.addFinalizer('Cluster', present(store), FINALIZER, never);
    await rm(join(dir, 'a.yaml'));
    await store.refresh(never);
    const going = present(store);
    assert.ok(going.metadata.deletionTimestamp);
    await put('a.yaml', clusterYaml());
    await store.refresh(never);
    assert.equal(present(store), going, 'a new file does not revive it');
    assert.equal(await store.addFinalizer('Cluster', going, 'x/y', never), 'gone');
    assert.equal(await store.removeFinalizer('Cluster', going, FINALIZER, never), 'written');
    assert.equal(store.get('Cluster', KEY), undefined);
    await store.refresh(never);
    const again = present(store);
    assert.notEqual(again.metadata.uid, going.metadata.uid);
    assert.deepEqual(again.status, { observedGeneration: -1 });
  });

  const invalid = [
    {
      name: 'an unknown field',
      text: clusterYaml().replace('  url', '  nonsense: 1\n  url'),
      at: [7, 'spec.nonsense'],
    },
    { name: 'a wrong value', text: clusterYaml().replace('STANDALONE', 'SPACESHIP'), at: [6, 'spec.type'] },
    { name: 'broken YAML', text: `${clusterYaml()}  - [`, at: [8, undefined] },
    { name: 'a kind we do not have', text: clusterYaml().replace('Cluster', 'Klaster'), at: [1, 'kind'] },
    { name: 'no object at all', text: 'just words\n', at: [1, undefined] },
  ] as const;
  for (const { name, text, at } of invalid)
    it(`tells file, line and field of ${name}, and keeps the last good version`, async (t) => {
      const { put, open, log } = await bench(t);
      await put('a.yaml', clusterYaml());
      await put('b.yaml', clusterYaml('b'));
      let store = await open();
      await store.refresh(never);
      const good = present(store);
      await put('a.yaml', text);
      for (const restarted of [false, true]) {
        if (restarted) store = await open();
        await store.refresh(never);
        await store.refresh(never);
        assert.deepEqual(present(store), good);
        assert.ok(store.get('Cluster', { namespace: 'default', name: 'b' }));
        const [problem, ...more] = store.problems();
        assert.deepEqual([problem?.file, problem?.line, problem?.field], ['a.yaml', ...at], problem?.message);
        assert.deepEqual(more, []);
      }
      assert.equal(log.filter((line) => line.level === 'error').length, 2, 'told once per process');
      await put('a.yaml', clusterYaml());
      await store.refresh(never);
      assert.deepEqual(store.problems(), []);
    });

  it('refuses an object that two files give, naming both, and keeps what there was', async (t) => {
    const { put, open, dir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const store = await open();
    await store.refresh(never);
    const good = present(store);
    await put('b.yaml', clusterYaml('edge-a', { url: 'http://127.0.0.1:2/replication' }));
    await put('c.yaml', `${clusterYaml('new')}---\n${clusterYaml('new')}`);
    await store.refresh(never);
    assert.equal(present(store), good);
    assert.equal(store.get('Cluster', { namespace: 'default', name: 'new' }), undefined);
    assert.deepEqual(
      store.problems().map((problem) => problem.file),
      ['a.yaml', 'b.yaml', 'c.yaml', 'c.yaml'],
    );
    assert.match(store.problems()[0]?.message ?? '', /a\.yaml:1, b\.yaml:1/);
    await rm(join(dir, 'a.yaml'));
    await store.refresh(never);
    assert.deepEqual([present(store).metadata.uid, present(store).metadata.generation], [good.metadata.uid, 2]);
  });

  it('takes nothing for deleted when the directory cannot be read', async (t) => {
    const { put, open, dir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const store = await open();
    await store.refresh(never);
    await rename(dir, `${dir}.away`);
    await assert.rejects(store.refresh(never), { code: 'DirectoryUnreadable', errorClass: 'retryable' });
    assert.ok(store.get('Cluster', KEY));
    await rename(`${dir}.away`, dir);
    await store.refresh(never);
    assert.deepEqual(store.problems(), []);
  });

  it('gives Secrets and ConfigMaps as they are now, and never their values in problems', async (t) => {
    const { put, open } = await bench(t);
    const secret = (body: string): string => `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n${body}`;
    await put('s.yaml', secret('data: {username: YWRtaW4=, password: eA==}\nstringData: {password: p4ss}\n'));
    await put('m.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: team}\ndata: {ca.crt: PEM}\n');
    await put('d.yaml', 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n');
    const store = await open();
    const text = async (key: string): Promise<string | undefined> =>
      (await store.secret({ namespace: 'default', name: 's' }, never))?.data[key]?.toString();
    assert.deepEqual([await text('username'), await text('password')], ['admin', 'p4ss']);
    const map = await store.configMap({ namespace: 'team', name: 'm' }, never);
    assert.equal(map?.data['ca.crt']?.toString(), 'PEM');
    assert.equal(await store.secret({ namespace: 'team', name: 's' }, never), undefined);
    await put('s.yaml', secret('stringData: {password: n3w}\n'));
    assert.equal(await text('password'), 'n3w');
    await put('s.yaml', secret('data: {password: "s3cret!"}\nstringData: {username: 12345}\n'));
    assert.equal(await text('password'), 'n3w', 'the last good version');
    assert.equal(store.problems().length, 2);
    assert.doesNotMatch(JSON.stringify(store.problems()), /s3cret|12345/);
  });

  it('sees only its own instance and namespaces, and names a foreign kind once', async (t) => {
    const { put, open, log } = await bench(t);
    const label = '  labels: {replication.bkrepo.io/instance: blue}\n';
    await put('a.yaml', `${clusterYaml('a')}---\n${clusterYaml('b', { namespace: 'team', extra: label })}`);
    await put('d.yaml', 'apiVersion: apps/v1\nkind: Deployment\n---\napiVersion: apps/v1\nkind: Deployment\n');
    let store = await open({ namespaces: ['default'] });
    await store.refresh(never);
    await store.refresh(never);
    assert.deepEqual(
      store.list('Cluster').map((one) => one.metadata.name),
      ['a'],
    );
    assert.equal(log.filter((line) => line.fields['kind'] === 'apps/v1 Deployment').length, 1);
    store = await open({ instance: 'blue' });
    await store.refresh(never);
    assert.deepEqual(
      store.list('Cluster').map((one) => one.metadata.name),
      ['b'],
    );
  });

  for (const look of ['notification', 'regular look'] as const)
    it(`follows a swapped link, as of git-sync and ConfigMap volumes, by ${look}`, async (t) => {
      const { open, dir } = await bench(t);
      const version = async (name: string, url: string): Promise<void> => {
        await putFile(join(dir, name, 'a.yaml'), clusterYaml('edge-a', { url }));
        await symlink(name, join(dir, '..data_tmp'));
        await rename(join(dir, '..data_tmp'), join(dir, '..data'));
      };
      await mkdir(dir, { recursive: true });
      await version('..one', 'http://127.0.0.1:1/replication');
      await symlink('..data/a.yaml', join(dir, 'a.yaml'));
      const linked = `${dir}-current`;
      await symlink(dir, linked);
      const rescanMs = look === 'notification' ? 60_000 : 200;
      const store = await open({ dir: look === 'notification' ? dir : linked, rescanMs });
      const stop = new AbortController();
      const running = store.run(stop.signal);
      await store.ready(never);
      const { uid } = present(store).metadata;
      await eventually(() => store.list('Cluster').length === 1);
      await version('..two', 'http://127.0.0.1:2/replication');
      const swapped = await eventually(() => {
        const cluster = present(store);
        return cluster.spec.url.includes(':2') ? cluster : undefined;
      });
      assert.deepEqual([swapped.metadata.uid, swapped.metadata.generation], [uid, 2]);
      stop.abort();
      await running;
    });

  it('reports an unreadable state file, resets nothing, and lets go of it when it is moved away', async (t) => {
    const { put, open, stateDir } = await bench(t);
    await put('a.yaml', `${clusterYaml()}---\n${clusterYaml('b')}`);
    let store = await open();
    await store.refresh(never);
    const { uid } = present(store).metadata;
    const file = join(stateDir, 'objects', 'Cluster_default_edge-a.json');
    const good = await readFile(file, 'utf8');
    for (const bad of [good.slice(0, 40), good.replace('"schema":1', '"schema":9'), '{}', '']) {
      await writeFile(file, bad);
      store = await open();
      await store.refresh(never);
      assert.equal(store.get('Cluster', KEY), undefined);
      assert.ok(present(store, 'b'));
      assert.equal(store.problems()[0]?.file, file);
      assert.equal(await readFile(file, 'utf8'), bad);
    }
    await writeFile(file, good);
    store = await open();
    await store.refresh(never);
    assert.equal(present(store).metadata.uid, uid, 'repaired');
    await writeFile(file, '');
    store = await open();
    await rm(file);
    await store.refresh(never);
    assert.notEqual(present(store).metadata.uid, uid, 'moved away');
    assert.deepEqual(store.problems(), []);
  });

  it('refuses to keep its state where resources are read', async (t) => {
    const { open, dir } = await bench(t);
    for (const stateDir of [dir, join(dir, 'state')])
      await assert.rejects(open({ stateDir }), { code: 'StateMisplaced', errorClass: 'spec' });
    await open({ stateDir: join(dir, '.state') });
    await open({ stateDir: `${dir}-state` });
  });

  it('keeps the latest events, counted, over a restart', async (t) => {
    const { put, open, log } = await bench(t);
    await put('a.yaml', clusterYaml());
    let store = await open();
    await store.refresh(never);
    const event = { type: 'Warning', reason: 'Unreachable', action: 'Probe', note: 'no answer' } as const;
    store.event('Cluster', present(store), event);
    store.event('Cluster', present(store), event);
    for (let n = 0; n < 250; n += 1) store.event('Cluster', present(store), { ...event, note: `n ${n}` });
    store = await open();
    const events = store.events();
    assert.equal(events.length, 200);
    assert.equal(events.at(-1)?.note, 'n 249');
    store.event('Cluster', present(store), { ...event, note: 'n 249' });
    assert.deepEqual([store.events().at(-1)?.count, store.events().length], [2, 200]);
    assert.equal(log.filter((line) => line.msg === 'event').length, 253);
  });
});
