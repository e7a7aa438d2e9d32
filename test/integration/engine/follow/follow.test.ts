import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Following, SourceUser, startFollowing } from '../../../support/following.ts';
import { eventually } from '../../../support/wait.ts';
import { type FarSide, World } from '../../../support/world.ts';

let world: World;
let user: SourceUser;
let sides = 0;

before(async () => {
  world = await World.start();
  user = await SourceUser.start(world);
});
after(async () => {
  await user.stop();
  await world.stop();
});

/** Compared once, and following. */
async function live(following: Following): Promise<void> {
  await eventually(() => following.report()?.farSides.every(({ comparedAt }) => comparedAt !== undefined), {
    timeoutMs: 20_000,
  });
}

async function equal(farSide: FarSide): Promise<void> {
  const check = async (): Promise<boolean> => {
    assert.deepEqual(await world.differences(farSide), []);
    return true;
  };
  await eventually(check, { timeoutMs: 15_000 });
}

async function farSide(): Promise<FarSide> {
  sides += 1;
  return await world.farSide(`side${sides}`);
}

test('what is written, overwritten, renamed, moved, copied, described and deleted is followed', async () => {
  const east = await farSide();
  await user.put('/old/a.txt', 'there before');
  await user.put('/old/b.txt', 'also there before');
  const following = await startFollowing(world, [east]);
  try {
    await live(following);
    await equal(east);
    await user.put('/new/c.txt', 'new');
    await user.put('/old/a.txt', 'overwritten', { metadata: { color: 'red', size: 'large' } });
    await equal(east);
    await user.node('rename', { fullPath: '/new/c.txt', newFullPath: '/new/d.txt' });
    await user.call('/replica/metadata/delete', { fullPath: '/old/a.txt', keyList: ['color'] });
    await user.node('move', {
      srcProjectId: 'acme',
      srcRepoName: 'files',
      srcFullPath: '/old/b.txt',
      destFullPath: '/moved/b.txt',
    });
    await user.node('copy', {
      srcProjectId: 'acme',
      srcRepoName: 'files',
      srcFullPath: '/old/a.txt',
      destFullPath: '/copied/a.txt',
    });
    await equal(east);
    await user.node('delete', { fullPath: '/old' });
    await user.node('delete', { fullPath: '/new/d.txt' });
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.lagMs === 0);
  } finally {
    await following.stop();
  }
});
