import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import type { TargetNode } from '../../../src/engine/ports/target.ts';
import { cut } from '../../../src/target/bkrepo/find-nodes.ts';
import { envelope, type FaultServer, type Received, refusal } from './fault-server.ts';
import { failureOf, REPOSITORY, scene } from './support.ts';

interface Asked {
  readonly page: { readonly pageSize: number };
  readonly rule: {
    readonly rules: readonly { readonly field: string; readonly value: unknown; readonly operation: string }[];
  };
}

function askedPaths(request: Received): readonly string[] {
  const body = JSON.parse(request.body.toString()) as Asked;
  return body.rule.rules.find(({ field }) => field === 'fullPath')?.value as readonly string[];
}

const record = (fullPath: string): object => ({
  fullPath,
  folder: false,
  size: 1,
  sha256: 'a'.repeat(64),
  metadata: {},
  nodeMetadata: [],
});

type Found = ReadonlyMap<string, TargetNode>;

/** A far side that has the files of `stored`, answers at most `page` of them at once, and lacks the calls in `without`. */
async function find(
  context: TestContext,
  there: {
    readonly stored: readonly string[];
    readonly page?: number;
    readonly bulk?: number;
    readonly without?: RegExp;
  },
  paths: readonly string[],
): Promise<{ readonly found: Found; readonly server: FaultServer }> {
  const { server, target, signal } = await scene(context, {
    answer: (request, response) => {
      if (there.without?.test(request.url)) {
        refusal(response, 404, 250130, `Request url[${request.url}] not found`);
      } else if (request.url.includes('/node/search')) {
        const asked = askedPaths(request);
        const all = there.stored.filter((path) => asked.includes(path)).map(record);
        const records = all
          .slice(0, there.page ?? all.length)
          .map((entry) => ({ ...entry, bulk: 'x'.repeat(there.bulk ?? 0) }));
        envelope(response, { records, totalRecords: all.length });
      } else if (request.url.includes('/exist/list')) {
        const { fullPathList } = JSON.parse(request.body.toString()) as { fullPathList: readonly string[] };
        envelope(
          response,
          fullPathList.filter((path) => there.stored.includes(path)),
        );
      } else if (request.url.includes('/node/exist')) {
        envelope(response, there.stored.includes(new URL(request.url, 'http://x').searchParams.get('fullPath') ?? ''));
      } else {
        const path = decodeURIComponent(request.url.replace('/repository/api/node/detail/rp1/gen', ''));
        if (there.stored.includes(path)) envelope(response, record(path));
        else refusal(response, 404, 251010, `Node [${path}] not found`);
      }
    },
  });
  return { found: await target.findNodes(REPOSITORY, paths, signal), server };
}

const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `/dir/文件 ${index}.bin`);

test('thousands of paths are one question, and what is not in the answer is absent', async (context) => {
  const paths = many(4_000);
  const { found, server } = await find(context, { stored: paths.slice(1) }, paths);
  assert.equal(found.size, 3_999);
  assert.equal(found.has(paths[0] ?? ''), false);
  assert.equal(server.received.length, 1);
  const body = JSON.parse(server.received[0]?.body.toString() ?? '') as Asked & { readonly select: readonly string[] };
  assert.equal(body.page.pageSize, 4_000);
  assert.deepEqual(body.select, ['fullPath', 'folder', 'size', 'sha256', 'md5', 'lastModifiedDate', 'metadata']);
});

test('more paths or longer ones are cut into requests of 4,000 and 1 MB, duplicates are asked once', async (context) => {
  const paths = many(4_001);
  const { found, server } = await find(context, { stored: paths }, [...paths, ...paths]);
  assert.equal(found.size, 4_001);
  assert.deepEqual(
    server.received.map((request) => askedPaths(request).length),
    [4_000, 1],
  );
  const long = Array.from({ length: 10 }, (_, index) => `/${index}${'ü'.repeat(149_990)}`);
  const sizes = [...cut(long)].map((batch) => batch.length);
  assert.deepEqual(sizes, [3, 3, 3, 1]);
});

test('nothing to ask is no request', async (context) => {
  const { found, server } = await find(context, { stored: [] }, []);
  assert.equal(found.size + server.received.length, 0);
});

test('an answer that is cut short is asked again in halves, never read as absent', async (context) => {
  const paths = many(10);
  const { found, server } = await find(context, { stored: paths, page: 3 }, paths);
  assert.equal(found.size, 10);
  assert.ok(server.received.length > 3);
});

test('an answer that is too large is asked again in halves', async (context) => {
  const paths = many(3);
  const { found } = await find(context, { stored: paths, bulk: 12 * 1024 * 1024 }, paths);
  assert.equal(found.size, 3);
});

test('a page that does not even hold one node is an error', async (context) => {
  const error = await failureOf(find(context, { stored: ['/a'], page: 0 }, ['/a']));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'UnexpectedAnswer']);
});

test('a server without node/search is asked by names, then for each detail', async (context) => {
  const { found, server } = await find(context, { stored: ['/a b', '/d/e#1'], without: /search/ }, [
    '/a b',
    '/c',
    '/d/e#1',
  ]);
  assert.deepEqual([...found.keys()].sort(), ['/a b', '/d/e#1']);
  assert.equal(found.get('/a b')?.sha256, 'a'.repeat(64));
  assert.deepEqual(server.received.map(({ url }) => url).sort(), [
    '/replication/replica/node/exist/list',
    '/repository/api/node/detail/rp1/gen/a%20b',
    '/repository/api/node/detail/rp1/gen/d/e%231',
    '/repository/api/node/search',
  ]);
});

test('a server that knows only node/exist is asked path by path', async (context) => {
  const { found } = await find(context, { stored: ['/a+b%'], without: /search|exist\/list/ }, ['/a+b%', '/c']);
  assert.deepEqual([...found.keys()], ['/a+b%']);
});

test('a server that tells no digests cannot be compared with', async (context) => {
  const error = await failureOf(find(context, { stored: ['/a'], without: /search|detail/ }, ['/a']));
  assert.deepEqual([error.errorClass, error.code], ['cluster', 'CompareNotSupported']);
});

test('an error of the question is an error, never absent', async (context) => {
  const { target, signal } = await scene(context, { answer: (_, response) => refusal(response, 500, 250102, 'busy') });
  const error = await failureOf(target.findNodes(REPOSITORY, ['/a'], signal));
  assert.equal(error.errorClass, 'retryable');
});

test('folders, the old metadata map and the list with its flags are read', async (context) => {
  const records = [
    { fullPath: '/dir', folder: true, size: 0, sha256: null, md5: null, metadata: {} },
    { fullPath: '/old', folder: false, size: 3, sha256: 'b'.repeat(64), metadata: { k: 'v', n: 1, l: ['a', 2] } },
    {
      fullPath: '/new',
      folder: false,
      size: 2 ** 40,
      sha256: 'c'.repeat(64),
      metadata: { s: true },
      nodeMetadata: [{ key: 's', value: true, system: true, description: 'why', link: null, color: null }],
    },
    { fullPath: '/not-asked', folder: false, size: 1, sha256: 'd'.repeat(64) },
  ];
  const answer = { records, totalRecords: 4 };
  const { target, signal } = await scene(context, { answer: (_, response) => envelope(response, answer) });
  const found = await target.findNodes(REPOSITORY, ['/dir', '/old', '/new'], signal);
  assert.deepEqual(Object.fromEntries(found), {
    '/dir': { fullPath: '/dir', folder: true, size: 0, sha256: null, metadata: [] },
    '/old': {
      fullPath: '/old',
      folder: false,
      size: 3,
      sha256: 'b'.repeat(64),
      metadata: [
        { key: 'k', value: 'v', system: false },
        { key: 'n', value: 1, system: false },
        { key: 'l', value: ['a', 2], system: false },
      ],
    },
    '/new': {
      fullPath: '/new',
      folder: false,
      size: 2 ** 40,
      sha256: 'c'.repeat(64),
      metadata: [{ key: 's', value: true, system: true, description: 'why' }],
    },
  });
});

const DATED = { ...record('/a'), lastModifiedDate: '2026-11-22T23:15:57.5001' };
const dates = [
  ['the offset that the answers carry', { 'x-bkrepo-time-zone': '+0800' }, {}, '2026-11-22T15:15:57.500Z'],
  [
    'the configured zone, whatever the answers carry',
    { 'x-bkrepo-time-zone': '+0000' },
    { timeZone: 'Asia/Tokyo' },
    '2026-11-22T14:15:57.500Z',
  ],
  ['no zone, so there is no date', {}, {}, undefined],
] as const;
for (const [what, headers, options, expected] of dates)
  for (const search of [true, false])
    test(`${search ? 'node/search' : 'node/detail'} tells when a node was modified, read in ${what}`, async (context) => {
      const { target, signal } = await scene(
        context,
        {
          answer: (request, response) => {
            if (request.url.includes('/node/search') && search)
              envelope(response, { records: [DATED], totalRecords: 1 }, headers);
            else if (request.url.includes('/node/search')) refusal(response, 404, 250130, 'no such url');
            else envelope(response, request.url.includes('/exist/list') ? ['/a'] : DATED, headers);
          },
        },
        options,
      );
      const found = await target.findNodes(REPOSITORY, ['/a'], signal);
      assert.equal(found.get('/a')?.lastModifiedDate?.toISOString(), expected);
    });
