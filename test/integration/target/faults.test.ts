import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { envelope, refusal, startFaultServer } from './fault-server.ts';
import { blobOf, failureOf, PASSWORD, REPOSITORY, scene, sourceNode, targetOptions } from './support.ts';

const SHA = 'a'.repeat(64);

interface Fault {
  readonly what: string;
  readonly answer: (response: ServerResponse) => void;
  readonly errorClass: string;
  readonly code: string;
  readonly words?: RegExp;
  readonly remoteCode?: number;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

const plain =
  (status: number, headers: Record<string, string> = {}, body = '') =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
const refused =
  (status: number, code: number, message: string) =>
  (response: ServerResponse): void =>
    refusal(response, status, code, message);

const FAULTS: readonly Fault[] = [
  {
    what: '500 with envelope',
    answer: refused(500, 250102, 'System service is busy'),
    errorClass: 'retryable',
    code: 'FarSideError',
    remoteCode: 250102,
    status: 500,
    words: /250102 System service is busy/,
  },
  { what: '500 without envelope', answer: plain(500), errorClass: 'retryable', code: 'FarSideError', status: 500 },
  {
    what: '502 page of a proxy',
    answer: plain(502, {}, '<html>Bad Gateway</html>'),
    errorClass: 'retryable',
    code: 'FarSideError',
    status: 502,
  },
  {
    what: '503 with Retry-After',
    answer: plain(503, { 'retry-after': '3' }),
    errorClass: 'retryable',
    code: 'FarSideError',
    retryAfterMs: 3_000,
  },
  {
    what: '429 with Retry-After',
    answer: plain(429, { 'retry-after': '120' }),
    errorClass: 'retryable',
    code: 'TooManyRequests',
    status: 429,
    retryAfterMs: 120_000,
  },
  {
    what: '429 without Retry-After',
    answer: plain(429),
    errorClass: 'retryable',
    code: 'TooManyRequests',
    status: 429,
  },
  { what: '408', answer: plain(408), errorClass: 'retryable', code: 'FarSideTimeout', status: 408 },
  {
    what: '401',
    answer: refused(401, 250114, 'Failed to authenticate: password'),
    errorClass: 'cluster',
    code: 'Unauthorized',
    remoteCode: 250114,
    words: /Secret/,
  },
  {
    what: '403',
    answer: refused(403, 250113, 'Access denied: x'),
    errorClass: 'cluster',
    code: 'Forbidden',
    remoteCode: 250113,
  },
  {
    what: '413 of nginx',
    answer: plain(413, {}, '<html>413</html>'),
    errorClass: 'cluster',
    code: 'FarSideFull',
    status: 413,
  },
  { what: '507', answer: plain(507), errorClass: 'cluster', code: 'FarSideFull', status: 507 },
  {
    what: 'quota used up',
    answer: refused(400, 251025, 'over quota'),
    errorClass: 'cluster',
    code: 'FarSideFull',
    remoteCode: 251025,
    words: /quota/,
  },
  {
    what: 'repository gone',
    answer: refused(400, 251006, 'Repository [gen] not found'),
    errorClass: 'cluster',
    code: 'RemoteRepoMissing',
    remoteCode: 251006,
  },
  {
    what: 'bad request',
    answer: refused(400, 250106, 'Invalid request content'),
    errorClass: 'unit',
    code: 'RequestRefused',
    remoteCode: 250106,
    status: 400,
  },
  {
    what: 'unknown url',
    answer: refused(404, 250130, 'Request url[x] not found'),
    errorClass: 'unit',
    code: 'RequestRefused',
    remoteCode: 250130,
  },
  {
    what: 'code other than 0 with status 200',
    answer: refused(200, 250105, 'Parameter [x] is invalid'),
    errorClass: 'unit',
    code: 'RequestRefused',
    remoteCode: 250105,
    status: 200,
  },
  {
    what: 'a page instead of an envelope',
    answer: plain(200, {}, '<html>login</html>'),
    errorClass: 'retryable',
    code: 'UnexpectedAnswer',
  },
  {
    what: 'an envelope without code',
    answer: plain(200, {}, '{"data":true}'),
    errorClass: 'retryable',
    code: 'UnexpectedAnswer',
  },
  {
    what: 'data of another type',
    answer: plain(200, {}, '{"code":0,"data":"yes"}'),
    errorClass: 'retryable',
    code: 'UnexpectedAnswer',
    words: /data is not as expected/,
  },
  {
    what: 'a body that never ends',
    answer: endless,
    errorClass: 'unit',
    code: 'AnswerTooLarge',
    words: /more than 1048576 bytes/,
  },
  {
    what: 'a redirect',
    answer: plain(302, { location: 'https://elsewhere.test/x?token=1' }),
    errorClass: 'cluster',
    code: 'RedirectRefused',
    words: /https:\/\/elsewhere\.test;/,
  },
  {
    what: 'a redirect to nowhere',
    answer: plain(307),
    errorClass: 'cluster',
    code: 'RedirectRefused',
    words: /nowhere|127\.0\.0\.1/,
  },
  {
    what: 'a connection reset before the answer',
    answer: (response) => response.destroy(),
    errorClass: 'retryable',
    code: 'ConnectionLost',
  },
  { what: 'an answer that breaks off', answer: broken, errorClass: 'retryable', code: 'ConnectionLost' },
];

function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(65_536, 'x');
  const write = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.writeHead(200).on('drain', write);
  write();
}

function broken(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('{"code":0,');
  setImmediate(() => response.destroy());
}

for (const fault of FAULTS) {
  test(`${fault.what} is ${fault.errorClass}, ${fault.code}`, async (context) => {
    const { server, target, signal } = await scene(context, { answer: (_, response) => fault.answer(response) });
    const error = await failureOf(target.blobStored(REPOSITORY, SHA, signal));
    assert.equal(error.code, fault.code, error.message);
    assert.equal(error.errorClass, fault.errorClass);
    assert.match(error.message, /^far side edge-1 \(127\.0\.0\.1:\d+\), GET \/replication\/replica\/blob\/check: /);
    if (fault.words) assert.match(error.message, fault.words);
    if (fault.remoteCode) assert.equal(error.remoteCode, fault.remoteCode);
    if (fault.status) assert.equal(error.status, fault.status);
    assert.equal(error.retryAfterMs, fault.retryAfterMs);
    assert.equal(server.received.length, 1, 'one attempt');
  });
}

test('silence before the answer ends after the answer timeout', async (context) => {
  const { target, signal } = await scene(context, { answer: () => {} }, { timeouts: { answerMs: 80, connectMs: 80 } });
  const error = await failureOf(target.blobStored(REPOSITORY, SHA, signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'Timeout']);
  assert.match(error.message, /its answer/);
});

test('silence in the middle of an answer ends after the idle timeout', async (context) => {
  const answer = (_: unknown, response: ServerResponse): void => {
    response.writeHead(200).write('{"code"');
  };
  const { target, signal } = await scene(context, { answer }, { timeouts: { downloadIdleMs: 80 } });
  const error = await failureOf(target.blobStored(REPOSITORY, SHA, signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'Timeout']);
  assert.match(error.message, /the rest of its answer/);
});

test('an answer may take longer than every timeout as long as it moves', async (context) => {
  const answer = async (_: unknown, response: ServerResponse): Promise<void> => {
    response.writeHead(200);
    for (const letter of '{"code":0,"data":true}') {
      response.write(letter);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    response.end();
  };
  const { target, signal } = await scene(context, { answer }, { timeouts: { downloadIdleMs: 120, answerMs: 120 } });
  assert.equal(await target.blobStored(REPOSITORY, SHA, signal), true);
});

test('an upload that the far side stops taking ends after the idle timeout', async (context) => {
  const raw = (request: { pause(): void }): void => request.pause();
  const { target, signal } = await scene(
    context,
    { raw },
    { timeouts: { uploadIdleMs: 150, answerMs: 150, connectMs: 150 } },
  );
  const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(Buffer.alloc(7 * 1024 * 1024, 1)), signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'Timeout']);
  assert.match(error.message, /it to take bytes/);
});

test('an upload whose own source stops is told apart from a far side that stops', async (context) => {
  const { target, signal } = await scene(context, {}, { timeouts: { uploadIdleMs: 80 } });
  const content = Buffer.alloc(100_000, 1);
  const stuck = new Readable({ read() {} });
  stuck.push(content.subarray(0, 10_000));
  const error = await failureOf(
    target.pushBlob(REPOSITORY, { ...blobOf(content), open: () => Promise.resolve(stuck) }, signal),
  );
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'SourceStalled']);
  assert.match(error.message, /the next bytes of the source/);
  assert.ok(stuck.destroyed);
});

test('a connection reset in mid-upload is retryable', async (context) => {
  const raw = (request: IncomingMessage): void => {
    let seen = 0;
    request.on('data', (piece: Buffer) => {
      seen += piece.length;
      if (seen > 1024 * 1024) request.socket.resetAndDestroy();
    });
  };
  const { target, signal } = await scene(context, { raw });
  const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(Buffer.alloc(6 * 1024 * 1024, 1)), signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'ConnectionLost']);
});

test('a refusal that comes in mid-upload is understood', async (context) => {
  const raw = (request: IncomingMessage, response: ServerResponse): void => {
    request.once('data', () => refusal(response, 413, 0, ''));
    request.resume();
  };
  const { target, signal } = await scene(context, { raw });
  const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(Buffer.alloc(6 * 1024 * 1024, 1)), signal));
  assert.deepEqual([error.errorClass, error.code, error.status], ['cluster', 'FarSideFull', 413]);
});

test('a source that turns out wrong is its own error, and the far side never gets a whole request', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, null) });
  const right = Buffer.alloc(200_000, 1);
  const wrong = Buffer.from(right);
  wrong[150_000] = 2;
  await assert.rejects(target.pushBlob(REPOSITORY, blobOf(wrong, right), signal), { name: 'ContentMismatchError' });
  assert.equal(server.received.length, 0);
});

test('nobody at the address is retryable', async (context) => {
  const server = await startFaultServer({});
  await server.close();
  const target = createBkRepoTarget(targetOptions(server.url));
  context.after(() => target.close());
  const error = await failureOf(target.blobStored(REPOSITORY, SHA, context.signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'ConnectionRefused']);
});

test('an idle connection that the server resets costs no attempt, a streamed upload is not repeated', async (context) => {
  let reset = true;
  const answer = (request: { connection: number; url: string }, response: ServerResponse): void => {
    if (request.url.includes('check')) {
      envelope(response, true);
    } else if (reset) {
      reset = false;
      response.socket?.resetAndDestroy();
    } else {
      envelope(response, null);
    }
  };
  const { server, target, signal } = await scene(context, { answer });
  // The pool opens a second connection when a request follows at once: both must have answered before.
  for (let round = 0; round < 4; round += 1) await target.blobStored(REPOSITORY, SHA, signal);
  assert.equal(await target.createNode(REPOSITORY, sourceNode(), { overwrite: false }, signal), 'created');
  assert.equal(server.received.length, 6);
  reset = true;
  const small = blobOf(Buffer.from('x'));
  assert.equal(await target.pushBlob(REPOSITORY, small, signal), 'accepted');
  assert.equal(server.received.length, 8);
  assert.equal(small.opened.length, 1);
  reset = true;
  const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(Buffer.alloc(100_000)), signal));
  assert.equal(error.code, 'ConnectionLost');
  assert.equal(server.received.length, 9);
});

test('requests one after another keep to two connections at most', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, true) });
  for (let round = 0; round < 20; round += 1) await target.blobStored(REPOSITORY, SHA, signal);
  assert.ok(server.received.every(({ connection }) => connection <= 2));
});

test('no request starts when mayStart throws, and its error comes through as it is', async (context) => {
  const lost = new Error('the lease ends too soon');
  const mayStart = (): void => {
    throw lost;
  };
  const { server, target, signal } = await scene(
    context,
    { answer: (_, response) => envelope(response, true) },
    { mayStart },
  );
  await assert.rejects(target.blobStored(REPOSITORY, SHA, signal), lost);
  assert.equal(server.received.length, 0);
});

test('an abort ends a request with the reason of the caller', async (context) => {
  const aborter = new AbortController();
  const reason = new Error('suspended');
  const { target } = await scene(context, { answer: () => aborter.abort(reason) });
  await assert.rejects(target.blobStored(REPOSITORY, SHA, aborter.signal), reason);
  await assert.rejects(target.blobStored(REPOSITORY, SHA, aborter.signal), reason);
});

test('what the far side echoes of our credentials does not get into the error', async (context) => {
  const token = Buffer.from(`robot:${PASSWORD}`).toString('base64');
  const message = `bad: ${PASSWORD} and Basic ${token}\u0000\n${'x'.repeat(5_000)}`;
  const { target, signal } = await scene(context, { answer: (_, response) => refusal(response, 400, 250105, message) });
  const error = await failureOf(target.blobStored(REPOSITORY, SHA, signal));
  const everything = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
  assert.ok(!everything.includes(PASSWORD) && !everything.includes(token));
  assert.match(error.message, /bad: \[redacted\] and Basic \[redacted\]/);
  assert.ok(error.message.length < 600, String(error.message.length));
});
