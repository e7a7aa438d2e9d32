import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { ReplicationError } from '../../../../src/domain/errors.ts';
import { exactStream } from '../../../../src/source/blob/exact-stream.ts';

const NEVER = new AbortController().signal;
const options = (expected: number, transient = false) => ({ expected, what: 'blob x in store y', transient });

describe('a stream of an exact number of bytes', () => {
  it('passes them on', async () => {
    const chunks = [Buffer.from('abc'), Buffer.from('def')];
    const bytes = await exactStream(Readable.from(chunks), options(6), NEVER).toArray();
    assert.equal(String(Buffer.concat(bytes as Buffer[])), 'abcdef');
    assert.deepEqual(await exactStream(Readable.from([]), options(0), NEVER).toArray(), []);
  });

  for (const [what, expected, transient, errorClass] of [
    ['too few', 7, false, 'unit'],
    ['too many', 5, false, 'unit'],
    ['too few over a network', 7, true, 'retryable'],
  ] as const)
    it(`fails on ${what}`, async () => {
      const stream = exactStream(Readable.from([Buffer.from('abcdef')]), options(expected, transient), NEVER);
      await assert.rejects(stream.toArray(), (error: ReplicationError) => {
        assert.deepEqual([error.code, error.errorClass], ['BlobSizeMismatch', errorClass]);
        assert.match(error.message, /^blob x in store y: /);
        return true;
      });
    });

  it('classifies what its source fails with, and a source that just closes', async () => {
    for (const fail of [
      (source: PassThrough) => source.destroy(new Error('boom')),
      (source: PassThrough) => source.destroy(),
    ]) {
      const source = new PassThrough();
      const stream = exactStream(source, options(3, true), NEVER);
      source.write('a');
      setImmediate(() => fail(source));
      await assert.rejects(stream.toArray(), { code: 'SourceUnavailable', errorClass: 'retryable' });
    }
  });

  it('keeps an error that is classified already', async () => {
    const error = new ReplicationError('spec', 'Special', 'words');
    const source = new PassThrough();
    const stream = exactStream(source, options(3), NEVER);
    source.destroy(error);
    await assert.rejects(stream.toArray(), error);
  });

  it('ends with the reason of its signal, before and while it is read, and ends its source', async () => {
    for (const early of [true, false]) {
      const controller = new AbortController();
      const source = new PassThrough();
      if (early) controller.abort(new Error('enough'));
      const stream = exactStream(source, options(3), controller.signal);
      if (!early) setImmediate(() => controller.abort(new Error('enough')));
      await assert.rejects(stream.toArray(), /enough/);
      assert.ok(source.destroyed);
    }
  });

  it('ends its source when nobody wants it any more', async () => {
    const source = new PassThrough();
    const stream = exactStream(source, options(3), NEVER);
    stream.destroy();
    await new Promise((resolve) => source.on('close', resolve));
    assert.ok(source.destroyed);
  });
});
