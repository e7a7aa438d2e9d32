/** The packages that tests build, against those that a real server wrote. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Document, MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { comparePackages, compareSides } from '../../support/bkrepo/compare.ts';
import { FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { tgz } from '../../support/bkrepo/packages/archives.ts';
import { putHelm, putHelmIndex } from '../../support/bkrepo/packages/helm.ts';
import { type ImageLayout, type PutImage, putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { MIXED_TYPES, mixedProject } from '../../support/bkrepo/packages/mixed.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { type ReadBackFile, readBack } from '../../support/bkrepo/read-back.ts';
import { type ReadPackage, type ReadVersion, readPackages } from '../../support/bkrepo/read-packages.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

const NOW = new Date('2026-11-22T15:16:28Z');

let mongod: Mongod;
let client: MongoClient;
let directory: string;

before(async () => {
  mongod = await startMongod();
  client = await new MongoClient(mongod.uri).connect();
  directory = await makeTempDir('package-data');
});

after(async () => {
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

const twoLayers = () => ({ layers: [tgz({ base: 'base' }), tgz({ app: 'app' })] });

function builderOf(name: string): BkRepoBuilder {
  return new BkRepoBuilder(client.db(name), `${directory}/${name}`, { now: () => NOW });
}

const missing = fixtureMissing();
if (missing !== false) process.stdout.write(`the comparison of built packages with a real server's ${missing}\n`);

describe('built packages', { skip: missing }, () => {
  before(() => loadFixture(client.db('fixture'), `${directory}/fixture`));

  /** The types of an object's fields, as they are stored; times and identities apart. */
  function shape(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(shape);
    if (typeof value !== 'object' || value === null) return typeof value;
    if (value.constructor !== Object) return value.constructor.name;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]));
  }

  async function documentsOf(name: string, project: string, repo: string): Promise<Map<string, Document>> {
    const raw = { promoteValues: false } as const;
    const found = new Map<string, Document>();
    const db = client.db(name);
    for (const item of await db.collection('package').find({ projectId: project, repoName: repo }, raw).toArray()) {
      const key = String(item['key']);
      found.set(key, item);
      const versions = db.collection('package_version').find({ packageId: item._id.toHexString() }, raw);
      for (const version of await versions.toArray()) found.set(`${key}@${version['name']}`, version);
    }
    return found;
  }

  /** Documents of packages and versions: the same fields with the same types, the same names, paths and metadata keys. */
  async function assertLikeReal(built: string, repo: string, keys: readonly string[]): Promise<void> {
    const real = await documentsOf('fixture', FIXTURE_PROJECT, repo);
    const ours = await documentsOf(built, FIXTURE_PROJECT, repo);
    for (const key of keys) {
      const [left, right] = [real.get(key), ours.get(key)];
      assert.ok(left !== undefined && right !== undefined, `${key} of ${[...ours.keys()].join()}`);
      const sorted = (document: Document): [string, unknown][] =>
        Object.entries(document)
          .filter(([field]) => field !== 'historyVersion' && field !== 'metadata')
          .map(([field, value]): [string, unknown] => [field, value === null ? 'null' : shape(value)])
          .toSorted(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(sorted(right), sorted(left), key);
      for (const field of ['name', 'key', 'type', 'manifestPath', 'artifactPath', 'artifactPaths', 'ordinal'])
        assert.deepEqual(right[field], left[field], `${key}: ${field}`);
      const metadata = (document: Document): unknown =>
        ((document['metadata'] ?? []) as Document[])
          .map((entry): [string, unknown, unknown] => [String(entry['key']), entry['system'], shape(entry['value'])])
          .toSorted(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(metadata(right), metadata(left), key);
    }
  }

  /** Nodes: the same paths below a folder, each with the same metadata keys. */
  async function assertNodesLikeReal(built: string, repo: string, below: (path: string) => boolean): Promise<void> {
    const sideOf = async (name: string) => {
      const files = await readBack(client.db(name), `${directory}/${name}`, FIXTURE_PROJECT, repo);
      assert.deepEqual(
        [...files.values()].flatMap((file) => file.problems),
        [],
      );
      return [...files]
        .filter(([path]) => below(path))
        .map(([path, file]): [string, string[]] => [
          path.replace(/sha256__[0-9a-f]{64}/, 'sha256__…'),
          file.metadata.map((entry) => `${entry.key}:${typeof entry.value}:${entry.system}`),
        ])
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
    };
    assert.deepEqual(await sideOf(built), await sideOf('fixture'));
  }

  it('are like those of a real server: MAVEN', async () => {
    const repository = await builderOf('mvn').repository(FIXTURE_PROJECT, 'mvn', { type: 'MAVEN' });
    const sources = { files: [{ classifier: 'sources', extension: 'jar' }] };
    await putMaven(repository, 'com.example', 'lib', '1.0.0', sources);
    await putMaven(repository, 'com.example', 'lib', '1.1.0', sources);
    await putMaven(repository, 'com.example', 'lib', '2.0.0-SNAPSHOT', {
      builds: [new Date('2026-11-22T15:16:23Z'), new Date('2026-11-22T15:16:28Z')],
    });
    await putMaven(repository, 'com.example', 'parent', '1', { packaging: 'pom' });
    await assertLikeReal('mvn', 'mvn', [
      'gav://com.example:lib',
      'gav://com.example:lib@1.0.0',
      'gav://com.example:lib@2.0.0-SNAPSHOT',
      'gav://com.example:parent@1',
    ]);
    await assertNodesLikeReal('mvn', 'mvn', () => true);
    for (const path of ['/com/example/lib/2.0.0-SNAPSHOT/maven-metadata.xml', '/com/example/lib/maven-metadata.xml'])
      assert.equal(String(await repository.content(path)), String(await contentOf('fixture', 'mvn', path)), path);
  });

  it('are like those of a real server: NPM', async () => {
    const repository = await builderOf('npm').repository(FIXTURE_PROJECT, 'npm', { type: 'NPM' });
    await putNpm(repository, '@fx/lib', '1.0.0', { deprecated: 'old one' });
    await putNpm(repository, '@fx/lib', '1.1.0');
    await putNpm(repository, 'plain-lib', '0.1.0', { tags: ['beta', 'stable'] });
    await assertLikeReal('npm', 'npm', ['npm://@fx/lib', 'npm://@fx/lib@1.0.0', 'npm://@fx/lib@1.1.0']);
    await assertNodesLikeReal('npm', 'npm', () => true);
    for (const name of ['@fx/lib', 'plain-lib']) {
      const path = `/.npm/${name}/package.json`;
      const ours = JSON.parse(String(await repository.content(path))) as Document;
      const real = JSON.parse(String(await contentOf('fixture', 'npm', path))) as Document;
      assert.deepEqual(ours['dist-tags'], real['dist-tags']);
      assert.deepEqual(Object.keys(ours).sort(), Object.keys(real).sort());
      for (const [version, fields] of Object.entries(real['versions'] as Record<string, Document>)) {
        const same = (ours['versions'] as Record<string, Document>)[version];
        assert.equal(same?.['dist']['tarball'], fields['dist']['tarball']);
        assert.equal(same?.['deprecated'], fields['deprecated']);
      }
    }
  });

  for (const [type, repo] of [
    ['DOCKER', 'docker'],
    ['OCI', 'oci'],
  ] as const)
    it(`are like those of a real server: ${type}`, async () => {
      const repository = await builderOf(repo).repository(FIXTURE_PROJECT, repo, { type });
      for (const tag of ['1.0', 'latest']) await putImage(repository, 'team/app-a', tag, twoLayers());
      const children = [
        await putImage(repository, 'multi', 'amd64', twoLayers()),
        await putImage(repository, 'multi', 'arm64', { ...twoLayers(), architecture: 'arm64' }),
      ];
      await putImageIndex(repository, 'multi', '1.0', children);
      const key = repo;
      await assertLikeReal(repo, repo, [
        `${key}://team/app-a`,
        `${key}://team/app-a@1.0`,
        `${key}://multi@amd64`,
        `${key}://multi@1.0`,
      ]);
      await assertNodesLikeReal(repo, repo, (path) => path.startsWith('/team/') || path.startsWith('/multi/'));
      const nodes = await client.db(repo).collection('node_210').find({ folder: false }).toArray();
      assert.ok(nodes.every((node) => !('crc64ecma' in node)));
    });

  it('are like those of a real server: HELM', async () => {
    const repository = await builderOf('helm').repository(FIXTURE_PROJECT, 'helm', { type: 'HELM' });
    const charts = [
      await putHelm(repository, 'mychart', '0.1.0'),
      await putHelm(repository, 'mychart', '0.2.0', { prov: true }),
    ];
    await putHelmIndex(
      repository,
      charts.slice(0, 1).map((chart) => chart.entry),
    );
    await assertLikeReal('helm', 'helm', ['helm://mychart', 'helm://mychart@0.1.0', 'helm://mychart@0.2.0']);
    await assertNodesLikeReal('helm', 'helm', () => true);
    const words = async (name: string) =>
      String(await contentOf(name, 'helm', '/index-cache.yaml')).replaceAll(/"\d{4}-[^"]*"|"[0-9a-f]{64}"/g, '…');
    assert.equal(await words('helm'), await words('fixture'));
  });

  async function contentOf(name: string, repo: string, path: string): Promise<Buffer | undefined> {
    const real = new BkRepoBuilder(client.db(name), `${directory}/${name}`);
    return await real.existing(FIXTURE_PROJECT, repo).content(path);
  }
});

describe('built images', () => {
  const hexOf = (put: PutImage): string[] => [put.config, ...put.layers].map((blob) => blob.digest.slice(7));

  async function repositoryOf(name: string, type: string): Promise<RepositoryBuilder> {
    return await builderOf(name).repository('p', 'images', { type });
  }

  async function versionOf(name: string, put: PutImage): Promise<ReadVersion | undefined> {
    return (await readPackages(client.db(name), 'p', 'images')).get(put.packageKey)?.versions.get(put.version);
  }

  const layouts: readonly (readonly [layout: ImageLayout, blobs: string, manifest: string, refreshed: boolean])[] = [
    ['today', '/a/b/blobs/1.0', '/a/b/manifest/1.0/manifest.json', true],
    ['flat-blobs', '/a/b/blobs', '/a/b/manifest/1.0/manifest.json', false],
    ['docker', '/a/b/1.0', '/a/b/1.0/manifest.json', false],
  ];
  for (const [layout, blobs, manifest, refreshed] of layouts)
    it(`lie where the layout ${layout} has them`, async () => {
      const name = `layout-${layout}`;
      const put = await putImage(await repositoryOf(name, 'DOCKER'), 'a/b', '1.0', { layout });
      const files = await readBack(client.db(name), `${directory}/${name}`, 'p', 'images');
      const expected = [...hexOf(put).map((hex) => `${blobs}/sha256__${hex}`), manifest];
      assert.deepEqual([...files.keys()].toSorted(), expected.toSorted());
      const keys = files.get(manifest)?.metadata.map((entry) => entry.key) ?? [];
      assert.equal(keys.includes('blobPathRefreshed'), refreshed);
      const version = await versionOf(name, put);
      assert.deepEqual(
        [version?.manifestPath, version?.artifactPath],
        [manifest, layout === 'docker' ? null : manifest],
      );
    });

  it('pushed by digest are versions named by it, with the manifest under it', async () => {
    const put = await putImage(await repositoryOf('by-digest', 'OCI'), 'a', 'x', { byDigest: true });
    assert.equal(put.version, put.descriptor.digest);
    assert.equal(put.manifestPath, `/a/manifest/${put.descriptor.digest}/manifest.json`);
    assert.equal((await versionOf('by-digest', put))?.manifestPath, put.manifestPath);
  });

  it('are broken as a test wants them: without a blob, with another manifest, without a version', async () => {
    const repository = await repositoryOf('broken', 'OCI');
    const whole = await putImage(repository, 'a', 'whole');
    const [, layer = ''] = hexOf(whole);
    const layers = [tgz({ 'app/a.txt': 'a:whole\n' })];
    const broken = await putImage(repository, 'a', 'broken', { layers, missing: [layer], register: false });
    assert.deepEqual(broken.layers, whole.layers);
    assert.equal(broken.paths.length, whole.paths.length - 1);
    assert.equal(await versionOf('broken', broken), undefined);
    const nonsense = await putImage(repository, 'a', 'nonsense', { manifest: 'no JSON' });
    assert.equal(String(await repository.content(nonsense.manifestPath)), 'no JSON');
  });
});

describe('a project of all types', () => {
  it('is sound, the same for the same seed, another for another, and compares equal only to itself', async () => {
    const built = async (name: string, seed: number) => {
      const repositories = await mixedProject(builderOf(name), { seed });
      const db = client.db(name);
      const sides = new Map<string, [Map<string, ReadBackFile>, Map<string, ReadPackage>]>();
      for (const { projectId, name: repo, packages } of repositories) {
        const files = await readBack(db, `${directory}/${name}`, projectId, repo);
        const read = await readPackages(db, projectId, repo);
        for (const [path, { problems }] of files) assert.deepEqual(problems, [], path);
        for (const put of packages) {
          const version = read.get(put.packageKey)?.versions.get(put.version);
          assert.ok(version, `${put.packageKey}@${put.version}`);
          assert.deepEqual(read.get(put.packageKey)?.problems, [], put.packageKey);
          for (const path of put.paths) assert.ok(files.has(path), path);
          for (const path of [...version.artifactPaths, version.manifestPath])
            if (path !== null && repo !== 'composer') assert.ok(files.has(path), path);
        }
        sides.set(repo, [files, read]);
      }
      return sides;
    };
    const [one, same, other] = [await built('one', 7), await built('same', 7), await built('other', 8)];
    assert.deepEqual([...one.keys()].toSorted(), MIXED_TYPES.map((type) => type.toLowerCase()).toSorted());
    for (const [repo, [files, packages]] of one) {
      const [sameFiles, samePackages] = same.get(repo) ?? [new Map(), new Map()];
      assert.deepEqual(compareSides(files, sameFiles), [], repo);
      assert.deepEqual(comparePackages(packages, samePackages), [], repo);
      assert.notDeepEqual(compareSides(files, other.get(repo)?.[0] ?? new Map()), [], repo);
      assert.ok(files.has('/loose/notes.txt') && packages.size > 0 === (repo !== 'generic'), repo);
    }
  });
});

describe('comparing the packages of two sides', () => {
  const KEY = 'npm://a';

  async function sideOf(name: string): Promise<{ readonly read: () => Promise<Map<string, ReadPackage>> }> {
    const repository = await builderOf(name).repository('p', 'npm', { type: 'NPM' });
    await putNpm(repository, 'a', '1.0.0');
    await putNpm(repository, 'a', '1.1.0');
    await putNpm(repository, 'b', '1.0.0');
    return { read: () => readPackages(client.db(name), 'p', 'npm') };
  }

  const changes: readonly (readonly [
    what: string,
    collection: 'package' | 'package_version',
    filter: Document,
    update: Document,
    told: RegExp,
  ])[] = [
    ['a missing package', 'package', { key: 'npm://b' }, { $set: { key: 'npm://c' } }, /^npm:\/\/b: only at source$/],
    [
      'another latest',
      'package',
      { key: KEY },
      { $set: { latest: '1.0.0' } },
      /a: latest: source "1\.1\.0", far side "1\.0\.0"/,
    ],
    [
      'a latest that is not there',
      'package',
      { key: KEY },
      { $set: { latest: '7' } },
      /a: far side: latest 7 is no version/,
    ],
    ['a lost tag', 'package', { key: KEY }, { $set: { versionTag: { 'v1#dot#x': '1.0.0' } } }, /versionTag: .*"v1\.x"/],
    ['a lost extension', 'package', { key: KEY }, { $set: { extension: { a: 1 } } }, /a: extension/],
    [
      'a missing version',
      'package_version',
      { name: '1.1.0' },
      { $set: { name: '1.2.0' } },
      /a@1\.1\.0: only at source/,
    ],
    [
      'another size',
      'package_version',
      { name: '1.1.0' },
      { $set: { size: 7 } },
      /a@1\.1\.0: size: source \d+, far side 7/,
    ],
    ['another stage', 'package_version', { name: '1.1.0' }, { $set: { stageTag: ['x'] } }, /a@1\.1\.0: stageTag/],
    [
      'another type of a value',
      'package_version',
      { name: '1.1.0' },
      { $set: { 'metadata.0.value': 1 } },
      /@1\.1\.0: metadata/,
    ],
    [
      'more paths',
      'package_version',
      { name: '1.1.0' },
      { $push: { artifactPaths: '/x' } as Document },
      /artifactPaths/,
    ],
  ];
  for (const [index, [what, collection, filter, update, told]] of changes.entries())
    it(`tells ${what}`, async () => {
      const left = await sideOf(`left${index}`);
      const right = await sideOf(`right${index}`);
      assert.deepEqual(comparePackages(await left.read(), await right.read()), []);
      await client.db(`right${index}`).collection(collection).updateOne(filter, update);
      const differences = comparePackages(await left.read(), await right.read());
      assert.ok(
        differences.some((line) => told.test(line)),
        `${told} in ${differences.join('\n')}`,
      );
    });

  it('does not mind what a receiving server adds by itself, nor what it is told to leave out', async () => {
    const left = await sideOf('left-own');
    const right = await sideOf('right-own');
    const versions = client.db('right-own').collection('package_version');
    const added = { metadata: { key: 'sourceType', value: 'REPLICATION', system: true } } as Document;
    await versions.updateMany({}, { $push: added, $set: { createdDate: new Date(0), createdBy: 'x', tags: ['t'] } });
    const read = async () => [await left.read(), await right.read()] as const;
    const lines = comparePackages(...(await read()));
    assert.equal(lines.length, 6);
    assert.ok(lines.every((line) => /: (createdBy|tags): /.test(line)));
    assert.deepEqual(comparePackages(...(await read()), { audit: false, ignoreFields: ['tags'] }), []);
  });
});
