import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import type { PackageSpec, VersionSpec } from '../../support/bkrepo/packages/version.ts';
import { readPackages } from '../../support/bkrepo/read-packages.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import { farPackages, farRepository, objectOf, requestsTo, tallyOf } from './far-state.ts';

const KEY = 'rds://p';

let world: World;
let count = 0;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

function publish(
  repository: RepositoryBuilder,
  name: string,
  version: Partial<VersionSpec> = {},
  spec: Partial<PackageSpec> = {},
  content = `a of ${name}`,
) {
  const artifactPath = `/p/${name}/a`;
  return putGeneral(
    repository,
    { key: KEY, name: 'p', ...spec },
    { name, artifactPath, ...version },
    { [artifactPath]: content },
  );
}

interface Sides {
  readonly source: RepositoryBuilder;
  readonly farSide: FarSide;
  readonly far: RepositoryBuilder;
}

async function sides(faithful: boolean): Promise<Sides> {
  count += 1;
  const source = await world.builder.repository(PROJECT, `latest-${count}`, { type: 'RDS' });
  const farSide = await world.farSide(`side${count}`, { faithful });
  return { source, farSide, far: await farRepository(farSide, source) };
}

const farPackage = async ({ farSide, source }: Sides) => (await farPackages(farSide, source)).get(KEY);

const only = (source: RepositoryBuilder, ...versions: readonly string[]) =>
  objectOf(source, { packages: [{ packageKey: KEY, versions }] });

/** Versions at each side in the order in which they were published: the last one is the latest there. */
const LATEST = [
  {
    what: 'a selection without the source’s latest keeps the far side’s',
    source: ['1', '2', '3'],
    far: ['1', '9'],
    selected: ['2'],
    latest: '9',
  },
  {
    what: 'a selection with the source’s latest moves it',
    source: ['1', '2', '3'],
    far: ['1', '9'],
    selected: ['3'],
    latest: '3',
  },
  {
    what: 'a whole package moves it to the source’s latest, which was there already',
    source: ['1', '2', '3', '1'],
    far: ['1', '9'],
    selected: [],
    latest: '1',
  },
  {
    what: 'of a new package without the source’s latest it is the newest that was copied',
    source: ['2', '1', '3'],
    far: [],
    selected: ['1', '2'],
    latest: '1',
  },
  {
    what: 'a version that was there already becomes the latest when it is the source’s',
    source: ['2', '1'],
    far: ['1', '2'],
    selected: ['1'],
    latest: '1',
  },
  {
    what: 'it is not moved to a version that conflicts',
    source: ['1', '2', 'conflicting'],
    far: ['1', 'conflicting', '9'],
    selected: [],
    latest: '9',
  },
] as const;

for (const faithful of [false, true]) {
  for (const { what, source: here, far: there, selected, latest } of LATEST) {
    test(`latest: ${what} (${faithful ? 'faithful' : 'sound'})`, async () => {
      const all = await sides(faithful);
      for (const name of here) await publish(all.source, name);
      for (const name of there) await publish(all.far, name, {}, {}, name === 'conflicting' ? 'theirs' : undefined);
      const objects = [selected.length === 0 ? objectOf(all.source) : only(all.source, ...selected)];
      const run = await world.run([all.farSide], { objects });
      assert.equal(tallyOf(run).failed, 0);
      const found = await farPackage(all);
      assert.equal(found?.latest, latest);
      assert.deepEqual(found.problems, []);
      all.farSide.proxy.forget();
      await world.run([all.farSide], { objects });
      assert.equal(requestsTo(all.farSide, 'version/create'), 0, 'a second run writes nothing');
    });
  }

  test(`a far side given up by FAST_FAIL keeps its latest (${faithful ? 'faithful' : 'sound'})`, async () => {
    const all = await sides(faithful);
    for (const name of ['1', '2', '3', '4']) await publish(all.source, name);
    for (const name of ['3', '9']) await publish(all.far, name, {}, {}, name === '3' ? 'theirs' : undefined);
    const setting = { conflictStrategy: 'FAST_FAIL', errorStrategy: 'FAST_FAIL' } as const;
    const run = await world.run([all.farSide], { objects: [only(all.source, '1', '3', '4')], concurrency: 1, setting });
    assert.equal(tallyOf(run).failed, 1);
    assert.equal((await farPackage(all))?.latest, '9');
  });

  test(`an orderly stop leaves the far side its latest (${faithful ? 'faithful' : 'sound'})`, async () => {
    const all = await sides(faithful);
    const names = Array.from({ length: 12 }, (_, index) => `1.${index}`);
    for (const name of names) await publish(all.source, name);
    await publish(all.source, '2');
    await publish(all.far, '9');
    const drain = new AbortController();
    all.farSide.proxy.setFault(({ url }) => {
      if (url.includes('version/create')) drain.abort(new Error('asked to stop'));
      return undefined;
    });
    const objects = [only(all.source, ...names)];
    const record = await world.begin();
    await assert.rejects(
      world.run([all.farSide], { objects, record, concurrency: 2, deps: { drain: drain.signal } }),
      /asked to stop/,
    );
    assert.equal((await farPackage(all))?.latest, '9');
    const adopted = await world.journal.adopt(record.id, AbortSignal.timeout(5000));
    assert.ok(adopted);
    all.farSide.proxy.setFault(undefined);
    assert.equal(tallyOf(await world.run([all.farSide], { objects, record: adopted })).success, 12);
    assert.equal((await farPackage(all))?.latest, '9');
  });
}

const FIELDS = {
  description: 'ours',
  versionTag: { stable: '1', both: '1', gone: 'not-selected' },
  extension: { ours: 1, 'both.dotted': 'ours' },
} as const;
const THEIR_FIELDS = {
  description: 'theirs',
  versionTag: { beta: '9', both: '9' },
  extension: { theirs: [1], 'both.dotted': 'theirs' },
} as const;

const MERGED = {
  SKIP: {
    description: 'theirs',
    versionTag: { beta: '9', both: '9', stable: '1' },
    extension: { ours: 1, theirs: [1], 'both.dotted': 'theirs' },
  },
  OVERWRITE: {
    description: 'ours',
    versionTag: { beta: '9', both: '1', stable: '1' },
    extension: { ours: 1, theirs: [1], 'both.dotted': 'ours' },
  },
} as const;

for (const [conflictStrategy, merged] of Object.entries(MERGED)) {
  for (const there of [false, true]) {
    test(`${conflictStrategy} keeps the far side's package fields and adds the source's, ${there ? 'with' : 'without'} the version there`, async () => {
      const all = await sides(false);
      await publish(all.source, 'not-selected');
      await publish(all.source, '1', {}, FIELDS);
      if (there) await publish(all.far, '1');
      await publish(all.far, '9', {}, THEIR_FIELDS);
      const options = { objects: [only(all.source, '1')], setting: { conflictStrategy: conflictStrategy as 'SKIP' } };
      assert.equal(tallyOf(await world.run([all.farSide], options))[there ? 'unchanged' : 'success'], 1);
      const { description, versionTag, extension } = (await farPackage(all)) ?? {};
      assert.deepEqual({ description, versionTag, extension }, merged);
      all.farSide.proxy.forget();
      await world.run([all.farSide], options);
      assert.equal(requestsTo(all.farSide, 'version/create'), 0, 'a second run writes nothing');
    });
  }
}

test('a far side that keeps no package extension of its own does not lose the rest, and is not written to for ever', async () => {
  const all = await sides(true);
  await publish(all.source, '1', { extension: { v: 1 } }, FIELDS);
  const objects = [objectOf(all.source)];
  await world.run([all.farSide], { objects });
  const { description, versionTag, versions } = (await farPackage(all)) ?? {};
  assert.deepEqual({ description, versionTag }, { description: 'ours', versionTag: { stable: '1', both: '1' } });
  assert.deepEqual(versions?.get('1')?.extension, { v: 1 });
  all.farSide.proxy.forget();
  await world.run([all.farSide], { objects });
  assert.equal(requestsTo(all.farSide, 'version/create'), 0);
});

for (const faithful of [false, true]) {
  test(`an empty description is no difference (${faithful ? 'faithful' : 'sound'})`, async () => {
    const all = await sides(faithful);
    await publish(all.source, '1', {}, { description: '' });
    const objects = [objectOf(all.source)];
    await world.run([all.farSide], { objects });
    all.farSide.proxy.forget();
    await world.run([all.farSide], { objects });
    assert.equal(requestsTo(all.farSide, 'version/create'), 0);
  });

  test(`every field of a version travels with its type, and its creator (${faithful ? 'faithful' : 'sound'})`, async () => {
    const all = await sides(faithful);
    const paths = ['/p/1/a', '/p/1/b', '/elsewhere/c'];
    for (const path of paths.slice(1)) await all.source.putFile(path, `content of ${path}`);
    await all.source.putFile('/p/manifest.json', '{}');
    const metadata = [
      { key: 'list', value: ['x', 1, true] },
      { key: 'number', value: 4.5 },
      { key: 'whole', value: 12 },
      { key: 'boolean', value: false },
      { key: 'text', value: '12' },
      { key: 'system.dotted', value: 'y', system: true, description: 'described', link: 'https://example.org/' },
    ];
    await publish(all.source, '1', {
      size: 123,
      artifactPath: paths[0] as string,
      artifactPaths: paths,
      manifestPath: '/p/manifest.json',
      stageTag: ['@prerelease', '@release'],
      tags: ['t1', 't2'],
      metadata,
      extension: { 'dotted.key': { deep: [1, { 'also.dotted': null }] }, text: 'x' },
      createdBy: 'somebody',
    });
    const objects = [objectOf(all.source)];
    assert.deepEqual(tallyOf(await world.run([all.farSide], { objects })).success, 1);
    const here = await versionAt(world.builder.db, all);
    const there = (await farPackage(all))?.versions.get('1');
    assert.ok(here && there);
    const { createdDate: _a, lastModifiedDate: _b, ...wanted } = here;
    const { createdDate: _c, lastModifiedDate: _d, ...arrived } = there;
    assert.deepEqual(arrived, wanted);
    assert.equal(arrived.createdBy, 'somebody');
    assert.equal(tallyOf(await world.run([all.farSide], { objects })).unchanged, 1);
  });
}

async function versionAt(db: World['builder']['db'], { source }: Sides) {
  return (await readPackages(db, PROJECT, source.name)).get(KEY)?.versions.get('1');
}
