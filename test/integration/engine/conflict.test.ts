import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { type FarSide, type FinishedRun, type RunOptions, World } from '../../support/world.ts';

let world: World;
before(async () => {
  world = await World.start();
  await world.files.putFile('/absent', 'only here');
  await world.files.putFile('/same', 'equal');
  await world.files.putFile('/content', 'new content');
  await world.files.putFile('/metadata', 'equal content', { metadata: [{ key: 'k', value: 'new' }] });
  await world.files.putFile('/folder', 'a file here');
});
after(() => world.stop());

/** A far side that has every kind of difference already. */
async function differentSide(name: string, faithful: boolean): Promise<FarSide> {
  const farSide = await world.farSide(name, { faithful });
  const builder = new BkRepoBuilder(farSide.db, farSide.storeDir);
  const files = await builder.repository('mirror', 'files');
  await files.putFile('/same', 'equal');
  await files.putFile('/content', 'old content');
  await files.putFile('/metadata', 'equal content', {
    metadata: [
      { key: 'k', value: 'old' },
      { key: 'theirs', value: 1 },
    ],
  });
  await files.putFile('/folder/inside', 'they have a folder');
  return farSide;
}

const expectations = {
  SKIP: { absent: 'SUCCESS', same: undefined, content: 'CONFLICT', metadata: 'CONFLICT', folder: 'CONFLICT' },
  OVERWRITE: { absent: 'SUCCESS', same: undefined, content: 'SUCCESS', metadata: 'SUCCESS', folder: 'FAILED' },
  FAST_FAIL: { absent: 'SUCCESS', same: undefined, content: 'FAILED', metadata: 'FAILED', folder: 'FAILED' },
} as const;

for (const faithful of [false, true]) {
  for (const [conflictStrategy, expected] of Object.entries(expectations)) {
    test(`${conflictStrategy} treats each difference as written, at a ${faithful ? 'faithful' : 'sound'} far side`, async () => {
      const name = `${conflictStrategy.toLowerCase().replace('_', '')}-${faithful ? 'f' : 's'}`;
      const farSide = await differentSide(name, faithful);
      const { record, outcome } = await world.run([farSide], {
        setting: { conflictStrategy: conflictStrategy as 'SKIP' },
      });
      const details = await world.details(record, farSide);
      for (const [path, status] of Object.entries(expected))
        assert.equal(details.get(`/${path}`)?.status, status, path);
      assert.equal(outcome.farSides[0]?.tally.unchanged, 1);
      const there = await readBack(farSide.db, farSide.storeDir, 'mirror', 'files');
      const here = await readBack(world.builder.db, world.builder.storeDir, 'acme', 'files');
      const overwritten = conflictStrategy === 'OVERWRITE';
      assert.equal(there.get('/content')?.sha256 === here.get('/content')?.sha256, overwritten);
      const metadata = Object.fromEntries(there.get('/metadata')?.metadata.map(({ key, value }) => [key, value]) ?? []);
      assert.deepEqual(metadata, { k: overwritten ? 'new' : 'old', theirs: 1 }, 'keys of the far side stay');
      assert.ok(there.has('/folder/inside'));
    });
  }
}

test('metadata repair keeps the node: nothing is uploaded and no new node appears', async () => {
  const farSide = await differentSide('repair', true);
  await world.run([farSide], { setting: { conflictStrategy: 'OVERWRITE' } });
  const creates = farSide.proxy.requests.filter(({ url }) => url.includes('node/create')).length;
  assert.equal(creates, 2, 'one for /absent and one for /content');
});

test('a key that this task wrote goes when the source drops it; a key of the far side never', async () => {
  const farSide = await world.farSide('owned');
  const object = {
    localRepoName: 'files',
    remoteProjectId: 'mirror',
    remoteRepoName: 'files',
    repoType: 'GENERIC',
    paths: ['/owned'],
  };
  const run = (): Promise<FinishedRun> =>
    world.run([farSide], { objects: [object], setting: { conflictStrategy: 'OVERWRITE' } } satisfies RunOptions);
  await world.files.putFile('/owned', 'x', {
    metadata: [
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ],
  });
  await run();
  const repository = await farSide.target.prepareRepository(await requestFor(), AbortSignal.timeout(5000));
  await farSide.target.saveMetadata(
    repository,
    '/owned',
    [{ key: 'theirs', value: 'x', system: false }],
    AbortSignal.timeout(5000),
  );
  await world.files.putFile('/owned', 'x', { metadata: [{ key: 'a', value: 1 }] });
  const second = await run();
  assert.equal(second.outcome.farSides[0]?.tally.success, 1);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', 'files');
  assert.deepEqual(
    there
      .get('/owned')
      ?.metadata.map(({ key }) => key)
      .sort(),
    ['a', 'theirs'],
  );
  assert.equal((await run()).outcome.farSides[0]?.tally.unchanged, 1);
  await world.files.deleteFile('/owned');
});

async function requestFor() {
  const signal = AbortSignal.timeout(5000);
  const project = await world.source.project('acme', signal);
  const repository = await world.source.repository('acme', 'files', signal);
  assert.ok(project && repository);
  return { project, repository, remoteProjectId: 'mirror', remoteRepoName: 'files', create: false };
}

for (const [what, spoil] of [
  ['is gone from the store', (path: string) => rm(path)],
  ['holds other bytes', (path: string) => writeFile(path, 'EQUAL')],
] as const) {
  test(`a node that looks the same while its blob ${what} does not count as equal`, async () => {
    const farSide = await differentSide(what.includes('gone') ? 'gone' : 'altered', true);
    const sha256 =
      (await readBack(world.builder.db, world.builder.storeDir, 'acme', 'files')).get('/same')?.sha256 ?? '';
    await spoil(blobPath(farSide.storeDir, sha256));
    const { record } = await world.run([farSide]);
    const detail = (await world.details(record, farSide)).get('/same');
    const there = await readBack(farSide.db, farSide.storeDir, 'mirror', 'files');
    if (what.includes('gone')) {
      assert.equal(detail?.status, 'SUCCESS');
      assert.deepEqual(there.get('/same')?.problems, []);
    } else {
      assert.equal(detail?.reason, 'StoredBytesDiffer');
      assert.match(detail?.errorReason ?? '', new RegExp(sha256));
    }
  });
}

test('errorStrategy FAST_FAIL stops this far side and records the rest as not tried; the other goes on', async () => {
  const stopping = await differentSide('stopping', false);
  const healthy = await world.farSide('healthy');
  const { record, outcome } = await world.run([stopping, healthy], {
    concurrency: 1,
    setting: { conflictStrategy: 'FAST_FAIL', errorStrategy: 'FAST_FAIL' },
  });
  const [stopped, other] = outcome.farSides;
  assert.equal(stopped?.error?.reason, 'FastFail');
  assert.ok(stopped);
  const { success, unchanged, conflict, failed, notTried } = stopped.tally;
  assert.equal(success + unchanged + conflict + failed + notTried, 5);
  assert.ok(notTried > 0 && failed >= 1);
  const details = await world.details(record, stopping);
  assert.equal([...details.values()].filter(({ status }) => status === 'NOT_TRIED').length, notTried);
  assert.deepEqual([other?.error, other?.tally.success], [undefined, 5]);
});
