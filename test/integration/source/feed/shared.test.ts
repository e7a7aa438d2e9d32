import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ChangeFeed, FeedPosition } from '../../../../src/engine/ports/feed.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER, SourceHarness } from '../harness.ts';
import { Reading } from './reading.ts';

let harness: SourceHarness;
let feed: ChangeFeed;

before(async () => {
  harness = await SourceHarness.start();
  const source = harness.source('bkrepo', { uri: harness.mongod.uriFor('strict') });
  const { feed: found } = await source.feeds.find({ choice: 'changeStream', silent: [], convert: false }, NEVER);
  feed = found ?? assert.fail('no feed');
});

after(() => harness.stop());

let files = 0;

/** Writes so many files; answers what will be told of them. */
async function write(count: number): Promise<readonly string[]> {
  const paths = Array.from({ length: count }, (_, index) => `/f/${files + index}`);
  files += count;
  const nodes = harness.db('bkrepo').collection('node_1');
  await nodes.insertMany(paths.map((fullPath) => ({ projectId: 'p', repoName: 'r', fullPath })));
  return paths.map((path) => `node p/r${path}`);
}

/** Cursors of change streams, of those of them that are wanted. */
async function cursors(): Promise<number> {
  const operations = await harness
    .db('admin')
    .aggregate([
      { $currentOp: { allUsers: true, idleCursors: true } },
      { $match: { 'cursor.tailable': true, killPending: { $ne: true } } },
    ])
    .toArray();
  return operations.length;
}

async function allTold(readings: readonly Reading[], wanted: readonly string[]): Promise<void> {
  for (const reading of readings)
    await eventually(() => {
      const told = new Set(reading.told);
      return wanted.every((text) => told.has(text));
    });
}

async function following(from: readonly FeedPosition[], use: (readings: readonly Reading[]) => Promise<void>) {
  const readings = from.map((position) => new Reading(feed, position));
  try {
    await use(readings);
  } finally {
    await Promise.all(readings.map((reading) => reading.stop()));
  }
}

const soon = { timeoutMs: 20_000 };

describe('the change stream of a source', () => {
  it('has one cursor for five followers, who each began at the end as it was for them', async () => {
    const from: FeedPosition[] = [];
    const early: string[] = [];
    for (let follower = 0; follower < 5; follower += 1) {
      from.push(await feed.end(NEVER));
      early.push(...(await write(1)));
    }
    await following(from, async (readings) => {
      await eventually(async () => {
        await allTold(readings, await write(10));
        return (await cursors()) === 1;
      }, soon);
      const before = readings.map(({ batches }) => batches.length);
      await allTold(readings, await write(1_000));
      assert.equal(await cursors(), 1);
      assert.ok(readings.every(({ batches }, index) => batches.length > (before[index] ?? 0)));
      for (const [index, reading] of readings.entries()) await allTold([reading], early.slice(index));
    });
    await eventually(async () => {
      await write(1);
      return (await cursors()) === 0;
    });
  });

  it('takes in a follower who comes with an old position, and tells it everything', async () => {
    const old = await feed.end(NEVER);
    const missed = await write(30_000);
    await following([await feed.end(NEVER), await feed.end(NEVER), old], async (readings) => {
      await allTold(readings.slice(2), missed);
      await eventually(async () => {
        await allTold(readings, await write(10));
        return (await cursors()) === 1;
      }, soon);
      const [first, second] = readings;
      for (const reading of [first, second]) assert.ok(!reading?.told.includes(missed[0] ?? ''));
    });
  });

  it('tells everybody everything over a kill of the server, and has one cursor again', async () => {
    const from = await feed.end(NEVER);
    await following([from, from, from], async (readings) => {
      const wanted = [...(await write(500))];
      await harness.mongod.kill('SIGKILL');
      await harness.mongod.restart();
      wanted.push(...(await eventually(() => write(500), soon)));
      await allTold(readings, wanted);
      await eventually(async () => {
        await allTold(readings, await write(10));
        return (await cursors()) === 1;
      }, soon);
    });
  });
});
