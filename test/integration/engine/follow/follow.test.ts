import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { ChangeFeed, FeedBatch, FeedPosition } from '../../../../src/engine/ports/feed.ts';
import type { Source } from '../../../../src/engine/ports/source.ts';
import { type Following, startFollowing } from '../../../support/following.ts';
import type { SourceRepository } from '../../../support/source-repository.ts';
import { SourceWriter } from '../../../support/source-writer.ts';
import { eventually } from '../../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, World } from '../../../support/world.ts';

let world: World;
let writer: SourceWriter;
let files: SourceRepository;
let sides = 0;

before(async () => {
  world = await World.start();
  const { db, storeDir } = world.builder;
  writer = await SourceWriter.start({ db, storeDir });
  files = await writer.repository(PROJECT, REPOSITORY);
});
after(async () => {
  await writer.stop();
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
  await files.putFile('/old/a.txt', 'there before');
  await files.putFile('/old/b.txt', 'also there before');
  const following = await startFollowing(world, [east]);
  try {
    await live(following);
    await equal(east);
    await files.putFile('/new/c.txt', 'new');
    await files.putFile('/old/a.txt', 'overwritten', {
      metadata: [
        { key: 'color', value: 'red' },
        { key: 'size', value: 'large' },
      ],
    });
    await equal(east);
    await files.rename('/new/c.txt', '/new/d.txt');
    await files.deleteMetadata('/old/a.txt', ['color']);
    await files.move('/old/b.txt', '/moved/b.txt');
    await files.copy('/old/a.txt', '/copied/a.txt');
    await equal(east);
    await files.deleteFile('/old');
    await files.deleteFile('/new/d.txt');
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.lagMs === 0);
  } finally {
    await following.stop();
  }
});

test('what somebody else put at the far side, or has changed there since, is neither replaced nor deleted', async () => {
  const east = await farSide();
  await files.putFile('/foreign/mine.txt', 'mine');
  const following = await startFollowing(world, [east], { taskUid: 'foreign' });
  const other = await SourceWriter.start({ db: east.db, storeDir: east.storeDir });
  try {
    await live(following);
    const there = await other.repository('mirror', REPOSITORY);
    await there.putFile('/foreign/theirs.txt', 'far side');
    await there.putFile('/foreign/mine.txt', 'changed there');
    await files.deleteFile('/foreign/mine.txt');
    await files.putFile('/foreign/theirs.txt', 'source again');
    await files.deleteFile('/foreign/theirs.txt');
    await files.putFile('/foreign/end.txt', 'end');
    await eventually(async () => (await contents(east)).get('/foreign/end.txt') === sha256('end'));
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    const found = await contents(east);
    assert.equal(found.get('/foreign/mine.txt'), sha256('changed there'));
    assert.equal(found.get('/foreign/theirs.txt'), sha256('far side'));
  } finally {
    await following.stop();
    await other.stop();
  }
});

test('nothing is lost when the follower is killed again and again while changes come', async () => {
  const east = await farSide();
  let following = await startFollowing(world, [east], { taskUid: 'killed' });
  await live(following);
  for (let round = 0; round < 6; round += 1) {
    const writing = (async () => {
      for (let file = 0; file < 25; file += 1) {
        await files.putFile(`/killed/${file}.txt`, `round ${round}, file ${file}`);
        if (file % 5 === 4) await files.deleteFile(`/killed/${file - (round % 5)}.txt`);
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
    for (let file = 0; file < 40; file += 1) await files.putFile(`/down/${file}.txt`, `file ${file}`);
    await files.deleteFile('/down/7.txt');
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
    for (let file = 0; file < 30; file += 1) await files.putFile(`/mass/${file}.txt`, `file ${file}`);
    await equal(east);
    await files.deleteFile('/mass');
    await eventually(() => following.report()?.farSides[0]?.held !== undefined);
    assert.equal(following.report()?.farSides[0]?.held?.files, 30);
    await files.putFile('/after.txt', 'goes on');
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
    for (let file = 0; file < 10; file += 1) await files.putFile(`/gap/${file}.txt`, `file ${file}`);
    await equal(east);
  } finally {
    await first.stop();
  }
  await files.deleteFile('/gap/1.txt');
  await files.rename('/gap/2.txt', '/gap/renamed.txt');
  await files.move('/gap/3.txt', '/moved.txt');
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

test('changes that are told twice, late and backwards end in the same state', async () => {
  const east = await farSide();
  const { feeds } = world.source;
  const following = await startFollowing(world, [east], {
    taskUid: 'disorder',
    finder: {
      async find(request, signal) {
        const { feed, ...verdict } = await feeds.find(request, signal);
        if (feed === undefined) return verdict;
        return {
          ...verdict,
          feed: { ...feed, end: (stop) => feed.end(stop), read: (from, stop) => backwards(feed, from, stop) },
        };
      },
    },
  });
  try {
    await live(following);
    await files.putFile('/disorder/a.txt', 'first');
    await files.putFile('/disorder/a.txt', 'second');
    await files.rename('/disorder/a.txt', '/disorder/b.txt');
    await files.putFile('/disorder/a.txt', 'third');
    await files.deleteFile('/disorder/b.txt');
    for (let file = 0; file < 20; file += 1) await files.putFile(`/disorder/${file}.txt`, 'short-lived');
    for (let file = 0; file < 20; file += 2) await files.deleteFile(`/disorder/${file}.txt`);
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    await equal(east);
  } finally {
    await following.stop();
  }
});

/** Each batch after the one that came behind it, both backwards, everything twice. */
async function* backwards(feed: ChangeFeed, from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch> {
  let held: FeedBatch['changes'] = [];
  for await (const batch of feed.read(from, signal)) {
    const now = batch.changes.toReversed();
    yield { ...batch, changes: [...now, ...held, ...now] };
    held = now;
  }
}

test('a source that seems to be empty empties nothing', async () => {
  const east = await farSide();
  const following = await startFollowing(world, [east], { taskUid: 'empty' });
  await live(following);
  for (let file = 0; file < 30; file += 1) await files.putFile(`/full/${file}.txt`, `file ${file}`);
  await equal(east);
  await following.stop();
  const before = (await contents(east)).size;
  const empty: Source = {
    ...world.source,
    findNodes: async () => new Map(),
    nodes: async function* () {
      // As a database that was restored without its nodes.
    },
  };
  const deleteProtection = { percent: 0, files: 0 };
  const again = await startFollowing(world, [east], { taskUid: 'empty', source: empty, deleteProtection });
  try {
    again.orders.give('compare');
    await eventually(() => again.report()?.farSides[0]?.held !== undefined);
    assert.equal((await contents(east)).size, before);
  } finally {
    await again.stop();
  }
});

test('a hundred small blobs are read back for a far side, and not anew for each handful of changes', async () => {
  const east = await farSide();
  const many = Array.from({ length: 100 }, (_, file) => ({ path: `/trusted/${file}.txt`, content: `small ${file}` }));
  await world.files.putFiles(many);
  const following = await startFollowing(world, [east]);
  try {
    await live(following);
    const pulls = (): number => east.proxy.requests.filter(({ url }) => url.includes('/blob/pull')).length;
    assert.ok(pulls() >= 100);
    east.proxy.forget();
    for (let file = 0; file < 10; file += 1) {
      await files.putFile('/trusted/changing.txt', `change ${file}`);
      await equal(east);
    }
    // One in twenty is drawn.
    assert.ok(pulls() < 10, `${pulls()} of ten changes were read back`);
  } finally {
    await following.stop();
  }
});
