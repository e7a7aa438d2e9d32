/** What a selection holds, against what a listing of it shows, and how the database finds it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Source, SourceRepository, SourceSelection } from '../../../src/engine/ports/source.ts';
import type { BkRepoSource } from '../../../src/source/bkrepo-source.ts';
import { FIXTURE_LIVE_FILES, FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { putVersion } from '../../support/bkrepo/packages/version.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { NEVER, repositoryOf, SourceHarness } from './harness.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const missing = fixtureMissing();
if (missing !== false) process.stdout.write(`the tests of counts on a real bk-repo's data ${missing}\n`);

let harness: SourceHarness;

before(async () => {
  harness = await SourceHarness.start();
});
after(() => harness.stop());

function files(...paths: string[]): SourceSelection {
  return { kind: 'files', paths };
}

function versions(packages: Readonly<Record<string, readonly string[]>> = {}): SourceSelection {
  const selected = Object.entries(packages).map(([packageKey, names]) => ({ packageKey, versions: names }));
  return { kind: 'versions', packages: selected };
}

/** Each file once, whatever number of the paths selects it. */
async function listed(source: Source, repository: SourceRepository, paths: readonly string[]) {
  const sizes = new Map<string, number>();
  for (const path of paths.length === 0 ? ['/'] : paths)
    for await (const page of source.nodes(repository, { path }, 7, NEVER))
      for (const { fullPath, size } of page) sizes.set(fullPath, size);
  return { units: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) };
}

async function listedVersions(source: Source, repository: SourceRepository) {
  const sum = { units: 0, bytes: 0 };
  for await (const packages of source.packages(repository, undefined, 5, NEVER))
    for (const { id } of packages)
      for await (const page of source.versions(id, undefined, 5, NEVER))
        for (const { size } of page) {
          sum.units += 1;
          sum.bytes += size;
        }
  return sum;
}

describe("counting a real bk-repo's data", { skip: missing }, () => {
  let source: BkRepoSource;

  before(async () => {
    await loadFixture(harness.db('fixture'), harness.path('fixture-store'));
    source = harness.source('fixture');
  });

  for (const [name, count] of Object.entries(FIXTURE_LIVE_FILES))
    it(`${name}: its ${count} files and its versions, as they are listed`, async () => {
      const repository = await repositoryOf(source, FIXTURE_PROJECT, name);
      const all = await source.count(repository, files(), NEVER);
      assert.equal(all.units, count);
      assert.deepEqual(all, await listed(source, repository, []));
      assert.deepEqual(await source.count(repository, versions(), NEVER), await listedVersions(source, repository));
    });

  it('folders, names by star, and a folder that was deleted', async () => {
    const gen = await repositoryOf(source, FIXTURE_PROJECT, 'gen');
    for (const path of [
      '/special',
      '/中文目录',
      '/special/*e.txt',
      '/a',
      '/ops/folder*',
      '/ops/emptydir',
      '/ops/del.txt',
    ])
      assert.deepEqual(await source.count(gen, files(path), NEVER), await listed(source, gen, [path]), path);
  });
});

describe('counting files', () => {
  const NAMES = [
    '/a.txt',
    '/a/x.txt',
    '/a/b/deep.txt',
    '/a0',
    '/a b/c',
    '/ab/y',
    '/ab/yz/1',
    '/中文目录/说明 文件.txt',
    "/special/quo'te $set.txt",
    '/special/[1](2){3}^!|,+?\\d.*$.txt',
    '/re.g/in.txt',
    '/reXg/in.txt',
    '/lines/one\n/x',
    '/order/\u{1f600}',
    '/order/\uff5e',
  ];
  let source: BkRepoSource;
  let repository: SourceRepository;

  before(async () => {
    const builder = harness.builder('counted', { references: false });
    const filled = await builder.repository('p', 'r');
    await filled.putFiles(NAMES.map((path, index) => ({ path, content: 'x'.repeat(index + 1) })));
    await filled.makeFolders(['/emptydir/x']);
    await filled.putFile('/a/overwritten', 'an old one');
    await filled.putFile('/a/overwritten', 'new');
    await filled.putFile('/a/deleted', 'x');
    await filled.deleteFile('/a/deleted');
    await filled.putFile('/a/expired', 'x', { expireDate: new Date(NOW) });
    await filled.putFile('/a/expires later', 'x', { expireDate: new Date(NOW + 1) });
    await (await builder.repository('p', 'r2')).putFile('/a/elsewhere', 'x');
    source = harness.source('counted', { clock: new FakeClock({ now: NOW }) });
    repository = await repositoryOf(source, 'p', 'r');
  });

  const selections: readonly (readonly string[])[] = [
    [],
    ['/'],
    ['/a'],
    ['/a.txt'],
    ['/a b'],
    ['/re.*'],
    ['/re.g'],
    ['/a*'],
    ['/a/*.txt'],
    ['/a/*'],
    ['/*.txt'],
    ['/*'],
    ['/lines/on*'],
    ['/lines/*e'],
    ['/special/*$*'],
    ['/special/[1](2){3}^!|,+?\\d.*$.txt'],
    ['/order/\u{1f600}*'],
    ['/emptydir'],
    ['/missing', '/zzz*'],
    ['/a', '/a/b'],
    ['/a/b', '/a'],
    ['/a/b/deep.txt', '/a/*', '/a*', '/'],
    ['/a*', '/ab*', '/ab/y*', '/ab'],
    ['/*b', '/*y', '/ab', '/a b/c'],
    ['/a.txt', '/a.txt', '/*.txt', '/a*'],
  ];
  for (const paths of selections)
    it(`counts what ${JSON.stringify(paths)} lists, each file once`, async () => {
      assert.deepEqual(await source.count(repository, files(...paths), NEVER), await listed(source, repository, paths));
    });

  it('asks by the index of paths alone, and looks at nothing outside the selection', async () => {
    const db = harness.db('counted');
    await db.command({ profile: 2 });
    await source.count(repository, files('/ab', '/lines/o*', '/order'), NEVER);
    await db.command({ profile: 0 });
    const seen = await db
      .collection('system.profile')
      .find({ op: 'command', 'command.aggregate': /^node_/ })
      .toArray();
    assert.equal(seen.length, 5, 'two ranges of each path, one of names by a star');
    for (const entry of seen) {
      assert.match(String(entry['planSummary']), /^IXSCAN \{ projectId: 1, repoName: 1, fullPath: 1, deleted: 1 \}$/);
      assert.ok(entry['docsExamined'] <= 3, `${entry['docsExamined']} documents`);
    }
  });

  it('fails, and leaves the database alone, when it takes too long', async () => {
    const admin = harness.db('admin');
    await admin.command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'alwaysOn' });
    try {
      await assert.rejects(source.count(repository, files(), NEVER), /nodes of p\/r/);
    } finally {
      await admin.command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'off' });
    }
  });

  it('ends with the reason of its signal, waiting or counting', async () => {
    const reason = new Error('the run has ended');
    await assert.rejects(source.count(repository, files(), AbortSignal.abort(reason)), reason);
    const controller = new AbortController();
    const counts = Array.from({ length: 5 }, () => source.count(repository, files(), controller.signal));
    controller.abort(reason);
    for (const result of await Promise.allSettled(counts))
      assert.ok(result.status === 'fulfilled' || result.reason === reason);
    assert.equal((await source.count(repository, files('/a.txt'), NEVER)).units, 1);
  });
});

describe('counting versions', () => {
  let source: BkRepoSource;
  let repository: SourceRepository;

  before(async () => {
    const builder = harness.builder('versions');
    const filled = await builder.repository('p', 'r', { type: 'NPM' });
    for (const [name, count] of [
      ['one', 1],
      ['many', 12],
    ] as const)
      for (let version = 0; version < count; version += 1)
        await putVersion(filled, { key: `npm://${name}`, name, type: 'NPM' }, { name: `1.0.${version}`, size: 1_000 });
    const other = await builder.repository('p', 'r2', { type: 'NPM' });
    await putVersion(other, { key: 'npm://one', name: 'one', type: 'NPM' }, { name: '9.9.9' });
    source = harness.source('versions');
    repository = await repositoryOf(source, 'p', 'r');
  });

  const cases: readonly (readonly [
    what: string,
    packages: Readonly<Record<string, readonly string[]>>,
    units: number,
  ])[] = [
    ['all of the repository', {}, 13],
    ['all of a package', { 'npm://many': [] }, 12],
    ['some, one of them missing', { 'npm://many': ['1.0.3', '1.0.4', '7'] }, 3],
    ['a missing package as one', { 'npm://none': ['1', '2'], 'npm://one': [] }, 2],
  ];
  for (const [what, packages, units] of cases)
    it(`counts ${what}`, async () => {
      assert.equal((await source.count(repository, versions(packages), NEVER)).units, units);
    });

  it('counts a package that is named twice once', async () => {
    const twice = (...names: (readonly string[])[]): SourceSelection => ({
      kind: 'versions',
      packages: names.map((list) => ({ packageKey: 'npm://many', versions: list })),
    });
    assert.equal((await source.count(repository, twice(['1.0.1', '1.0.2'], ['1.0.2']), NEVER)).units, 2);
    assert.equal((await source.count(repository, twice(['1.0.1'], []), NEVER)).units, 12);
    assert.equal((await source.count(repository, twice([], ['1.0.1']), NEVER)).units, 12);
  });

  it('adds up sizes, and asks by indexes alone', async () => {
    const db = harness.db('versions');
    await db.command({ profile: 2 });
    assert.deepEqual(await source.count(repository, versions(), NEVER), await listedVersions(source, repository));
    await db.command({ profile: 0 });
    const seen = await db
      .collection('system.profile')
      .find({ planSummary: { $exists: true } })
      .toArray();
    for (const entry of seen) assert.match(String(entry['planSummary']), /^IXSCAN/);
  });
});
