/** What could make a follower delete too much, forget something, or say what is not so. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { FeedFinder } from '../../../../src/engine/ports/feed.ts';
import type { RunObject } from '../../../../src/engine/run-types.ts';
import { type Following, type FollowingOptions, startFollowing } from '../../../support/following.ts';
import type { SourceRepository } from '../../../support/source-repository.ts';
import { SourceWriter } from '../../../support/source-writer.ts';
import { eventually } from '../../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, World } from '../../../support/world.ts';

let world: World;
let writer: SourceWriter;
let files: SourceRepository;

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

async function live(following: Following): Promise<void> {
  const isLive = (): boolean | undefined =>
    following.report()?.farSides.every(({ comparedAt, compare }) => comparedAt !== undefined && compare === undefined);
  await eventually(isLive, { timeoutMs: 20_000 });
}

/** Paths of the live files of a far side. */
async function paths(farSide: FarSide): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name } of await farSide.db.listCollections({ name: /^node_/ }).toArray())
    for await (const node of farSide.db.collection(name).find({ projectId: 'mirror', folder: false, deleted: null }))
      found.push(String(node['fullPath']));
  return found.sort();
}

async function has(farSide: FarSide, path: string): Promise<void> {
  await eventually(async () => (await paths(farSide)).includes(path), { timeoutMs: 15_000 });
}

async function hasNot(farSide: FarSide, path: string): Promise<void> {
  await eventually(async () => !(await paths(farSide)).includes(path), { timeoutMs: 15_000 });
}

/** Follows for as long as the work takes. */
async function whileFollowing(
  farSides: readonly FarSide[],
  options: FollowingOptions,
  work: (following: Following) => Promise<void>,
): Promise<void> {
  const following = await startFollowing(world, farSides, options);
  try {
    await work(following);
  } finally {
    await following.stop();
  }
}

function object(localRepoName: string, remoteRepoName: string, constraints: readonly string[] = []): RunObject {
  return { localRepoName, remoteProjectId: 'mirror', remoteRepoName, repoType: 'GENERIC', paths: constraints };
}

test('two repositories that go to one delete nothing of each other', async () => {
  const east = await world.farSide('shared');
  await world.builder.repository(PROJECT, 'more');
  const more = await writer.repository(PROJECT, 'more');
  await files.putFile('/shared/a.txt', 'of the first');
  await more.putFile('/shared/b.txt', 'of the second');
  const objects = [object(REPOSITORY, 'both', ['/shared']), object('more', 'both')];
  await whileFollowing([east], { taskUid: 'shared', objects }, async (following) => {
    await live(following);
    const first = following.report()?.farSides[0]?.comparedAt;
    following.orders.give('compare');
    await eventually(() => following.report()?.farSides[0]?.comparedAt !== first);
    assert.deepEqual(await paths(east), ['/shared/a.txt', '/shared/b.txt']);
    await more.deleteFile('/shared/b.txt');
    await hasNot(east, '/shared/b.txt');
    assert.deepEqual(await paths(east), ['/shared/a.txt']);
  });
});

test('a far side that comes back is compared anew, also by a spec that it knew', async () => {
  const [east, west] = [await world.farSide('stays'), await world.farSide('comes-back')];
  const objects = [object(REPOSITORY, REPOSITORY, ['/back'])];
  await whileFollowing([east, west], { taskUid: 'back', objects, specHash: 'with' }, live);
  await whileFollowing([east], { taskUid: 'back', objects, specHash: 'without' }, async (following) => {
    await live(following);
    await files.putFile('/back/a.txt', 'meanwhile');
    await has(east, '/back/a.txt');
    await eventually(async () => (await countMarks('back')) === 0);
  });
  await whileFollowing([east, west], { taskUid: 'back', objects, specHash: 'with' }, () => has(west, '/back/a.txt'));
});

async function countMarks(taskUid: string): Promise<number> {
  return await world.client.db('bkrepo_replicator').collection('follow_mark').countDocuments({ taskUid });
}

test('another server under the same name is compared anew', async () => {
  const [old, other] = [await world.farSide('old'), await world.farSide('other')];
  const objects = [object(REPOSITORY, REPOSITORY, ['/moved'])];
  await files.putFile('/moved/a.txt', 'there before');
  await whileFollowing([old], { taskUid: 'moved', objects }, live);
  const replaced = { ...other, target: { ...other.target, id: old.target.id } };
  await whileFollowing([replaced], { taskUid: 'moved', objects }, () => has(other, '/moved/a.txt'));
});

test('an object without its repository keeps nothing from the others of its task', async () => {
  const east = await world.farSide('missing');
  await files.putFile('/missing/a.txt', 'there');
  const objects = [object('not-there', 'not-there'), object(REPOSITORY, REPOSITORY, ['/missing'])];
  await whileFollowing([east], { taskUid: 'missing', objects }, async (following) => {
    await live(following);
    assert.ok((await paths(east)).includes('/missing/a.txt'));
  });
});

test('a compare that succeeds takes back what an earlier one complained of', async () => {
  const east = await world.farSide('trouble');
  east.proxy.setFault(() => ({ kind: 'reset' }));
  await whileFollowing(
    [east],
    { taskUid: 'trouble', objects: [object(REPOSITORY, REPOSITORY, ['/none'])] },
    async (following) => {
      await eventually(() => following.report()?.farSides[0]?.trouble !== undefined, { timeoutMs: 15_000 });
      east.proxy.setFault(undefined);
      following.orders.give('compare');
      await live(following);
      await eventually(() => following.report()?.farSides[0]?.trouble === undefined, { timeoutMs: 2_000 });
    },
  );
});

test('a deletion that the far side did not take is not forgotten by a kill, also when it was being tried again', async () => {
  const east = await world.farSide('retry');
  const objects = [object(REPOSITORY, REPOSITORY, ['/retry'])];
  const following = await startFollowing(world, [east], { taskUid: 'retry', objects });
  await files.putFile('/retry/a.txt', 'short-lived');
  await has(east, '/retry/a.txt');
  await files.putFile('/retry/bad.txt', 'to fail');
  await live(following);
  await following.stop();
  const retries = world.client.db('bkrepo_replicator').collection('follow_retry');
  // As of a change that failed and is due: its mark is long done.
  const journal = await world.journal.follow(
    { taskKey: 'key-of-retry', taskUid: 'retry', namespace: 'default', name: 'follow' },
    AbortSignal.timeout(10_000),
  );
  await files.deleteFile('/retry/a.txt');
  const key = { repoName: REPOSITORY, kind: 'path', name: '/retry/a.txt' } as const;
  await journal.saveRetries(
    east.target.id,
    [{ key, at: new Date(), attempts: 1, dueAt: new Date() }],
    AbortSignal.timeout(10_000),
  );
  let met = false;
  east.proxy.setFault(({ url }) => {
    if (!url.includes('/node/delete')) return undefined;
    met = true;
    return { kind: 'reset' };
  });
  const again = await startFollowing(world, [east], { taskUid: 'retry', objects, finder: SILENT });
  await eventually(() => met);
  await eventually(() => again.report()?.farSides[0]?.trouble !== undefined, { timeoutMs: 15_000 });
  await again.kill();
  assert.equal(await retries.countDocuments({ taskUid: 'retry', key: '/retry/a.txt' }), 1);
  east.proxy.setFault(undefined);
  await whileFollowing([east], { taskUid: 'retry', objects, finder: SILENT }, () => hasNot(east, '/retry/a.txt'));
});

/** Tells nothing of what the source has done. */
const SILENT: FeedFinder = {
  find: async () => ({
    reason: 'ChangeStream',
    message: 'a feed of a test',
    feed: {
      kind: 'changeStream',
      name: 'silent',
      end: async () => ({ kind: 'changeStream', at: new Date(), token: '{}' }),
      async *read(from, signal) {
        yield { changes: [], position: from, unknown: 0 };
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    },
  }),
};

test('held deletions are told after a restart, and no more when their files are back', async () => {
  const east = await world.farSide('held');
  const options = {
    taskUid: 'held',
    objects: [object(REPOSITORY, REPOSITORY, ['/held'])],
    deleteProtection: { percent: 0, files: 3 },
  };
  await whileFollowing([east], options, async (following) => {
    await live(following);
    for (let file = 0; file < 6; file += 1) await files.putFile(`/held/${file}.txt`, `file ${file}`);
    await has(east, '/held/5.txt');
    await files.deleteFile('/held');
    await eventually(() => following.report()?.farSides[0]?.held?.files === 6);
  });
  await whileFollowing([east], options, async (following) => {
    await eventually(() => following.report() !== undefined);
    assert.equal(following.report()?.farSides[0]?.held?.files, 6);
    for (let file = 0; file < 6; file += 1) await files.putFile(`/held/${file}.txt`, `file ${file}`);
    // What is looked at while files come back is held for another ten minutes, or until somebody asks again.
    const isFree = (): boolean => {
      following.orders.give('retry');
      return following.report()?.farSides[0]?.held === undefined;
    };
    await eventually(isFree, { timeoutMs: 20_000, intervalMs: 1_000 });
    await files.deleteFile('/held/1.txt');
    await hasNot(east, '/held/1.txt');
  });
});

test('bytes that a far side has cleaned up are sent again when their file comes back within the hour', async () => {
  const east = await world.farSide('cleaned');
  const options = { taskUid: 'cleaned', objects: [object(REPOSITORY, REPOSITORY, ['/cleaned'])] };
  await whileFollowing([east], options, async (following) => {
    await live(following);
    await files.putFile('/cleaned/a.txt', 'cleaned up');
    await has(east, '/cleaned/a.txt');
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    await files.deleteFile('/cleaned/a.txt');
    await hasNot(east, '/cleaned/a.txt');
    const { sha256 } = await files.putFile('/cleaned/b.txt', 'cleaned up, too');
    await has(east, '/cleaned/b.txt');
    await files.deleteFile('/cleaned/b.txt');
    await hasNot(east, '/cleaned/b.txt');
    const blob = join(east.storeDir, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
    await rm(blob);
    await files.putFile('/cleaned/b.txt', 'cleaned up, too');
    await has(east, '/cleaned/b.txt');
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    const response = await east.target.blobStored(
      { projectId: 'mirror', name: REPOSITORY, repoType: 'GENERIC', storageKey: null },
      sha256,
      AbortSignal.timeout(5_000),
    );
    assert.equal(response, true);
  });
});

test('what somebody deleted at a far side makes no silent feed, what the source changed unheard does', async () => {
  const east = await world.farSide('silent');
  const options = { taskUid: 'silent', objects: [object(REPOSITORY, REPOSITORY, ['/silent'])], finder: SILENT };
  await files.putFile('/silent/a.txt', 'there before');
  const other = await SourceWriter.start({ db: east.db, storeDir: east.storeDir });
  await whileFollowing([east], options, async (following) => {
    await live(following);
    const compare = async (): Promise<void> => {
      const before = following.report()?.farSides[0]?.comparedAt;
      following.orders.give('compare');
      await eventually(() => following.report()?.farSides[0]?.comparedAt !== before);
    };
    const there = await other.repository('mirror', REPOSITORY);
    await there.deleteFile('/silent/a.txt');
    await compare();
    await has(east, '/silent/a.txt');
    await files.putFile('/silent/b.txt', 'nobody tells of it');
    following.orders.give('compare');
    await has(east, '/silent/b.txt');
    await eventually(() => following.report()?.feedTrouble?.reason === 'FeedSilent', { timeoutMs: 30_000 });
    assert.match(following.report()?.feedTrouble?.message ?? '', /b\.txt/);
  });
  await other.stop();
});

test('a deletion that a far side refuses is told and tried again, and holds up nothing', async () => {
  const east = await world.farSide('refuses');
  const options = { taskUid: 'refuses', objects: [object(REPOSITORY, REPOSITORY, ['/refuses'])] };
  await whileFollowing([east], options, async (following) => {
    await live(following);
    await files.putFile('/refuses/a.txt', 'stays for now');
    await has(east, '/refuses/a.txt');
    east.proxy.setFault(({ url }) => (url.includes('/node/delete') ? { kind: 'answer', status: 400 } : undefined));
    await files.deleteFile('/refuses/a.txt');
    await eventually(() => following.report()?.farSides[0]?.retrying === 1, { timeoutMs: 8_000 });
    await files.putFile('/refuses/b.txt', 'goes on');
    await has(east, '/refuses/b.txt');
    await eventually(() => following.report()?.farSides[0]?.pending === 0, { timeoutMs: 5_000 });
    assert.equal(following.report()?.farSides[0]?.trouble, undefined);
    east.proxy.setFault(undefined);
    following.orders.give('retry');
    await hasNot(east, '/refuses/a.txt');
    await eventually(() => following.report()?.farSides[0]?.retrying === 0, { timeoutMs: 5_000 });
  });
});
