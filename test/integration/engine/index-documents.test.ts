import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { Source } from '../../../src/engine/ports/source.ts';
import type { TargetRepository, VersionRequest } from '../../../src/engine/ports/target.ts';
import { putHelm, putHelmIndex } from '../../support/bkrepo/packages/helm.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import { farNodes, farRepository, farVersion, objectOf, requestsTo, tallyOf, withTarget } from './far-state.ts';

const NPM_DOCUMENT = '/.npm/lib/package.json';
const MAVEN_DOCUMENT = '/com/example/lib/maven-metadata.xml';

let world: World;
let made = 0;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

/** A repository of its own, and a far side of its own. */
async function place(type: string): Promise<{ readonly source: RepositoryBuilder; readonly farSide: FarSide }> {
  made += 1;
  const source = await world.builder.repository(PROJECT, `documents${made}`, { type });
  return { source, farSide: await world.farSide(`documents${made}`) };
}

/** undefined = no such file there. */
async function farFile(farSide: FarSide, source: RepositoryBuilder, path: string): Promise<Buffer | undefined> {
  const live = (await farNodes(farSide, source, path)).filter(
    ({ deleted, folder }) => deleted == null && folder !== true,
  );
  const sha256 = live.find(({ fullPath }) => fullPath === path)?.['sha256'];
  if (sha256 === undefined) return undefined;
  return await readFile(join(farSide.storeDir, String(sha256).slice(0, 2), String(sha256).slice(2, 4), String(sha256)));
}

interface NpmDocument {
  readonly 'dist-tags': Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, { readonly dist: { readonly tarball: string } }>>;
}

async function npmDocument(farSide: FarSide, source: RepositoryBuilder): Promise<NpmDocument> {
  return JSON.parse(String(await farFile(farSide, source, NPM_DOCUMENT))) as NpmDocument;
}

function npmVersions(document: NpmDocument): readonly string[] {
  return Object.keys(document.versions).toSorted();
}

function withSource(calls: Partial<Source>): Source {
  return new Proxy<Source>(world.source, {
    get(source, name: keyof Source) {
      const own = calls[name];
      if (own !== undefined) return own;
      const value: unknown = source[name];
      return typeof value === 'function' ? value.bind(source) : value;
    },
  });
}

const refusal = (): ReplicationError => new ReplicationError('unit', 'Refused', 'refused by the test');

test('a version whose create failed is not named, and is as soon as it is there', async () => {
  const { source, farSide } = await place('NPM');
  await putNpm(source, 'lib', '1.0.0');
  await putNpm(source, 'lib', '1.1.0');
  const broken = withTarget(farSide, {
    createVersion: (repository: TargetRepository, request: VersionRequest, signal: AbortSignal) =>
      request.version.name === '1.1.0'
        ? Promise.reject(refusal())
        : farSide.target.createVersion(repository, request, signal),
  });
  await world.run([broken], { objects: [objectOf(source)] });
  assert.notEqual(await farFile(farSide, source, '/lib/-/lib-1.1.0.tgz'), undefined, 'its files come first');
  assert.equal(await farVersion(farSide, source, 'npm://lib', '1.1.0'), null);
  const partial = await npmDocument(farSide, source);
  assert.deepEqual([npmVersions(partial), partial['dist-tags']], [['1.0.0'], { latest: '1.0.0' }]);

  await world.run([farSide], { objects: [objectOf(source)] });
  const whole = await npmDocument(farSide, source);
  assert.deepEqual([npmVersions(whole), whole['dist-tags']], [['1.0.0', '1.1.0'], { latest: '1.1.0' }]);
});

test('what is no package version at the source is named by its file alone', async () => {
  const { source, farSide } = await place('NPM');
  await putNpm(source, 'lib', '1.0.0');
  await putNpm(source, 'lib', '1.1.0');
  const found = await world.builder.db.collection('package').findOne({ repoName: source.name, key: 'npm://lib' });
  const version = { packageId: found?._id.toHexString(), name: '1.1.0' };
  assert.equal((await world.builder.db.collection('package_version').deleteOne(version)).deletedCount, 1);
  // Its file is a loose one, which comes after the documents of packages: the next run names it.
  for (const _ of [1, 2]) await world.run([farSide], { objects: [objectOf(source)] });
  assert.equal(await farVersion(farSide, source, 'npm://lib', '1.1.0'), null);
  assert.deepEqual(npmVersions(await npmDocument(farSide, source)), ['1.0.0', '1.1.0']);
});

async function checksumsOf(farSide: FarSide, source: RepositoryBuilder): Promise<Record<string, string>> {
  const document = (await farFile(farSide, source, MAVEN_DOCUMENT)) ?? Buffer.alloc(0);
  const states: Record<string, string> = {};
  for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
    const content = await farFile(farSide, source, `${MAVEN_DOCUMENT}.${algorithm}`);
    const right = createHash(algorithm).update(document).digest('hex');
    if (content !== undefined) states[algorithm] = String(content).trim().split(' ')[0] === right ? 'right' : 'stale';
  }
  return states;
}

test('checksum files that could not be written with their document are, by the next run', async () => {
  const { source, farSide } = await place('MAVEN');
  await putMaven(source, 'com.example', 'lib', '1.0.0');
  await world.run([farSide], { objects: [objectOf(source)] });
  await putMaven(source, 'com.example', 'lib', '1.1.0');
  const broken = withTarget(farSide, {
    createNode: (repository, node, options, signal) =>
      node.fullPath.startsWith(`${MAVEN_DOCUMENT}.`)
        ? Promise.reject(refusal())
        : farSide.target.createNode(repository, node, options, signal),
  });
  await world.run([broken], { objects: [objectOf(source)] });
  assert.deepEqual(await checksumsOf(farSide, source), { md5: 'stale', sha1: 'stale' });
  const healed = await world.run([farSide], { objects: [objectOf(source)] });
  assert.deepEqual(await checksumsOf(farSide, source), { md5: 'right', sha1: 'right' });
  assert.equal((await world.details(healed.record, farSide)).get(MAVEN_DOCUMENT)?.status, 'SUCCESS');
  assert.equal(tallyOf(await world.run([farSide], { objects: [objectOf(source)] })).success, 0);
});

test('beside a document of the far side’s own, missing and stale checksum files are made, and right ones stay as written', async () => {
  const { source, farSide } = await place('MAVEN');
  await putMaven(source, 'com.example', 'lib', '1.0.0');
  const far = await farRepository(farSide, source);
  await putMaven(far, 'com.example', 'lib', '9.0.0');
  await world.run([farSide], { objects: [objectOf(source)] });
  const document = (await farFile(farSide, source, MAVEN_DOCUMENT)) ?? Buffer.alloc(0);
  const sha512 = `${createHash('sha512').update(document).digest('hex').toUpperCase()}  maven-metadata.xml\n`;
  await far.putFile(`${MAVEN_DOCUMENT}.sha512`, sha512);
  await far.putFile(`${MAVEN_DOCUMENT}.sha256`, 'stale');
  await far.deleteFile(`${MAVEN_DOCUMENT}.md5`);
  await world.run([farSide], { objects: [objectOf(source)] });
  assert.match(String(await farFile(farSide, source, MAVEN_DOCUMENT)), /9\.0\.0/);
  const { sha512: _, ...others } = await checksumsOf(farSide, source);
  assert.deepEqual(others, { md5: 'right', sha1: 'right', sha256: 'right' });
  assert.equal(String(await farFile(farSide, source, `${MAVEN_DOCUMENT}.sha512`)), sha512);
});

test('two tasks that add different packages to one document at once lose nothing', async () => {
  const { source, farSide } = await place('HELM');
  const charts = ['first', 'second', 'third'];
  const entries = [];
  for (const chart of charts) entries.push((await putHelm(source, chart, '1.0.0')).entry);
  const document = await putHelmIndex(source, entries);
  const only = (chart: string) => [objectOf(source, { packages: [{ packageKey: `helm://${chart}`, versions: [] }] })];
  await world.run([farSide], { objects: only('first') });
  let writing = 0;
  let most = 0;
  const watched = withTarget(farSide, {
    async createNode(repository, node, options, signal) {
      if (node.fullPath !== document) return await farSide.target.createNode(repository, node, options, signal);
      writing += 1;
      most = Math.max(most, writing);
      await new Promise((resolve) => setTimeout(resolve, 200));
      writing -= 1;
      return await farSide.target.createNode(repository, node, options, signal);
    },
  });
  await Promise.all(
    ['second', 'third'].map(async (chart) =>
      world.run([watched], { objects: only(chart), taskUid: chart, record: await world.begin(chart) }),
    ),
  );
  const text = String(await farFile(farSide, source, document));
  assert.deepEqual(
    charts.filter((chart) => text.includes(`/${chart}-1.0.0.tgz`)),
    charts,
  );
  assert.equal(most, 1);
});

test('what another writer adds between the merge and the write is merged, too', async () => {
  const { source, farSide } = await place('NPM');
  await putNpm(source, 'lib', '1.0.0');
  const far = await farRepository(farSide, source);
  await putNpm(far, 'lib', '8.0.0');
  let moved = false;
  const watched = withTarget(farSide, {
    async readBlob(repository, sha256, size, signal) {
      const bytes = await farSide.target.readBlob(repository, sha256, size, signal);
      if (!moved) await putNpm(far, 'lib', '9.0.0');
      moved = true;
      return bytes;
    },
  });
  await world.run([watched], { objects: [objectOf(source)] });
  assert.equal(moved, true);
  assert.deepEqual(npmVersions(await npmDocument(farSide, source)), ['1.0.0', '8.0.0', '9.0.0']);
});

test('a path that selects a document merges it: nothing of the far side is lost, nothing leads to the source', async () => {
  const { source, farSide } = await place('NPM');
  const far = await farRepository(farSide, source);
  await putNpm(source, 'lib', '1.0.0', { host: 'http://source.example' });
  await putNpm(source, 'lib', '1.1.0', { host: 'http://source.example' });
  await putNpm(far, 'lib', '9.0.0');
  const setting = { conflictStrategy: 'OVERWRITE' } as const;
  const lone = await world.run([farSide], { objects: [objectOf(source, { paths: [NPM_DOCUMENT] })], setting });
  assert.equal(tallyOf(lone).failed, 0);
  assert.deepEqual(npmVersions(await npmDocument(farSide, source)), ['9.0.0'], 'the files of the others are not there');

  const paths = ['/.npm/lib/lib-1.0.0.json', NPM_DOCUMENT, '/lib/-/lib-1.0.0.tgz'];
  const both = await world.run([farSide], { objects: [objectOf(source, { paths })], setting });
  assert.equal(tallyOf(both).success, 3);
  const document = await npmDocument(farSide, source);
  assert.deepEqual(npmVersions(document), ['1.0.0', '9.0.0']);
  assert.doesNotMatch(JSON.stringify(document), /source\.example/);
  const json = String(await farFile(farSide, source, '/.npm/lib/lib-1.0.0.json'));
  assert.match(json, /source\.example/, 'a file like others: its bytes stay');
});

test('a path that selects a document alone, where the far side has nothing that it names, is a failed unit', async () => {
  const { source, farSide } = await place('NPM');
  await putNpm(source, 'lib', '1.0.0');
  const run = await world.run([farSide], { objects: [objectOf(source, { paths: ['/.npm/lib'] })] });
  const details = await world.details(run.record, farSide);
  assert.equal(details.get(NPM_DOCUMENT)?.reason, 'NothingNamed');
  assert.equal(details.get('/.npm/lib/lib-1.0.0.json')?.status, 'SUCCESS');
  assert.equal(await farFile(farSide, source, NPM_DOCUMENT), undefined);
});

test('a Maven document selected by path is merged with its checksum files', async () => {
  const { source, farSide } = await place('MAVEN');
  await putMaven(source, 'com.example', 'lib', '1.0.0');
  await putMaven(await farRepository(farSide, source), 'com.example', 'lib', '9.0.0');
  await world.run([farSide], { objects: [objectOf(source, { paths: ['/com/example'] })] });
  const document = String(await farFile(farSide, source, MAVEN_DOCUMENT));
  assert.match(document, /1\.0\.0/);
  assert.match(document, /9\.0\.0/);
  assert.deepEqual(await checksumsOf(farSide, source), { md5: 'right', sha1: 'right' });
});

test('RPM’s repodata, which is not merged, travels by path as the files that they are', async () => {
  const { source, farSide } = await place('RPM');
  await source.putFile('/el9/repodata/repomd.xml', '<repomd/>');
  const run = await world.run([farSide], { objects: [objectOf(source, { paths: ['/el9'] })] });
  assert.equal(tallyOf(run).success, 1);
  assert.equal(String(await farFile(farSide, source, '/el9/repodata/repomd.xml')), '<repomd/>');
});

test('a document that cannot be looked up at the source is a failed unit of its own; its version stays as recorded', async () => {
  const { source, farSide } = await place('MAVEN');
  await putMaven(source, 'com.example', 'lib', '1.0.0');
  const broken = withSource({
    findNodes: (repository, paths, signal) =>
      paths[0] === MAVEN_DOCUMENT ? Promise.reject(refusal()) : world.source.findNodes(repository, paths, signal),
  });
  const run = await world.run([farSide], { objects: [objectOf(source)], deps: { source: broken } });
  const details = await world.details(run.record, farSide);
  assert.equal(details.get(MAVEN_DOCUMENT)?.status, 'FAILED');
  assert.equal(details.get(MAVEN_DOCUMENT)?.reason, 'Refused');
  assert.equal(details.get('gav://com.example:lib@1.0.0')?.status, 'SUCCESS');
  const { success, failed } = tallyOf(run);
  assert.deepEqual({ success, failed }, { success: 1, failed: 1 });
});

test('a resumed record keeps the documents that were finished before the stop', async () => {
  const { source, farSide } = await place('NPM');
  await putNpm(source, 'lib', '1.0.0');
  const record = await world.begin();
  const drain = new AbortController();
  const stopping = withTarget(farSide, {
    createNode(repository, node, options, signal) {
      if (node.fullPath === NPM_DOCUMENT) drain.abort(new Error('asked to stop'));
      return farSide.target.createNode(repository, node, options, signal);
    },
  });
  const objects = [objectOf(source)];
  await assert.rejects(world.run([stopping], { record, objects, deps: { drain: drain.signal } }), /asked to stop/);
  const before = (await world.details(record, farSide)).get(NPM_DOCUMENT);
  assert.equal(before?.status, 'SUCCESS');
  const adopted = await world.journal.adopt(record.id, AbortSignal.timeout(5_000));
  assert.ok(adopted);
  const resumed = await world.run([farSide], { record: adopted, objects });
  assert.deepEqual((await world.details(record, farSide)).get(NPM_DOCUMENT), before);
  assert.deepEqual([tallyOf(resumed).success, tallyOf(resumed).unchanged], [2, 0]);
});

test('an unchanged run reads no document, and a change of either side has it read', async () => {
  const { source, farSide } = await place('NPM');
  for (const version of ['1.0.0', '1.1.0']) await putNpm(source, 'lib', version);
  const far = await farRepository(farSide, source);
  await putNpm(far, 'lib', '9.0.0');
  let opened = 0;
  const counting = withSource({
    open(repository, node, start, signal) {
      if (node.fullPath === NPM_DOCUMENT) opened += 1;
      return world.source.open(repository, node, start, signal);
    },
  });
  const run = async (): Promise<readonly number[]> => {
    opened = 0;
    farSide.proxy.forget();
    await world.run([farSide], { objects: [objectOf(source)], deps: { source: counting } });
    return [opened, requestsTo(farSide, 'blob/pull')];
  };
  await run();
  assert.deepEqual(await run(), [0, 0]);
  await putNpm(far, 'lib', '9.1.0');
  const [read, pulled = 0] = await run();
  assert.equal(read, 1, 'the far side has changed');
  assert.ok(pulled > 0);
  assert.deepEqual(await run(), [0, 0]);
  await putNpm(source, 'lib', '1.2.0');
  assert.ok(((await run())[0] ?? 0) > 0, 'the source has changed');
  assert.deepEqual(npmVersions(await npmDocument(farSide, source)), ['1.0.0', '1.1.0', '1.2.0', '9.0.0', '9.1.0']);
});
