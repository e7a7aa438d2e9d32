/** Questions about packages at far sides that answer wrongly, not at all, or in another way than bk-repo does. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';

import type { Target } from '../../../src/engine/ports/target.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Answer, envelope, type Received, refusal } from './fault-server.ts';
import { PACKAGE, versionRequest } from './package-samples.ts';
import { blobOf, failureOf, REPOSITORY, scene } from './support.ts';

type Work = (target: Target, signal: AbortSignal) => Promise<unknown>;

const BLOB = blobOf(Buffer.from('a document'));
const CALLS: Readonly<Record<string, Work>> = {
  findPackage: (target, signal) => target.findPackage(REPOSITORY, PACKAGE.key, signal),
  findVersions: (target, signal) => target.findVersions(REPOSITORY, PACKAGE.key, ['1.0.0', '2.0.0'], signal),
  'findVersions of one': (target, signal) => target.findVersions(REPOSITORY, PACKAGE.key, ['1.0.0'], signal),
  createVersion: (target, signal) => target.createVersion(REPOSITORY, versionRequest('1.0.0'), signal),
  readBlob: (target, signal) => target.readBlob(REPOSITORY, BLOB.sha256, BLOB.size, signal),
};

const text =
  (status: number, body: string) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(body);

const FAULTS: readonly [string, (response: ServerResponse) => void, string, string, RegExp?][] = [
  ['500', (response) => refusal(response, 500, 250102, 'busy'), 'retryable', 'FarSideError'],
  ['502 of a proxy', text(502, '<html>'), 'retryable', 'FarSideError'],
  ['429', text(429, ''), 'retryable', 'TooManyRequests'],
  ['401', (response) => refusal(response, 401, 250114, 'no'), 'cluster', 'Unauthorized'],
  ['403', (response) => refusal(response, 403, 250113, 'no'), 'cluster', 'Forbidden'],
  ['a repository that is gone', (response) => refusal(response, 400, 251006, 'no'), 'cluster', 'RemoteRepoMissing'],
  ['JSON that breaks off', text(200, '{"code": 0, "data": {"rec'), 'retryable', 'UnexpectedAnswer', /^(?!readBlob)/],
  ['a web page', text(200, '<html>login</html>'), 'retryable', 'UnexpectedAnswer', /^(?!readBlob)/],
  ['data of another shape', (response) => envelope(response, 'x'), 'retryable', 'UnexpectedAnswer', /^find/],
  ['no data for a list', (response) => envelope(response, null), 'retryable', 'UnexpectedAnswer', /^findVersions/],
  [
    'a page without a count',
    (response) => envelope(response, { records: [] }),
    'retryable',
    'UnexpectedAnswer',
    /^find/,
  ],
  ['an unknown call', (response) => refusal(response, 404, 250130, 'x'), 'cluster', 'CompareNotSupported', /^find/],
  ['a connection that is cut', (response) => response.destroy(), 'retryable', 'ConnectionLost'],
];

for (const [name, work] of Object.entries(CALLS))
  for (const [what, answer, errorClass, code, only] of FAULTS)
    if (only?.test(name) !== false)
      test(`${name}: ${what} is ${code}, never "absent"`, async (context) => {
        const { target, signal } = await scene(context, { answer: (_request, response) => answer(response) });
        const error = await failureOf(work(target, signal));
        assert.deepEqual([error.errorClass, error.code], [errorClass, code], error.message);
      });

test('a package without data, or refused as not found, is none; another one is not believed', async (context) => {
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => envelope(response, null),
    (response) => refusal(response, 400, 251017, 'Package [x] not found'),
    (response) => envelope(response, { key: 'npm://other', latest: '1', description: null }),
  ];
  const { target, signal } = await scene(context, { answer: (_request, response) => answers.shift()?.(response) });
  assert.equal(await target.findPackage(REPOSITORY, PACKAGE.key, signal), undefined);
  assert.equal(await target.findPackage(REPOSITORY, PACKAGE.key, signal), undefined);
  const error = await failureOf(target.findPackage(REPOSITORY, PACKAGE.key, signal));
  assert.equal(error.code, 'UnexpectedAnswer');
});

test('an old package, without latest, tags and extension, is shown with none', async (context) => {
  const { target, signal } = await scene(context, {
    answer: (_request, response) => envelope(response, { key: PACKAGE.key, latest: '' }),
  });
  assert.deepEqual(await target.findPackage(REPOSITORY, PACKAGE.key, signal), {
    key: PACKAGE.key,
    latest: null,
    description: null,
    versionTag: {},
    extension: {},
  });
});

interface There {
  readonly stored: readonly string[];
  /** Whether a stored name passes the `version` of a question; default: as bk-repo, a regular expression behind `^`. */
  readonly passes?: (version: string, name: string) => boolean;
  /** Names that are counted and asked for, but never shown. */
  readonly unshown?: readonly string[];
  readonly bulk?: number;
}

const asPattern = (version: string, name: string): boolean => new RegExp(`^${version}`).test(name);
const asPrefix = (version: string, name: string): boolean => name.startsWith(version);

function answering({ stored, passes = asPattern, unshown = [], bulk = 0 }: There): Answer {
  return ({ url, body }, response) => {
    if (url.endsWith('/package/version/exist')) {
      const { versionName } = JSON.parse(body.toString()) as { versionName: string };
      return envelope(response, stored.includes(versionName));
    }
    const query = new URL(url, 'http://far.test').searchParams;
    const version = query.get('version');
    const [number, size] = [Number(query.get('pageNumber')), Number(query.get('pageSize'))];
    const all = stored.filter((name) => version === null || passes(version, name));
    const records = all
      .slice((number - 1) * size, number * size)
      .filter((name) => !unshown.includes(name))
      .map((name) => ({ name, size: 1, metadata: {}, createdBy: 'admin', bulk: 'x'.repeat(bulk) }));
    return envelope(response, { records, totalRecords: all.length });
  };
}

async function find(
  context: TestContext,
  there: There,
  names: readonly string[],
): Promise<{ readonly found: readonly string[]; readonly received: readonly Received[] }> {
  const { server, target, signal } = await scene(context, { answer: answering(there) });
  const found = await target.findVersions(REPOSITORY, PACKAGE.key, names, signal);
  return { found: [...found.keys()].sort(), received: server.received };
}

const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `1.0.${at}`);

const READINGS: readonly [string, There['passes']][] = [
  ['as bk-repo does', asPattern],
  ['as a plain prefix', asPrefix],
  ['as the whole name', (version, name) => version === name],
  ['not at all', () => true],
];
for (const [what, passes] of READINGS)
  test(`names are found exactly at a server that reads the filter ${what}`, async (context) => {
    const stored = [...numbered(700), '1.0', '1', '1.0.5+b', '2.0(x)'];
    const asked = ['1.0', '1.0.5', '1.0.5+b', '1.0.699', '2.0(x)', '1.', '1.0.700', '2.0', '3.0.0', '1.0.5+c'];
    const { found } = await find(context, { stored, ...(passes === undefined ? {} : { passes }) }, asked);
    assert.deepEqual(found, ['1.0', '1.0.5', '1.0.5+b', '1.0.699', '2.0(x)']);
  });

test('"none of them" is believed only after a version that is there was found by a pattern', async (context) => {
  const absent = ['8.0.0', '9.0.0'];
  const pattern = await find(context, { stored: numbered(50) }, absent);
  assert.deepEqual([pattern.found, pattern.received.length], [[], 3]);
  const prefix = await find(context, { stored: [...numbered(50), '9.0.0'], passes: asPrefix }, absent);
  assert.deepEqual(prefix.found, ['9.0.0']);
  const empty = await find(context, { stored: [] }, absent);
  assert.deepEqual([empty.found, empty.received.length], [[], 2]);
});

test('a server that has read a pattern is not tried again for ten minutes', async (context) => {
  const clock = new FakeClock();
  const { server, target, signal } = await scene(context, { answer: answering({ stored: numbered(50) }) }, { clock });
  const requests = async (...names: readonly string[]): Promise<number> => {
    const before = server.received.length;
    await target.findVersions(REPOSITORY, PACKAGE.key, names, signal);
    return server.received.length - before;
  };
  assert.equal(await requests('1.0.1', '7.0.0'), 1);
  assert.equal(await requests('8.0.0'), 1);
  clock.advance(600_000);
  assert.equal(await requests('8.0.0'), 3);
});

test('500 names of a large package take a few requests of bounded length', async (context) => {
  const names = Array.from({ length: 500 }, (_, at) => `10.${at}.${at}-SNAPSHOT`);
  const { found, received } = await find(context, { stored: [...names.slice(0, 250), ...numbered(5_000)] }, names);
  assert.deepEqual(found, names.slice(0, 250).sort());
  assert.ok(received.length <= 8, `${received.length} requests`);
  for (const { url } of received) assert.ok(url.length < 5_000, `${url.length} characters`);
});

test('a version that exists and is not shown is an error, not an absence', async (context) => {
  const there = { stored: numbered(3), unshown: ['1.0.1'] };
  const { target, signal } = await scene(context, { answer: answering(there) });
  const error = await failureOf(target.findVersions(REPOSITORY, PACKAGE.key, numbered(3), signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'UnexpectedAnswer']);
  assert.match(error.message, /1\.0\.1/);
});

test('a list that counts versions and shows none is an error', async (context) => {
  const { target, signal } = await scene(context, {
    answer: ({ url }, response) => envelope(response, { records: [], totalRecords: url.includes('version=') ? 0 : 5 }),
  });
  const error = await failureOf(target.findVersions(REPOSITORY, PACKAGE.key, ['1.0.0'], signal));
  assert.equal(error.code, 'UnexpectedAnswer');
});

test('an answer that is too large is asked for in halves; of a single version it fails that one', async (context) => {
  const bulk = 12 * 1024 * 1024;
  const { found, received } = await find(context, { stored: numbered(4), bulk }, numbered(4));
  assert.deepEqual([found, received.length], [numbered(4), 3]);
  const { target, signal } = await scene(context, { answer: answering({ stored: ['1.0.0'], bulk: 3 * bulk }) });
  const error = await failureOf(target.findVersions(REPOSITORY, PACKAGE.key, ['1.0.0'], signal));
  assert.deepEqual([error.errorClass, error.code], ['unit', 'AnswerTooLarge']);
});

test('251020 means "existed" only when nothing was to be overwritten', async (context) => {
  const { target, signal } = await scene(context, {
    answer: (_request, response) => refusal(response, 400, 251020, 'Package version [lib-1.0.0] existed'),
  });
  assert.equal(await target.createVersion(REPOSITORY, versionRequest('1.0.0'), signal), 'existed');
  const error = await failureOf(target.createVersion(REPOSITORY, versionRequest('1.0.0', {}, true), signal));
  assert.deepEqual([error.errorClass, error.code, error.remoteCode], ['unit', 'VersionExisted', 251020]);
});

test('a create whose answer was lost is an error, and finds what it made when it is tried again', async (context) => {
  let made = 0;
  const { target, signal } = await scene(context, {
    answer: (_request, response) => {
      made += 1;
      if (made === 1) response.destroy();
      else refusal(response, 400, 251020, 'Package version [lib-1.0.0] existed');
    },
  });
  const error = await failureOf(target.createVersion(REPOSITORY, versionRequest('1.0.0'), signal));
  assert.equal(error.errorClass, 'retryable');
  assert.equal(await target.createVersion(REPOSITORY, versionRequest('1.0.0'), signal), 'existed');
  assert.equal(made, 2);
});

test('several artifact paths go one by one, each added to those before, the main one last', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_request, response) => envelope(response, null) });
  const paths = { artifactPath: '/main', artifactPaths: ['/a', '/main', '/b', '/a'] };
  await target.createVersion(REPOSITORY, versionRequest('1.0.0', paths), signal);
  const sent = server.received.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
  assert.deepEqual(
    sent.map((body) => [body['artifactPath'], body['overwrite'], body['multiArtifact']]),
    [
      ['/a', false, false],
      ['/b', true, true],
      ['/main', true, true],
    ],
  );
});

test('a failure between the artifact paths is an error, although the version is there', async (context) => {
  let calls = 0;
  const { target, signal } = await scene(context, {
    answer: (_request, response) => {
      calls += 1;
      if (calls === 1) envelope(response, null);
      else refusal(response, 400, 251020, 'existed');
    },
  });
  const paths = { artifactPath: '/main', artifactPaths: ['/a', '/main'] };
  const error = await failureOf(target.createVersion(REPOSITORY, versionRequest('1.0.0', paths), signal));
  assert.equal(error.code, 'VersionExisted');
});

test('a document that is not stored is none; a 404 of somebody else is an error', async (context) => {
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => refusal(response, 404, 251024, 'Artifact file data not found'),
    text(404, '<html>nginx</html>'),
    (response) => void response.writeHead(200, { 'content-length': '10' }).write('a doc', () => response.destroy()),
    text(200, 'a document'),
  ];
  const { target, signal } = await scene(context, { answer: (_request, response) => answers.shift()?.(response) });
  const read = (): Promise<Uint8Array | undefined> => target.readBlob(REPOSITORY, BLOB.sha256, BLOB.size, signal);
  assert.equal(await read(), undefined);
  assert.equal((await failureOf(read())).status, 404);
  assert.equal((await failureOf(read())).errorClass, 'retryable');
  assert.equal(Buffer.from((await read()) ?? []).toString(), 'a document');
});

test('no more of an endless document is held than its size', async (context) => {
  const piece = 'x'.repeat(65_536);
  let sent = 0;
  const { target, signal } = await scene(context, {
    raw: (request, response) => {
      request.resume();
      const more = (): void => {
        while (!response.destroyed && sent < 1 << 30) {
          sent += piece.length;
          if (!response.write(piece)) break;
        }
      };
      response.on('drain', more);
      more();
    },
  });
  const error = await failureOf(target.readBlob(REPOSITORY, BLOB.sha256, BLOB.size, signal));
  assert.equal(error.code, 'DigestMismatch');
  assert.ok(sent < 1 << 26, `${sent} bytes`);
});

test('a server that wants a range is asked for the declared bytes of a document', async (context) => {
  const { server, target, signal } = await scene(context, {
    answer: ({ body }, response) => {
      const { range } = JSON.parse(body.toString()) as { range: { end?: number } };
      if (range.end === undefined) refusal(response, 400, 250106, 'Invalid request content');
      else response.writeHead(200).end('a document');
    },
  });
  const read = await target.readBlob(REPOSITORY, BLOB.sha256, BLOB.size, signal);
  assert.equal(Buffer.from(read ?? []).toString(), 'a document');
  assert.equal(server.received.length, 2);
});
