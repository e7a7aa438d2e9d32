import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection, Document } from 'mongodb';
import type { FeedPosition } from '../../../../src/engine/ports/feed.ts';
import { type Clock, systemClock } from '../../../../src/lib/clock.ts';
import { SourceDatabase } from '../../../../src/source/database/database.ts';
import { openEventLog } from '../../../../src/source/feed/eventlog.ts';
import type { OrderedFeed } from '../../../../src/source/feed/ordered-feed.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { FIXTURE_PROJECT, fixtureEntries, fixtureMissing } from '../../../support/bkrepo/fixture.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER, SourceHarness } from '../harness.ts';
import { event, logOf, put } from './eventlog-writer.ts';
import { Reading } from './reading.ts';

/** All pauses are shorter by this factor. */
const QUICK = 20;

const quickClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * QUICK,
  sleep: (ms, signal) => systemClock.sleep(ms / QUICK, signal),
};

let harness: SourceHarness;
let database: SourceDatabase;
let feed: OrderedFeed;
let log: Collection<Document>;

before(async () => {
  harness = await SourceHarness.start();
  // Whatever is read here is read with the role `read` on this one database.
  database = new SourceDatabase({ uri: harness.mongod.uriFor('strict') });
  feed = openEventLog(database, { clock: quickClock, logger: silentLogger });
  log = collection(logOf());
});

beforeEach(async () => {
  for (const { name } of await harness.db('bkrepo').listCollections().toArray()) await collection(name).drop();
});

after(async () => {
  await database.close();
  await harness.stop();
});

const collection = (name: string) => harness.db('bkrepo').collection<Document>(name);

async function following<T>(use: (reading: Reading) => Promise<T>, from?: FeedPosition): Promise<T> {
  const reading = new Reading(feed, from ?? (await feed.end(NEVER)));
  try {
    return await use(reading);
  } finally {
    await reading.stop();
  }
}

/** On a busy machine some of it more than once. */
function hasTold({ told }: Reading, fullPaths: readonly string[]): boolean {
  return nodes(fullPaths).every((text) => told.includes(text));
}

/** What is told behind `from` up to now. */
async function toldBehind(from: FeedPosition): Promise<readonly string[]> {
  return await following(async (reading) => {
    await log.insertOne(put('/mark', 1));
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

const paths = (count: number, of: string) => Array.from({ length: count }, (_, index) => `/${of}/${index}`);
const presentSecond = (): number => Math.floor(Date.now() / 1000);
const nodes = (list: readonly string[]) => list.map((path) => `node p/r${path}`);

describe('reading the event log', () => {
  it('tells what was written behind a position, then what is written', async () => {
    await log.insertMany([put('/before', -5), put('/before too', -4)]);
    const from = await feed.end(NEVER);
    await log.insertMany([put('/1', -1), put('/2')]);
    await following(async (reading) => {
      assert.deepEqual(await reading.take('node p/r/2'), ['node p/r/1']);
      await log.insertOne(put('/3'));
      await log.insertOne(put('/4'));
      assert.deepEqual(await reading.take('node p/r/4'), ['node p/r/3']);
    }, from);
  });

  it('tells all of a log that was empty at the position, also of one whose collection was not there', async () => {
    const none = await feed.end(NEVER);
    await harness.db('bkrepo').createCollection(logOf());
    const empty = await feed.end(NEVER);
    await log.insertMany([put('/old', -1_000_000), put('/new')]);
    for (const from of [none, empty]) assert.deepEqual(await toldBehind(from), ['node p/r/old', 'node p/r/new']);
  });

  it('tells what a second holds again when more of it became visible, and nothing else', async () => {
    const begun = presentSecond();
    await log.insertMany([put('/1', -50), put('/2', -30), put('/3', -10), put('/4', -10)]);
    const from = await feed.end(NEVER);
    assert.deepEqual(await toldBehind(from), []);
    await collection(logOf()).deleteOne({ resourceKey: '/mark' });
    await log.insertOne(put('/late', begun - presentSecond() - 30));
    assert.deepEqual(new Set(await toldBehind(from)), new Set(nodes(['/2', '/late'])));
  });

  it('goes on behind each batch, and tells everything once', async () => {
    const from = await feed.end(NEVER);
    const many = paths(3_000, 'many');
    await log.insertMany(many.map((path, index) => put(path, index - 4_000)));
    await following(async (reading) => {
      assert.deepEqual(await reading.take(`node p/r/many/2999`), nodes(many.slice(0, -1)));
      assert.ok(reading.batches.every(({ changes }) => changes.length <= 1_000));
      const told = nodes(many);
      for (const batch of reading.batches.slice(0, 4)) {
        const last = batch.changes.at(-1)?.change;
        const next = told.indexOf(`node p/r${last?.kind === 'node' ? last.fullPath : ''}`) + 1;
        const again = await toldBehind(batch.position);
        // What is far enough behind is told again: nobody knows what of it is late.
        assert.deepEqual(again.slice(-(told.length - next)), told.slice(next));
        assert.ok(again.length - (told.length - next) <= 20, `${again.length} are told again`);
        await log.deleteMany({ resourceKey: '/mark' });
      }
    }, from);
  });

  it('tells thousands of one second once', async () => {
    await following(async (reading) => {
      const many = paths(5_000, 'many');
      await log.insertMany(many.map((path) => put(path)));
      await log.insertOne(put('/last', 1));
      const told = await reading.take('node p/r/last');
      assert.deepEqual(told.toSorted(), nodes(many).toSorted());
    });
  });

  it('tells once what becomes visible up to a minute late', async () => {
    const begun = presentSecond();
    await log.insertOne(put('/newest'));
    await following(async (reading) => {
      for (const late of [1, 5, 20, 40, 58]) {
        await log.insertOne(put(`/late/${late}`, begun - presentSecond() - late));
        assert.deepEqual(await reading.take(`node p/r/late/${late}`), []);
      }
      await delay(1_000);
      assert.deepEqual(reading.told, []);
    });
  });

  it('tells what was late when much that is newer became visible with it, and between two readings of the overlap', async () => {
    await log.insertOne(put('/newest', -1_000));
    const from = await feed.end(NEVER);
    await log.insertMany([put('/late/1', -1_058), put('/newer', -600)]);
    await following(async (reading) => {
      await eventually(() => reading.told.length === 2);
      await log.insertMany([put('/late/2', -650), put('/newer still', -100)]);
      assert.deepEqual(await reading.take('node p/r/late/2'), nodes(['/late/1', '/newer', '/newer still']));
      await log.insertMany([put('/late/3', -150), put('/newest of all')]);
      assert.deepEqual(await reading.take('node p/r/late/3'), nodes(['/newest of all']));
    }, from);
  });

  it('tells what a server writes whose clock is ten minutes slow, or fast, from its first entry on', async () => {
    await log.insertOne(put('/newest'));
    const from = await feed.end(NEVER);
    await log.insertMany([put('/slow/0', -600), put('/fast/0', 600), put('/right/0')]);
    await following(async (reading) => {
      for (let index = 1; index < 5; index += 1)
        await log.insertMany([
          put(`/fast/${index}`, 600 + index),
          put(`/slow/${index}`, -600 + index),
          put(`/right/${index}`, index / 10),
        ]);
      const all = nodes(['slow', 'fast', 'right'].flatMap((name) => paths(5, name)));
      await eventually(() => all.every((text) => reading.told.includes(text)));
      assert.equal(reading.position.at.getTime() < Date.now() + 60_000, true);
      // Nor does a position carry those away who come after it.
      await log.insertMany([put('/slow/5', -600), put('/fast/5', 600), put('/right/5')]);
      await eventually(() => ['slow', 'fast', 'right'].every((name) => reading.told.includes(`node p/r/${name}/5`)));
      assert.deepEqual(new Set(reading.told).size, reading.told.length);
    }, from);
  });

  it('is not carried away by one of another century', async () => {
    await log.insertOne({ ...put('/x'), _id: event('NODE_CREATED', '/x', { secondsLater: 2e9 })['_id'] });
    await following(async (reading) => {
      await log.insertOne(put('/1'));
      await reading.take('node p/r/1');
      assert.ok(reading.position.at.getTime() < Date.now() + 60_000);
      const later = await feed.end(NEVER);
      await log.insertOne(put('/2'));
      assert.ok((await toldBehind(later)).includes('node p/r/2'));
    });
  });

  it('counts what it does not understand, and reads on', async () => {
    const from = await feed.end(NEVER);
    const { _id, ...rest } = put('/x');
    await log.insertMany([
      {},
      { ...rest, type: 'NODE_EXPLODED' },
      { ...rest, type: 7 },
      { ...rest, projectId: null },
      { ...rest, resourceKey: ['/x'] },
      { ...rest, resourceKey: `/${'x'.repeat(2_000)}` },
      { ...rest, type: 'NODE_RENAMED', description: 'x' },
      { ...rest, type: 'VERSION_CREATED' },
      { ...rest, createdDate: 'yesterday', type: 'NODE_MOVED', description: [] },
      { _id: 'text' as unknown as Document['_id'], ...rest },
    ]);
    await following(async (reading) => {
      await log.insertOne(put('/mark'));
      assert.deepEqual(await reading.take('node p/r/mark'), []);
      assert.equal(reading.unknown, 9);
    }, from);
  });

  it('gives a sign of life with a position that moves on', async () => {
    await log.insertOne(put('/old', -600));
    const from = await feed.end(NEVER);
    await following(async (reading) => {
      await eventually(() => reading.batches.length > 1);
      assert.ok(reading.batches.every(({ changes }) => changes.length === 0));
      assert.ok(reading.position.at.getTime() >= from.at.getTime());
      assert.ok(Math.abs(reading.position.at.getTime() - Date.now()) < 5_000);
    }, from);
  });

  it('ends at once when it is told to, with the reason', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const from = await feed.end(NEVER);
    const reading = (async () => {
      for await (const _ of feed.read(from, stop.signal));
    })();
    setTimeout(() => stop.abort(reason), 200);
    await assert.rejects(reading, reason);
  });

  it('tells what the real server wrote, and understands all of it', { skip: fixtureMissing() }, async () => {
    const from = await feed.end(NEVER);
    await collection('artifact_oplog_202611').insertMany(await fixtureEntries('artifact_oplog_202611'));
    await following(async (reading) => {
      await log.insertOne(put('/mark', 1));
      const told = await reading.take('node p/r/mark');
      assert.equal(reading.unknown, 0);
      assert.ok(told.every((text) => text.includes(` ${FIXTURE_PROJECT}/`)));
      assert.equal(told.length, 294 - 39 - 15 + 2 + 2);
      for (const wanted of [
        'repository fx/gen',
        'node fx/gen/ops/over.txt and below',
        'node fx/gen/ops/folder2new and below',
        'node fx/gen/ops/moved/mov.txt',
        'node fx/gen/ops/folder4new and below',
        'node fx/npm/.npm/gone-lib and below',
        'package fx/npm npm://@fx/lib@1.1.0',
        'package fx/npm npm://gone-lib',
        'package fx/docker docker://team/app-a@latest',
      ])
        assert.ok(told.includes(wanted), wanted);
    }, from);
  });
});

describe('the collections of the event log', () => {
  it('a month that begins while the log is read is read as well, and so is what is still written to the old one', async () => {
    await log.insertOne(put('/x'));
    await following(async (reading) => {
      await collection(logOf(1)).insertOne(put('/new month'));
      await log.insertOne(put('/old month'));
      await eventually(() => hasTold(reading, ['/new month', '/old month']));
      await collection(logOf(1)).insertOne(put('/1'));
      await log.insertOne(put('/2'));
      await eventually(() => hasTold(reading, ['/1', '/2']));
    });
    assert.deepEqual(await toldBehind(await feed.end(NEVER)), []);
  });

  it('months that passed since the position are read, whichever of them have entries', async () => {
    await collection(logOf(-5)).insertOne(put('/then', -150 * 86_400));
    const from = await feed.end(NEVER);
    await collection(logOf(-3)).insertMany(paths(1_500, 'a').map((path) => put(path, -90 * 86_400)));
    await harness.db('bkrepo').createCollection(logOf(-2));
    await collection(logOf(-1)).insertMany(paths(700, 'b').map((path) => put(path, -30 * 86_400)));
    const told = await toldBehind(from);
    assert.deepEqual(new Set(told), new Set(nodes([...paths(1_500, 'a'), ...paths(700, 'b')])));
    assert.equal(told.length, 2_200);
  });

  it('the one collection of older servers is read together with those of the months, and nothing is left out between them', async () => {
    const old = collection('artifact_oplog');
    const from = await feed.end(NEVER);
    const mixed = paths(4_000, 'mixed');
    await old.insertMany(mixed.slice(0, 2_000).map((path, index) => put(path, index - 4_000)));
    await log.insertMany(mixed.slice(2_000).map((path, index) => put(path, index / 2 - 2_500)));
    await following(async (reading) => {
      await eventually(() => reading.told.length === 4_000);
      assert.deepEqual(new Set(reading.told), new Set(nodes(mixed)));
      const half = reading.batches[3];
      assert.ok(half !== undefined);
      const before = reading.batches.slice(0, 4).flatMap(({ changes }) => changes.map(({ change }) => change));
      const rest = await toldBehind(half.position);
      const first = before.map((change) => `node p/r${change.kind === 'node' ? change.fullPath : ''}`);
      assert.deepEqual(new Set([...first, ...rest]), new Set(nodes(mixed)));
    }, from);
  });

  it('others with such a name are not read', async () => {
    await following(async (reading) => {
      for (const name of ['artifact_oplog_2026', 'artifact_oplog_202611_old', 'my_artifact_oplog'])
        await collection(name).insertOne(put('/other'));
      await delay(600);
      await log.insertOne(put('/mark'));
      assert.deepEqual(await reading.take('node p/r/mark'), []);
    });
  });
});

describe('a place in the event log is lost', () => {
  it('when its entry, or its collection, is not there any more, or was made anew', async () => {
    await log.insertMany([put('/1', -100), put('/2')]);
    const from = await feed.end(NEVER);
    const entries = await log.find().toArray();
    await log.deleteMany({ resourceKey: '/2' });
    assert.match(await lost(from), /last entry that was read is not in/);
    await log.drop();
    assert.match(await lost(from), /not there any more/);
    await log.insertMany(entries);
    assert.match(await lost(from), /made anew/);
  });

  it('when that happens while it is read', async () => {
    await log.insertOne(put('/1'));
    await following(async (reading) => {
      await log.insertOne(put('/2'));
      await reading.take('node p/r/2');
      await log.drop();
      await eventually(() => reading.failure !== undefined);
      assert.match(String(reading.failure), /cannot go on/);
    });
  });

  it('when the position is of another feed, or is none', async () => {
    const at = new Date();
    for (const token of ['', '{', '{}', '[]', 'null'])
      assert.match(await lost({ kind: 'eventlog', at, token }), /not one of an event log/);
    const { token } = await feed.end(NEVER);
    assert.match(await lost({ kind: 'oplog', at, token }), /not one of an event log/);
  });
});

describe('the order of places in the event log', () => {
  it('is known of places that are long enough apart, and of none in the midst of reading', async () => {
    await log.insertOne(put('/0'));
    const first = await feed.end(NEVER);
    assert.equal(feed.order(first, first), 0);
    await delay(5_500);
    await log.insertMany(paths(2_000, 'many').map((path) => put(path)));
    const later = await feed.end(NEVER);
    assert.deepEqual([feed.order(first, later), feed.order(later, first)], [-1, 1]);
    await following(async (reading) => {
      await eventually(() => reading.told.length === 2_000);
      const [midst, end] = [reading.batches[0]?.position, reading.batches.at(-1)?.position];
      assert.ok(midst !== undefined && end !== undefined);
      assert.deepEqual([feed.order(midst, later), feed.order(later, midst)], [undefined, undefined]);
      assert.equal(feed.order(first, end), -1);
    }, first);
  });
});
