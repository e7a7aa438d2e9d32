/** Packages and versions as the source lists them: what is told, in which order, by which queries, and across failures. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Document, Double, Int32, Long } from 'mongodb';
import { EndpointHealth } from '../../../src/engine/endpoint-health.ts';
import { SourceReader } from '../../../src/engine/source-reader.ts';
import type { BkRepoSource } from '../../../src/source/bkrepo-source.ts';
import { FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { putVersion, removeVersion } from '../../support/bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { NEVER, repositoryOf, SourceHarness } from './harness.ts';

/** UTF-8 sorts the full-width tilde before the emoji, UTF-16 behind it. */
const NAMES = ['', '1.0', '1.0.0', '10', '2', 'a b', 'Z', '中', '\uff5e', '\u{1f600}', '$where', 'x.y'];
const inBytes = NAMES.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

let harness: SourceHarness;
let source: BkRepoSource;
let filled: RepositoryBuilder;

before(async () => {
  harness = await SourceHarness.start();
  const builder = harness.builder('packages', { now: () => new Date('2026-11-01T00:00:00Z') });
  filled = await builder.repository('p', 'r', { type: 'NPM' });
  for (const name of NAMES) await putVersion(filled, { key: `npm://${name}`, name, type: 'NPM' }, { name: '1.0.0' });
  for (const name of NAMES) await putVersion(filled, { key: 'npm://many', name: 'many', type: 'NPM' }, { name });
  const other = await builder.repository('p', 'r2', { type: 'NPM' });
  await putVersion(other, { key: 'npm://elsewhere', name: 'elsewhere', type: 'NPM' }, { name: '9.9.9' });
  // The account that has nothing but the role `read`.
  source = harness.source('packages', { uri: harness.mongod.uriFor('reader') });
});

after(() => harness.stop());

async function pagesOf<T>(pages: AsyncIterable<readonly T[]>): Promise<(readonly T[])[]> {
  const all: (readonly T[])[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

async function idOf(key: string): Promise<string> {
  const repository = await repositoryOf(source, 'p', 'r');
  const found = await source.findPackage(repository, key, NEVER);
  assert.ok(found);
  return found.id;
}

describe('listing packages and versions', () => {
  const keys = [...inBytes.map((name) => `npm://${name}`), 'npm://many'].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );

  it('tells each once, in the order of UTF-8 bytes, in full pages, whatever the page size', async () => {
    assert.notDeepEqual(inBytes, NAMES.toSorted(), 'the names must tell the two orders apart');
    const repository = await repositoryOf(source, 'p', 'r');
    const id = await idOf('npm://many');
    for (const size of [1, 2, 5, NAMES.length, 1000]) {
      const packages = await pagesOf(source.packages(repository, undefined, size, NEVER));
      assert.deepEqual(
        packages.flat().map((item) => item.key),
        keys,
      );
      const versions = await pagesOf(source.versions(id, undefined, size, NEVER));
      assert.deepEqual(
        versions.flat().map((version) => version.name),
        inBytes,
      );
      for (const pages of [packages, versions])
        assert.ok(
          pages.every((page, index) => page.length === size || (index === pages.length - 1 && page.length > 0)),
          `size ${size}`,
        );
    }
  });

  it('goes on behind a key and behind a name, also one that is gone', async () => {
    const repository = await repositoryOf(source, 'p', 'r');
    const id = await idOf('npm://many');
    for (const after of ['npm://10', 'npm://10\u0001', 'npm://zzz', ''])
      assert.deepEqual(
        (await pagesOf(source.packages(repository, after, 3, NEVER))).flat().map((item) => item.key),
        keys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0),
        after,
      );
    for (const after of ['', '10', '1.5', '\u{1f600}'])
      assert.deepEqual(
        (await pagesOf(source.versions(id, after, 3, NEVER))).flat().map((version) => version.name),
        inBytes.filter((name) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0),
        after,
      );
  });

  it('yields nothing where there is nothing, and finds what is named', async () => {
    const repository = await repositoryOf(source, 'p', 'r');
    const empty = { ...repository, name: 'none' };
    assert.deepEqual(await pagesOf(source.packages(empty, undefined, 5, NEVER)), []);
    assert.deepEqual(await pagesOf(source.versions('0'.repeat(24), undefined, 5, NEVER)), []);
    assert.equal(await source.findPackage(repository, 'npm://missing', NEVER), undefined);
    assert.equal(await source.findPackage(repository, 'npm://elsewhere', NEVER), undefined, 'of another repository');
    const id = await idOf('npm://many');
    const found = await source.findVersions(id, ['2', 'missing', '9.9.9', '中'], NEVER);
    assert.deepEqual([...found.keys()].sort(), ['2', '中']);
    assert.equal(found.get('中')?.name, '中');
    assert.equal((await source.findVersions(id, [], NEVER)).size, 0);
    const asked = [...Array.from({ length: 2500 }, (_, index) => `none-${index}`), 'x.y'];
    assert.deepEqual([...(await source.findVersions(id, asked, NEVER)).keys()], ['x.y']);
  });

  it('asks by the indexes of the server alone: no scan, no sort in memory, no document read for nothing', async () => {
    const repository = await repositoryOf(source, 'p', 'r');
    const id = await idOf('npm://many');
    const db = harness.db('packages');
    await db.command({ profile: 2 });
    await pagesOf(source.packages(repository, undefined, 5, NEVER));
    await pagesOf(source.versions(id, '1.0', 5, NEVER));
    await source.findPackage(repository, 'npm://many', NEVER);
    await source.findVersions(id, ['2', '中', 'missing'], NEVER);
    await db.command({ profile: 0 });
    const profile = await db
      .collection('system.profile')
      .find({ op: 'query', ns: /\.package/ })
      .toArray();
    assert.equal(profile.length, 3 + 2 + 1 + 1);
    for (const entry of profile) {
      const version = String(entry['ns']).endsWith('package_version');
      const index = version ? 'IXSCAN { packageId: 1, name: 1 }' : 'IXSCAN { projectId: 1, repoName: 1, key: 1 }';
      assert.equal(entry['planSummary'], index);
      assert.equal(entry['hasSortStage'], undefined);
      assert.equal(entry['docsExamined'], entry['nreturned']);
    }
  });

  it('is the spec error SourceIndexMissing without its index: no scan of all packages', async () => {
    const repository = await harness.builder('unindexed').repository('p', 'r');
    await putVersion(repository, { key: 'npm://a', name: 'a', type: 'NPM' }, { name: '1' });
    await harness.db('unindexed').collection('package').dropIndex('package_key_idx');
    await harness.db('unindexed').collection('package_version').dropIndex('version_name_idx');
    const bare = harness.source('unindexed');
    const found = await repositoryOf(bare, 'p', 'r');
    for (const call of [
      () => bare.findPackage(found, 'npm://a', NEVER),
      () => pagesOf(bare.packages(found, undefined, 5, NEVER)),
      () => pagesOf(bare.versions('0'.repeat(24), undefined, 5, NEVER)),
    ])
      await assert.rejects(call, { code: 'SourceIndexMissing', errorClass: 'spec' });
  });

  it('does not tell a version that was removed', async () => {
    const key = 'npm://shrinking';
    const spec = { key, name: 'shrinking', type: 'NPM' };
    for (const name of ['1', '2', '3']) await putVersion(filled, spec, { name });
    const id = await idOf(key);
    await removeVersion(filled, key, '2');
    const left = (await pagesOf(source.versions(id, undefined, 1, NEVER))).flat();
    assert.deepEqual(
      left.map((version) => version.name),
      ['1', '3'],
    );
    await removeVersion(filled, key, '1');
    await removeVersion(filled, key, '3');
    assert.equal(await source.findPackage(await repositoryOf(source, 'p', 'r'), key, NEVER), undefined);
  });
});

describe('fields of packages and versions', () => {
  it('arrive with their types, dots in keys as they were meant, and null where there is none', async () => {
    await putVersion(
      filled,
      {
        key: 'npm://full',
        name: 'full',
        type: 'NPM',
        description: 'words',
        versionTag: { latest: '1.0.0', 'v1.x': '1.0.0' },
        extension: { 'app.version': '7' },
      },
      {
        name: '1.0.0',
        size: 5_000_000_000,
        manifestPath: '/m',
        artifactPath: '/a',
        artifactPaths: ['/b', '/a'],
        stageTag: ['@prerelease', '@release'],
        tags: ['t'],
        metadata: [
          { key: 'list', value: ['a', new Int32(1), true] },
          { key: 'dotted.key', value: new Double(1.5), system: true, description: 'd', link: 'l' },
          { key: 'flag', value: false },
          { key: 'none', value: null },
        ],
        extension: { 'a.b': { 'c.d': Long.fromNumber(7) }, when: new Date(0) },
        createdBy: 'someone',
        createdDate: new Date('2026-10-01T00:00:00Z'),
      },
    );
    const repository = await repositoryOf(source, 'p', 'r');
    const item = await source.findPackage(repository, 'npm://full', NEVER);
    assert.ok(item);
    const { id, ...rest } = item;
    assert.match(id, /^[0-9a-f]{24}$/);
    assert.deepEqual(rest, {
      key: 'npm://full',
      name: 'full',
      type: 'NPM',
      latest: '1.0.0',
      description: 'words',
      versionTag: { latest: '1.0.0', 'v1.x': '1.0.0' },
      extension: { 'app.version': '7' },
    });
    const { id: versionId, ...version } =
      (await source.findVersions(id, ['1.0.0'], NEVER)).get('1.0.0') ?? assert.fail();
    assert.match(versionId, /^[0-9a-f]{24}$/);
    assert.deepEqual(version, {
      name: '1.0.0',
      size: 5_000_000_000,
      manifestPath: '/m',
      artifactPath: '/a',
      artifactPaths: ['/b', '/a'],
      stageTag: ['@prerelease', '@release'],
      tags: ['t'],
      metadata: [
        { key: 'list', value: ['a', 1, true], system: false },
        { key: 'dotted.key', value: 1.5, system: true, description: 'd', link: 'l' },
        { key: 'flag', value: false, system: false },
        { key: 'none', value: null, system: false },
      ],
      extension: { 'a.b': { 'c.d': 7 }, when: '1970-01-01T00:00:00.000Z' },
      createdBy: 'someone',
      createdDate: new Date('2026-10-01T00:00:00Z'),
      lastModifiedBy: 'someone',
      lastModifiedDate: new Date('2026-10-01T00:00:00Z'),
    });
  });

  const paths: readonly (readonly [what: string, fields: Document, artifactPath: string | null, all: string[]])[] = [
    ['no artifactPaths: the artifactPath alone', { artifactPath: '/a' }, '/a', ['/a']],
    ['null for artifactPaths: the artifactPath alone', { artifactPath: '/a', artifactPaths: null }, '/a', ['/a']],
    [
      'artifactPaths that lack the artifactPath: all',
      { artifactPath: '/a', artifactPaths: ['/b'] },
      '/a',
      ['/b', '/a'],
    ],
    ['no path at all: none', {}, null, []],
    ['only artifactPaths: those', { artifactPaths: ['/b'] }, null, ['/b']],
  ];
  for (const [what, fields, artifactPath, all] of paths)
    it(`with ${what}`, async () => {
      const name = `paths ${what}`;
      await putVersion(filled, { key: 'npm://paths', name: 'paths', type: 'NPM' }, { name, fields });
      const version = (await source.findVersions(await idOf('npm://paths'), [name], NEVER)).get(name);
      assert.deepEqual([version?.artifactPath, version?.artifactPaths], [artifactPath, all]);
    });

  it('that an old server does not write are null or empty', async () => {
    const key = 'npm://bare';
    await putVersion(filled, { key, name: 'bare', type: 'NPM' }, { name: '1' });
    const id = await idOf(key);
    const db = harness.db('packages');
    const gone = (...names: string[]): Document => Object.fromEntries(names.map((name) => [name, '']));
    await db
      .collection('package')
      .updateOne({ key }, { $unset: gone('latest', 'description', 'versionTag', 'extension', 'historyVersion') });
    await db
      .collection('package_version')
      .updateOne({ packageId: id }, { $unset: gone('stageTag', 'tags', 'metadata', 'extension', 'manifestPath') });
    const item = await source.findPackage(await repositoryOf(source, 'p', 'r'), key, NEVER);
    assert.deepEqual([item?.latest, item?.description, item?.versionTag, item?.extension], [null, null, {}, {}]);
    const version = (await source.findVersions(id, ['1'], NEVER)).get('1');
    assert.deepEqual(
      [version?.stageTag, version?.tags, version?.metadata, version?.extension, version?.manifestPath],
      [[], [], [], {}, null],
    );
  });
});

describe('the packages of a source whose database fails', () => {
  function reader(): SourceReader {
    const clock = new FakeClock({ running: true });
    const backoff = { base: 1, cap: 1, jitter: 0 };
    const rest = { unavailable: 'SourceUnavailable', patience: 60_000, attempts: 5, backoff, clock, random: () => 0 };
    return new SourceReader(source, new EndpointHealth({ what: 'the source', ...rest }));
  }

  /** A time limit that was met: the driver does not try that again by itself. */
  const failOnce = (): Promise<Document> =>
    harness.db('admin').command({
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['find'], errorCode: 50 },
    });
  const heal = (): Promise<Document> => harness.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });

  it('are asked for again, and listings go on behind what was told', async () => {
    const repository = await repositoryOf(source, 'p', 'r');
    const id = await idOf('npm://many');
    const expected = (await pagesOf(source.packages(repository, undefined, 100, NEVER))).flat();
    try {
      await failOnce();
      assert.equal((await reader().findPackage(repository, 'npm://many', NEVER))?.key, 'npm://many');
      await failOnce();
      assert.equal((await reader().findVersions(id, ['2'], NEVER)).size, 1);
      const told: string[] = [];
      for await (const page of reader().packages(repository, 3, NEVER)) {
        told.push(...page.map((item) => item.key));
        assert.ok(told.length <= expected.length, 'told twice');
        await failOnce();
      }
      assert.deepEqual(
        told,
        expected.map((item) => item.key),
      );
      const versions: string[] = [];
      for await (const page of reader().versions(id, 3, NEVER)) {
        versions.push(...page.map((version) => version.name));
        assert.ok(versions.length <= inBytes.length, 'told twice');
        await failOnce();
      }
      assert.deepEqual(versions, inBytes);
    } finally {
      await heal();
    }
  });

  it('are SourceUnavailable and retryable without the reader, and give way to an aborted signal', async () => {
    const repository = await repositoryOf(source, 'p', 'r');
    await failOnce();
    try {
      await assert.rejects(source.findPackage(repository, 'npm://many', NEVER), {
        code: 'SourceUnavailable',
        errorClass: 'retryable',
      });
    } finally {
      await heal();
    }
    const reason = new Error('enough');
    await assert.rejects(source.findVersions('0'.repeat(24), ['1'], AbortSignal.abort(reason)), reason);
    await assert.rejects(pagesOf(source.packages(repository, undefined, 5, AbortSignal.abort(reason))), reason);
  });
});

const missing = fixtureMissing();
if (missing !== false) process.stdout.write(`the packages of a real bk-repo ${missing}\n`);

describe("a real bk-repo's packages", { skip: missing }, () => {
  before(() => loadFixture(harness.db('fixture'), harness.path('fixture-store')));

  const EXPECTED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
    gen: {},
    mvn: { 'gav://com.example:lib': ['1.0.0', '1.1.0', '2.0.0-SNAPSHOT'], 'gav://com.example:parent': ['1'] },
    npm: { 'npm://@fx/lib': ['1.0.0', '1.1.0'], 'npm://plain-lib': ['0.1.0'] },
    docker: {
      'docker://app-b': ['1.0', 'edge'],
      'docker://multi': ['1.0', 'amd64', 'arm64'],
      'docker://team/app-a': ['1.0', 'latest'],
    },
    oci: {
      'oci://app-b': ['1.0', 'edge', 'tmp'],
      'oci://artifact': ['v1'],
      'oci://multi': ['1.0', 'amd64', 'arm64'],
      'oci://team/app-a': ['1.0', 'latest'],
    },
    helm: { 'helm://mychart': ['0.1.0', '0.2.0'] },
  };
  for (const [name, expected] of Object.entries(EXPECTED))
    it(`${name}: all packages and versions`, async () => {
      const real = harness.source('fixture');
      const repository = await repositoryOf(real, FIXTURE_PROJECT, name);
      const told: Record<string, string[]> = {};
      for (const item of (await pagesOf(real.packages(repository, undefined, 2, NEVER))).flat())
        told[item.key] = (await pagesOf(real.versions(item.id, undefined, 2, NEVER))).flat().map((one) => one.name);
      assert.deepEqual(told, expected);
    });

  it('keeps fields that a server wrote', async () => {
    const real = harness.source('fixture');
    const helm = await repositoryOf(real, FIXTURE_PROJECT, 'helm');
    const chart = await real.findPackage(helm, 'helm://mychart', NEVER);
    assert.deepEqual([chart?.latest, chart?.extension], ['0.2.0', { appVersion: '1.0.2.0' }]);
    const npm = await repositoryOf(real, FIXTURE_PROJECT, 'npm');
    const plain = await real.findPackage(npm, 'npm://plain-lib', NEVER);
    const version = (await real.findVersions(plain?.id ?? '', ['0.1.0'], NEVER)).get('0.1.0');
    assert.deepEqual(version?.stageTag, ['@prerelease']);
    assert.deepEqual(version?.metadata.find((entry) => entry.key === 'keywords')?.value, ['fixture']);
    assert.equal(version?.size, 289);
  });
});
