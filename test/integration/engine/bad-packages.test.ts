import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Long, ObjectId } from 'mongodb';
import { blobPath, shardOf } from '../../support/bkrepo/layout.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { descriptorOf, putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { putVersion } from '../../support/bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { PROJECT, World } from '../../support/world.ts';
import { farNodes, farPackages, farRepository, objectOf, tallyOf } from './far-state.ts';

let world: World;
let count = 0;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

function repositoryOf(type: string): Promise<RepositoryBuilder> {
  count += 1;
  return world.builder.repository(PROJECT, `r${count}`, { type });
}

/** A file of zero bytes only, which takes no room in the store. */
async function putZeros(repository: RepositoryBuilder, path: string, size: number): Promise<void> {
  const piece = Buffer.alloc(1024 * 1024);
  const hashes = { sha256: createHash('sha256'), md5: createHash('md5') };
  for (let left = size; left > 0; left -= piece.length)
    for (const hash of Object.values(hashes)) hash.update(piece.subarray(0, Math.min(left, piece.length)));
  const sha256 = hashes.sha256.digest('hex');
  const file = blobPath(repository.storeDir, sha256);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '');
  await truncate(file, size);
  await repository.putFile(path, '', {
    fields: { size: Long.fromNumber(size), sha256, md5: hashes.md5.digest('hex') },
  });
}

const MANY_BYTES = 100 * 1024 * 1024;

interface Bad {
  readonly what: string;
  readonly type: string;
  /** Tells the unit that has to fail. */
  readonly make: (repository: RepositoryBuilder) => Promise<string>;
  readonly reason: string;
  readonly words: RegExp;
  /** Files of the bad unit arrive as what they are: loose files, or versions whose document is bad. */
  readonly arrives?: boolean;
}

const BAD: readonly Bad[] = [
  {
    what: 'a package key of another type',
    type: 'NPM',
    make: async (r) =>
      `${(await putGeneral(r, { key: 'gav://a:b', name: 'b' }, { name: '1', artifactPath: '/b' }, { '/b': 'b' })).packageKey}@1`,
    reason: 'PackageKeyInvalid',
    words: /gav:\/\/a:b.*NPM/,
  },
  {
    what: 'an empty package key',
    type: 'MAVEN',
    make: async (r) =>
      `${(await putGeneral(r, { key: '', name: 'b' }, { name: '1', artifactPath: '/b' }, { '/b': 'b' })).packageKey}@1`,
    reason: 'PackageKeyInvalid',
    words: /empty/,
  },
  {
    what: 'a manifest that is not JSON',
    type: 'OCI',
    make: async (r) => `${(await putImage(r, 'app', '1', { manifest: 'not JSON {' })).packageKey}@1`,
    reason: 'ManifestInvalid',
    words: /\/app\/manifest\/1\/manifest\.json.*not JSON/,
  },
  {
    what: 'a manifest that names missing blobs',
    type: 'DOCKER',
    make: async (r) => {
      const layer = Buffer.from('a layer that was never pushed');
      const hex = descriptorOf('x', layer).digest.slice('sha256:'.length);
      return `${(await putImage(r, 'app', '1', { layers: [gzip(layer)], missing: [descriptorOf('x', gzip(layer)).digest.slice(7), hex] })).packageKey}@1`;
    },
    reason: 'BlobNotInRepository',
    words: /sha256:[0-9a-f]{64}.*\/app\/manifest\/1\/manifest\.json/,
  },
  {
    what: 'an index that contains itself',
    type: 'OCI',
    make: async (r) => {
      // Nobody can make a document that names its own digest: so it lies under a digest that is not its own.
      const digest = `sha256:${'a'.repeat(64)}`;
      const put = await putImageIndex(r, 'app', digest, [{ mediaType: 'application/json', size: 1, digest }]);
      return `${put.packageKey}@${digest}`;
    },
    reason: 'IndexCycle',
    words: /app/,
  },
  {
    what: 'an npm version document of 100 MB',
    type: 'NPM',
    make: async (r) => {
      const put = await putNpm(r, 'big', '1.0.0');
      await r.deleteFile('/.npm/big/big-1.0.0.json');
      await putZeros(r, '/.npm/big/big-1.0.0.json', MANY_BYTES);
      return `${put.packageKey}@1.0.0`;
    },
    reason: 'DocumentTooLarge',
    words: /big-1\.0\.0\.json has 104857600 bytes/,
  },
  {
    what: 'an image manifest of 100 MB',
    type: 'OCI',
    make: async (r) => {
      const put = await putImage(r, 'app', '1');
      await r.deleteFile(put.manifestPath);
      await putZeros(r, put.manifestPath, MANY_BYTES);
      return `${put.packageKey}@1`;
    },
    reason: 'DocumentTooLarge',
    words: /\/app\/manifest\/1\/manifest\.json has 104857600 bytes/,
  },
  {
    what: 'an npm package document of 100 MB',
    type: 'NPM',
    make: async (r) => {
      await putNpm(r, 'big', '1.0.0');
      await r.deleteFile('/.npm/big/package.json');
      await putZeros(r, '/.npm/big/package.json', MANY_BYTES);
      return '/.npm/big/package.json';
    },
    reason: 'DocumentTooLarge',
    words: /package\.json has 104857600 bytes/,
    arrives: true,
  },
  {
    what: 'a maven-metadata.xml of 100 MB',
    type: 'MAVEN',
    make: async (r) => {
      await putMaven(r, 'com.example', 'lib', '1.0');
      await r.deleteFile('/com/example/lib/maven-metadata.xml');
      await putZeros(r, '/com/example/lib/maven-metadata.xml', MANY_BYTES);
      return '/com/example/lib/maven-metadata.xml';
    },
    reason: 'DocumentTooLarge',
    words: /maven-metadata\.xml has 104857600 bytes/,
    arrives: true,
  },
  {
    what: 'an artifact path with ..',
    type: 'RDS',
    make: async (r) =>
      `${(await putGeneral(r, { key: 'rds://p', name: 'p' }, { name: '1', artifactPath: '/p/1/a', artifactPaths: ['/p/1/a', '/p/../../etc/passwd'] }, { '/p/1/a': 'a' })).packageKey}@1`,
    reason: 'PackagePathInvalid',
    words: /\/p\/\.\.\/\.\.\/etc\/passwd.*\.\./,
  },
  {
    what: 'a version with a name that leads elsewhere',
    type: 'RDS',
    make: async (r) => {
      await r.putFile('/secret/file', 'not of this package');
      await putGeneral(r, { key: 'rds://p', name: 'p' }, { name: '../secret' }, {});
      return 'rds://p@../secret';
    },
    reason: 'PackagePathInvalid',
    words: /\.\./,
    arrives: true,
  },
  {
    what: 'a version of 10,001 files',
    type: 'RDS',
    make: async (r) => {
      await r.putFile('/p/1/f', 'the same in each');
      const nodes = world.builder.db.collection(`node_${shardOf(PROJECT)}`);
      const file = await nodes.findOne({ repoName: r.name, fullPath: '/p/1/f' });
      const names = Array.from({ length: 10_000 }, (_, index) => `f${index}`);
      await nodes.insertMany(names.map((name) => ({ ...file, _id: new ObjectId(), name, fullPath: `/p/1/${name}` })));
      await putVersion(r, { key: 'rds://p', name: 'p', type: 'RDS' }, { name: '1' });
      return 'rds://p@1';
    },
    reason: 'TooManyFiles',
    words: /\/p\/1.*10000/,
  },
];

function gzip(layer: Buffer): Buffer {
  return Buffer.from(gzipSync(layer));
}

for (const { what, type, make, reason, words, arrives = false } of BAD) {
  test(`${what} is one failed unit with its reason; the others arrive`, async () => {
    const repository = await repositoryOf(type);
    const unit = await make(repository);
    const good = await goodOne(repository);
    const farSide = await world.farSide(repository.name, { faithful: true });
    const run = await world.run([farSide], { objects: [objectOf(repository)] });
    const rows = await world.details(run.record, farSide);
    const failed = [...rows].filter(([, { status }]) => status !== 'SUCCESS');
    assert.deepEqual(
      failed.map(([name, row]) => [name, row.status, row.reason]),
      [[unit, 'FAILED', reason]],
    );
    assert.match(rows.get(unit)?.errorReason ?? '', words);
    assert.ok((rows.get(unit)?.errorReason ?? '').length < 1_000, 'words are bounded');
    assert.equal(rows.get(good)?.status, 'SUCCESS');
    assert.equal(run.outcome.farSides[0]?.error, undefined);
    const packages = await farPackages(farSide, repository);
    if (!arrives) {
      const at = unit.lastIndexOf('@');
      assert.equal(packages.get(unit.slice(0, at))?.versions.has(unit.slice(at + 1)) ?? false, false);
      const files = (await farNodes(farSide, repository)).filter(({ folder }) => folder === false);
      const foreign = files.filter(({ fullPath }) => !String(fullPath).includes('good'));
      assert.deepEqual(
        foreign.map(({ fullPath }) => fullPath),
        [],
      );
    }
  });
}

/** A sound version beside the bad one: its unit. */
async function goodOne(repository: RepositoryBuilder): Promise<string> {
  const put = await {
    NPM: () => putNpm(repository, 'good', '1.0.0'),
    MAVEN: () => putMaven(repository, 'com.good', 'good', '1.0'),
    OCI: () => putImage(repository, 'good', '1.0'),
    DOCKER: () => putImage(repository, 'good', '1.0'),
    RDS: () => putGeneral(repository, { key: 'rds://good', name: 'good' }, { name: '1' }, { '/good/1/a': 'a' }),
  }[repository.type as 'NPM']();
  return `${put.packageKey}@${put.version}`;
}

test('a far-side repository of another type, and a source repository of another type than the task says, are told in words', async () => {
  const repository = await repositoryOf('NPM');
  await goodOne(repository);
  const farSide = await world.farSide('types');
  await farRepository(farSide, world.builder.existing(PROJECT, repository.name, 'MAVEN'));
  const other = await repositoryOf('OCI');
  const third = await repositoryOf('RDS');
  await goodOne(third);
  const objects = [objectOf(repository), { ...objectOf(other), repoType: 'DOCKER' }, objectOf(third)];
  for (const [index, words] of [
    [0, /r\d+.*(MAVEN.*NPM|NPM.*MAVEN)/],
    [1, /r\d+.*(OCI.*DOCKER|DOCKER.*OCI)/],
  ] as const) {
    const run = await world.run([farSide], { objects: objects.filter((_, at) => at === index) });
    assert.match(run.outcome.farSides[0]?.error?.message ?? '', words);
    assert.equal(run.record.status, 'FAILED');
  }
  const all = await world.run([farSide], { objects });
  assert.equal(tallyOf(all).success, 1, 'the third object is copied all the same');
  assert.ok(all.outcome.farSides[0]?.error !== undefined);
  assert.equal((await farNodes(farSide, repository)).length, 0);
});

test('a package of ten thousand versions, twenty of which the far side lacks, takes bounded time and memory', async (context) => {
  const repository = await repositoryOf('NUGET');
  const VERSIONS = 10_000;
  const LACKING = 20;
  const farSide = await world.farSide('many');
  const sides = [repository, await farRepository(farSide, repository)];
  for (const [index, side] of sides.entries()) {
    const version = { name: '1.0', artifactPath: '/shared/a' };
    await putGeneral(side, { key: 'nuget://p', name: 'p' }, version, { '/shared/a': 'a' });
    const { db } = side.builder;
    const versions = db.collection('package_version');
    const template = await versions.findOne({ artifactPath: '/shared/a' });
    const names = Array.from({ length: VERSIONS - 1 }, (_, at) => `1.${at + 1}`);
    const there = names.filter((_, at) => index === 0 || at % (VERSIONS / LACKING) !== 0);
    await versions.insertMany(there.map((name) => ({ ...template, _id: new ObjectId(), name })));
    const fields = { versions: Long.fromNumber(there.length + 1), latest: '1.1', historyVersion: ['1.0', ...there] };
    await db.collection('package').updateOne({ key: 'nuget://p', repoName: repository.name }, { $set: fields });
  }
  await farSide.db.collection('package').updateOne({ key: 'nuget://p' }, { $set: { latest: '1.0' } });
  const memory = process.memoryUsage().rss;
  // Its own work: a machine that does other things as well lets it wait.
  const before = process.cpuUsage();
  const tally = tallyOf(await world.run([farSide], { objects: [objectOf(repository)] }));
  const { user, system } = process.cpuUsage(before);
  const took = (user + system) / 1_000;
  const grown = process.memoryUsage().rss - memory;
  context.diagnostic(
    `${Math.round(took)} ms, ${farSide.proxy.requests.length} requests, memory +${Math.round(grown / 1e6)} MB`,
  );
  assert.deepEqual([tally.success, tally.unchanged], [LACKING, VERSIONS - LACKING]);
  assert.ok(farSide.proxy.requests.length < 2_000, 'versions are asked for many at a time');
  assert.ok(took < 30_000 && grown < 500e6);
  const found = (await farPackages(farSide, repository)).get('nuget://p');
  assert.deepEqual([found?.latest, found?.versions.size, found?.problems], ['1.1', VERSIONS, []]);
});
