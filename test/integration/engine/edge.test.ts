import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import { objectOf, tallyOf } from './far-state.ts';

let world: World;
let images: RepositoryBuilder;
let packages: RepositoryBuilder;
before(async () => {
  world = await World.start();
  await world.files.putFile('/a', 'content of a');
  await world.files.putFile('/b/c', 'content of c');
  await world.files.putFile('/b/again', 'content of a');
  images = await world.builder.repository(PROJECT, 'images', { type: 'OCI' });
  const child = await putImage(images, 'app', 'amd64');
  await putImageIndex(images, 'app', '1.0', [child]);
  await putImage(images, 'other', '1.0');
  packages = await world.builder.repository(PROJECT, 'packages', { type: 'NPM' });
  await putNpm(packages, '@fx/lib', '1.0.0');
  await putNpm(packages, 'plain', '1.0.0');
});
after(() => world.stop());

/** The only requests that a far side without metadata of its own may get. */
const ALLOWED = /\/replica\/blob\/(check|push|pull)(\?|$)|\/uploads\//;

const foreign = (farSide: FarSide) =>
  farSide.proxy.requests.filter(({ url }) => !ALLOWED.test(url)).map(({ url }) => url);

/** Digests that the far side has, of those that the paths of a repository name. */
async function stored(farSide: FarSide, repository: RepositoryBuilder, paths: (path: string) => boolean) {
  const here = await readBack(world.builder.db, [world.builder.storeDir], PROJECT, repository.name);
  const wanted = new Set([...here].filter(([path]) => paths(path)).map(([, { sha256 }]) => sha256));
  const found = new Set<string>();
  for (const sha256 of wanted) {
    try {
      await access(blobPath(farSide.storeDir, sha256));
      found.add(sha256);
    } catch {
      // Not there.
    }
  }
  return { wanted, found };
}

const MODES = [
  { mode: 'sound', options: {} },
  { mode: 'faithful', options: { faithful: true } },
  { mode: 'denying', options: { faithful: true, defects: { checkMayDeny: true } } },
] as const;

for (const { mode, options } of MODES) {
  test(`EDGE: all blobs of all objects cross once, no other request is made, and a second run sends nothing (${mode})`, async () => {
    const farSide = await world.farSide(`edge-${mode}`, options);
    const objects = [objectOf(world.files), objectOf(images), objectOf(packages)];
    const first = await world.run([farSide], { objects, blobsOnly: true });
    assert.equal(tallyOf(first).failed, 0);
    assert.deepEqual(foreign(farSide), []);
    let bytes = 0;
    for (const repository of [world.files, images, packages]) {
      const { wanted, found } = await stored(farSide, repository, () => true);
      assert.deepEqual(found, wanted);
      const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
      for (const sha256 of wanted) bytes += [...here.values()].find((file) => file.sha256 === sha256)?.size ?? 0;
    }
    assert.equal(tallyOf(first).sentBytes, bytes, 'each digest crosses once');
    farSide.proxy.forget();
    const again = tallyOf(await world.run([farSide], { objects, blobsOnly: true }));
    assert.deepEqual([again.success, again.failed, again.sentBytes], [0, 0, 0]);
    assert.equal(farSide.proxy.requests.filter(({ url }) => /push|uploads/.test(url)).length, 0);
    assert.deepEqual(foreign(farSide), []);
  });
}

test('EDGE: selected packages bring all blobs of their versions, and no others', async () => {
  const farSide = await world.farSide('edge-selected', { faithful: true });
  const objects = [
    objectOf(images, { packages: [{ packageKey: 'oci://app', versions: ['1.0', 'absent'] }] }),
    objectOf(packages, {
      packages: [
        { packageKey: 'npm://@fx/lib', versions: [] },
        { packageKey: 'npm://none', versions: [] },
      ],
    }),
  ];
  const run = await world.run([farSide], { objects, blobsOnly: true });
  const rows = await world.details(run.record, farSide);
  assert.deepEqual([...rows].map(([unit, { status, reason }]) => `${unit} ${status} ${reason ?? ''}`).sort(), [
    '/.npm/@fx/lib/package.json SUCCESS ',
    'npm://@fx/lib@1.0.0 SUCCESS ',
    'npm://none FAILED PackageNotFound',
    'oci://app@1.0 SUCCESS ',
    'oci://app@absent FAILED VersionNotFound',
  ]);
  assert.deepEqual(foreign(farSide), []);
  const ofApp = await stored(farSide, images, (path) => path.startsWith('/app/'));
  assert.deepEqual(ofApp.found, ofApp.wanted);
  assert.equal((await stored(farSide, images, (path) => path.startsWith('/other/manifest'))).found.size, 0);
  const ofLib = await stored(farSide, packages, (path) => path.includes('lib'));
  assert.deepEqual(ofLib.found, ofLib.wanted, 'the package document too: without it the package cannot be installed');
  assert.equal((await stored(farSide, packages, (path) => path.includes('plain'))).found.size, 0);
});

test('EDGE: a damaged blob at the source fails its unit alone', async () => {
  const repository = await world.builder.repository(PROJECT, 'damaged');
  const { sha256 } = await repository.putFile('/damaged', 'the right bytes');
  await repository.putFile('/sound', 'sound');
  await writeFile(blobPath(world.builder.storeDir, sha256), 'the wrong bytes');
  const farSide = await world.farSide('edge-damaged', { faithful: true });
  const run = await world.run([farSide], { objects: [objectOf(repository)], blobsOnly: true });
  const rows = await world.details(run.record, farSide);
  assert.deepEqual([...rows].map(([unit, { status, reason }]) => `${unit} ${status} ${reason ?? ''}`).sort(), [
    '/damaged FAILED SourceBytesDiffer',
    '/sound SUCCESS ',
  ]);
  assert.match(rows.get('/damaged')?.errorReason ?? '', /damaged/);
  assert.deepEqual(foreign(farSide), []);
});
