/** Each unit is counted once, whatever ends a far side's share of a run, and a far side's trouble is held against no file. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ReplicationError } from '../../../src/domain/errors.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { World } from '../../support/world.ts';
import { nextRepository, objectOf, requestsTo, rowsOf, tallyOf, withTarget } from './far-state.ts';

/** What waits for seconds waits for hundredths of them. */
const HURRIED: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * 50,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
};

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

test('what the far side showed to be committed is recorded, though it is given up before the record is written', async () => {
  const files = await nextRepository(world, 'counted');
  for (const path of ['/a', '/b', '/c', '/refused']) await files.putFile(path, `content of ${path}`);
  const farSide = await world.farSide('given-up');
  const record = await world.begin();
  const journal = world.journal.runJournal(record);
  const settling = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  const revoked = new ReplicationError('cluster', 'CredentialsRejected', 'the password was changed');
  const side = withTarget(farSide, {
    async createNode(repository, node, options, signal) {
      if (node.fullPath !== '/refused') return await farSide.target.createNode(repository, node, options, signal);
      signal.addEventListener('abort', () => refused.resolve());
      await settling.promise;
      throw revoked;
    },
  });
  const run = await world.run([side], {
    objects: [objectOf(files)],
    record,
    deps: {
      clock: HURRIED,
      journal: {
        ...journal,
        async writeProofs(clusterId, storageKey, proofs, signal) {
          settling.resolve();
          await refused.promise;
          signal.throwIfAborted();
          await journal.writeProofs(clusterId, storageKey, proofs, signal);
        },
      },
    },
  });
  assert.equal(run.outcome.farSides[0]?.error?.reason, 'CredentialsRejected');
  const { success, failed, notTried } = tallyOf(run);
  assert.deepEqual([success > 0, success + notTried, failed], [true, 3, 1]);
  const rows = await world.details(record, farSide);
  assert.deepEqual([...rows.keys()].sort(), ['/a', '/b', '/c', '/refused']);
});

for (const blobsOnly of [false, true]) {
  test(`a path that is named twice is one unit (${blobsOnly ? 'EDGE' : 'STANDALONE'})`, async () => {
    const files = await nextRepository(world, 'counted');
    await files.putFile('/there/file', 'content');
    const farSide = await world.farSide(`twice-${blobsOnly}`);
    const objects = [objectOf(files, { paths: ['/missing', '/there', '/missing/', '/there/'] })];
    const { success, failed } = tallyOf(await world.run([farSide], { objects, blobsOnly }));
    assert.deepEqual({ success, failed }, { success: 1, failed: 1 });
  });
}

test('files and versions that could not be compared are not quarantined for it', async () => {
  const files = await nextRepository(world, 'counted');
  for (const path of ['/a', '/b']) await files.putFile(path, `content of ${path}`);
  const things = await nextRepository(world, 'counted', 'RDS');
  await putGeneral(things, { key: 'rds://p', name: 'p' }, { name: '1', artifactPath: '/p' }, { '/p': 'content of p' });
  const farSide = await world.farSide('searching');
  const broken = async (): Promise<never> => {
    throw new ReplicationError('retryable', 'SystemError', 'the search is broken', { status: 500 });
  };
  const side = withTarget(farSide, { findNodes: broken, findVersions: broken });
  const objects = [objectOf(files), objectOf(things)];
  const options = { objects, deps: { requested: false, clock: HURRIED } };
  const units = ['/a', '/b', 'rds://p@1'];
  for (let times = 0; times < 2; times += 1) {
    const run = await world.run([side], options);
    assert.deepEqual(
      rowsOf(await world.details(run.record, farSide)),
      units.map((unit) => `${unit} FAILED SystemError`),
    );
  }
  const run = await world.run([farSide], options);
  assert.deepEqual(
    rowsOf(await world.details(run.record, farSide)),
    units.map((unit) => `${unit} SUCCESS`),
  );
});

test('EDGE: an empty file that was sent is a success', async () => {
  const files = await nextRepository(world, 'counted');
  await files.putFile('/empty', '');
  const farSide = await world.farSide('edge-empty');
  const objects = [objectOf(files)];
  const options = { objects, blobsOnly: true };
  const first = tallyOf(await world.run([farSide], options));
  assert.deepEqual([first.success, first.unchanged], [1, 0]);
  farSide.proxy.forget();
  const again = tallyOf(await world.run([farSide], options));
  assert.deepEqual([again.success, again.unchanged, requestsTo(farSide, 'blob/push')], [0, 1, 0]);
});
