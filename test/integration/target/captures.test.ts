/**
 * Our requests beside those of bk-repo's own client, recorded between real servers: same methods, paths and encodings,
 * and only fields that a real server knows. Needs `../shared/captures`; without it this part says that it did not run.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import { endpointsOf } from '../../../src/target/bkrepo/endpoints.ts';
import { type Exchange, haveCaptures, wireExchanges } from '../peer/captures.ts';
import { envelope, type Received } from './fault-server.ts';
import { versionRequest } from './package-samples.ts';
import { blobOf, REPOSITORY, scene, sourceNode } from './support.ts';

const recorded = haveCaptures() ? wireExchanges() : [];
if (recorded.length === 0)
  console.log('../shared/captures is absent: the comparison with recorded requests did not run');
const options = { skip: recorded.length === 0 };

const REPLICA = '/replication/replica';

function recordedCalls(method: string, path: RegExp): readonly Exchange[] {
  const found = recorded.filter((entry) => entry.method === method && path.test(entry.url));
  assert.ok(found.length > 0, `no recorded ${method} ${path}`);
  return found;
}

/** Everything a run sends for one repository with a small and a large file. */
async function ourRequests(context: TestContext): Promise<readonly Received[]> {
  const { server, target, signal } = await scene(context, {
    answer: ({ method, url, headers }, response) => {
      if (url.includes('/uploads/'))
        response
          .writeHead(method === 'PUT' ? 201 : 202, { location: 'bkrepo/replica/x/uploads/0a', range: rangeOf(headers) })
          .end();
      else if (url.includes('/repo/create')) envelope(response, { type: 'GENERIC', category: 'LOCAL' });
      else envelope(response, false);
    },
  });
  const repository = {
    projectId: 'p1',
    name: 'gen',
    type: 'GENERIC',
    category: 'LOCAL',
    description: 'g',
    configuration: {},
    credentialsKey: null,
  };
  const project = { name: 'p1', displayName: 'p1', description: 'test' };
  const place = { project, repository, remoteProjectId: 'rp1', remoteRepoName: 'gen', create: true };
  await target.prepareRepository(place, signal);
  await target.blobStored(REPOSITORY, sourceNode().sha256, signal);
  await target.pushBlob(REPOSITORY, blobOf(Buffer.from('hello\n')), signal);
  await target.pushBlob(REPOSITORY, blobOf(Buffer.alloc(9 * 1024 * 1024)), signal);
  await target.createNode(REPOSITORY, sourceNode(), { overwrite: false }, signal);
  await target.createVersion(REPOSITORY, versionRequest('1.0.0'), signal);
  return server.received;
}

function rangeOf(headers: Received['headers']): string {
  return `0-${headers['content-range']?.split('-')[1] ?? 0}`;
}

type Json = Readonly<Record<string, unknown>>;
const parse = (body: Buffer | undefined): Json => JSON.parse(body?.toString() ?? '{}') as Json;
const kind = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value);

/** Fields that bk-repo sends and we leave to the server's default on purpose. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  'project/create': ['metadata'],
  'repo/create': ['pluginRequest', 'display', 'visibility'],
  'node/create': ['separate'],
};

for (const call of ['project/create', 'repo/create', 'node/create', 'package/version/create']) {
  test(`${call} has the recorded fields and types, no others`, options, async (context) => {
    const ours = parse((await ourRequests(context)).find(({ url }) => url === `${REPLICA}/${call}`)?.body);
    const theirs = recordedCalls('POST', new RegExp(`^${REPLICA}/${call}$`)).map(({ body }) => parse(body));
    const known = new Set(theirs.flatMap((body) => Object.keys(body)));
    for (const key of Object.keys(ours)) assert.ok(known.has(key), `bk-repo does not know ${key}`);
    assert.equal('source' in ours, false);
    for (const [key, value] of theirs.flatMap((body) => Object.entries(body))) {
      if (value === null || LEFT_OUT[call]?.includes(key)) continue;
      assert.ok(key in ours, `${key} is missing`);
      if (ours[key] !== null) assert.equal(kind(ours[key]), kind(value), key);
    }
  });
}

for (const [call, list] of [
  ['node/create', 'nodeMetadata'],
  ['package/version/create', 'packageMetadata'],
] as const)
  test(`entries of ${list} have the recorded fields`, options, async (context) => {
    const ours = parse((await ourRequests(context)).find(({ url }) => url.endsWith(`/${call}`))?.body);
    const fields = (entry: Json | undefined): string =>
      Object.keys(entry ?? {})
        .sort()
        .join();
    const [entry] = ours[list] as readonly Json[];
    const recordedEntries = recordedCalls('POST', new RegExp(`/${call}$`))
      .flatMap(({ body }) => (parse(body)[list] ?? []) as readonly Json[])
      .map(fields);
    assert.ok(recordedEntries.includes(fields(entry)));
  });

test('dates are written in the recorded form', options, async (context) => {
  const ours = parse((await ourRequests(context)).find(({ url }) => url.endsWith('/node/create'))?.body);
  const [theirs] = recordedCalls('POST', /\/node\/create$/);
  const shape = (value: unknown): string => String(value).replace(/\d+/g, (digits) => `${digits.length}`);
  assert.equal(shape(ours['createdDate']), shape(parse(theirs?.body)['createdDate']));
});

test('blob/check is the recorded request', options, async (context) => {
  const { sha256 } = sourceNode();
  const [theirs] = recordedCalls('GET', new RegExp(`/blob/check\\?sha256=${sha256}`));
  const ours = (await ourRequests(context)).map(({ url }) => url);
  assert.ok(ours.includes(theirs?.url ?? ''));
});

test('blob/push has the recorded parts in the recorded order', options, async (context) => {
  const parts = (body: Buffer): readonly string[] =>
    body
      .toString('latin1')
      .replaceAll('\r\n', '\n')
      .split('\n')
      .filter((line) => line.startsWith('Content-'));
  const { sha256 } = sourceNode();
  const theirs = recordedCalls('POST', /\/blob\/push$/).find(({ body }) => body?.includes(sha256));
  assert.ok(theirs?.body);
  const ours = (await ourRequests(context)).find(({ url }) => url === `${REPLICA}/blob/push?sha256=${sha256}`);
  assert.ok(ours);
  assert.deepEqual(parts(ours.body), parts(theirs.body));
  assert.equal(ours.headers['transfer-encoding'], undefined);
});

test('the chunked calls have the recorded paths, queries and headers', options, async (context) => {
  const ours = (await ourRequests(context)).filter(({ url }) => url.includes('/uploads/'));
  const shape = (url: string): string =>
    url
      .replace(/sha256=[0-9a-f]{64}/, 'sha256')
      .replace(/md5=[0-9a-f]{32}/, 'md5')
      .replace(/\/rp1\/\w+\//, '/r/')
      .replace(/uploads\/[0-9a-f]+/, 'uploads/id');
  const mine = new Set([
    'authorization',
    'content-type',
    'content-length',
    'content-range',
    'chunkedupload',
    'repo',
    'sha256',
    'size',
    'md5',
  ]);
  for (const method of ['POST', 'PATCH', 'PUT'] as const) {
    const [theirs] = recordedCalls(method, /\/blobs\/uploads\//).slice(-1);
    const our = ours.find((request) => request.method === method);
    assert.ok(theirs && our);
    // Ours leaves out the size, so that the server compares the digest (contract §11).
    assert.equal(shape(our.url), shape(theirs.url).replace(/&size=\d+/, ''));
    for (const name of Object.keys(theirs.headers).map((key) => key.toLowerCase()))
      if (mine.has(name)) assert.ok(name in our.headers, `${method} lacks ${name}`);
    assert.match(our.headers['content-range'] ?? '0-1', /^\d+-\d+$/);
  }
});

test('paths in queries are encoded as recorded', options, () => {
  const calls = recordedCalls('GET', /\/node\/exist\?/);
  const endpoints = endpointsOf(new URL('http://h'));
  for (const { url } of calls) {
    const query = Object.fromEntries(new URL(url, 'http://h').searchParams);
    assert.equal(endpoints.replica(['node', 'exist'], query), url);
  }
});
