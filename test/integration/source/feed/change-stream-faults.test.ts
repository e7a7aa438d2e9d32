import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { FeedPosition } from '../../../../src/engine/ports/feed.ts';
import { SourceDatabase } from '../../../../src/source/database/database.ts';
import { openChangeStream } from '../../../../src/source/feed/change-stream.ts';
import type { OrderedFeed } from '../../../../src/source/feed/ordered-feed.ts';
import { type Mongod, startMongod } from '../../../support/mongod.ts';
import { printedSeed, seededRandom } from '../../../support/seed.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER } from '../harness.ts';
import { Reading } from './reading.ts';

let mongod: Mongod;
let admin: MongoClient;
const databases: SourceDatabase[] = [];

before(async () => {
  mongod = await startMongod({
    users: [
      { name: 'strict', password: 'strict', roles: [{ role: 'read', db: 'bkrepo' }] },
      { name: 'stranger', password: 'stranger', roles: [{ role: 'read', db: 'elsewhere' }] },
    ],
  });
  admin = await new MongoClient(mongod.uri).connect();
});

after(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await admin.close();
  await mongod.stop();
});

/** As a program that was just started would have it. */
function freshFeed(user = 'strict', name = 'bkrepo'): OrderedFeed {
  const database = new SourceDatabase({ uri: mongod.uriFor(user), database: name });
  databases.push(database);
  return openChangeStream(database);
}

/** Writes files, one after another, as well as it can, until it is stopped; then answers how many there are. */
function writer(folder: string) {
  const nodes = admin.db('bkrepo').collection('node_1');
  let written = 0;
  let stopped = false;
  const done = (async () => {
    while (!stopped)
      try {
        const fullPath = `/${folder}/${written}`;
        await nodes.updateOne({ fullPath }, { $set: { projectId: 'p', repoName: 'r' } }, { upsert: true });
        written += 1;
      } catch {
        await delay(20);
      }
  })();
  return {
    get written() {
      return written;
    },
    async stop(): Promise<number> {
      stopped = true;
      await done;
      return written;
    },
  };
}

async function allWritten(reading: Reading, folder: string, count: number): Promise<void> {
  const wanted = Array.from({ length: count }, (_, index) => `node p/r/${folder}/${index}`);
  await eventually(() => reading.told.includes(wanted.at(-1) ?? '') || reading.failure, { timeoutMs: 30_000 });
  if (reading.failure !== undefined) throw reading.failure;
  assert.deepEqual(new Set(reading.told), new Set(wanted));
}

async function stepDown(): Promise<void> {
  await admin.db('admin').command({ replSetStepDown: 1, force: true });
}

describe('nothing is lost', () => {
  it('when the primary steps down, and when the server is killed, in mid-stream', async () => {
    const feed = freshFeed();
    const reading = new Reading(feed, await feed.end(NEVER));
    const writing = writer('faults');
    for (const fault of [stepDown, () => mongod.kill('SIGKILL').then(() => mongod.restart())]) {
      const before = reading.told.length;
      await eventually(() => reading.told.length > before);
      await fault();
      const after = writing.written;
      await eventually(() => writing.written > after + 20, { timeoutMs: 20_000 });
    }
    await allWritten(reading, 'faults', await writing.stop());
    await reading.stop();
  });

  it('between a saved position and the program that goes on from it, wherever it was ended', async () => {
    const random = seededRandom(printedSeed('change stream positions'));
    let position: FeedPosition = await freshFeed().end(NEVER);
    const told = new Set<string>();
    const writing = writer('ends');
    for (let life = 0; life < 8; life += 1) {
      let batches = random.below(6);
      // What it did after the position was saved is lost with it, and must be told again.
      const reading = new Reading(freshFeed(), position, async ({ changes, position: next }) => {
        if (batches <= 0) return;
        batches -= 1;
        for (const { change } of changes) if (change.kind === 'node') told.add(change.fullPath);
        position = JSON.parse(JSON.stringify(next), (key, value) => (key === 'at' ? new Date(value) : value));
      });
      await eventually(() => batches === 0);
      await delay(random.below(20));
      await reading.stop();
    }
    const count = await writing.stop();
    const reading = new Reading(freshFeed(), position);
    await eventually(() => reading.told.includes(`node p/r/ends/${count - 1}`));
    await reading.stop();
    for (const text of reading.told) told.add(text.slice('node p/r'.length));
    assert.deepEqual(told, new Set(Array.from({ length: count }, (_, index) => `/ends/${index}`)));
  });
});

/** What reading from this position fails with. */
async function failureFrom(position: FeedPosition, feed = freshFeed()) {
  try {
    for await (const _ of feed.read(position, AbortSignal.timeout(10_000)));
  } catch (error) {
    return error as { code: string; errorClass: string; message: string };
  }
  return assert.fail('it was expected to fail');
}

/** A position as of another time: the token begins with it. */
function at(position: FeedPosition, seconds: number): FeedPosition {
  const hex = Math.floor(seconds).toString(16).padStart(8, '0').toUpperCase();
  return { ...position, token: position.token.replace(/"82[0-9A-F]{8}/, `"82${hex}`) };
}

describe('a position from which nothing can be told without a gap is FeedPositionLost', () => {
  const now = Date.now() / 1_000;
  const changed: readonly (readonly [what: string, (end: FeedPosition) => FeedPosition, words: RegExp])[] = [
    ['of a time that has not come, as after the return of a backup', (end) => at(end, now + 3_600), /earlier time/],
    ['of another feed', (end) => ({ ...end, kind: 'oplog' }), /not one of a change stream/],
    ['that is no JSON', (end) => ({ ...end, token: '{' }), /not one of a change stream/],
    ['without a token', (end) => ({ ...end, token: '{}' }), /not one of a change stream/],
    ['with a token that is none', (end) => ({ ...end, token: '{"resume":{"_data":"00"}}' }), /the server/],
  ];
  for (const [what, change, words] of changed)
    it(what, async () => {
      const { code, errorClass, message } = await failureFrom(change(await freshFeed().end(NEVER)));
      assert.deepEqual([code, errorClass], ['FeedPositionLost', 'cluster'], message);
      assert.match(message, words);
    });

  it('when the server has dropped what happened behind it', async () => {
    const users = [{ name: 'strict', password: 'strict', roles: [{ role: 'read', db: 'bkrepo' }] }];
    await using small = await startMongod({ args: ['--oplogSize', '1', '--syncdelay', '1'], users });
    await using client = await new MongoClient(small.uri).connect();
    const database = new SourceDatabase({ uri: small.uriFor('strict') });
    databases.push(database);
    const feed = openChangeStream(database);
    const position = await feed.end(NEVER);
    const oldest = async () => String((await client.db('local').collection('oplog.rs').findOne({}))?.['ts']);
    const first = await oldest();
    await eventually(async () => {
      await client
        .db('elsewhere')
        .collection('other')
        .insertOne({ text: 'x'.repeat(1_000_000) });
      return (await oldest()) !== first;
    });
    const { code, message } = await failureFrom(position, feed);
    assert.equal(code, 'FeedPositionLost');
    assert.match(message, /dropped the history behind it; a larger oplog keeps more/);
  });

  it('when a collection with files, or the database, is dropped or put in place of another', async () => {
    const other = admin.db('other');
    const reader = { role: 'read', db: 'other' };
    await admin.db('admin').command({ grantRolesToUser: 'strict', roles: [reader] });
    const drops: readonly (() => Promise<unknown>)[] = [
      () => other.collection('node_7').drop(),
      () => other.collection('restored').rename('package'),
      () => other.dropDatabase(),
    ];
    for (const drop of drops) {
      for (const name of ['node_7', 'restored']) await other.collection(name).insertOne({ fullPath: '/f' });
      const feed = freshFeed('strict', 'other');
      const position = await feed.end(NEVER);
      await drop();
      for (let tries = 0; tries < 2; tries += 1) {
        const { code, message } = await failureFrom(position, feed);
        assert.equal(code, 'FeedPositionLost', message);
      }
      const reading = new Reading(feed, await feed.end(NEVER));
      await other.collection('node_7').insertOne({ projectId: 'p', repoName: 'r', fullPath: '/again' });
      assert.deepEqual(await reading.take('node p/r/again'), []);
      await reading.stop();
    }
  });
});

describe('a failure is classified', () => {
  it('no right to the database is the spec error SourceUnauthorized', async () => {
    const position = await freshFeed().end(NEVER);
    const { code, errorClass } = await failureFrom(position, freshFeed('stranger'));
    assert.deepEqual([code, errorClass], ['SourceUnauthorized', 'spec']);
    await assert.rejects(freshFeed('stranger').end(NEVER), { code: 'SourceUnauthorized' });
  });

  it('a database that is not there is the retryable error SourceUnavailable, also in mid-stream', async () => {
    const database = new SourceDatabase({ uri: `${mongod.uriFor('strict')}&serverSelectionTimeoutMS=500` });
    databases.push(database);
    const feed = openChangeStream(database);
    const position = await feed.end(NEVER);
    const failing = failureFrom(position, feed);
    await delay(200);
    await mongod.kill('SIGKILL');
    for (const failure of [failing, failureFrom(position, feed)]) {
      const { code, errorClass, message } = await failure;
      assert.deepEqual([code, errorClass], ['SourceUnavailable', 'retryable'], message);
    }
    await assert.rejects(feed.end(NEVER), { code: 'SourceUnavailable' });
    await mongod.restart();
  });
});
