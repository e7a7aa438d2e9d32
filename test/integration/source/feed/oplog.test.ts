import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Collection, Document } from 'mongodb';
import type { ChangeFeed, FeedPosition } from '../../../../src/engine/ports/feed.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { SourceDatabase } from '../../../../src/source/database/database.ts';
import { openOplog } from '../../../../src/source/feed/oplog.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER, SourceHarness } from '../harness.ts';
import { created, entry, wrap } from './oplog-writer.ts';
import { Reading } from './reading.ts';

const NAME = 'operate_log';

let harness: SourceHarness;
let database: SourceDatabase;
let feed: ChangeFeed;
let log: Collection<Document>;

before(async () => {
  harness = await SourceHarness.start();
  // Whatever is read here is read with the role `read` on this one database.
  database = new SourceDatabase({ uri: harness.mongod.uriFor('strict') });
  feed = openOplog(database, { collection: NAME, clock: systemClock });
  log = harness.db('bkrepo').collection(NAME);
});

beforeEach(async () => {
  await log.drop();
  await make();
});

after(async () => {
  await database.close();
  await harness.stop();
});

async function make(size = 10_000_000): Promise<void> {
  await harness.db('bkrepo').createCollection(NAME, { capped: true, size });
}

async function following<T>(use: (reading: Reading) => Promise<T>, from?: FeedPosition): Promise<T> {
  const reading = new Reading(feed, from ?? (await feed.end(NEVER)));
  try {
    return await use(reading);
  } finally {
    await reading.stop();
  }
}

/** What is told behind `from` up to now. */
async function toldBehind(from: FeedPosition): Promise<readonly string[]> {
  return await following(async (reading) => {
    await log.insertOne(created('/mark'));
    return await reading.take('node p/r/mark');
  }, from);
}

async function lost(from: FeedPosition): Promise<string> {
  return await following(async (reading) => {
    await eventually(() => reading.failure !== undefined);
    const failure = reading.failure as Error & { code?: string; errorClass?: string };
    assert.deepEqual([failure.code, failure.errorClass], ['FeedPositionLost', 'cluster'], failure.message);
    return failure.message;
  }, from);
}

describe('reading the operation log', () => {
  it('tells what was written behind a position, then what is written, in the order of the inserts', async () => {
    await log.insertOne(created('/before'));
    const from = await feed.end(NEVER);
    await log.insertMany([created('/1'), created('/2')]);
    await following(async (reading) => {
      assert.deepEqual(await reading.take('node p/r/2'), ['node p/r/1']);
      await log.insertMany([created('/3'), created('/4')]);
      assert.deepEqual(await reading.take('node p/r/4'), ['node p/r/3']);
    }, from);
  });

  it('goes on behind each batch, with the same entries as in one go', async () => {
    const from = await feed.end(NEVER);
    const paths = Array.from({ length: 2_000 }, (_, index) => `/many/${index}`);
    await log.insertMany(paths.map((path) => created(path)));
    await following(async (reading) => {
      await reading.take('node p/r/many/1999');
      assert.ok(reading.batches.length > 2);
      assert.ok(reading.batches.every(({ changes }) => changes.length <= 1_000));
      const [first] = reading.batches;
      assert.ok(first !== undefined);
      const rest = paths.slice(first.changes.length).map((path) => `node p/r${path}`);
      assert.deepEqual(await toldBehind(first.position), rest);
    }, from);
  });

  it('tells an entry whose id and time are before those that were told, or long after', async () => {
    await log.insertOne(created('/told'));
    const from = await feed.end(NEVER);
    const skewed = [-10, 10, -3 * 1_440, 0, 9_000_000, -9_000].map((minutes) => created(`/at${minutes}`, minutes));
    for (const one of skewed) await log.insertOne(one);
    const wanted = [-10, 10, -4_320, 0, 9_000_000, -9_000].map((minutes) => `node p/r/at${minutes}`);
    assert.deepEqual(await toldBehind(from), wanted);
    await following(async (reading) => {
      await log.insertOne(created('/live', -5 * 1_440));
      await reading.take('node p/r/live');
      assert.ok(reading.position.at.getTime() < Date.now() + 3_600_000, 'an entry of the future moved the position');
    }, from);
  });

  it('tells all of a log that was empty at the position', async () => {
    const from = await feed.end(NEVER);
    await following(async (reading) => {
      await log.insertOne(created('/first'));
      await reading.take('node p/r/first');
    }, from);
    assert.deepEqual(await toldBehind(from), ['node p/r/first']);
  });

  it('tells both places of a rename, also when only one of them is of interest', async () => {
    const from = await feed.end(NEVER);
    await log.insertMany([
      entry('NODE', 'RENAME', { projectId: 'p', repoName: 'r', fullPath: '/a', newFullPath: '/b' }),
      entry('METADATA', 'UPDATE', { projectId: 'p', repoName: 'r', fullPath: '/a', metadata: { 'x#dot#y': '1' } }),
      entry('REPOSITORY', 'CREATE', { projectId: 'p', name: 'new', configuration: { settings: { 'a#dot#b': 1 } } }),
      entry('PROJECT', 'CREATE', { name: 'q', displayName: 'Q' }),
    ]);
    assert.deepEqual(await toldBehind(from), [
      'node p/r/a and below',
      'node p/r/b and below',
      'node p/r/a',
      'repository p/new',
    ]);
  });

  it('counts what it does not understand, and reads on', async () => {
    const from = await feed.end(NEVER);
    await log.insertMany([
      {},
      { _id: 'text' as unknown as Document['_id'], createdDate: 'yesterday', resourceType: 7 },
      { ...created('/x'), description: null },
      { ...created('/x'), description: { request: '{"projectId":"p"' } },
      { ...created('/x'), description: { request: '["p"]' } },
      { ...created('/x'), description: [{ request: '{}' }] },
      { ...created('/x'), operateType: 'ARCHIVE' },
      { ...created('/x'), resourceType: 'ACCOUNT' },
    ]);
    await following(async (reading) => {
      await log.insertOne(created('/mark'));
      assert.deepEqual(await reading.take('node p/r/mark'), []);
      assert.equal(reading.unknown, 8);
    }, from);
  });

  it('goes on behind an entry whose id is no ObjectId', async () => {
    await log.insertOne({ ...created('/odd'), _id: { a: 1, b: 'x' } as unknown as Document['_id'] });
    assert.deepEqual(await toldBehind(await feed.end(NEVER)), []);
  });

  it('gives a sign of life on an idle log and on an empty one, with a position that moves on', async () => {
    const empty = await feed.end(NEVER);
    await harness.db('bkrepo').createCollection('operation_log', { capped: true, size: 100_000 });
    const other = openOplog(database, { collection: 'operation_log', clock: systemClock });
    await harness.db('bkrepo').collection('operation_log').insertOne(created('/old', -600));
    const idle = await other.end(NEVER);
    const readings = [new Reading(feed, empty), new Reading(other, idle)];
    try {
      for (const reading of readings) {
        await eventually(() => reading.batches.length > 0, { timeoutMs: 9_900 });
        assert.deepEqual(reading.batches[0]?.changes, []);
      }
      const [, reading] = readings;
      assert.ok((reading?.position.at.getTime() ?? 0) >= idle.at.getTime());
      assert.equal(reading?.position.token, idle.token);
    } finally {
      await Promise.all(readings.map((reading) => reading.stop()));
    }
  });

  it('ends at once when it is told to, with the reason', async () => {
    await log.insertOne(created('/x'));
    const stop = new AbortController();
    const reason = new Error('enough');
    const from = await feed.end(NEVER);
    const reading = (async () => {
      for await (const _ of feed.read(from, stop.signal));
    })();
    setTimeout(() => stop.abort(reason), 300);
    const asked = performance.now();
    await assert.rejects(reading, reason);
    assert.ok(performance.now() - asked < 1_000);
  });
});

describe('a place in the operation log is lost', () => {
  it('when the log has wrapped past it', async () => {
    await log.drop();
    await make(100_000);
    await log.insertOne(created('/told'));
    const from = await feed.end(NEVER);
    await wrap(log);
    assert.match(await lost(from), /wrapped/);
  });

  it('when the log was empty there, and has wrapped since', async () => {
    await log.drop();
    await make(100_000);
    const from = await feed.end(NEVER);
    await log.insertOne(created('/first'));
    await wrap(log);
    assert.match(await lost(from), /may have wrapped/);
  });

  it('when the log was dropped, made again, or emptied', async () => {
    await log.insertMany([created('/told')]);
    const from = await feed.end(NEVER);
    const entries = await log.find().toArray();
    await log.drop();
    assert.match(await lost(from), /not there any more/);
    await make();
    assert.match(await lost(from), /made anew/);
    await log.insertMany(entries);
    assert.match(await lost(from), /made anew/);
    const again = await feed.end(NEVER);
    await harness.db('bkrepo').command({ emptycapped: NAME });
    assert.match(await lost(again), /./);
  });

  it('when the log was converted, or is not capped any more', async () => {
    await log.insertOne(created('/told'));
    const from = await feed.end(NEVER);
    await harness.db('bkrepo').command({ convertToCapped: NAME, size: 2_000_000 });
    assert.match(await lost(from), /made anew, or converted/);
    await log.drop();
    await log.insertOne(created('/told'));
    assert.match(await lost(from), /made anew/);
    await assert.rejects(feed.end(NEVER), { errorClass: 'retryable', message: /not capped/ });
  });

  it('when any of that happens while it is read', async () => {
    const db = harness.db('bkrepo');
    const spoilers = [
      (name: string) => db.collection(name).drop(),
      (name: string) => db.command({ convertToCapped: name, size: 2_000_000 }),
      (name: string) => db.command({ emptycapped: name }),
    ].map(async (spoil, index) => {
      const one = await db.createCollection(`log_${index}`, { capped: true, size: 1_000_000 });
      await one.insertOne(created('/told'));
      const other = openOplog(database, { collection: one.collectionName, clock: systemClock });
      const reading = new Reading(other, await other.end(NEVER));
      try {
        await one.insertOne(created('/live'));
        await reading.take('node p/r/live');
        await spoil(one.collectionName);
        await eventually(() => reading.failure !== undefined);
        assert.match(String(reading.failure), /cannot go on/);
      } finally {
        await reading.stop();
      }
    });
    await Promise.all(spoilers);
  });

  it('when the log wraps faster than it is read', async () => {
    await log.drop();
    await make(100_000);
    await log.insertOne(created('/told'));
    let wrapped = false;
    const from = await feed.end(NEVER);
    await log.insertMany(Array.from({ length: 100 }, (_, index) => created(`/more/${index}`)));
    const reading = new Reading(feed, from, async () => {
      if (wrapped) return;
      wrapped = true;
      await wrap(log);
      await wrap(log);
    });
    try {
      await eventually(() => reading.failure !== undefined);
      assert.match(String(reading.failure), /cannot go on/);
    } finally {
      await reading.stop();
    }
  });

  it('when the position is of another feed, or is none', async () => {
    const at = new Date();
    for (const token of ['', '{', '{}', '[]', '{"uuid":7}'])
      assert.match(await lost({ kind: 'oplog', at, token }), /not one of an operation log/);
    const { token } = await feed.end(NEVER);
    assert.match(await lost({ kind: 'eventlog', at, token }), /not one of an operation log/);
  });
});
