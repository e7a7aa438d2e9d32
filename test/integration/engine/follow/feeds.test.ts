/** The same changes, heard of by each of the logs that bk-repo writes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startFollowing } from '../../../support/following.ts';
import { SourceWriter } from '../../../support/source-writer.ts';
import { eventually } from '../../../support/wait.ts';
import { PROJECT, REPOSITORY, World } from '../../../support/world.ts';

let world: World;

before(async () => {
  world = await World.start();
});
after(() => world.stop());

for (const { choice, eventLog } of [
  { choice: 'oplog', eventLog: 'operate_log' },
  { choice: 'eventlog', eventLog: 'artifact_oplog' },
] as const) {
  test(`what ${eventLog} tells is followed`, async (t) => {
    const east = await world.farSide(choice);
    const { db, storeDir } = world.builder;
    const writer = await SourceWriter.start({ db, storeDir, eventLog });
    const repository = await writer.repository(PROJECT, REPOSITORY);
    await repository.putFile('/before.txt', 'there before');
    // It is written a moment after the change.
    await eventually(async () => (await db.listCollections({ name: new RegExp(eventLog) }).toArray()).length > 0);
    const { feeds } = world.source;
    const following = await startFollowing(world, [east], {
      taskUid: choice,
      finder: { find: (request, signal) => feeds.find({ ...request, choice }, signal) },
    });
    t.after(async () => {
      await following.stop();
      await writer.stop();
    });
    const equal = (): Promise<boolean> =>
      eventually(
        async () => {
          assert.deepEqual(await world.differences(east), []);
          return true;
        },
        { timeoutMs: 20_000 },
      );
    await eventually(() => following.report()?.farSides[0]?.comparedAt, { timeoutMs: 20_000 });
    assert.equal(following.report()?.feed?.kind, choice);
    await repository.putFile('/a/new.txt', 'new');
    await repository.putFile('/a/other.txt', 'other');
    await repository.putFile('/before.txt', 'overwritten');
    await equal();
    await repository.rename('/a/new.txt', '/a/renamed.txt');
    await repository.move('/a', '/moved/a');
    await repository.copy('/moved', '/copied');
    await repository.saveMetadata('/before.txt', [{ key: 'color', value: 'red' }]);
    await equal();
    await repository.deleteFile('/moved');
    await repository.deleteFile('/before.txt');
    await equal();
    // What failed because the source had moved on already is tried again a second later.
    await eventually(() => following.report()?.farSides[0]?.retrying === 0);
    assert.equal(following.report()?.feed?.unknown, 0);
  });
}
