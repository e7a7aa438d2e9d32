import assert from 'node:assert/strict';
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { ObjectId } from 'mongodb';
import { stringify } from 'yaml';
import { RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../../../src/api/names.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, World } from '../../support/world.ts';
import { cluster, login, PASSWORD, task } from './manifests.ts';
import { runProgram, Site } from './site.ts';

let world: World;
let site: Site;
let sides = 0;
const programs: Program[] = [];

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: 30 }, (_, index) => ({ path: `/folder/文件 ${index}.txt`, content: `content ${index}` })),
  );
});
after(async () => {
  for (const program of programs) await program.signal('SIGTERM');
  await world.stop();
});
afterEach(() => site.remove());

async function newSite(config: object = {}): Promise<Site> {
  site = await Site.create({
    source: world.mongod.uri,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
    config,
  });
  return site;
}

async function newSide(): Promise<FarSide> {
  sides += 1;
  return await world.farSide(`life${sides}`);
}

/** Machines under load are slow. */
function soon<T>(check: () => T | Promise<T>): ReturnType<typeof eventually<T>> {
  return eventually(check, { timeoutMs: 30_000 });
}

/** Keeps runs to this far side from ending, by answers that are worth another try. */
function hold(side: FarSide): void {
  side.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'answer', status: 503 } : undefined));
}

test('a directory of several files and documents is copied to far sides in processes of their own', async () => {
  await newSite();
  const stores = { east: path.join(world.directory, 'east-store'), west: path.join(world.directory, 'west-store') };
  const differences = async (name: 'east' | 'west'): Promise<readonly string[]> =>
    compareSides(
      await readBack(world.builder.db, world.builder.storeDir, PROJECT, REPOSITORY),
      await readBack(world.client.db(`process_${name}`), stores[name], 'mirror', REPOSITORY),
    );
  const urls = { east: '', west: '' };
  for (const name of ['east', 'west'] as const) {
    await mkdir(stores[name]);
    const peer = await startProgram({
      command: 'peer',
      args: name === 'west' ? ['--faithful'] : [],
      directory: site.directory,
      config: {
        peer: {
          mongodb: { uri: world.mongod.uri, database: `process_${name}` },
          storePath: stores[name],
          users: [{ username: 'replicator', password: PASSWORD, admin: true }],
        },
      },
    });
    programs.push(peer);
    urls[name] = `http://127.0.0.1:${peer.port}`;
  }
  await site.apply('east', login('east'), cluster('east', urls.east), task('to-east', ['east']));
  await site.write('west.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [login('west')] }));
  await site.start();
  await site.condition('ReplicaTask', 'to-east', 'Synced', { status: 'True', reason: 'AllEqual' });
  assert.deepEqual(await differences('east'), []);

  await site.apply('later', cluster('west', urls.west), task('to-both', ['west', 'east']));
  await site.condition('ReplicaTask', 'to-both', 'Synced', { status: 'True', reason: 'AllEqual' });
  assert.deepEqual(await differences('west'), []);
  assert.equal((await site.task('to-both')).status.remoteClusters?.[1]?.unchanged, 30, 'east had all already');
  assert.equal(await site.stop(), 0);
  assert.match(site.output, /stopped/);
});

test('a run follows an edit of what it copies or a request, and neither a description, a restart nor a suspension', async () => {
  const east = await newSide();
  await newSite();
  await site.apply('east', login('east'), cluster('east', east.proxy.url));
  const applied = (spec: object, annotations: object = {}): Promise<void> =>
    site.apply('task', task('copy', ['east'], spec, annotations));
  await applied({});
  await site.start();
  await site.runs('copy', 1);

  await applied({ description: 'edited' });
  await site.condition('ReplicaTask', 'copy', 'Ready', { status: 'True' });
  await soon(async () => (await site.task('copy')).status.observedGeneration === 2);
  assert.equal((await site.task('copy')).status.executionTimes, 1, 'a description is not relevant to runs');

  await applied({ description: 'edited', setting: { conflictStrategy: 'OVERWRITE' } });
  await site.runs('copy', 2);

  assert.equal(await site.stop(), 0);
  await world.files.putFile('/while-stopped', `stopped for ${east.name}`);
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Ready', { status: 'True' });
  await soon(() => east.proxy.requests.filter(({ url }) => url.endsWith('/ping')).length > 4);
  assert.equal((await site.task('copy')).status.executionTimes, 2, 'a one-shot is not repeated by a restart');

  const edited = { description: 'edited', setting: { conflictStrategy: 'OVERWRITE' } };
  await applied({ ...edited, enabled: false }, { [RUN_REQUESTED_ANNOTATION]: 'one' });
  await site.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Suspended' });
  await applied(edited, { [RUN_REQUESTED_ANNOTATION]: 'one', [SUSPENDED_ANNOTATION]: 'true' });
  await soon(async () => (await site.task('copy')).metadata.annotations?.[SUSPENDED_ANNOTATION] === 'true');
  await site.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Suspended' });
  assert.equal((await site.task('copy')).status.lastHandledRunRequest, undefined);
  await applied(edited, { [RUN_REQUESTED_ANNOTATION]: 'one' });
  const { status } = await site.runs('copy', 3);
  assert.equal(status.lastHandledRunRequest, 'one');
  assert.deepEqual([status.progress?.success, status.progress?.unchanged], [1, 30]);
  assert.deepEqual(await world.differences(east), []);
  await world.files.deleteFile('/while-stopped');
});

test('SIGTERM in mid-run ends with 0, and after the restart the same record goes on', async () => {
  const east = await newSide();
  hold(east);
  await newSite();
  await site.apply('all', login('east'), cluster('east', east.proxy.url), task('copy', ['east']));
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
  const begun = (await site.task('copy')).status.activeRun?.recordId;
  assert.equal(await site.stop(), 0);
  east.proxy.setFault(undefined);
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' });
  const { status } = await site.runs('copy', 1);
  assert.deepEqual(
    status.history?.map(({ recordId, status: result }) => [recordId, result]),
    [[begun, 'SUCCESS']],
  );
  assert.deepEqual(await world.differences(east), []);
});

test('deleting the file of a task stops its run and leaves nothing half done', async () => {
  const east = await newSide();
  hold(east);
  await newSite();
  await site.apply('east', login('east'), cluster('east', east.proxy.url));
  await site.apply('task', task('copy', ['east']));
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
  const begun = (await site.task('copy')).status.activeRun?.recordId ?? '';
  await site.delete('task');
  await soon(async () => (await site.get('ReplicaTask', 'copy')) === undefined);
  const records = world.client.db('bkrepo_replicator').collection('replica_record');
  const record = await soon(() => records.findOne({ _id: new ObjectId(begun), status: { $ne: 'RUNNING' } }));
  assert.equal(record['status'], 'ABORTED');
  assert.match(String(record['errorReason']), /^TaskDeleted: the task was deleted/);
  east.proxy.setFault(undefined);
  const quiet = east.proxy.requests.filter(({ url }) => url.includes('node/create')).length;
  const pings = (): number => east.proxy.requests.filter(({ url }) => url.endsWith('/ping')).length;
  const before = pings();
  await soon(() => pings() > before + 2);
  assert.equal(east.proxy.requests.filter(({ url }) => url.includes('node/create')).length, quiet);
  assert.equal((await readBack(east.db, east.storeDir, 'mirror', REPOSITORY)).size, 0);
});

test('a swapped symbolic link, as git-sync makes it, replaces everything at once', async () => {
  const east = await newSide();
  await newSite({ standalone: { rescanSeconds: 60 } });
  const revision = async (name: string, ...documents: readonly object[]): Promise<void> => {
    const directory = path.join(site.directory, 'git', name);
    await mkdir(directory, { recursive: true });
    await writeFile(path.join(directory, 'all.yaml'), documents.map((one) => stringify(one)).join('---\n'));
    const link = path.join(site.input, 'current');
    await symlink(directory, `${link}.new`);
    await rename(`${link}.new`, link);
  };
  const far = [login('east'), cluster('east', east.proxy.url)];
  await revision('one', ...far, task('first', ['east']));
  await site.start();
  await site.runs('first', 1);
  const { uid } = (await site.get('Cluster', 'east'))?.metadata ?? {};
  await revision('two', ...far, task('second', ['east']));
  await site.runs('second', 1);
  await soon(async () => (await site.get('ReplicaTask', 'first')) === undefined);
  assert.equal((await site.get('Cluster', 'east'))?.metadata.uid, uid, 'what is in both revisions is the same object');
});

test('one name in two files is an error that names both, and neither counts until it is cured', async () => {
  const east = await newSide();
  await newSite();
  await site.apply('east', login('east'), cluster('east', east.proxy.url));
  await site.apply('a', task('copy', ['east']));
  await site.start();
  await site.runs('copy', 1);
  await site.apply('b', task('copy', ['east'], { setting: { conflictStrategy: 'OVERWRITE' } }));
  const line = await site.line(/copy is given 2 times/);
  assert.match(line, /a\.yaml:1/);
  assert.match(line, /b\.yaml:1/);
  assert.equal((await site.task('copy')).metadata.generation, 1, 'it stays as it was');
  await site.delete('b');
  await site.line(/all manifests are usable again/);
  assert.equal((await site.task('copy')).status.executionTimes, 1);
});

test('a second process on the same state is refused in words, and the first goes on', async () => {
  const east = await newSide();
  await newSite();
  await site.apply('all', login('east'), cluster('east', east.proxy.url), task('copy', ['east']));
  const first = await site.start();
  const file = path.join(site.directory, 'second.yaml');
  await writeFile(file, stringify(site.config), { mode: 0o600 });
  const second = await runProgram(['standalone', '--dir', site.input, '--state', site.state, '--config', file]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`state directory ${site.state} is in use by process ${first.pid}`));
  assert.match(second.stderr, /stop it, or give this one a directory of its own/);
  await site.runs('copy', 1);
  assert.deepEqual(await world.differences(east), []);
  assert.match(await readFile(file, 'utf8'), /installationId/, 'the input is left alone');
});
