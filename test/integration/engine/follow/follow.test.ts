import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Following, SourceUser, startFollowing } from '../../../support/following.ts';
import { eventually } from '../../../support/wait.ts';
import { type FarSide, World } from '../../../support/world.ts';

/** The repository of the far sides. */
const AT_FAR_SIDE = { projectId: 'mirror' };

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

/** Live files of a far side by path, with their digests. */
async function contents(farSide: FarSide): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of await farSide.db.listCollections({ name: /^node_/ }).toArray())
    for await (const node of farSide.db.collection(name).find({ projectId: 'mirror', folder: false, deleted: null }))
      found.set(String(node['fullPath']), String(node['sha256']));
  return found;
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
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

test('what somebody else put at the far side, or has changed there since, is neither replaced nor deleted', async () => {
  const east = await farSide();
  await user.put('/foreign/mine.txt', 'mine');
  const following = await startFollowing(world, [east], { taskUid: 'foreign' });
  const there = await SourceUser.start(world, east);
  try {
    await live(following);
    await there.put('/foreign/theirs.txt', 'far side', AT_FAR_SIDE);
    await there.put('/foreign/mine.txt', 'changed there', AT_FAR_SIDE);
    await user.node('delete', { fullPath: '/foreign/mine.txt' });
    await user.put('/foreign/theirs.txt', 'source again');
    await user.node('delete', { fullPath: '/foreign/theirs.txt' });
    await user.put('/foreign/end.txt', 'end');
    await eventually(async () => (await contents(east)).get('/foreign/end.txt') === sha256('end'));
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    const found = await contents(east);
    assert.equal(found.get('/foreign/mine.txt'), sha256('changed there'));
    assert.equal(found.get('/foreign/theirs.txt'), sha256('far side'));
  } finally {
    await following.stop();
    await there.stop();
  }
});

test('nothing is lost when the follower is killed again and again while changes come', async () => {
  const east = await farSide();
  let following = await startFollowing(world, [east], { taskUid: 'killed' });
  await live(following);
  for (let round = 0; round < 6; round += 1) {
    const writing = (async () => {
      for (let file = 0; file < 25; file += 1) {
        await user.put(`/killed/${file}.txt`, `round ${round}, file ${file}`);
        if (file % 5 === 4) await user.node('delete', { fullPath: `/killed/${file - (round % 5)}.txt` });
      }
    })();
    await following.kill();
    following = await startFollowing(world, [east], { taskUid: 'killed' });
    await writing;
    if (round % 2 === 1) await following.kill();
    if (round % 2 === 1) following = await startFollowing(world, [east], { taskUid: 'killed' });
  }
  try {
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
  } finally {
    await following.stop();
  }
});

test('a far side that is down holds up nobody else, and gets everything when it is back', async () => {
  const [east, west] = [await farSide(), await farSide()];
  const following = await startFollowing(world, [east, west], { taskUid: 'down' });
  try {
    await live(following);
    east.proxy.setFault(() => ({ kind: 'reset' }));
    for (let file = 0; file < 40; file += 1) await user.put(`/down/${file}.txt`, `file ${file}`);
    await user.node('delete', { fullPath: '/down/7.txt' });
    await equal(west);
    const report = following.report();
    assert.ok((report?.farSides[0]?.lagMs ?? 0) > 0);
    await eventually(() => following.report()?.farSides[0]?.trouble !== undefined, { timeoutMs: 15_000 });
    assert.equal(following.report()?.farSides[1]?.trouble, undefined);
    east.proxy.setFault(() => undefined);
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.trouble === undefined);
  } finally {
    await following.stop();
  }
});

test('a mass delete stops before its first file, and goes on when a person says so', async () => {
  const east = await farSide();
  const deleteProtection = { percent: 10, files: 20 };
  const following = await startFollowing(world, [east], { taskUid: 'mass', deleteProtection });
  try {
    await live(following);
    for (let file = 0; file < 30; file += 1) await user.put(`/mass/${file}.txt`, `file ${file}`);
    await equal(east);
    await user.node('delete', { fullPath: '/mass' });
    await eventually(() => following.report()?.farSides[0]?.held !== undefined);
    assert.equal(following.report()?.farSides[0]?.held?.files, 30);
    await user.put('/after.txt', 'goes on');
    await eventually(async () => (await contents(east)).has('/after.txt'));
    const left = [...(await contents(east)).keys()].filter((path) => path.startsWith('/mass/'));
    assert.equal(left.length, 30);
    following.orders.give('approve-deletes');
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.held === undefined);
  } finally {
    await following.stop();
  }
});

test('what is deleted, moved and renamed while nobody follows is made up for', async () => {
  const east = await farSide();
  const first = await startFollowing(world, [east], { taskUid: 'gap' });
  try {
    await live(first);
    for (let file = 0; file < 10; file += 1) await user.put(`/gap/${file}.txt`, `file ${file}`);
    await equal(east);
  } finally {
    await first.stop();
  }
  await user.node('delete', { fullPath: '/gap/1.txt' });
  await user.node('rename', { fullPath: '/gap/2.txt', newFullPath: '/gap/renamed.txt' });
  await user.node('move', {
    srcProjectId: 'acme',
    srcRepoName: 'files',
    srcFullPath: '/gap/3.txt',
    destFullPath: '/moved.txt',
  });
  await world.client
    .db('bkrepo_replicator')
    .collection('follow_state')
    .updateOne({ taskUid: 'gap' }, { $set: { position: null } });
  const second = await startFollowing(world, [east], { taskUid: 'gap' });
  try {
    await equal(east);
    await live(second);
  } finally {
    await second.stop();
  }
});
