import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { PROJECT, World } from '../../support/world.ts';
import { cluster, copyOf, login, task } from './manifests.ts';
import { Site } from './site.ts';

test('a far side of type EDGE gets every blob, and no call about metadata', async (context) => {
  const world = await World.start();
  context.after(() => world.stop());
  await world.files.putFile('/a', 'first');
  await world.files.putFile('/b', 'second');
  const npm = await world.builder.repository(PROJECT, 'npm', { type: 'NPM' });
  await putNpm(npm, '@fx/lib', '1.0.0');
  const far = await world.farSide('edge', { faithful: true });
  const site = await Site.create({
    source: world.mongod.uri,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
  });
  context.after(() => site.remove());
  const objects = { replicaTaskObjects: [copyOf('files'), copyOf('npm', { repoType: 'NPM' })] };
  await site.apply(
    'all',
    login('edge'),
    cluster('edge', far.proxy.url, { type: 'EDGE' }),
    task('copy', ['edge'], objects),
  );
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  for (const repository of ['files', 'npm']) {
    const files = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository);
    for (const [path, { sha256, size }] of files)
      assert.equal((await readFile(blobPath(far.storeDir, sha256))).length, size, path);
  }
  const others = far.proxy.requests.filter(({ url }) => !/\/replica\/(?:ping|version|blob\/)/.test(url));
  assert.deepEqual(others, []);
});
