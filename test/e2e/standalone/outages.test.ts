import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { World } from '../../support/world.ts';
import { cluster, login, task } from './manifests.ts';
import { Site } from './site.ts';

/* What is down when the program starts is waited for, told in words, and needs nobody when it comes back. */

let world: World;
/** A source of its own, so that it can be down while the journal is not. */
let source: Mongod;

before(async () => {
  [world, source] = await Promise.all([World.start(), startMongod()]);
  const client = await MongoClient.connect(source.uri);
  const files = await new BkRepoBuilder(client.db('bkrepo'), world.builder.storeDir).repository('acme', 'files');
  for (const repository of [files, world.files]) {
    await repository.putFiles(
      Array.from({ length: 6 }, (_, index) => ({
        path: `/file-${index}`,
        content: `content ${index}`,
        createdDate: new Date('2026-01-02T03:04:05.678Z'),
        lastModifiedDate: new Date('2026-01-02T03:04:05.678Z'),
      })),
    );
  }
  await client.close();
});
after(async () => {
  await source.stop();
  await world.stop();
});

test('a source that is down at the start is told, waited for, and copied when it is there', async (context) => {
  const far = await world.farSide('patient');
  await source.pause();
  const site = await Site.create({
    source: `${source.uri}&serverSelectionTimeoutMS=1000`,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
  });
  context.after(() => site.remove());
  await site.apply('all', login('far'), cluster('far', far.proxy.url), task('copy', ['far']));
  await site.start();
  const { message } = await site.condition('ReplicaTask', 'copy', 'Ready', {
    status: 'False',
    reason: 'SourceUnavailable',
  });
  assert.match(message, /source database/);
  await site.condition('ReplicaTask', 'copy', 'Reconciling', { status: 'True', reason: 'SourceUnavailable' });
  await site.event('SourceUnavailable', 'copy');
  assert.equal((await site.task('copy')).status.executionTimes ?? 0, 0, 'no run was begun, none has failed');
  await source.restart();
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' }, 60_000);
  assert.deepEqual(await world.differences(far), []);
  assert.equal((await site.task('copy')).status.executionTimes, 1);
});

test('a far side that is down at the start is told, and copied to when it is up', async (context) => {
  const far = await world.farSide('late', { faithful: true });
  far.proxy.setFault(() => ({ kind: 'reset' }));
  const site = await Site.create({
    source: world.mongod.uri,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
  });
  context.after(() => site.remove());
  await site.apply('all', login('far'), cluster('far', far.proxy.url), task('copy', ['far']));
  await site.start();
  const { message } = await site.condition('Cluster', 'far', 'Ready', { status: 'False', reason: 'ConnectionLost' });
  assert.match(message, new RegExp(`far side far .*${new URL(far.proxy.url).host}`));
  const told = await site.condition('ReplicaTask', 'copy', 'Ready', { status: 'False', reason: 'ClusterUnreachable' });
  assert.match(told.message, /Cluster far is not reachable/);
  assert.equal((await site.get('Cluster', 'far'))?.status.health, 'UNHEALTHY');
  far.proxy.setFault(undefined);
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  await site.condition('Cluster', 'far', 'Ready', { status: 'True', reason: 'Healthy' });
  assert.deepEqual(await world.differences(far), []);
  assert.equal((await site.task('copy')).status.executionTimes, 1, 'no run had to fail for it');
});
