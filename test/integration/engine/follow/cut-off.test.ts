/** A follower that is killed while it writes: what it wrote, or had sent and nobody saw arrive, stays its own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { shardOf } from '../../../support/bkrepo/layout.ts';
import type { Fault, SeenRequest } from '../../../support/fault-proxy.ts';
import { type Following, startFollowing } from '../../../support/following.ts';
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
  await eventually(() => following.report()?.farSides[0]?.comparedAt, { timeoutMs: 20_000 });
}

async function equal(farSide: FarSide): Promise<void> {
  const check = async (): Promise<boolean> => {
    assert.deepEqual(await world.differences(farSide, { audit: false }), []);
    return true;
  };
  await eventually(check, { timeoutMs: 15_000 });
}

/** Kills the follower when the call arrives, which meets the fault. */
async function killAt(farSide: FarSide, following: Following, call: string, fault: Fault): Promise<void> {
  await new Promise<void>((resolve) => {
    let met = false;
    farSide.proxy.setFault(({ url }: SeenRequest): Fault | undefined => {
      if (!url.includes(call)) return undefined;
      const next: Fault = met ? { kind: 'reset' } : fault;
      met = true;
      setTimeout(resolve, 0);
      return next;
    });
  });
  await following.kill();
  farSide.proxy.setFault(undefined);
}

test('metadata that was saved in the moment of a kill goes when the source drops it', async () => {
  const east = await world.farSide('metadata');
  await files.putFile('/described.txt', 'described');
  let following = await startFollowing(world, [east], { taskUid: 'metadata' });
  await live(following);
  const killed = killAt(east, following, '/metadata/save', { kind: 'lose-answer' });
  await files.saveMetadata('/described.txt', [{ key: 'color', value: 'red' }]);
  await killed;
  following = await startFollowing(world, [east], { taskUid: 'metadata' });
  try {
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    await files.deleteMetadata('/described.txt', ['color']);
    await equal(east);
  } finally {
    await following.stop();
  }
});

test('a file that arrives after its sender was killed is the task’s, and follows', async () => {
  const east = await world.farSide('late');
  // The blob is there already: nothing but the node is sent.
  await files.putFile('/other.txt', 'first');
  let following = await startFollowing(world, [east], { taskUid: 'late' });
  await live(following);
  const looked = Promise.withResolvers<void>();
  const killed = killAt(east, following, '/node/create', { kind: 'arrive-late', when: looked.promise });
  await files.putFile('/late.txt', 'first');
  await killed;
  // Its successor has found nothing there, and is about to send the same.
  east.proxy.setFault(({ url }) => {
    if (!url.includes('/node/create')) return undefined;
    east.proxy.setFault(undefined);
    looked.resolve();
    return { kind: 'hold', ms: 500 };
  });
  following = await startFollowing(world, [east], { taskUid: 'late' });
  try {
    const creates = (): readonly (number | undefined)[] =>
      east.proxy.requests.filter(({ url }) => url.includes('/node/create')).map(({ answered }) => answered);
    await eventually(() => creates().at(-1) !== undefined && following.report()?.farSides[0]?.pending === 0);
    assert.deepEqual(creates().slice(-2), [undefined, 400]);
    await equal(east);
    await files.putFile('/late.txt', 'second');
    await equal(east);
    await files.deleteFile('/late.txt');
    await equal(east);
  } finally {
    await following.stop();
  }
});

test('a file that was put again with the same bytes, and then renamed, leaves nothing behind', async () => {
  const east = await world.farSide('again');
  await files.putFile('/again/a.txt', 'the same');
  const following = await startFollowing(world, [east], { taskUid: 'again' });
  try {
    await live(following);
    await equal(east);
    await files.putFile('/again/a.txt', 'the same');
    await files.putFile('/again/end.txt', 'end');
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    await files.rename('/again/a.txt', '/again/b.txt');
    await equal(east);
  } finally {
    await following.stop();
  }
});

test('metadata that a slower writer of the same task brings afterwards goes again', async () => {
  const east = await world.farSide('slower');
  await files.putFile('/slow.txt', 'old');
  const following = await startFollowing(world, [east], { taskUid: 'slower' });
  try {
    await live(following);
    await equal(east);
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    const { promise: until, resolve: letGo } = Promise.withResolvers<void>();
    let creates = 0;
    east.proxy.setFault(({ url }) => {
      if (!url.includes('/node/create')) return undefined;
      creates += 1;
      return creates === 1 ? { kind: 'hold', until } : undefined;
    });
    // The writer that follows the events is held …
    await files.putFile('/slow.txt', 'new', { metadata: [{ key: 'color', value: 'red' }] });
    await eventually(() => creates === 1);
    await files.putFile('/slow.txt', 'new');
    // … while the compare, which follows none, has written already what the source has become.
    following.orders.give('compare');
    await eventually(() => creates === 2, { timeoutMs: 10_000 });
    await equal(east);
    await delay(300);
    letGo();
    await eventually(() => following.report()?.farSides[0]?.pending === 0);
    await equal(east);
  } finally {
    await following.stop();
  }
});

test('a file that arrives after its folder was deleted, and its sender killed, goes', async () => {
  const east = await world.farSide('folder');
  await files.putFile('/folder/early.txt', 'early');
  let following = await startFollowing(world, [east], { taskUid: 'folder' });
  await live(following);
  await equal(east);
  const late = Promise.withResolvers<void>();
  const met = Promise.withResolvers<void>();
  let creates = 0;
  east.proxy.setFault(({ url }): Fault | undefined => {
    if (!url.includes('/node/create')) return undefined;
    creates += 1;
    met.resolve();
    return creates === 1 ? { kind: 'arrive-late', when: late.promise } : { kind: 'stall' };
  });
  await files.putFile('/folder/late.txt', 'late');
  await met.promise;
  await files.deleteFile('/folder');
  const there = async (path: string): Promise<boolean> =>
    (await east.db.collection(`node_${shardOf('mirror')}`).findOne({ fullPath: path, deleted: null })) !== null;
  await eventually(async () => !(await there('/folder/early.txt')));
  await delay(100);
  await following.kill();
  east.proxy.setFault(undefined);
  late.resolve();
  await eventually(() => there('/folder/late.txt'));
  following = await startFollowing(world, [east], { taskUid: 'folder' });
  try {
    await equal(east);
  } finally {
    await following.stop();
  }
});
