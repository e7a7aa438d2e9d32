/** Blobs that do not lie on a file system of this machine: S3, and the source's own replication service. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import S3rver from 's3rver';
import type { SourceNode, SourceRepository } from '../../../src/engine/ports/source.ts';
import { type Peer, startPeer } from '../../../src/peer/server.ts';
import type { BkRepoSource } from '../../../src/source/bkrepo-source.ts';
import type { BkRepoSourceOptions, S3Storage } from '../../../src/source/options.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { bytesOf, nodeOf, repositoryOf, SourceHarness } from './harness.ts';

const OLD = new Date('2026-01-01T00:00:00Z');
const big = Buffer.concat([...seededBytes(3_000_001, 5)]);

let harness: SourceHarness;

before(async () => {
  harness = await SourceHarness.start();
});

after(() => harness.stop());

async function failure(promise: Promise<unknown>): Promise<{ code: string; errorClass: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; errorClass: string; message: string };
  }
  assert.fail('it was expected to fail');
}

interface Opened {
  readonly source: BkRepoSource;
  readonly repository: SourceRepository;
  readonly node: (path: string) => Promise<SourceNode>;
  readonly read: (path: string, start?: number) => Promise<Buffer>;
}

async function opened(database: string, options: Partial<BkRepoSourceOptions>): Promise<Opened> {
  const source = harness.source(database, options);
  const repository = await repositoryOf(source, 'p', 'r');
  const node = (path: string) => nodeOf(source, repository, path);
  return {
    source,
    repository,
    node,
    read: async (path, start = 0) => bytesOf(source, repository, await node(path), start),
  };
}

describe('blobs in S3', () => {
  let server: S3rver;
  let storage: S3Storage;

  before(async () => {
    server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: harness.path('s3') });
    const { port } = await server.run();
    storage = {
      type: 's3',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      bucket: 'blobs',
      accessKey: 'S3RVER',
      secretKey: 'S3RVER',
    };
    const builder = harness.builder('s3', { references: false });
    const files = await builder.repository('p', 'r', { credentialsKey: 's3' });
    const client = new S3Client({
      endpoint: storage.endpoint,
      region: storage.region,
      credentials: { accessKeyId: storage.accessKey, secretAccessKey: storage.secretKey },
      forcePathStyle: true,
    });
    await client.send(new CreateBucketCommand({ Bucket: storage.bucket }));
    for (const [path, content, stored] of [
      ['/big', big, big],
      ['/empty', Buffer.alloc(0), Buffer.alloc(0)],
      ['/short', Buffer.from('whole'), Buffer.from('who')],
      ['/gone', Buffer.from('gone'), undefined],
    ] as const) {
      const { sha256 } = await files.putFile(path, content, { createdDate: OLD, storeDir: harness.path('unused') });
      if (stored !== undefined)
        await client.send(new PutObjectCommand({ Bucket: storage.bucket, Key: sha256, Body: stored }));
    }
    client.destroy();
    const { type, endpoint, region, bucket, accessKey, secretKey } = storage;
    await builder.storageCredentials('s3', { type, endpoint, region, bucket, accessKey, secretKey });
    await mkdir(harness.path('s3-store'), { recursive: true });
  });

  after(() => server.close());

  for (const [what, options] of [
    ['as the default storage', () => ({ storage })],
    ['as a credentials document says', () => ({})],
  ] as const) {
    it(`come whole and from any byte on, ${what}`, async () => {
      const { read } = await opened('s3', options());
      assert.deepEqual(await read('/big'), big);
      for (const start of [1, big.length - 1, big.length])
        assert.deepEqual(await read('/big', start), big.subarray(start));
      assert.equal((await read('/empty')).length, 0);
    });
  }

  it('fail as missing, damaged, or unreachable, each by its own name and without secrets', async () => {
    const { read } = await opened('s3', {});
    assert.equal((await failure(read('/gone'))).code, 'BlobMissing');
    assert.equal((await failure(read('/short'))).code, 'BlobSizeMismatch');
    for (const [changed, code, errorClass] of [
      [{ bucket: 'other-bucket' }, 'BlobUnreadable', 'unit'],
      [{ accessKey: 'WRONG', secretKey: 'hidden-key' }, 'BlobUnreadable', 'unit'],
      [{ endpoint: 'http://127.0.0.1:1' }, 'SourceUnavailable', 'retryable'],
    ] as const) {
      await harness
        .db('s3')
        .collection('repository')
        .updateOne({}, { $unset: { credentialsKey: 1 } });
      const error = await failure((await opened('s3', { storage: { ...storage, ...changed } })).read('/big'));
      assert.deepEqual([error.code, error.errorClass], [code, errorClass], error.message);
      assert.ok(!error.message.includes('hidden-key') && !error.message.includes('S3RVER'), error.message);
    }
  });
});

describe("blobs through the source's own replication service", () => {
  let peer: Peer;
  let options: Partial<BkRepoSourceOptions>;

  before(async () => {
    const files = await harness.builder('pull').repository('p', 'r', { credentialsKey: 'cos' });
    await files.putFile('/big', big);
    await files.putFile('/empty', '');
    await files.putFile('/gone', 'gone', { createdDate: OLD });
    await files.putFile('/zh 中文', 'text');
    peer = await startPeer({
      mongo: harness.db('pull'),
      storePath: files.storeDir,
      users: [{ username: 'puller', password: 'p:w', admin: true }],
    });
    options = {
      storage: { type: 'filesystem', path: harness.path('pull-elsewhere') },
      pull: { url: `${peer.url}/replication/`, username: 'puller', password: 'p:w' },
    };
    await mkdir(harness.path('pull-elsewhere'));
  });

  after(() => peer.close());

  it('come whole and from any byte on, where no store can be read', async () => {
    const { read } = await opened('pull', options);
    assert.deepEqual(await read('/big'), big);
    for (const start of [1, big.length - 1, big.length])
      assert.deepEqual(await read('/big', start), big.subarray(start));
    assert.equal((await read('/empty')).length, 0);
    assert.equal(String(await read('/zh 中文')), 'text');
  });

  it('fail as BlobMissing when the service has none either, and as refused with a wrong password', async () => {
    const { node, read } = await opened('pull', options);
    const { sha256 } = await node('/gone');
    await rm(blobPath(harness.path('pull-store'), sha256));
    const missing = await failure(read('/gone'));
    assert.equal(missing.code, 'BlobMissing');
    assert.match(missing.message, /replica\/blob\/pull \(storage key cos\): not there/);
    const pull = { url: `${peer.url}/replication`, username: 'puller', password: 'wrong-word' };
    const refused = await failure((await opened('pull', { ...options, pull })).read('/big'));
    assert.equal(refused.code, 'SourceUnauthorized');
    assert.ok(!refused.message.includes('wrong-word'));
  });
});

describe('faults of the replication service', () => {
  let server: Server;
  let url: string;
  let behave: (request: IncomingMessage, response: ServerResponse, body: string) => void = () => undefined;

  before(async () => {
    const files = await harness.builder('faults', { references: false }).repository('p', 'r');
    await files.putFile('/f', 'abcdef', { createdDate: OLD, storeDir: harness.path('unused') });
    await mkdir(harness.path('faults-store'));
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => behave(request, response, String(Buffer.concat(chunks))));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/replication`;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const pulled = () => opened('faults', { pull: { url, username: 'u', password: 'p' } });
  const answer = (status: number, body: string) => (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };

  const faults: readonly (readonly [what: string, behaviour: typeof behave, code: string, errorClass: string])[] = [
    ['500', answer(500, '{"code":250102,"message":"busy"}'), 'SourceUnavailable', 'retryable'],
    ['429', answer(429, ''), 'SourceUnavailable', 'retryable'],
    ['400', answer(400, '{"code":250106,"message":"Invalid request content"}'), 'BlobUnreadable', 'unit'],
    ['403', answer(403, '{"code":250113}'), 'SourceUnauthorized', 'unit'],
    ['404 for its url', answer(404, '{"code":250130}'), 'BlobUnreadable', 'unit'],
    ['404 for the blob', answer(404, '{"code":251024}'), 'BlobMissing', 'unit'],
    ['too few bytes', answer(200, 'abc'), 'BlobSizeMismatch', 'retryable'],
    ['too many bytes', answer(200, 'abcdefg'), 'BlobSizeMismatch', 'retryable'],
    ['no answer', (request) => request.socket.destroy(), 'SourceUnavailable', 'retryable'],
    [
      'a connection that breaks in mid-body',
      (request, response) => {
        response.writeHead(200, { 'content-length': '6' });
        response.write('abc', () => request.socket.destroy());
      },
      'SourceUnavailable',
      'retryable',
    ],
  ];
  for (const [what, behaviour, code, errorClass] of faults) {
    it(`${what}: ${code}, ${errorClass}`, async () => {
      behave = behaviour;
      const error = await failure((await pulled()).read('/f'));
      assert.deepEqual([error.code, error.errorClass], [code, errorClass], error.message);
    });
  }

  it('asks as a server understands it: Basic account, both names of the range, storage key only when there is one', async () => {
    const seen: unknown[] = [];
    behave = (request, response, body) => {
      const { start = 0 } = (JSON.parse(body) as { range: { start?: number } }).range;
      seen.push([request.method, request.url, request.headers.authorization, JSON.parse(body)]);
      response.end('abcdef'.slice(start));
    };
    const { node, read } = await pulled();
    const { sha256 } = await node('/f');
    assert.equal(String(await read('/f')), 'abcdef');
    assert.equal(String(await read('/f', 2)), 'cdef');
    assert.equal(String(await read('/f', 6)), '', 'nothing is asked for when nothing is left');
    const range = { start: 2, end: 5, length: 4, startPosition: 2, endPosition: 5, total: 6 };
    const head = ['POST', '/replication/replica/blob/pull', 'Basic dTpw'];
    assert.deepEqual(seen, [
      [...head, { sha256, range: { startPosition: 0, endPosition: null, total: null } }],
      [...head, { sha256, range }],
    ]);
  });

  it('ends a stalled answer with the reason of the signal, at once', { timeout: 10_000 }, async () => {
    behave = (_, response) => void response.writeHead(200).write('abc');
    const { source, repository, node } = await pulled();
    const controller = new AbortController();
    const stream = await source.open(repository, await node('/f'), 0, controller.signal);
    const chunks = stream[Symbol.asyncIterator]();
    assert.equal(String((await chunks.next()).value), 'abc');
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(chunks.next(), reason);
    behave = () => undefined;
    const waiting = source.open(repository, await node('/f'), 0, AbortSignal.timeout(50));
    await assert.rejects(waiting, { name: 'TimeoutError' });
  });
});
