import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, World } from '../../support/world.ts';
import { nextRepository, objectOf, requestsTo, rowsOf, tallyOf, withTarget } from './far-state.ts';

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

const repositoryOf = (type?: string): Promise<RepositoryBuilder> => nextRepository(world, 'stored', type);

/** It loses blobs of these sizes as soon as they are used: by a node or, where it gets nothing else, at once. */
function losing(farSide: FarSide, lost: (size: number) => boolean, blobsOnly = false): FarSide {
  const { storeDir, target } = farSide;
  return withTarget(farSide, {
    async pushBlob(repository, blob, signal) {
      const proof = await target.pushBlob(repository, blob, signal);
      if (blobsOnly && lost(blob.size)) await rm(blobPath(storeDir, blob.sha256));
      return proof;
    },
    async createNode(repository, node, options, signal) {
      const answer = await target.createNode(repository, node, options, signal);
      if (lost(node.size)) await rm(blobPath(storeDir, node.sha256));
      return answer;
    },
  });
}

/** Nothing else reads the blobs back. */
const UNPROVED = { verification: 'never' } as const;
const CHECKED = { ...UNPROVED, setting: { storageConsistencyCheck: true } };

test('with storageConsistencyCheck a file whose blob is gone after its commit has failed, and the next run sends it again', async () => {
  const files = await repositoryOf();
  await files.putFile('/kept', 'kept');
  await files.putFile('/lost', 'lost!');
  const farSide = await world.farSide('file');
  const objects = [objectOf(files)];
  const run = await world.run([losing(farSide, (size) => size === 5)], { ...CHECKED, objects });
  assert.deepEqual(rowsOf(await world.details(run.record, farSide)), ['/kept SUCCESS', '/lost FAILED BlobNotStored']);
  assert.deepEqual(rowsOf(await world.details((await world.run([farSide], { ...CHECKED, objects })).record, farSide)), [
    '/lost SUCCESS',
  ]);
  assert.equal(tallyOf(await world.run([farSide], { ...CHECKED, objects })).sentBytes, 0);
});

test('also an empty file, of which no byte is sent', async () => {
  const files = await repositoryOf();
  await files.putFile('/empty', '');
  const farSide = await world.farSide('empty');
  const run = await world.run([losing(farSide, () => true)], { ...CHECKED, objects: [objectOf(files)] });
  assert.deepEqual(rowsOf(await world.details(run.record, farSide)), ['/empty FAILED BlobNotStored']);
});

test('without it nobody looks once more', async () => {
  const files = await repositoryOf();
  await files.putFile('/lost', 'lost?');
  const farSide = await world.farSide('unchecked');
  const run = await world.run([losing(farSide, () => true)], { ...UNPROVED, objects: [objectOf(files)] });
  assert.deepEqual(rowsOf(await world.details(run.record, farSide)), ['/lost SUCCESS']);
});

test('a far side that says "no" of every blob is read back: what is there has not failed', async () => {
  const files = await repositoryOf();
  await files.putFile('/a', 'there all the same');
  const things = await repositoryOf('RDS');
  await putGeneral(things, { key: 'rds://p', name: 'p' }, { name: '1', artifactPath: '/p' }, { '/p': 'there, too' });
  const farSide = await world.farSide('denying', { faithful: true, defects: { checkMayDeny: true } });
  const objects = [objectOf(files), objectOf(things)];
  const run = await world.run([farSide], { ...CHECKED, objects });
  assert.deepEqual(rowsOf(await world.details(run.record, farSide)), ['/a SUCCESS', 'rds://p@1 SUCCESS']);
  assert.ok(requestsTo(farSide, 'blob/check') >= 2 && requestsTo(farSide, 'blob/pull') >= 2);
});

test('what is equal already is not asked for', async () => {
  const files = await repositoryOf();
  await files.putFile('/a', 'equal');
  const farSide = await world.farSide('equal');
  const objects = [objectOf(files)];
  await world.run([farSide], { ...CHECKED, objects });
  farSide.proxy.forget();
  await world.run([farSide], { ...CHECKED, objects });
  assert.equal(requestsTo(farSide, 'blob'), 0);
});

test('versions and index documents are checked, too, and so is a far side that gets blobs only', async () => {
  const npm = await repositoryOf('NPM');
  await putNpm(npm, 'lib', '1.0.0');
  const objects = [objectOf(npm, { packages: [{ packageKey: 'npm://lib', versions: [] }] })];
  for (const blobsOnly of [false, true]) {
    const farSide = await world.farSide(`packages-${blobsOnly ? 'edge' : 'standalone'}`);
    const options = { ...CHECKED, objects, blobsOnly };
    const run = await world.run([losing(farSide, () => true, blobsOnly)], options);
    assert.deepEqual(rowsOf(await world.details(run.record, farSide)), [
      '/.npm/lib/package.json FAILED BlobNotStored',
      'npm://lib@1.0.0 FAILED BlobNotStored',
    ]);
    const again = await world.run([farSide], options);
    assert.deepEqual(rowsOf(await world.details(again.record, farSide)), [
      '/.npm/lib/package.json SUCCESS',
      'npm://lib@1.0.0 SUCCESS',
    ]);
  }
});
