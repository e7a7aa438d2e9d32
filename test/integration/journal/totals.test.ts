import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { PROJECT, REPOSITORY, World } from '../../support/world.ts';
import { farRepository, objectOf } from '../engine/far-state.ts';

let world: World;

before(async () => {
  world = await World.start();
});
after(() => world.stop());

const PACKAGE = { key: 'rds://p', name: 'p' };

test('a record counts versions as units and their files as files, adds bytes up over far sides, and tells each unit’s', async () => {
  await world.files.putFile('/loose', 'a loose file');
  const repository = await world.builder.repository(PROJECT, 'versions', { type: 'RDS' });
  for (const name of ['1', '2', '3'])
    await putGeneral(
      repository,
      PACKAGE,
      { name, artifactPath: `/p/${name}/a` },
      { [`/p/${name}/a`]: `a of ${name}`, [`/p/${name}/b`]: `b of ${name}`, [`/p/${name}/c`]: 'the same in each' },
    );
  const [east, west] = [await world.farSide('east'), await world.farSide('west')];
  await (await farRepository(east, repository)).putFile('/p/2/a', 'something else');
  const loose = {
    localRepoName: REPOSITORY,
    remoteProjectId: 'mirror',
    remoteRepoName: REPOSITORY,
    repoType: 'GENERIC',
    paths: [],
  };
  const { record } = await world.run([east, west], {
    objects: [objectOf(repository), loose],
    setting: { conflictStrategy: 'FAST_FAIL' },
  });
  const { replicaOverview, replicatedBytes, totalBytes } = record;
  assert.deepEqual(replicaOverview, {
    success: 7,
    failed: 1,
    conflict: 0,
    unchanged: 0,
    notTried: 0,
    fileSuccess: 2 + 5 * 3,
    fileFailed: 3,
  });
  const signal = AbortSignal.timeout(10_000);
  const { records } = await world.journal.details(record.id, {}, { pageNumber: 1, pageSize: 100 }, signal);
  assert.equal(records.length, 8);
  const sum = (of: (row: (typeof records)[number]) => number): number => records.reduce((all, row) => all + of(row), 0);
  assert.deepEqual([sum(({ bytesSent }) => bytesSent), sum(({ size }) => size)], [replicatedBytes, totalBytes]);
  assert.equal(totalBytes, 2 * ('a loose file'.length + 3 * ('a of 1'.length * 2 + 'the same in each'.length)));
  assert.deepEqual(
    records.map(({ version, files, status }) => `${version} ${files} ${status}`).toSorted(),
    [
      '1 3 SUCCESS',
      '1 3 SUCCESS',
      '2 3 FAILED',
      '2 3 SUCCESS',
      '3 3 SUCCESS',
      '3 3 SUCCESS',
      'undefined undefined SUCCESS',
      'undefined undefined SUCCESS',
    ].toSorted(),
  );
  const again = await world.run([west], { objects: [objectOf(repository), loose] });
  assert.deepEqual(
    [again.record.replicaOverview.fileSuccess, again.record.replicaOverview.unchanged, again.record.replicatedBytes],
    [0, 4, 0],
  );
});
