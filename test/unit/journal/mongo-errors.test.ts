import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  MongoBulkWriteError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  type WriteError,
} from 'mongodb';

import { ReplicationError } from '../../../src/domain/errors.ts';
import { call, journalError } from '../../../src/journal/mongo-errors.ts';

describe('errors of the journal', () => {
  const server = (code: number, errorLabels: string[] = []): MongoServerError =>
    new MongoServerError({ message: `code ${code}`, code, errorLabels });
  const bulk = (...codes: readonly number[]): MongoBulkWriteError =>
    new MongoBulkWriteError(
      {
        message: 'bulk',
        code: codes[0] ?? 0,
        writeErrors: codes.map((code, index) => ({ index, code, errmsg: '' }) as unknown as WriteError),
      },
      {} as never,
    );
  const cases = [
    { name: 'a lost connection', error: new MongoNetworkError('reset'), expected: 'JournalUnavailable' },
    { name: 'a closed client', error: new MongoTopologyClosedError(), expected: 'JournalUnavailable' },
    {
      name: 'no server found',
      error: new MongoServerSelectionError('none', {} as never),
      expected: 'JournalUnavailable',
    },
    { name: 'a primary that steps down', error: server(189), expected: 'JournalUnavailable' },
    { name: 'a full disk', error: server(14031), expected: 'JournalUnavailable' },
    { name: 'a database being dropped', error: server(215), expected: 'JournalUnavailable' },
    { name: 'a full disk met beside twins', error: bulk(11_000, 14_031), expected: 'JournalUnavailable' },
    { name: 'twins alone', error: bulk(11_000, 11_000), expected: 'JournalFailed' },
    { name: 'a label that says so', error: server(1, ['RetryableWriteError']), expected: 'JournalUnavailable' },
    { name: 'a wrong password', error: server(18), expected: 'JournalForbidden' },
    { name: 'a missing right', error: server(13), expected: 'JournalForbidden' },
    { name: 'anything else', error: server(2), expected: 'JournalFailed' },
  ];
  for (const { name, error, expected } of cases)
    it(`${name} is ${expected}`, () => {
      const classified = journalError('list runs', error);
      assert.ok(classified instanceof ReplicationError);
      assert.equal(classified.code, expected);
      assert.equal(classified.errorClass, expected === 'JournalUnavailable' ? 'retryable' : 'spec');
      assert.match(classified.message, /^the journal could not list runs: /);
      assert.equal(classified.cause, error);
    });

  it('leaves what is classified already, and what is no error of the database, as it is', () => {
    const own = new ReplicationError('cluster', 'EpochLost', 'lost');
    assert.equal(journalError('x', own), own);
    const defect = new TypeError('defect');
    assert.equal(journalError('x', defect), defect);
  });

  it('starts nothing once the caller has given up', async () => {
    let started = false;
    const reason = new Error('stop');
    const work = async (): Promise<void> => {
      started = true;
    };
    await assert.rejects(call('x', AbortSignal.abort(reason), work), reason);
    assert.equal(started, false);
  });
});
