import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { readPackages } from '../../support/bkrepo/read-packages.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, type FinishedRun, PROJECT, World } from '../../support/world.ts';
import { farNodes, farPackages, MIRROR, objectOf, tallyOf } from './far-state.ts';

let world: World;
let npm: RepositoryBuilder;
let maven: RepositoryBuilder;
let oci: RepositoryBuilder;
let things: RepositoryBuilder;

before(async () => {
  world = await World.start();
  npm = await world.builder.repository(PROJECT, 'npm', { type: 'NPM' });
  for (const version of ['1.0.0', '1.1.0', '2.0.0']) await putNpm(npm, '@fx/lib', version);
  await putNpm(npm, 'plain', '0.1.0');
  await npm.putFile('/notes/read.me', 'a loose file');
  maven = await world.builder.repository(PROJECT, 'maven', { type: 'MAVEN' });
  await putMaven(maven, 'com.example', 'lib', '1.0');
  await putMaven(maven, 'com.example', 'lib', '2.0-SNAPSHOT');
  await maven.putFile('/com/example/lib/loose.txt', 'a loose file beside versions');
  await maven.putFile('/com/example/lib/1.0-other/file.txt', 'a folder that is no version');
  oci = await world.builder.repository(PROJECT, 'oci', { type: 'OCI' });
  const child = await putImage(oci, 'team/app', 'amd64');
  await putImageIndex(oci, 'team/app', '1.0', [child]);
  await oci.putFile('/team/app/read.me', 'a loose file');
  things = await world.builder.repository(PROJECT, 'things', { type: 'RDS' });
  await putGeneral(
    things,
    { key: 'rds://p', name: 'p' },
    { name: '1', artifactPath: '/elsewhere/a' },
    { '/elsewhere/a': 'a', '/p/1/b': 'b' },
  );
  await things.putFile('/elsewhere/loose', 'loose');
});
after(() => world.stop());

async function statuses(run: FinishedRun, farSide: FarSide): Promise<Record<string, string>> {
  const rows = await world.details(run.record, farSide);
  return Object.fromEntries([...rows].map(([unit, { status, reason }]) => [unit, reason ?? status]));
}

/** Nothing is counted twice, nothing is lost: the tally is the records. */
async function countedOnce(run: FinishedRun, farSide: FarSide): Promise<void> {
  const rows = [...(await world.details(run.record, farSide)).values()];
  const of = (status: string) => rows.filter((row) => row.status === status).length;
  const { success, conflict, failed, notTried } = tallyOf(run);
  assert.deepEqual([success, conflict, failed, notTried], ['SUCCESS', 'CONFLICT', 'FAILED', 'NOT_TRIED'].map(of));
}

test('packages: what is missing is a failed unit each, what is named twice is copied once', async () => {
  const farSide = await world.farSide('selected');
  const packages = [
    { packageKey: 'npm://@fx/lib', versions: ['1.0.0', '9.9.9'] },
    { packageKey: 'npm://absent', versions: ['1'] },
    { packageKey: 'npm://@fx/lib', versions: ['1.0.0', '1.1.0', '1.1.0'] },
    { packageKey: 'npm://absent', versions: [] },
  ];
  const run = await world.run([farSide], { objects: [objectOf(npm, { packages })] });
  assert.deepEqual(await statuses(run, farSide), {
    'npm://@fx/lib@1.0.0': 'SUCCESS',
    'npm://@fx/lib@1.1.0': 'SUCCESS',
    'npm://@fx/lib@9.9.9': 'VersionNotFound',
    'npm://absent': 'PackageNotFound',
    '/.npm/@fx/lib/package.json': 'SUCCESS',
  });
  await countedOnce(run, farSide);
  const rows = await world.details(run.record, farSide);
  assert.match(rows.get('npm://absent')?.errorReason ?? '', /acme\/npm.*npm:\/\/absent/);
  assert.match(rows.get('npm://@fx/lib@9.9.9')?.errorReason ?? '', /npm:\/\/@fx\/lib.*9\.9\.9/);
  const there = await farPackages(farSide, npm);
  assert.deepEqual([...there.keys()], ['npm://@fx/lib']);
  assert.deepEqual([...(there.get('npm://@fx/lib')?.versions.keys() ?? [])].sort(), ['1.0.0', '1.1.0']);
});

test('a package named once with and once without versions is copied whole', async () => {
  const farSide = await world.farSide('all-of-it');
  const packages = [
    { packageKey: 'npm://@fx/lib', versions: ['1.0.0'] },
    { packageKey: 'npm://@fx/lib', versions: [] },
  ];
  const run = await world.run([farSide], { objects: [objectOf(npm, { packages })] });
  assert.equal((await farPackages(farSide, npm)).get('npm://@fx/lib')?.versions.size, 3);
  await countedOnce(run, farSide);
});

test('many objects of different types go to the projects and repositories that the task names', async () => {
  const farSide = await world.farSide('mapped', { faithful: true });
  const objects = [npm, maven, oci, things].map((repository, index) =>
    objectOf(repository, { remoteProjectId: `project-${index % 2}`, remoteRepoName: `copy-of-${repository.name}` }),
  );
  const packages = [{ packageKey: 'oci://team/app', versions: ['1.0'] }];
  objects.push(objectOf(oci, { remoteProjectId: 'project-0', remoteRepoName: 'one-image', packages }));
  const run = await world.run([farSide], { objects });
  const tally = tallyOf(run);
  assert.deepEqual([tally.failed, tally.conflict, tally.notTried], [0, 0, 0]);
  for (const [index, repository] of [npm, maven, oci, things].entries()) {
    const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
    const there = await readBack(farSide.db, farSide.storeDir, `project-${index % 2}`, `copy-of-${repository.name}`);
    assert.deepEqual([...there.keys()].sort(), [...here.keys()].sort(), repository.name);
    // Documents that name addresses differ in these.
    if (repository !== npm) assert.deepEqual(compareSides(here, there), [], repository.name);
  }
  const one = await readPackages(farSide.db, 'project-0', 'one-image');
  assert.deepEqual([...(one.get('oci://team/app')?.versions.keys() ?? [])], ['1.0']);
  const again = tallyOf(await world.run([farSide], { objects }));
  assert.deepEqual([again.success, again.sentBytes, again.unchanged], [0, 0, tally.success]);
});

for (const faithful of [false, true]) {
  test(`loose files of a whole-repository run travel once, whatever their type (${faithful ? 'faithful' : 'sound'})`, async () => {
    for (const repository of [npm, maven, oci, things]) {
      const farSide = await world.farSide(`loose-${repository.name}-${faithful}`, { faithful });
      const run = await world.run([farSide], { objects: [objectOf(repository)] });
      await countedOnce(run, farSide);
      assert.equal(tallyOf(run).unchanged, 0, `${repository.name}: nothing is looked at twice`);
      const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
      const there = await readBack(farSide.db, farSide.storeDir, MIRROR, repository.name);
      assert.deepEqual([...there.keys()].sort(), [...here.keys()].sort(), repository.name);
      const ever = (await farNodes(farSide, repository)).filter(({ folder }) => folder === false);
      assert.equal(ever.length, here.size, `${repository.name}: one node for each file`);
      const units = Object.keys(await statuses(run, farSide));
      const loose = units.filter((unit) => /loose|read\.me|1\.0-other/.test(unit)).length;
      assert.equal(loose, repository === maven ? 2 : 1, units.join(' '));
    }
  });
}

test('paths in a repository of packages copy just those files, and no version', async () => {
  const farSide = await world.farSide('paths');
  const cases = [
    { repository: npm, paths: ['/notes', '/plain/-/*'], files: ['/notes/read.me', '/plain/-/plain-0.1.0.tgz'] },
    { repository: maven, paths: ['/com/example/lib/loose.txt'], files: ['/com/example/lib/loose.txt'] },
  ];
  for (const { repository, paths, files } of cases) {
    const run = await world.run([farSide], { objects: [objectOf(repository, { paths })] });
    assert.deepEqual(await statuses(run, farSide), Object.fromEntries(files.map((path) => [path, 'SUCCESS'])));
    const there = await readBack(farSide.db, farSide.storeDir, MIRROR, repository.name);
    assert.deepEqual([...there.keys()].sort(), files);
    assert.equal((await farPackages(farSide, repository)).size, 0);
  }
});

for (const faithful of [false, true]) {
  test(`versions that share many files do not stand in each other's way (${faithful ? 'faithful' : 'sound'})`, async () => {
    const repository = await world.builder.repository(PROJECT, `shared-${faithful}`, { type: 'OCI' });
    const layers = Array.from({ length: 30 }, (_, index) => gzipSync(`layer ${index}`));
    const child = await putImage(repository, 'app', 'amd64', { layers });
    for (const tag of ['1', '2', '3', '4']) await putImageIndex(repository, 'app', tag, [child]);
    const farSide = await world.farSide(`shared-${faithful}`, { faithful });
    const run = await world.run([farSide], { objects: [objectOf(repository)] });
    const { success, failed } = tallyOf(run);
    assert.deepEqual([success, failed], [5, 0], JSON.stringify(await statuses(run, farSide)));
    const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
    assert.deepEqual(compareSides(here, await readBack(farSide.db, farSide.storeDir, MIRROR, repository.name)), []);
  });
}
