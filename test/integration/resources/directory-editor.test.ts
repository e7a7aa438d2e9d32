import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import type { DirectoryStore } from '../../../src/resources/directory-store.ts';
import { type Bench, bench, clusterYaml, never } from './directory-samples.ts';

const URL = 'http://127.0.0.1:1/replication';
const KEY = { namespace: 'default', name: 'far' };
const draft = { ...KEY, spec: { type: 'STANDALONE' as const, url: URL } };

async function made(store: DirectoryStore) {
  const outcome = await store.editor.create('Cluster', draft, never);
  assert.equal(outcome.outcome, 'written');
  return outcome.object;
}

async function opened(t: { after(hook: () => unknown): void }): Promise<{ at: Bench; store: DirectoryStore }> {
  const at = await bench(t);
  const store = await at.open();
  await store.refresh(never);
  return { at, store };
}

test('what is made is there at once, with defaults, and after a restart', async (t) => {
  const { at, store } = await opened(t);
  const told: (string | undefined)[] = [];
  store.subscribe('Cluster', (key) => told.push(store.get('Cluster', key)?.spec.probeInterval));
  const { metadata } = await made(store);
  assert.deepEqual([told, metadata.generation, metadata.lastEdit?.manager], [['60s'], 1, 'bkrepo-replicator-rest']);
  const again = await store.editor.create('Cluster', draft, never);
  assert.equal(again.outcome === 'exists' && again.object?.metadata.uid, metadata.uid);

  await store.refresh(never);
  assert.ok(store.get('Cluster', KEY), 'no manifest names it, and it stays');
  const reopened = await at.open();
  await reopened.refresh(never);
  assert.equal(reopened.get('Cluster', KEY)?.metadata.uid, metadata.uid);
});

test('what the schema refuses is told field by field, and what nobody would serve', async (t) => {
  const { at, store } = await opened(t);
  const spec = { type: 'NOPE' as 'EDGE', url: 'ftp://x', probeInterval: 'soon' };
  const bad = await store.editor.create('Cluster', { ...KEY, spec }, never);
  const fields = bad.outcome === 'invalid' ? bad.errors.map(({ field }) => field) : [];
  assert.ok(fields.includes('spec.type') && fields.includes('spec.probeInterval'), fields.join());
  const narrow = await at.open({ namespaces: ['default'], instance: 'blue' });
  const elsewhere = await narrow.editor.create('Cluster', { ...draft, namespace: 'other' }, never);
  assert.deepEqual(elsewhere.outcome === 'invalid' && elsewhere.errors.map(({ field }) => field), [
    'metadata.namespace',
    'metadata.labels[replication.bkrepo.io/instance]',
  ]);
});

test('a change counts in the version that was read, moves the generation with the spec, and keeps the status', async (t) => {
  const { store } = await opened(t);
  const first = await made(store);
  assert.equal(await store.writeStatus('Cluster', first, { observedGeneration: 1 }, never), 'written');
  const stale = await store.editor.replaceSpec('Cluster', first, { spec: { ...first.spec, url: `${URL}2` } }, never);
  assert.equal(stale.outcome, 'conflict');
  const read = (await store.editor.read('Cluster', KEY, never))?.object;
  assert.ok(read);
  const change = { spec: { ...read.spec, type: 'EDGE' as const }, annotations: { note: 'x' } };
  const outcome = await store.editor.replaceSpec('Cluster', read, change, never);
  assert.equal(outcome.outcome, 'written');
  const { metadata, spec, status } = outcome.object;
  assert.deepEqual(
    [metadata.generation, metadata.annotations, spec.type, status.observedGeneration],
    [2, { note: 'x' }, 'EDGE', 1],
  );
  const noted = await store.editor.annotate('Cluster', outcome.object, { note: null }, never);
  assert.deepEqual(
    noted.outcome === 'written' && [noted.object.metadata.generation, noted.object.metadata.annotations],
    [2, undefined],
  );
  assert.equal(
    (await store.editor.annotate('Cluster', { ...read, metadata: { ...read.metadata, uid: 'x' } }, {}, never)).outcome,
    'gone',
  );
});

test('a file owns what it holds: it is annotated, and neither changed nor removed', async (t) => {
  const { at, store } = await opened(t);
  await at.put('sub/far.yaml', clusterYaml('far', { namespace: 'default' }));
  await store.refresh(never);
  const live = await store.editor.read('Cluster', KEY, never);
  assert.deepEqual(live?.owner, { tool: 'directory', application: 'sub/far.yaml', where: 'the file sub/far.yaml' });
  assert.equal(live.object.metadata.lastEdit?.manager, 'directory');
  assert.equal((await store.editor.create('Cluster', draft, never)).outcome, 'exists');
  const refused = (error: unknown): boolean =>
    error instanceof ReplicationError && error.code === 'ApiRefused' && error.message.includes('sub/far.yaml');
  await assert.rejects(store.editor.replaceSpec('Cluster', live.object, { spec: draft.spec }, never), refused);
  await assert.rejects(store.editor.remove('Cluster', live.object, never), refused);
  assert.equal((await store.editor.annotate('Cluster', live.object, { note: 'x' }, never)).outcome, 'written');
  const reopened = await at.open();
  await reopened.refresh(never);
  assert.equal(reopened.get('Cluster', KEY)?.metadata.annotations?.['note'], 'x');
});

test('a file with a name that REST has taken is told of, and counts once REST has removed its own', async (t) => {
  const { at, store } = await opened(t);
  const own = await made(store);
  await at.put('far.yaml', clusterYaml('far', { namespace: 'default', url: 'http://127.0.0.1:2/replication' }));
  await store.refresh(never);
  assert.equal(store.get('Cluster', KEY)?.spec.url, URL);
  const [problem] = store.problems();
  assert.equal(problem?.file, 'far.yaml');
  assert.match(problem?.message ?? '', /Cluster default\/far was made by REST/);
  assert.equal(await store.editor.remove('Cluster', own, never), 'removed');
  await store.refresh(never);
  assert.equal(store.get('Cluster', KEY)?.spec.url, 'http://127.0.0.1:2/replication');
  assert.deepEqual(store.problems(), []);
});

test('removal waits for finalizers', async (t) => {
  const { store } = await opened(t);
  await store.addFinalizer('Cluster', await made(store), 'example.com/keep', never);
  const kept = store.get('Cluster', KEY);
  assert.ok(kept);
  await store.editor.writeCredentials(kept, { username: 'bob', password: 'pw' }, never);
  assert.equal(await store.editor.remove('Cluster', kept, never), 'removed');
  const going = store.get('Cluster', KEY);
  assert.ok(going?.metadata.deletionTimestamp);
  assert.equal(await store.removeFinalizer('Cluster', going, 'example.com/keep', never), 'written');
  assert.equal(store.get('Cluster', KEY), undefined);
  assert.equal(await store.secret({ namespace: 'default', name: 'far-credentials' }, never), undefined);
});

test('a password lies in a file of its own that only we may read, over restarts, and goes with its Cluster', async (t) => {
  const { at, store } = await opened(t);
  const own = await made(store);
  for (const password of ['first', 'sécond'])
    await store.editor.writeCredentials(own, { username: 'bob', password }, never);
  const reopened = await at.open();
  const secret = await reopened.secret({ namespace: 'default', name: 'far-credentials' }, never);
  assert.equal(secret?.data['password']?.toString(), 'sécond');
  const [file = '', ...more] = await readdir(join(at.stateDir, 'secrets'));
  assert.deepEqual(more, []);
  assert.equal((await stat(join(at.stateDir, 'secrets', file))).mode & 0o777, 0o600);
  const objects = await readdir(join(at.stateDir, 'objects'));
  for (const name of objects)
    assert.doesNotMatch(await readFile(join(at.stateDir, 'objects', name), 'utf8'), /first|s.cond|password/);
  assert.doesNotMatch(JSON.stringify(at.log), /first|sécond/);

  await at.put('s.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: {name: near-credentials, namespace: default}\n');
  await reopened.refresh(never);
  const near = await reopened.editor.create('Cluster', { ...draft, name: 'near' }, never);
  assert.equal(near.outcome, 'written');
  await assert.rejects(
    reopened.editor.writeCredentials(near.object, { username: 'bob', password: 'pw' }, never),
    (error: unknown) => error instanceof ReplicationError && error.code === 'SecretForeign',
  );
  const present = reopened.get('Cluster', KEY);
  assert.ok(present);
  assert.equal(await reopened.editor.remove('Cluster', present, never), 'removed');
  assert.deepEqual(await readdir(join(at.stateDir, 'secrets')), []);
});

test('a file with a Secret that REST has made is told of, and the one of REST stays in force', async (t) => {
  const { at, store } = await opened(t);
  await store.editor.writeCredentials(await made(store), { username: 'bob', password: 'inner' }, never);
  const metadata = 'metadata: {name: far-credentials, namespace: default}';
  await at.put('s.yaml', `apiVersion: v1\nkind: Secret\n${metadata}\nstringData: {password: outer}\n`);
  await store.refresh(never);
  const secret = await store.secret({ namespace: 'default', name: 'far-credentials' }, never);
  assert.equal(secret?.data['password']?.toString(), 'inner');
  assert.deepEqual(
    store.problems().map(({ file, message }) => [file, message.split(' and ')[0]]),
    [['s.yaml', 'Secret default/far-credentials was made by REST']],
  );
  assert.doesNotMatch(JSON.stringify([store.problems(), at.log]), /inner|outer/);
});

test('no password is kept of a Cluster that is gone, nor of one whose removal was cut off', async (t) => {
  const { at, store } = await opened(t);
  const own = await made(store);
  await store.editor.writeCredentials(own, { username: 'bob', password: 'pw' }, never);
  await store.close();
  await rm(join(at.stateDir, 'objects', 'Cluster_default_far.json'));
  const reopened = await at.open();
  await assert.rejects(reopened.editor.writeCredentials(own, { username: 'bob', password: 'pw' }, never), {
    code: 'ApiRefused',
  });
  assert.deepEqual(await readdir(join(at.stateDir, 'secrets')), []);
});

test('a password is kept while the state of its Cluster cannot be read', async (t) => {
  const { at, store } = await opened(t);
  await store.editor.writeCredentials(await made(store), { username: 'bob', password: 'pw' }, never);
  await store.close();
  await writeFile(join(at.stateDir, 'objects', 'Cluster_default_far.json'), '{');
  await at.open();
  assert.deepEqual(await readdir(join(at.stateDir, 'secrets')), ['default_far-credentials.json']);
});

test('state of a release that knew no last edit is read, and gets one with the next change of its file', async (t) => {
  const { at, store } = await opened(t);
  await at.put('far.yaml', clusterYaml('far', { namespace: 'default' }));
  await store.refresh(never);
  await store.close();
  const path = join(at.stateDir, 'objects', 'Cluster_default_far.json');
  const content = JSON.parse(await readFile(path, 'utf8')) as { object: { metadata: { lastEdit?: object } } };
  delete content.object.metadata.lastEdit;
  await writeFile(path, JSON.stringify(content));
  const reopened = await at.open();
  await reopened.refresh(never);
  const { uid, generation, lastEdit } = reopened.get('Cluster', KEY)?.metadata ?? {};
  assert.deepEqual([generation, lastEdit, reopened.problems()], [1, undefined, []]);
  await at.put('far.yaml', clusterYaml('far', { namespace: 'default', url: `${URL}2` }));
  await reopened.refresh(never);
  const { metadata } = reopened.get('Cluster', KEY) ?? {};
  assert.deepEqual([metadata?.uid, metadata?.generation, metadata?.lastEdit?.manager], [uid, 2, 'directory']);
});
