import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { startPeer } from '../../../src/peer/server.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { FIXTURE_LIVE_FILES, FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { cluster, copyOf, login, PASSWORD, task } from './manifests.ts';
import { Site } from './site.ts';

test("a real bk-repo's GENERIC repository arrives whole at far sides of both kinds", {
  skip: fixtureMissing(),
}, async (context) => {
  const mongod = await startMongod();
  context.after(() => mongod.stop());
  const client = await MongoClient.connect(mongod.uri);
  context.after(() => client.close());
  const directory = await makeTempDir('fixture');
  context.after(() => removeDir(directory));
  const storeDir = path.join(directory, 'store');
  await loadFixture(client.db('bkrepo'), storeDir);
  const site = await Site.create({ source: mongod.uri, storeDir, journal: mongod.uri });
  context.after(() => site.remove());
  const names = ['sound', 'faithful'];
  for (const name of names) {
    const peer = await startPeer({
      mongo: client.db(`far_${name}`),
      storePath: path.join(directory, name),
      users: [{ username: 'replicator', password: PASSWORD, admin: true }],
      faithful: name === 'faithful',
    });
    context.after(() => peer.close());
    await site.apply(name, login(name), cluster(name, peer.url));
  }
  await site.apply(
    'task',
    task('gen', names, { localProjectId: FIXTURE_PROJECT, replicaTaskObjects: [copyOf('gen')] }),
  );
  await site.start();
  const { status } = await site.runs('gen', 1);
  const here = await readBack(client.db('bkrepo'), storeDir, FIXTURE_PROJECT, 'gen');
  assert.equal(here.size, FIXTURE_LIVE_FILES['gen']);
  for (const name of names) {
    const there = await readBack(client.db(`far_${name}`), path.join(directory, name), 'mirror', 'gen');
    assert.deepEqual(compareSides(here, there), [], name);
    assert.equal(there.size, here.size);
  }
  assert.deepEqual(
    status.remoteClusters?.map(({ lastResult, success, failed, conflict }) => ({
      lastResult,
      success,
      failed,
      conflict,
    })),
    names.map(() => ({ lastResult: 'SUCCESS', success: here.size, failed: 0, conflict: 0 })),
  );
});
