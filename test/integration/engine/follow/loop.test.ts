/** Two clusters that follow each other: what one has from the other does not come back, and both end equal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../../../src/lib/clock.ts';
import { createBkRepoSource } from '../../../../src/source/bkrepo-source.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { compareSides } from '../../../support/bkrepo/compare.ts';
import { readBack } from '../../../support/bkrepo/read-back.ts';
import { startFollowing } from '../../../support/following.ts';
import { SourceWriter } from '../../../support/source-writer.ts';
import { eventually } from '../../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, World } from '../../../support/world.ts';

let world: World;

before(async () => {
  world = await World.start();
});
after(() => world.stop());

const objects = [
  { localRepoName: REPOSITORY, remoteProjectId: PROJECT, remoteRepoName: REPOSITORY, repoType: 'GENERIC', paths: [] },
];
const setting = { conflictStrategy: 'OVERWRITE' } as const;

test('writes at both, also to the same paths, end equal, and nothing goes round', async (t) => {
  const there = await world.farSide('there');
  // The far side of the other direction: a server over what is the source here.
  const here: FarSide = await world.farSide('here', {
    over: { db: world.builder.db, storeDir: world.builder.storeDir },
  });
  const backwards = createBkRepoSource({
    uri: world.mongod.uri,
    database: there.db.databaseName,
    storage: { type: 'filesystem', path: there.storeDir },
    clock: systemClock,
    logger: silentLogger,
  });
  const writers = await Promise.all(
    [world.builder, there].map(({ db, storeDir }) => SourceWriter.start({ db, storeDir })),
  );
  const sides = await Promise.all(writers.map((writer) => writer.repository(PROJECT, REPOSITORY)));
  await sides[0]?.putFile('/first.txt', 'first');
  const forth = await startFollowing(world, [there], { objects, setting, taskUid: 'forth' });
  await eventually(() => forth.report()?.farSides[0]?.comparedAt, { timeoutMs: 20_000 });
  const back = await startFollowing(world, [here], {
    objects,
    setting,
    taskUid: 'back',
    source: backwards,
    finder: backwards.feeds,
  });
  t.after(async () => {
    await forth.stop();
    await back.stop();
    for (const writer of writers) await writer.stop();
    await backwards.close();
  });
  await eventually(() => back.report()?.farSides[0]?.comparedAt, { timeoutMs: 20_000 });
  const work = sides.map(async (files, side) => {
    for (let round = 0; round < 12; round += 1) {
      await files.putFile(`/both/${round % 4}.txt`, `side ${side}, round ${round}`);
      await files.putFile(`/only-${side}/${round}.txt`, `side ${side}, round ${round}`);
      if (round % 5 === 4) await files.deleteFile(`/only-${side}/${round - 2}.txt`);
    }
  });
  await Promise.all(work);
  const ends = async (): Promise<boolean> => {
    const a = await readBack(world.builder.db, world.builder.storeDir, PROJECT, REPOSITORY);
    const b = await readBack(there.db, there.storeDir, PROJECT, REPOSITORY);
    assert.deepEqual(compareSides(a, b), []);
    assert.deepEqual(compareSides(b, a), []);
    assert.ok(a.size >= 4 + 2 * 10);
    return true;
  };
  await eventually(ends, { timeoutMs: 30_000 });
  const idle = (): boolean =>
    [forth, back].every((following) => following.report()?.farSides.every(({ pending }) => pending === 0) === true);
  await eventually(idle, { timeoutMs: 20_000 });
  const creates = (): number =>
    [there, here].reduce(
      (sum, { proxy }) => sum + proxy.requests.filter(({ url }) => url.includes('/replica/node/create')).length,
      0,
    );
  const before = creates();
  await sides[0]?.putFile('/last.txt', 'last');
  await eventually(ends, { timeoutMs: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  assert.equal(creates() - before, 1, 'a change went round');
});
