import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MongoNetworkError, MongoParseError, MongoServerError } from 'mongodb';
import { ReplicationError } from '../../../../src/domain/errors.ts';
import { classified, classifyDriverError } from '../../../../src/source/database/driver-errors.ts';

const NEVER = new AbortController().signal;
const server = (code: number, message = 'words') => new MongoServerError({ message, code });

describe('errors of the driver', () => {
  const cases: readonly (readonly [what: string, error: unknown, code: string, errorClass: string])[] = [
    ['a broken connection', new MongoNetworkError('reset'), 'SourceUnavailable', 'retryable'],
    ['an election', server(10107), 'SourceUnavailable', 'retryable'],
    ['a shutdown', server(91), 'SourceUnavailable', 'retryable'],
    ['a time limit', server(50), 'SourceUnavailable', 'retryable'],
    ['a lost cursor', server(43), 'SourceUnavailable', 'retryable'],
    [
      'a label',
      new MongoServerError({ message: 'w', code: 1, errorLabels: ['RetryableWriteError'] }),
      'SourceUnavailable',
      'retryable',
    ],
    ['no right', server(13), 'SourceUnauthorized', 'spec'],
    ['a wrong password', server(18), 'SourceUnauthorized', 'spec'],
    [
      'a missing index',
      server(2, 'hint provided does not correspond to an existing index'),
      'SourceIndexMissing',
      'spec',
    ],
    ['another bad value', server(2, 'unknown operator'), 'SourceQueryFailed', 'unit'],
    ['any other of the driver', new MongoParseError('x'), 'SourceQueryFailed', 'unit'],
    ['data nobody expected', new TypeError('x is not a date'), 'SourceDataInvalid', 'unit'],
  ];
  for (const [what, error, code, errorClass] of cases)
    it(`${what}: ${code}, ${errorClass}, with what was read and the driver's words`, () => {
      const result = classifyDriverError('nodes of p/r', error);
      assert.deepEqual([result.code, result.errorClass], [code, errorClass]);
      assert.match(result.message, /while reading nodes of p\/r/);
      assert.equal(result.cause, error);
    });

  it('keeps an error that is classified already', () => {
    const error = new ReplicationError('unit', 'X', 'words');
    assert.equal(classifyDriverError('x', error), error);
  });

  it('gives way to the reason of an aborted signal, before the query and after its failure', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const failing = classified('x', controller.signal, async () => {
      controller.abort(reason);
      throw new MongoNetworkError('reset');
    });
    await assert.rejects(failing, reason);
    await assert.rejects(
      classified('x', controller.signal, async () => assert.fail('asked')),
      reason,
    );
    assert.equal(await classified('x', NEVER, async () => 1), 1);
  });
});
