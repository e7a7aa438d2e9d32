import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Document, MongoClient } from 'mongodb';
import type { ChangeFeed } from '../../../../src/engine/ports/feed.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { SourceDatabase } from '../../../../src/source/database/database.ts';
import { openEventLog } from '../../../../src/source/feed/eventlog.ts';
import { openOplog } from '../../../../src/source/feed/oplog.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { type Mongod, startMongod } from '../../../support/mongod.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER } from '../harness.ts';
import { logOf, put } from './eventlog-writer.ts';
import { created } from './oplog-writer.ts';
import { Reading } from './reading.ts';

const OPLOG = 'operate_log';

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
  await admin.db('bkrepo').createCollection(OPLOG, { capped: true, size: 50_000_000 });
});

after(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await admin.close();
  await mongod.stop();
});

/** As a program that was just started would have them. */
function freshFeeds(user = 'strict', options = ''): readonly ChangeFeed[] {
  const database = new SourceDatabase({ uri: mongod.uriFor(user) + options, database: 'bkrepo' });
  databases.push(database);
  return [
    openOplog(database, { collection: OPLOG, clock: systemClock }),
    openEventLog(database, { clock: systemClock, logger: silentLogger }),
  ];
}

const FEEDS = [
  { name: 'the operation log', index: 0, collection: OPLOG, entry: created },
  { name: 'the event log', index: 1, collection: logOf(), entry: put },
] as const;

/** Writes entries, one after another, each until it is written, until it is stopped; then answers what it wrote. */
function writer(collection: string, entry: (fullPath: string) => Document, folder: string) {
  const log = admin.db('bkrepo').collection(collection);
  const written: string[] = [];
  let stopped = false;
  const done = (async () => {
    for (let index = 0; !stopped; index += 1) {
      const document = entry(`/${folder}/${index}`);
      for (;;)
        try {
          await log.insertOne(document);
          break;
        } catch (error) {
          if ((error as { code?: unknown }).code === 11_000) break;
          await delay(20);
        }
      written.push(`node p/r/${folder}/${index}`);
    }
  })();
  return {
    written,
    async stop(): Promise<readonly string[]> {
      stopped = true;
      await done;
      return written;
    },
  };
}

describe('what MongoDB can do to', () => {
  for (const { name, index, collection, entry } of FEEDS) {
    const feedOf = (user?: string) => freshFeeds(user)[index] ?? assert.fail();

    it(`${name}: nothing is lost while it is killed, stepped down and restarted in the midst of reading`, async () => {
      const feed = feedOf();
      const reading = new Reading(feed, await feed.end(NEVER));
      const writing = writer(collection, entry, `faults-${index}`);
      const more = async () => {
        const before = writing.written.length;
        await eventually(() => writing.written.length > before + 50, { timeoutMs: 30_000 });
      };
      await more();
      await mongod.kill('SIGKILL');
      await mongod.restart();
      await more();
      await admin.db('admin').command({ replSetStepDown: 1, force: true });
      await more();
      await mongod.restart();
      await more();
      const written = await writing.stop();
      await eventually(() => written.every((text) => reading.told.includes(text)), { timeoutMs: 30_000 });
      await reading.stop();
      assert.equal(reading.failure, undefined);
      assert.deepEqual(new Set(reading.told), new Set(written));
    });

    it(`${name}: a fresh reader goes on from any saved position`, async () => {
      const log = admin.db('bkrepo').collection(collection);
      const from = await feedOf().end(NEVER);
      const wanted = Array.from({ length: 1_200 }, (_, one) => `node p/r/fresh-${index}/${one}`);
      await log.insertMany(wanted.map((text) => entry(text.slice('node p/r'.length))));
      const first = new Reading(feedOf(), from);
      await eventually(() => first.told.length >= wanted.length);
      await first.stop();
      for (const [number, batch] of first.batches.entries()) {
        const before = first.batches.slice(0, number + 1).flatMap(({ changes }) => changes.map(({ change }) => change));
        const second = new Reading(feedOf(), batch.position);
        await log.insertOne(entry(`/mark-${index}-${number}`));
        const rest = await second.take(`node p/r/mark-${index}-${number}`);
        await second.stop();
        const told = before.map((change) => `node p/r${change.kind === 'node' ? change.fullPath : ''}`);
        const all = new Set([...told, ...rest]);
        assert.deepEqual(
          wanted.filter((text) => !all.has(text)),
          [],
        );
      }
    });

    it(`${name}: an account that may not read it is refused`, async () => {
      const from = await feedOf().end(NEVER);
      const stranger = feedOf('stranger');
      const refused = { errorClass: 'spec', code: 'SourceUnauthorized' };
      await assert.rejects(stranger.end(NEVER), refused);
      await assert.rejects(stranger.read(from, NEVER)[Symbol.asyncIterator]().next(), refused);
    });
  }

  it('both: a database that does not answer is a failure that passes', async () => {
    const positions = await Promise.all(freshFeeds().map((feed) => feed.end(NEVER)));
    const impatient = freshFeeds('strict', '&serverSelectionTimeoutMS=300');
    await mongod.pause();
    try {
      for (const [index, feed] of impatient.entries()) {
        await assert.rejects(feed.end(NEVER), { errorClass: 'retryable' });
        const from = positions[index] ?? assert.fail();
        await assert.rejects(feed.read(from, NEVER)[Symbol.asyncIterator]().next(), { errorClass: 'retryable' });
      }
    } finally {
      await mongod.restart();
    }
  });
});
