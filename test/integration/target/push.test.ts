import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import { CHUNK_BYTES } from '../../../src/target/bkrepo/chunked-push.ts';
import { chunked, LARGE, MiB } from './chunked-far-side.ts';
import { envelope, type Received, refusal } from './fault-server.ts';
import { blobOf, failureOf, REPOSITORY, scene } from './support.ts';

test('a small blob is one multipart request of known length, in the order file, size, sha256, storageKey', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, null) });
  const blob = blobOf(Buffer.from('hello\n'));
  assert.equal(await target.pushBlob({ ...REPOSITORY, storageKey: 'cos-1' }, blob, signal), 'accepted');
  const [request] = server.received;
  assert.ok(request);
  assert.equal(request.url, `/replication/replica/blob/push?sha256=${blob.sha256}`);
  assert.equal(request.headers['content-length'], String(request.body.length));
  assert.equal(request.headers['transfer-encoding'], undefined);
  const boundary = /boundary=(.+)$/.exec(request.headers['content-type'] ?? '')?.[1];
  assert.equal(
    request.body.toString(),
    [
      `--${boundary}`,
      `Content-Disposition: form-data; name="file"; filename="${blob.sha256}"`,
      'Content-Type: application/octet-stream',
      'Content-Length: 6',
      '',
      'hello\n',
      `--${boundary}`,
      'Content-Disposition: form-data; name="size"',
      'Content-Length: 1',
      '',
      '6',
      `--${boundary}`,
      'Content-Disposition: form-data; name="sha256"',
      'Content-Length: 64',
      '',
      blob.sha256,
      `--${boundary}`,
      'Content-Disposition: form-data; name="storageKey"',
      'Content-Length: 5',
      '',
      'cos-1',
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  );
});

test('an empty blob and a null storage key are sent', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, null) });
  await target.pushBlob(REPOSITORY, blobOf(Buffer.alloc(0)), signal);
  const body = server.received[0]?.body.toString() ?? '';
  assert.match(body, /Content-Length: 0\r\n\r\n\r\n--/);
  assert.doesNotMatch(body, /storageKey/);
});

for (const [code, what] of [
  [251003, 'digest'],
  [251031, 'size'],
] as const) {
  test(`a ${what} that the far side finds wrong is worth another attempt`, async (context) => {
    const { target, signal } = await scene(context, { answer: (_, response) => refusal(response, 400, code, 'wrong') });
    const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(Buffer.from('x')), signal));
    assert.deepEqual([error.errorClass, error.code, error.remoteCode], ['retryable', 'DigestMismatch', code]);
  });
}

test('a large blob goes by chunks and is verified when the far side did not have it before', async (context) => {
  const { server, target, signal, store } = await chunked(context, { honestCheck: true });
  const blob = blobOf(LARGE);
  assert.equal(await target.pushBlob({ ...REPOSITORY, storageKey: 'k 1' }, blob, signal), 'verified');
  assert.ok(store.bytes.equals(LARGE));
  const base = '/replication/replica/rp1/gen/blobs/uploads/';
  const query = `?sha256=${blob.sha256}&storageKey=k%201`;
  assert.deepEqual(
    server.received.map(({ method, url }) => `${method} ${url}`),
    [
      `GET /replication/replica/blob/check${query}&repoType=GENERIC`,
      `POST ${base}${query}`,
      `PATCH ${base}s1${query}`,
      `PATCH ${base}s1${query}`,
      `PATCH ${base}s1${query}`,
      `PUT ${base}s1?sha256=${blob.sha256}&md5=${blob.md5}&storageKey=k%201`,
      `GET /replication/replica/blob/check${query}&repoType=GENERIC`,
    ],
  );
  const patches = server.received.filter(({ method }) => method === 'PATCH');
  assert.deepEqual(
    patches.map(({ headers }) => [headers['content-range'], headers['content-length'], headers['transfer-encoding']]),
    [
      [`0-${CHUNK_BYTES - 1}`, String(CHUNK_BYTES), undefined],
      [`${CHUNK_BYTES}-${2 * CHUNK_BYTES - 1}`, String(CHUNK_BYTES), undefined],
      [`${2 * CHUNK_BYTES}-${LARGE.length - 1}`, String(LARGE.length - 2 * CHUNK_BYTES), undefined],
    ],
  );
  for (const { headers } of patches) {
    assert.deepEqual(
      [headers['chunkedupload'], headers['sha256'], headers['md5'], headers['size'], headers['repo']],
      ['chunkedUpload', blob.sha256, blob.md5, String(LARGE.length), 'rp1|gen'],
    );
  }
});

test('a far side whose check always says absent proves nothing', async (context) => {
  const { target, signal } = await chunked(context, { honestCheck: false });
  assert.equal(await target.pushBlob(REPOSITORY, blobOf(LARGE), signal), 'accepted');
});

test('a large blob that is stored already is not sent and not proved', async (context) => {
  const { server, target, signal, store } = await chunked(context, { honestCheck: true });
  store.stored = true;
  const blob = blobOf(LARGE);
  assert.equal(await target.pushBlob(REPOSITORY, blob, signal), 'accepted');
  assert.deepEqual(blob.opened, []);
  assert.equal(server.received.length, 1);
});

test('bytes that the far side finds wrong at the finish are worth another attempt, from the beginning', async (context) => {
  let broken = true;
  const onPut = (_: Received, response: ServerResponse): boolean => {
    if (broken) refusal(response, 400, 250311, 'replica artifact broken');
    return broken;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPut });
  const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(LARGE), signal));
  assert.deepEqual([error.errorClass, error.code, error.remoteCode], ['retryable', 'DigestMismatch', 250311]);
  broken = false;
  assert.equal(await target.pushBlob(REPOSITORY, blobOf(LARGE), signal), 'verified');
  assert.equal(store.sessions, 2);
});

for (const [status, code] of [
  [404, 250130],
  [405, 250112],
  [401, 250114],
] as const) {
  test(`a server that answers ${status} to the start gets the blob as a whole`, async (context) => {
    const { server, target, signal } = await scene(context, {
      answer: ({ url }, response) => {
        if (url.includes('/uploads/')) refusal(response, status, code, 'no');
        else envelope(response, url.includes('check') ? false : null);
      },
    });
    assert.equal(await target.pushBlob(REPOSITORY, blobOf(LARGE), signal), 'accepted');
    assert.equal(await target.pushBlob(REPOSITORY, blobOf(LARGE), signal), 'accepted');
    const paths = server.received.map(({ url }) => url.split('?')[0]?.split('/replica/')[1]);
    assert.deepEqual(paths, ['blob/check', 'rp1/gen/blobs/uploads/', 'blob/push', 'blob/push']);
  });
}

test('a wrong source never finishes a chunked upload', async (context) => {
  const { server, target, signal } = await chunked(context, { honestCheck: true });
  const wrong = Buffer.from(LARGE);
  wrong[5] = 0;
  await assert.rejects(target.pushBlob(REPOSITORY, blobOf(wrong, LARGE), signal), { name: 'ContentMismatchError' });
  assert.deepEqual(
    server.received.map(({ method }) => method),
    ['GET', 'POST', 'PATCH', 'PATCH'],
  );
});

const CONTENT = Buffer.alloc(3 * MiB, 'xyz');
const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

test('a blob is read back whole, streamed and hashed', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => void response.end(CONTENT) });
  const result = await target.readBack({ ...REPOSITORY, storageKey: 'k' }, digestOf(CONTENT), CONTENT.length, signal);
  assert.deepEqual(result, { sha256: digestOf(CONTENT), size: CONTENT.length });
  assert.deepEqual(JSON.parse(server.received[0]?.body.toString() ?? ''), {
    sha256: digestOf(CONTENT),
    range: { startPosition: 0, endPosition: null, total: null },
    storageKey: 'k',
  });
});

test('stored bytes that are fewer, more or others are seen', async (context) => {
  const answers = [CONTENT.subarray(1), Buffer.concat([CONTENT, Buffer.of(0)]), Buffer.from(CONTENT).fill(1, 7, 8)];
  const { target, signal } = await scene(context, { answer: (_, response) => void response.end(answers.shift()) });
  for (const size of [CONTENT.length - 1, CONTENT.length + 1, CONTENT.length]) {
    const result = await target.readBack(REPOSITORY, digestOf(CONTENT), CONTENT.length, signal);
    assert.notEqual(result?.sha256, digestOf(CONTENT));
    assert.ok(result !== undefined && (size > CONTENT.length ? result.size > CONTENT.length : result.size === size));
  }
});

test('a server that refuses the open range is asked for the declared one', async (context) => {
  const { server, target, signal } = await scene(context, {
    answer: ({ body }, response) => {
      if (body.includes('null')) refusal(response, 400, 250106, 'Invalid request content');
      else response.end(CONTENT);
    },
  });
  const result = await target.readBack(REPOSITORY, digestOf(CONTENT), CONTENT.length, signal);
  assert.equal(result?.sha256, digestOf(CONTENT));
  const { range } = JSON.parse(server.received[1]?.body.toString() ?? '') as { range: unknown };
  const last = CONTENT.length - 1;
  assert.deepEqual(range, {
    start: 0,
    end: last,
    startPosition: 0,
    endPosition: last,
    total: last + 1,
    length: last + 1,
  });
});

test('no such blob is undefined, no such url and a broken-off answer are errors', async (context) => {
  const answers = [
    (response: ServerResponse): void => refusal(response, 404, 251024, 'Artifact file data not found'),
    (response: ServerResponse): void => refusal(response, 404, 250130, 'Request url not found'),
    (response: ServerResponse): void => {
      response.writeHead(200, { 'content-length': String(CONTENT.length) }).write(CONTENT.subarray(0, 1000));
      setTimeout(() => response.destroy(), 20);
    },
  ];
  const { target, signal } = await scene(context, { answer: (_, response) => answers.shift()?.(response) });
  const ask = (): Promise<unknown> => target.readBack(REPOSITORY, digestOf(CONTENT), CONTENT.length, signal);
  assert.equal(await ask(), undefined);
  assert.equal((await failureOf(ask())).code, 'RequestRefused');
  assert.equal((await failureOf(ask())).code, 'ConnectionLost');
});
