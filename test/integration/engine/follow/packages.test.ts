import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { DirtyUnits } from '../../../../src/engine/follow/dirty-units.ts';
import type { DirtyKey } from '../../../../src/engine/ports/follow-journal.ts';
import { BkRepoBuilder } from '../../../support/bkrepo/builder.ts';
import { compareSides } from '../../../support/bkrepo/compare.ts';
import { blobPath } from '../../../support/bkrepo/layout.ts';
import { putHelm } from '../../../support/bkrepo/packages/helm.ts';
import { putImage } from '../../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../../support/bkrepo/repository-builder.ts';
import { startFollowing } from '../../../support/following.ts';
import { SourceWriter } from '../../../support/source-writer.ts';
import { eventually } from '../../../support/wait.ts';
import { type FarSide, PROJECT, World } from '../../../support/world.ts';

let world: World;
let writer: SourceWriter;
const repositories = new Map<string, RepositoryBuilder>();
const TYPES = ['MAVEN', 'NPM', 'OCI', 'HELM'];

before(async () => {
  world = await World.start();
  for (const type of TYPES)
    repositories.set(type, await world.builder.repository(PROJECT, type.toLowerCase(), { type }));
  const { db, storeDir } = world.builder;
  writer = await SourceWriter.start({ db, storeDir });
});
after(async () => {
  await writer.stop();
  await world.stop();
});

const objects = TYPES.map((repoType) => ({
  localRepoName: repoType.toLowerCase(),
  remoteProjectId: 'mirror',
  remoteRepoName: repoType.toLowerCase(),
  repoType,
  paths: [],
}));

function repository(type: string): RepositoryBuilder {
  return repositories.get(type) ?? assert.fail(type);
}

async function versions(db: FarSide['db'], key: string): Promise<readonly string[]> {
  const [found] = await db.collection('package').find({ key }).toArray();
  if (found === undefined) return [];
  const all = await db.collection('package_version').find({ packageId: found._id.toHexString() }).toArray();
  return all.map((version) => String(version['name'])).toSorted();
}

async function differences(farSide: FarSide, type: string): Promise<readonly string[]> {
  const name = type.toLowerCase();
  const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, name);
  return compareSides(here, await readBack(farSide.db, farSide.storeDir, 'mirror', name));
}

async function so(check: () => Promise<void>): Promise<void> {
  await eventually(
    async () => {
      await check();
      return true;
    },
    { timeoutMs: 20_000 },
  );
}

async function deleteVersion(
  type: string,
  packageKey: string,
  version: string,
  paths: readonly string[],
): Promise<void> {
  const files = await writer.repository(PROJECT, type.toLowerCase(), type);
  await files.deleteVersion({ packageKey, version, paths });
}

test('a document that came as a file before its version was there leads to the far side once the version is', async () => {
  const west = await world.farSide('west');
  const npm = repository('NPM');
  const path = '/.npm/early/early-1.0.0.json';
  const document = async (): Promise<string | undefined> => {
    const there = (await readBack(west.db, west.storeDir, 'mirror', 'npm')).get(path);
    return there && (await readFile(blobPath(west.storeDir, there.sha256), 'utf8'));
  };
  await putNpm(npm, 'early', '1.0.0', { host: 'http://source.example' });
  const [packages, published] = ['package', 'package_version'].map((name) => world.builder.db.collection(name));
  assert.ok(packages && published);
  const item = (await packages.findOneAndDelete({ key: 'npm://early' })) ?? assert.fail();
  const version = (await published.findOneAndDelete({ packageId: item._id.toHexString() })) ?? assert.fail();
  const following = await startFollowing(world, [west], { objects });
  try {
    await so(async () => assert.match((await document()) ?? '', /source\.example/));
    await packages.insertOne(item);
    await published.insertOne(version);
    await so(async () => {
      assert.deepEqual(await versions(west.db, 'npm://early'), ['1.0.0']);
      assert.doesNotMatch((await document()) ?? 'source.example', /source\.example/);
    });
  } finally {
    await following.stop();
  }
});

test('a document that names files of no version follows when one of them goes', async () => {
  const north = await world.farSide('north');
  const npm = repository('NPM');
  const path = '/.npm/plain/package.json';
  const document = async (): Promise<string> => {
    const there = (await readBack(north.db, north.storeDir, 'mirror', 'npm')).get(path);
    return there === undefined ? '' : await readFile(blobPath(north.storeDir, there.sha256), 'utf8');
  };
  for (const version of ['1.0.0', '1.1.0']) await putNpm(npm, 'plain', version);
  const item = await world.builder.db.collection('package').findOneAndDelete({ key: 'npm://plain' });
  await world.builder.db.collection('package_version').deleteMany({ packageId: item?._id.toHexString() });
  let following = await startFollowing(world, [north], { objects, taskUid: 'plain' });
  try {
    await so(async () => assert.match(await document(), /plain-1\.0\.0\.tgz/));
    await eventually(() => following.report()?.farSides[0]?.comparedAt, { timeoutMs: 20_000 });
    await following.stop();
    const before = (await readBack(world.builder.db, world.builder.storeDir, PROJECT, 'npm')).get(path);
    const content = JSON.parse(await readFile(blobPath(world.builder.storeDir, before?.sha256 ?? ''), 'utf8'));
    delete content.versions['1.0.0'];
    await npm.deleteFile(path);
    await npm.putFile(path, JSON.stringify(content));
    for (const file of ['/plain/-/plain-1.0.0.tgz', '/.npm/plain/plain-1.0.0.json']) await npm.deleteFile(file);
    following = await startFollowing(world, [north], { objects, taskUid: 'plain' });
    await so(async () => {
      assert.match(await document(), /plain-1\.1\.0\.tgz/);
      assert.doesNotMatch(await document(), /plain-1\.0\.0\.tgz/);
    });
  } finally {
    await following.stop();
  }
});

test('a document that is asked for is made anew beside a version of its package, whatever is remembered of it', async () => {
  const south = await world.farSide('south');
  const npm = repository('NPM');
  for (const version of ['1.0.0', '1.1.0']) await putNpm(npm, 'kept', version);
  const only = objects.filter(({ repoType }) => repoType === 'NPM');
  for (let run = 0; run < 2; run += 1) await world.run([south], { objects: only });
  const tarball = '/kept/-/kept-1.1.0.tgz';
  for (const files of [npm, new BkRepoBuilder(south.db, south.storeDir).existing('mirror', 'npm', 'NPM')]) {
    await files.deleteFile(tarball);
    await files.builder.db.collection('package_version').deleteOne({ name: '1.1.0', artifactPath: tarball });
  }
  const path = '/.npm/kept/package.json';
  const keys: readonly DirtyKey[] = [
    { repoName: 'npm', kind: 'package', name: 'npm://kept', version: '1.0.0' },
    { repoName: 'npm', kind: 'path', name: path },
  ];
  const plan = { localProjectId: PROJECT, objects: only };
  const units = new DirtyUnits({ plan, keys, source: world.source, pageSize: 100 });
  await world.run([south], { objects: only, only: units });
  const there = (await readBack(south.db, south.storeDir, 'mirror', 'npm')).get(path) ?? assert.fail();
  const document = await readFile(blobPath(south.storeDir, there.sha256), 'utf8');
  assert.match(document, /kept-1\.0\.0\.tgz/);
  assert.doesNotMatch(document, /kept-1\.1\.0\.tgz/);
});

test('package versions are followed as wholes: made, changed and deleted', async () => {
  const east = await world.farSide('east');
  await putMaven(repository('MAVEN'), 'com.example', 'lib', '1.0.0');
  await putNpm(repository('NPM'), '@fx/lib', '1.0.0');
  const following = await startFollowing(world, [east], { objects });
  try {
    await eventually(() => following.report()?.farSides[0]?.comparedAt, { timeoutMs: 20_000 });
    await putMaven(repository('MAVEN'), 'com.example', 'lib', '1.1.0');
    await putNpm(repository('NPM'), '@fx/lib', '1.1.0');
    await putImage(repository('OCI'), 'team/app', '1.0');
    await putImage(repository('OCI'), 'team/app', '2.0');
    await putHelm(repository('HELM'), 'my-chart', '0.1.0');
    await so(async () => {
      assert.deepEqual(await versions(east.db, 'gav://com.example:lib'), ['1.0.0', '1.1.0']);
      assert.deepEqual(await versions(east.db, 'npm://@fx/lib'), ['1.0.0', '1.1.0']);
      assert.deepEqual(await versions(east.db, 'oci://team/app'), ['1.0', '2.0']);
      assert.deepEqual(await versions(east.db, 'helm://my-chart'), ['0.1.0']);
      for (const type of ['MAVEN', 'OCI']) assert.deepEqual(await differences(east, type), []);
    });
    await deleteVersion('MAVEN', 'gav://com.example:lib', '1.0.0', ['/com/example/lib/1.0.0']);
    await deleteVersion('OCI', 'oci://team/app', '1.0', ['/team/app/manifest/1.0', '/team/app/blobs/1.0']);
    await deleteVersion('NPM', 'npm://@fx/lib', '1.0.0', [
      '/@fx/lib/-/@fx/lib-1.0.0.tgz',
      '/.npm/@fx/lib/@fx/lib-1.0.0.json',
    ]);
    await so(async () => {
      assert.deepEqual(await versions(east.db, 'gav://com.example:lib'), ['1.1.0']);
      assert.deepEqual(await versions(east.db, 'npm://@fx/lib'), ['1.1.0']);
      assert.deepEqual(await versions(east.db, 'oci://team/app'), ['2.0']);
      const left = await readBack(east.db, east.storeDir, 'mirror', 'maven');
      assert.deepEqual(
        [...left.keys()].filter((path) => path.includes('/1.0.0/')),
        [],
      );
      assert.deepEqual(await differences(east, 'OCI'), []);
    });
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    assert.equal(following.report()?.farSides[0]?.held, undefined);
  } finally {
    await following.stop();
  }
});
