import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { MongoClient } from 'mongodb';

import { ReplicationError } from '../../../src/domain/errors.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { begin, closeAll, detail, failure, never, open, unique } from './samples.ts';

describe('a journal in trouble', () => {
  let mongod: Mongod;

  before(async () => {
    mongod = await startMongod();
  });
  after(async () => {
    await closeAll();
    await mongod.stop();
  });

  it('fails retryably while mongod is killed under a stream of batches, and works when it is back', async () => {
    const journal = await open(mongod.uri, { timeoutMs: 3_000 });
    const record = await begin(journal);
    const run = journal.runJournal(record);
    const batch = (round: number) => Array.from({ length: 500 }, (_, n) => detail(`${round}-${n}`));
    const killed = { yet: false };
    const writing = (async (): Promise<number> => {
      for (let round = 0; ; round += 1) {
        try {
          await run.writeDetails(batch(round), never);
        } catch (error) {
          assert.ok(killed.yet, 'only the kill makes it fail');
          assert.ok(error instanceof ReplicationError);
          assert.equal(error.code, 'JournalUnavailable', error.message);
          assert.equal(error.errorClass, 'retryable');
          return round;
        }
      }
    })();
    while ((await journal.countDetails(record.id, never)).SUCCESS < 500) await run.findDetails('cluster-a', [], never);
    killed.yet = true;
    await mongod.kill('SIGKILL');
    const failedRound = await writing;
    await assert.rejects(journal.ping(never), failure('retryable', 'JournalUnavailable'));
    await mongod.restart();
    await journal.ping(never);
    await run.writeDetails(batch(failedRound), never);
    const { SUCCESS } = await journal.countDetails(record.id, never);
    assert.equal(SUCCESS, (failedRound + 1) * 500, 'every unit exactly once');
  });

  it('answers an abort at once', async () => {
    const journal = await open(mongod.uri);
    const stop = new AbortController();
    const reason = new Error('lease lost');
    const asking = journal.openRuns(stop.signal);
    stop.abort(reason);
    await assert.rejects(asking, reason);
    await assert.rejects(journal.openRuns(stop.signal), reason);
  });

  it('refuses a journal written by a newer release, in words', async () => {
    const database = unique('newer');
    const journal = await open(mongod.uri, { database });
    const record = await begin(journal);
    const run = journal.runJournal(record);
    await run.writeDetails([detail(1)], never);
    await run.writeProofs('cluster-a', null, [{ sha256: 'd', method: 'check' }], never);
    const client = await MongoClient.connect(mongod.uri);
    const newer = { $set: { schema: 2 } };
    for (const name of ['replica_record', 'replica_record_detail', 'blob_proof'])
      await client.db(database).collection(name).updateMany({}, newer);
    await client.close();
    const refusal = failure('spec', 'JournalSchemaNewer');
    await assert.rejects(open(mongod.uri, { database }), refusal);
    await assert.rejects(journal.openRuns(never), /newer release \(schema 2; this program reads up to 1\)/);
    await assert.rejects(run.findDetails('cluster-a', ['0:/dir/1'], never), refusal);
    await assert.rejects(run.findProofs('cluster-a', null, ['d'], never), refusal);
    await open(mongod.uri, { database, installationId: 'another' });
  });

  it('can be opened by many at once: indexes are made once', async () => {
    const database = unique('many');
    await Promise.all(Array.from({ length: 8 }, () => open(mongod.uri, { database })));
    const client = await MongoClient.connect(mongod.uri);
    const indexes = await client.db(database).collection('replica_record').indexes();
    assert.deepEqual(
      indexes
        .filter((index) => index['unique'] === true)
        .map((index) => String(index['name']))
        .toSorted((a, b) => a.localeCompare(b)),
      ['claim', 'one_open_part'],
    );
    await client.close();
  });

  it('says that nobody answers, retryably, and never repeats the password', async () => {
    const cases = [
      { uri: 'mongodb://user:s3cret-pw@127.0.0.1:9/', expected: failure('retryable', 'JournalUnavailable') },
      { uri: 'mongodb//user:s3cret-pw@127.0.0.1:9/', expected: failure('spec', 'JournalMisconfigured') },
      { uri: 'mongodb://user:s3cret-pw@127.0.0.1:9/?nonsense=1', expected: failure('spec', 'JournalMisconfigured') },
    ];
    for (const { uri, expected } of cases)
      await assert.rejects(open(uri, { timeoutMs: 500 }), (error: unknown) => {
        assert.ok(error instanceof ReplicationError, String(error));
        assert.deepEqual({ errorClass: error.errorClass, code: error.code }, expected);
        const cause = error.cause instanceof Error ? error.cause.message : '';
        assert.doesNotMatch(`${error.message} ${cause} ${error.stack ?? ''}`, /s3cret-pw/);
        return true;
      });
  });
});
