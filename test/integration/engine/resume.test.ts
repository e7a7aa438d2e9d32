import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { World } from '../../support/world.ts';

let world: World;
const FILES = 300;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: FILES }, (_, index) => ({ path: `/f${index}`, content: `content of file ${index}` })),
  );
});
after(() => world.stop());

test('a run cut off in the middle goes on under the same record: equal, each unit recorded once, counted right', async () => {
  const farSide = await world.farSide('resumed', { faithful: true });
  const cut = new AbortController();
  const begun = await world.begin();
  farSide.proxy.setFault(({ url }) => {
    if (
      url.includes('node/create') &&
      farSide.proxy.requests.filter((seen) => seen.url.includes('node/create')).length > 170
    ) {
      cut.abort(new Error('the process died'));
    }
    return undefined;
  });
  await assert.rejects(world.run([farSide], { record: begun, signal: cut.signal }), /the process died/);
  farSide.proxy.setFault(undefined);
  const adopted = await world.journal.adopt(begun.id, AbortSignal.timeout(5000));
  assert.ok(adopted);
  farSide.proxy.forget();
  const { record, outcome } = await world.run([farSide], { record: adopted });
  assert.equal(record.id, begun.id);
  assert.deepEqual(await world.differences(farSide), []);
  const { success = 0, unchanged = 0, failed = 0 } = outcome.farSides[0]?.tally ?? {};
  assert.deepEqual([success + unchanged, failed], [FILES, 0]);
  const details = await world.details(record, farSide);
  assert.equal(details.size, success);
  assert.ok(success > 100, `${success} counted as done by this run`);
  assert.ok(farSide.proxy.requests.filter(({ url }) => url.includes('node/create')).length <= FILES - 160);
});

test('draining ends at a safe point: what was begun is finished and recorded, nothing new is begun', async () => {
  const farSide = await world.farSide('drained');
  const drain = new AbortController();
  const begun = await world.begin();
  farSide.proxy.setFault(({ url, index }) => {
    if (url.includes('node/create') && index > 50) drain.abort(new Error('asked to stop'));
    return undefined;
  });
  await assert.rejects(world.run([farSide], { record: begun, deps: { drain: drain.signal } }), /asked to stop/);
  const creates = farSide.proxy.requests.filter(({ url }) => url.includes('node/create')).length;
  assert.ok(creates < FILES / 2, `${creates} creates`);
  const details = await world.details(begun, farSide);
  assert.equal(details.size, creates);
  assert.ok([...details.values()].every(({ status }) => status === 'SUCCESS'));
  const adopted = await world.journal.adopt(begun.id, AbortSignal.timeout(5000));
  assert.ok(adopted);
  const { outcome } = await world.run([farSide], { record: adopted });
  assert.equal(outcome.farSides[0]?.tally.success, FILES);
  assert.deepEqual(await world.differences(farSide), []);
});

test('a deposed owner stops: its journal writes are refused and the run rejects', async () => {
  const farSide = await world.farSide('deposed');
  const begun = await world.begin();
  let adoption: Promise<unknown> | undefined;
  farSide.proxy.setFault(({ url }) => {
    if (url.includes('node/create')) adoption ??= world.journal.adopt(begun.id, AbortSignal.timeout(5000));
    return undefined;
  });
  await assert.rejects(world.run([farSide], { record: begun }), { code: 'EpochLost' });
  await adoption;
});

test('a failure recorded before a crash is replaced by what the unit ended in; a success stays, even at a dead far side', async () => {
  const farSide = await world.farSide('mended');
  await world.run([farSide]);
  const begun = await world.begin();
  const row = {
    clusterId: farSide.target.id,
    clusterName: farSide.name,
    localRepoName: 'files',
    remoteProjectId: 'mirror',
    remoteRepoName: 'files',
    repoType: 'GENERIC',
    size: 1,
    bytesSent: 0,
    conflictStrategy: 'SKIP',
    startTime: new Date(),
    endTime: new Date(),
  };
  const { sha256 = '' } = (await readBack(farSide.db, farSide.storeDir, 'mirror', 'files')).get('/f1') ?? {};
  await world.journal.runJournal(begun).writeDetails(
    [
      { ...row, unitKey: '0:/f0', fullPath: '/f0', sha256: 'x', status: 'FAILED', reason: 'FarSideError' },
      { ...row, unitKey: '0:/f1', fullPath: '/f1', sha256, status: 'SUCCESS' },
    ],
    AbortSignal.timeout(5000),
  );
  const adopted = await world.journal.adopt(begun.id, AbortSignal.timeout(5000));
  assert.ok(adopted);
  const { record, outcome } = await world.run([farSide], { record: adopted });
  const details = await world.details(record, farSide);
  assert.deepEqual([details.get('/f0')?.status, details.get('/f1')?.status], ['UNCHANGED', 'SUCCESS']);
  assert.deepEqual([outcome.farSides[0]?.tally.success, outcome.farSides[0]?.tally.unchanged], [1, FILES - 1]);

  const second = await world.begin();
  await world.journal
    .runJournal(second)
    .writeDetails(
      [{ ...row, unitKey: '0:/f1', fullPath: '/f1', sha256, status: 'SUCCESS' }],
      AbortSignal.timeout(5000),
    );
  const again = await world.journal.adopt(second.id, AbortSignal.timeout(5000));
  assert.ok(again);
  farSide.proxy.setFault(({ url }) => (url.includes('node/search') ? { kind: 'reset' } : undefined));
  const dead = await world.run([farSide], { record: again, patience: 500 });
  farSide.proxy.setFault(undefined);
  assert.equal((await world.details(dead.record, farSide)).get('/f1')?.status, 'SUCCESS');
  assert.deepEqual([dead.outcome.farSides[0]?.tally.success, dead.outcome.farSides[0]?.tally.notTried], [1, FILES - 1]);
});
