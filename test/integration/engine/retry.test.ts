import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ReplicationError } from '../../../src/domain/errors.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { removeVersion } from '../../support/bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, type FinishedRun, PROJECT, type RunOptions, World } from '../../support/world.ts';
import { farPackages, objectOf, refusing, rowsOf, tallyOf, withTarget } from './far-state.ts';

let world: World;
let made = 0;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

async function repositoryOf(type: string): Promise<RepositoryBuilder> {
  made += 1;
  return await world.builder.repository(PROJECT, `retried${made}`, { type });
}

/** Small pages, so that a retry has to go on behind one. */
const LIMITS = { patience: 5_000, attempts: 3, backoff: { base: 5, cap: 20 }, pageSize: 2, settleSize: 3 };

async function rows(run: FinishedRun, farSide: FarSide): Promise<string[]> {
  return rowsOf(await world.details(run.record, farSide));
}

async function fails(farSide: FarSide, options: RunOptions, failed: readonly string[]): Promise<FinishedRun> {
  const run = await world.run([farSide], options);
  const found = await rows(run, farSide);
  assert.deepEqual(
    found.filter((row) => !row.includes(' SUCCESS')),
    failed,
  );
  return run;
}

for (const faithful of [false, true]) {
  test(`a retry works on what failed and on nothing else, in the order of a whole run (${faithful ? 'faithful' : 'sound'})`, async () => {
    const things = await repositoryOf('RDS');
    const maven = await repositoryOf('MAVEN');
    const npm = await repositoryOf('NPM');
    for (let index = 0; index < 7; index += 1) {
      const path = `/p/${index}/a`;
      const spec = { key: 'rds://p', name: 'p', latest: '6' };
      await putGeneral(things, spec, { name: `${index}`, artifactPath: path }, { [path]: `${things.name} ${index}` });
      await things.putFile(`/loose/${index}`, `loose ${index}`);
    }
    for (const version of ['1.0', '1.1']) await putMaven(maven, 'com.example', 'lib', version);
    await putMaven(maven, 'com.example', 'other', '1.0');
    for (const version of ['1.0.0', '1.1.0']) await putNpm(npm, '@fx/lib', version);
    const farSide = await world.farSide(`retried-${faithful ? 'faithful' : 'sound'}`, { faithful });
    const objects = [objectOf(things), objectOf(maven), objectOf(npm)];
    const poison = [
      '/loose/1',
      '/loose/4',
      '/loose/5',
      '/p/2/a',
      '/p/3/a',
      '/p/6/a',
      '/com/example/other/maven-metadata.xml',
      '/@fx/lib/-/@fx/lib-1.1.0.tgz',
    ];
    const deps = { limits: LIMITS };
    const failed = [
      '/com/example/other/maven-metadata.xml FAILED Refused',
      '/loose/1 FAILED Refused',
      '/loose/4 FAILED Refused',
      '/loose/5 FAILED Refused',
      'npm://@fx/lib@1.1.0 FAILED Refused',
      'rds://p@2 FAILED Refused',
      'rds://p@3 FAILED Refused',
      'rds://p@6 FAILED Refused',
    ];
    const base = await fails(refusing(farSide, poison), { objects, deps }, failed);

    const again = ['/loose/4', '/p/3/a'];
    const first = await world.run([refusing(farSide, again)], { objects, deps, retryOf: base.record.id });
    assert.deepEqual(await rows(first, farSide), [
      '/.npm/@fx/lib/package.json SUCCESS',
      '/com/example/other/maven-metadata.xml SUCCESS',
      '/loose/1 SUCCESS',
      '/loose/4 FAILED Refused',
      '/loose/5 SUCCESS',
      'npm://@fx/lib@1.1.0 SUCCESS',
      'rds://p@2 SUCCESS',
      'rds://p@3 FAILED Refused',
      'rds://p@6 SUCCESS',
    ]);
    assert.deepEqual(
      { ...tallyOf(first), sentBytes: 0 },
      { success: 7, unchanged: 0, conflict: 0, failed: 2, notTried: 0, sentBytes: 0 },
    );
    assert.equal((await farPackages(farSide, things)).get('rds://p')?.latest, '6');

    const created: string[] = [];
    const second = await world.run([refusing(farSide, [], created)], { objects, deps, retryOf: first.record.id });
    assert.deepEqual(await rows(second, farSide), ['/loose/4 SUCCESS', 'rds://p@3 SUCCESS']);
    assert.deepEqual(created.toSorted(), ['/loose/4', '/p/3/a']);
    assert.equal((await farPackages(farSide, things)).get('rds://p')?.latest, '6', 'not the version written last');
    for (const repository of [things, maven, npm])
      for (const [key, found] of await farPackages(farSide, repository)) assert.deepEqual(found.problems, [], key);
    const whole = tallyOf(await world.run([farSide], { objects }));
    assert.deepEqual([whole.success, whole.failed, whole.sentBytes], [0, 0, 0]);
  });
}

test('what a task names and the source lacks fails again, and is copied once it is there; what left the source is nothing', async () => {
  const files = await repositoryOf('GENERIC');
  for (const path of ['/dir/a', '/dir/b', '/single']) await files.putFile(path, `content of ${path}`);
  const farSide = await world.farSide('named-paths');
  const objects = [objectOf(files, { paths: ['/dir', '/later', '/single', '/dir/a'] })];
  const base = await fails(refusing(farSide, ['/dir/a', '/dir/b', '/single']), { objects }, [
    '/dir/a FAILED Refused',
    '/dir/b FAILED Refused',
    '/later FAILED PathNotFound',
    '/single FAILED Refused',
  ]);
  await files.deleteFile('/dir/b');
  const first = await world.run([farSide], { objects, retryOf: base.record.id });
  assert.deepEqual(await rows(first, farSide), ['/dir/a SUCCESS', '/later FAILED PathNotFound', '/single SUCCESS']);
  assert.deepEqual([tallyOf(first).success, tallyOf(first).failed, tallyOf(first).unchanged], [2, 1, 0], 'each once');
  for (const path of ['/later/x', '/later/y', '/dir/new']) await files.putFile(path, `content of ${path}`);
  const second = await world.run([farSide], { objects, retryOf: first.record.id });
  assert.deepEqual(
    await rows(second, farSide),
    ['/later/x SUCCESS', '/later/y SUCCESS'],
    'a new file is for a whole run',
  );
  await files.deleteFile('/single');
  const third = await world.run([farSide], { objects, retryOf: base.record.id });
  assert.deepEqual(
    (await rows(third, farSide)).filter((row) => row.includes('FAILED')),
    ['/single FAILED PathNotFound'],
  );
});

test('named packages and versions that were missing are tried as they are named; unnamed ones that left are nothing', async () => {
  const things = await repositoryOf('RDS');
  const put = async (key: string, name: string): Promise<void> => {
    const path = `/${key.slice(6)}/${name}`;
    await putGeneral(things, { key, name: key.slice(6) }, { name, artifactPath: path }, { [path]: path });
  };
  for (const version of ['1', '2', '3']) await put('rds://all', version);
  await put('rds://some', '1');
  const farSide = await world.farSide('named-packages');
  const packages = [
    { packageKey: 'rds://all', versions: [] },
    { packageKey: 'rds://late', versions: [] },
    { packageKey: 'rds://some', versions: ['1', '2', '3'] },
  ];
  const objects = [objectOf(things, { packages })];
  const base = await fails(refusing(farSide, ['/all/1', '/all/2']), { objects }, [
    'rds://all@1 FAILED Refused',
    'rds://all@2 FAILED Refused',
    'rds://late FAILED PackageNotFound',
    'rds://some@2 FAILED VersionNotFound',
    'rds://some@3 FAILED VersionNotFound',
  ]);
  await removeVersion(things, 'rds://all', '2');
  await put('rds://some', '3');
  const first = await world.run([farSide], { objects, retryOf: base.record.id });
  assert.deepEqual(await rows(first, farSide), [
    'rds://all@1 SUCCESS',
    'rds://late FAILED PackageNotFound',
    'rds://some@2 FAILED VersionNotFound',
    'rds://some@3 SUCCESS',
  ]);
  for (const version of ['1', '2']) await put('rds://late', version);
  await put('rds://some', '2');
  const second = await world.run([farSide], { objects, retryOf: first.record.id });
  assert.deepEqual(await rows(second, farSide), [
    'rds://late@1 SUCCESS',
    'rds://late@2 SUCCESS',
    'rds://some@2 SUCCESS',
  ]);
});

test('keys of packages that begin alike are told apart', async () => {
  const things = await repositoryOf('RDS');
  const keys = ['rds://a', 'rds://a-b', 'rds://a@1', 'rds://a/b'];
  for (const [at, key] of keys.entries()) {
    for (const name of ['1', '2', '3']) {
      const path = `/${at}/${name}`;
      await putGeneral(things, { key, name: key.slice(6) }, { name, artifactPath: path }, { [path]: path });
    }
  }
  const farSide = await world.farSide('alike');
  const objects = [objectOf(things)];
  const base = await fails(refusing(farSide, ['/0/2', '/1/1', '/2/3', '/3/2']), { objects }, [
    'rds://a-b@1 FAILED Refused',
    'rds://a/b@2 FAILED Refused',
    'rds://a@1@3 FAILED Refused',
    'rds://a@2 FAILED Refused',
  ]);
  const retried = tallyOf(await world.run([farSide], { objects, retryOf: base.record.id, deps: { limits: LIMITS } }));
  assert.deepEqual([retried.success, retried.unchanged, retried.failed], [4, 0, 0]);
});

test('an object that could not be begun is tried as a whole, and one without failures not at all', async () => {
  const sound = await repositoryOf('GENERIC');
  await sound.putFile('/a', 'a');
  const farSide = await world.farSide('unbegun');
  made += 1;
  const late = `late${made}`;
  const missing = { ...objectOf(sound), localRepoName: late, remoteRepoName: late };
  const objects = [objectOf(sound), missing];
  const base = await fails(farSide, { objects }, ['/ FAILED SourceRepositoryNotFound']);
  const repository = await world.builder.repository(PROJECT, late);
  for (const path of ['/x', '/y', '/z']) await repository.putFile(path, path);
  await sound.putFile('/new', 'new');
  const retried = await world.run([farSide], { objects, retryOf: base.record.id });
  assert.deepEqual(await rows(retried, farSide), ['/x SUCCESS', '/y SUCCESS', '/z SUCCESS']);
});

test('a far side that could not be reached at the beginning is retried as a whole', async () => {
  const files = await repositoryOf('GENERIC');
  for (const path of ['/x', '/y']) await files.putFile(path, path);
  const farSide = await world.farSide('unreached');
  const objects = [objectOf(files)];
  farSide.proxy.setFault(() => ({ kind: 'reset' }));
  const base = await world.run([farSide], { objects, patience: 300 });
  farSide.proxy.setFault(undefined);
  assert.deepEqual(await rows(base, farSide), ['/ NOT_TRIED FarSideUnavailable']);
  const retried = await world.run([farSide], { objects, retryOf: base.record.id });
  assert.deepEqual(await rows(retried, farSide), ['/x SUCCESS', '/y SUCCESS']);
});

test('what FAST_FAIL left is tried by the retry, and left again when it fails again', async () => {
  const files = await repositoryOf('GENERIC');
  const paths = Array.from({ length: 9 }, (_, at) => `/f${at}`);
  for (const path of paths) await files.putFile(path, path);
  const farSide = await world.farSide('fast-fail');
  const options = {
    objects: [objectOf(files)],
    setting: { errorStrategy: 'FAST_FAIL' },
    concurrency: 1,
    deps: { limits: LIMITS },
  } as const;
  const base = await world.run([refusing(farSide, ['/f3'])], options);
  assert.deepEqual([tallyOf(base).failed, tallyOf(base).success + tallyOf(base).notTried], [1, 8]);
  assert.ok(tallyOf(base).notTried > 0);
  const first = await world.run([refusing(farSide, ['/f3'])], { ...options, retryOf: base.record.id });
  const left = tallyOf(base).failed + tallyOf(base).notTried;
  const tally = tallyOf(first);
  assert.deepEqual([tally.failed, tally.success + tally.notTried + tally.failed], [1, left]);
  assert.equal((await rows(first, farSide)).length, left);
  const second = await world.run([farSide], { ...options, retryOf: first.record.id });
  assert.equal(tallyOf(second).success, tally.failed + tally.notTried);
  assert.equal(tallyOf(await world.run([farSide], options)).unchanged, 9);
});

test('EDGE: a retry sends the blobs of what failed: files, versions and documents', async () => {
  const npm = await repositoryOf('NPM');
  for (const name of ['lib', 'other']) await putNpm(npm, name, '1.0.0');
  const files = await repositoryOf('GENERIC');
  const loose = await repositoryOf('GENERIC');
  for (const path of ['/b/c', '/b/d']) await files.putFile(path, `content of ${path} at the edge`);
  for (const path of ['/x', '/y']) await loose.putFile(path, `content of ${path} at the edge`);
  const farSide = await world.farSide('edge-retry', { faithful: true });
  const packages = [
    { packageKey: 'npm://lib', versions: [] },
    { packageKey: 'npm://other', versions: [] },
  ];
  const options = {
    objects: [objectOf(files, { paths: ['/b', '/later'] }), objectOf(loose), objectOf(npm, { packages })],
    blobsOnly: true,
  };
  let pushes = 0;
  const failing = withTarget(farSide, {
    async pushBlob(repository, blob, signal) {
      pushes += 1;
      if (pushes % 2 === 1) throw new ReplicationError('unit', 'Refused', 'refused');
      return await farSide.target.pushBlob(repository, blob, signal);
    },
  });
  const base = await world.run([failing], options);
  const failed = (await rows(base, farSide)).filter((row) => row.includes('FAILED')).map((row) => row.split(' ')[0]);
  assert.ok(failed.length > 2);
  const retried = await world.run([farSide], { ...options, retryOf: base.record.id });
  const tally = tallyOf(retried);
  assert.equal(tally.success + tally.unchanged + tally.failed, tallyOf(base).failed);
  assert.deepEqual(
    (await rows(retried, farSide)).filter((row) => row.includes('FAILED')),
    ['/later FAILED PathNotFound'],
  );
  assert.equal(tallyOf(await world.run([farSide], options)).sentBytes, 0);
});

test('a retry of a run that the journal does not have fails, and says so', async () => {
  const files = await repositoryOf('GENERIC');
  await files.putFile('/a', 'a');
  const farSide = await world.farSide('no-record');
  const run = await world.run([farSide], { objects: [objectOf(files)], retryOf: '0123456789abcdef01234567' });
  assert.equal(run.outcome.farSides[0]?.error?.reason, 'RecordNotFound');
  assert.equal(tallyOf(run).success, 0);
});
