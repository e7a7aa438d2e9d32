import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { blobPath, shardOf } from '../../support/bkrepo/layout.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import type { Fault } from '../../support/fault-proxy.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import { farNodes, farPackages, MIRROR, objectOf, tallyOf } from './far-state.ts';

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

type Step = 'blob' | 'node' | 'version';

/** What was asked of a far side that changes something, in order. */
function steps(farSide: FarSide): readonly Step[] {
  return farSide.proxy.requests.flatMap(({ url }): Step[] => {
    if (/blob\/push|\/uploads\//.test(url)) return ['blob'];
    if (url.includes('node/create')) return ['node'];
    return url.includes('version/create') ? ['version'] : [];
  });
}

const FILLERS = {
  OCI: async (r: RepositoryBuilder) => [await putImage(r, 'app', '1.0')],
  NPM: async (r: RepositoryBuilder) => [await putNpm(r, '@fx/lib', '1.0.0')],
  MAVEN: async (r: RepositoryBuilder) => [await putMaven(r, 'com.example', 'lib', '1.0')],
} as const;

for (const troubled of [false, true]) {
  for (const [type, fill] of Object.entries(FILLERS)) {
    test(`${type}: all blobs of a version, then its nodes, then the version${troubled ? ', also where requests fail' : ''}`, async () => {
      const repository = await repositoryOf(type);
      const [put] = await fill(repository);
      assert.ok(put);
      const farSide = await world.farSide(`order-${type.toLowerCase()}-${troubled}`);
      // A quarter of the requests fails, each another time.
      if (troubled)
        farSide.proxy.setFault(({ index }) => {
          if (index % 4 !== 3) return undefined;
          return index % 8 === 3 ? { kind: 'answer', status: 503 } : { kind: 'lose-answer' };
        });
      const packages = [{ packageKey: put.packageKey, versions: [] }];
      const run = await world.run([farSide], { objects: [objectOf(repository, { packages })] });
      assert.equal(tallyOf(run).failed, 0);
      const seen = steps(farSide);
      const version = seen.indexOf('version');
      const before = seen.slice(0, version);
      assert.ok(before.lastIndexOf('blob') < before.indexOf('node'), before.join(' '));
      assert.ok(before.filter((step) => step === 'node').length >= 2 && version > 0, seen.join(' '));
    });
  }
}

test('versions of one package are created one at a time, those of others meanwhile', async () => {
  const repository = await repositoryOf('RDS');
  for (const name of ['1', '22', '333', '4444', '55555'])
    await putGeneral(
      repository,
      { key: 'rds://p', name: 'p' },
      { name, artifactPath: `/p/${name}/a` },
      { [`/p/${name}/a`]: name },
    );
  const farSide = await world.farSide('one-by-one');
  // A version is known by the length of its request; the first two attempts at each fail.
  const attempts: string[] = [];
  farSide.proxy.setFault(({ url, headers }) => {
    if (!url.includes('version/create')) return undefined;
    const length = String(headers['content-length']);
    attempts.push(length);
    return attempts.filter((other) => other === length).length <= 2 ? { kind: 'answer', status: 503 } : undefined;
  });
  const run = await world.run([farSide], { objects: [objectOf(repository)] });
  assert.equal(tallyOf(run).success, 5);
  const inTurn = attempts.filter((length, index) => length !== attempts[index - 1]);
  // The source's latest may come once more at the end.
  assert.ok(inTurn.length <= 6 && new Set(inTurn).size === 5, attempts.join(' '));
});

for (const faithful of [false, true]) {
  test(`while version/create fails no version is seen; the next run adds it and sends nothing (${faithful ? 'faithful' : 'sound'})`, async () => {
    const repository = await repositoryOf('OCI');
    const { packageKey } = await putImage(repository, 'app', '1.0');
    const farSide = await world.farSide(`invisible-${faithful}`, { faithful });
    farSide.proxy.setFault(({ url }) => (url.includes('version/create') ? { kind: 'answer', status: 500 } : undefined));
    const run = await world.run([farSide], { objects: [objectOf(repository)] });
    const row = (await world.details(run.record, farSide)).get(`${packageKey}@1.0`);
    assert.equal(row?.status, 'FAILED');
    assert.deepEqual([...(await farPackages(farSide, repository)).keys()], []);
    farSide.proxy.setFault(undefined);
    const next = tallyOf(await world.run([farSide], { objects: [objectOf(repository)] }));
    assert.deepEqual([next.success, next.failed, next.sentBytes], [1, 0, 0]);
    assert.ok((await farPackages(farSide, repository)).get(packageKey)?.versions.has('1.0'));
  });
}

test('a version whose create was answered by nobody counts as created by this run', async () => {
  const repository = await repositoryOf('RDS');
  await putGeneral(repository, { key: 'rds://p', name: 'p' }, { name: '1', artifactPath: '/p/1/a' }, { '/p/1/a': 'a' });
  const farSide = await world.farSide('lost-answer');
  await world.run([farSide], { objects: [objectOf(repository)] });
  await farSide.db.collection('package').deleteMany({});
  await farSide.db.collection('package_version').deleteMany({});
  // The client sends once more by itself what was lost on an idle connection.
  const faults: Fault[] = [{ kind: 'lose-answer' }, { kind: 'answer', status: 503 }];
  farSide.proxy.setFault(({ url }) => (url.includes('version/create') ? faults.shift() : undefined));
  const run = await world.run([farSide], { objects: [objectOf(repository)] });
  assert.deepEqual([tallyOf(run).success, tallyOf(run).unchanged], [1, 0]);
});

for (const faithful of [false, true]) {
  test(`a version of several artifacts that was cut off is completed under SKIP (${faithful ? 'faithful' : 'sound'})`, async () => {
    const repository = await repositoryOf('RDS');
    const paths = ['/p/1/a', '/p/1/b', '/p/1/c'];
    const version = { name: '1', artifactPath: '/p/1/a', artifactPaths: paths };
    await putGeneral(
      repository,
      { key: 'rds://p', name: 'p' },
      version,
      Object.fromEntries(paths.map((path) => [path, path])),
    );
    const farSide = await world.farSide(`cut-${faithful}`, { faithful });
    let creates = 0;
    farSide.proxy.setFault(({ url }) => {
      if (!url.includes('version/create')) return undefined;
      creates += 1;
      return creates % 2 === 0 ? { kind: 'answer', status: 500 } : undefined;
    });
    assert.equal(tallyOf(await world.run([farSide], { objects: [objectOf(repository)] })).failed, 1);
    farSide.proxy.setFault(undefined);
    assert.equal(tallyOf(await world.run([farSide], { objects: [objectOf(repository)] })).success, 1);
    const there = (await farPackages(farSide, repository)).get('rds://p')?.versions.get('1');
    assert.deepEqual([there?.artifactPath, there?.artifactPaths], ['/p/1/a', paths]);
  });
}

/** Node and blob are older than the ten minutes in which a missing blob may still come. */
async function loseBlob(repository: RepositoryBuilder, path: string): Promise<string> {
  const old = new Date(Date.now() - 3_600_000);
  await repository.changeNode(path, { $set: { createdDate: old, lastModifiedDate: old } });
  const nodes = world.builder.db.collection(`node_${shardOf(PROJECT)}`);
  const found = await nodes.findOne({ projectId: PROJECT, repoName: repository.name, fullPath: path, deleted: null });
  const sha256 = String(found?.['sha256']);
  await rm(blobPath(world.builder.storeDir, sha256));
  return sha256;
}

interface Dangling {
  readonly what: string;
  /** In a run of the whole repository blobs that belong to no version any more travel as loose files. */
  readonly loose?: boolean;
  readonly type: string;
  /** Publishes one version and breaks it; tells its unit, the reason, and what the words must name. */
  readonly make: (repository: RepositoryBuilder) => Promise<{ unit: string; reason: string; names: readonly string[] }>;
}

const DANGLING: readonly Dangling[] = [
  {
    what: 'an image whose layer is gone from the store',
    type: 'OCI',
    make: async (repository) => {
      const put = await putImage(repository, 'app', '1.0');
      const path = put.paths.find((each) => each.endsWith(put.layers[0]?.digest.slice(7) ?? '-')) ?? '';
      return { unit: `${put.packageKey}@1.0`, reason: 'BlobMissing', names: [path, await loseBlob(repository, path)] };
    },
  },
  {
    what: 'an npm package whose tarball is gone from the store',
    type: 'NPM',
    make: async (repository) => {
      const put = await putNpm(repository, '@fx/lib', '1.0.0');
      const path = put.paths[0] ?? '';
      return {
        unit: `${put.packageKey}@1.0.0`,
        reason: 'BlobMissing',
        names: [path, await loseBlob(repository, path)],
      };
    },
  },
  {
    what: 'a Maven version whose jar is gone from the store',
    type: 'MAVEN',
    make: async (repository) => {
      const put = await putMaven(repository, 'com.example', 'lib', '1.0');
      const path = put.paths.find((each) => each.endsWith('.jar')) ?? '';
      return { unit: `${put.packageKey}@1.0`, reason: 'BlobMissing', names: [path, await loseBlob(repository, path)] };
    },
  },
  ...(['today', 'flat-blobs', 'docker'] as const).map(
    (layout): Dangling => ({
      what: `an image (${layout}) whose manifest was deleted`,
      loose: layout === 'flat-blobs',
      type: 'DOCKER',
      make: async (repository) => {
        const put = await putImage(repository, 'app', '1.0', { layout });
        await repository.deleteFile(put.manifestPath);
        return { unit: `${put.packageKey}@1.0`, reason: 'ManifestMissing', names: [put.manifestPath] };
      },
    }),
  ),
  {
    what: 'an index of which a child is gone',
    loose: true,
    type: 'OCI',
    make: async (repository) => {
      const child = await putImage(repository, 'app', 'arm64', { register: false });
      const put = await putImageIndex(repository, 'app', '1.0', [child]);
      await repository.deleteFile(child.manifestPath);
      return {
        unit: `${put.packageKey}@1.0`,
        reason: 'ManifestMissing',
        names: [put.manifestPath, child.descriptor.digest],
      };
    },
  },
  {
    what: 'a version whose artifact was deleted',
    type: 'RDS',
    make: async (repository) => {
      const paths = ['/p/1/a', '/p/1/b'];
      const version = { name: '1', artifactPath: '/p/1/a', artifactPaths: paths };
      await putGeneral(repository, { key: 'rds://p', name: 'p' }, version, { '/p/1/a': 'a', '/p/1/b': 'b' });
      await repository.deleteFile('/p/1/b');
      return { unit: 'rds://p@1', reason: 'ArtifactMissing', names: ['/p/1/b'] };
    },
  },
];

for (const { what, type, make, loose = false } of DANGLING) {
  test(`${what} is one failed unit, and nothing of it is at the far side`, async () => {
    const repository = await repositoryOf(type);
    const { unit, reason, names } = await make(repository);
    const farSide = await world.farSide(repository.name);
    const packageKey = unit.slice(0, unit.lastIndexOf('@'));
    for (const packages of [[{ packageKey, versions: [] }], ...(loose ? [] : [[]])]) {
      const run = await world.run([farSide], { objects: [objectOf(repository, { packages })], patience: 2000 });
      const rows = await world.details(run.record, farSide);
      const row = rows.get(unit);
      assert.deepEqual([row?.status, row?.reason], ['FAILED', reason], row?.errorReason);
      for (const name of names) assert.ok(row?.errorReason?.includes(name), `${row?.errorReason} names ${name}`);
      assert.deepEqual([...rows.values()].filter(({ status }) => status === 'FAILED').length, 1);
      const files = (await farNodes(farSide, repository)).filter(({ folder }) => folder === false);
      assert.deepEqual(
        files.map(({ fullPath }) => fullPath),
        [],
        packages.length === 0 ? 'whole repository' : 'one package',
      );
      assert.deepEqual([...(await farPackages(farSide, repository)).keys()], []);
    }
  });
}

for (const type of ['OCI', 'DOCKER']) {
  test(`${type}: includeMetadata false carries system entries and bans of nodes, and all of a version's metadata`, async () => {
    const repository = await repositoryOf(type);
    const put = await putImage(repository, 'app', '1.0');
    const more = [
      { key: 'note', value: 'x', system: false },
      { key: 'forbidStatus', value: true, system: false },
    ];
    await repository.changeNode(put.manifestPath, { $push: { metadata: { $each: more } } });
    await world.builder.db.collection('package_version').updateMany({ manifestPath: put.manifestPath }, {
      $push: { metadata: { key: 'note', value: 1, system: false } },
    } as object);
    const farSide = await world.farSide(repository.name, { faithful: true });
    const options = { objects: [objectOf(repository)], setting: { includeMetadata: false } };
    assert.equal(tallyOf(await world.run([farSide], options)).success, 1);
    const keys = (items: readonly { readonly key: string }[] | undefined) => items?.map(({ key }) => key).sort();
    const there = await readBack(farSide.db, farSide.storeDir, MIRROR, repository.name);
    const system = ['blobPathRefreshed', 'blobPathVersion', 'blob_version', 'digest_list', 'mediaType'];
    assert.deepEqual(keys(there.get(put.manifestPath)?.metadata), [...system, 'forbidStatus'].sort());
    const version = (await farPackages(farSide, repository)).get(put.packageKey)?.versions.get('1.0');
    const ofImages = ['docker.manfiest.digest', 'docker.manifest', 'docker.manifest.type', 'docker.repoName'];
    assert.deepEqual(keys(version?.metadata), [...ofImages, 'manifest_digest', 'note', 'sha256'].sort());
    assert.equal(tallyOf(await world.run([farSide], options)).unchanged, 1);
  });
}
