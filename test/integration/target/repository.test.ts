import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { RepositoryRequest } from '../../../src/engine/ports/target.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { probeBkRepo } from '../../../src/target/bkrepo/probe.ts';
import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { type Answer, envelope, type Received, refusal, startFaultServer } from './fault-server.ts';
import { failureOf, REPOSITORY, scene, sourceNode, targetOptions } from './support.ts';

const STORED = { projectId: 'rp1', name: 'gen', type: 'GENERIC', category: 'LOCAL', storageCredentials: null };

function request(changes: Partial<RepositoryRequest> = {}): RepositoryRequest {
  return {
    project: { name: 'p1', displayName: 'Project One', description: 'd'.repeat(300) },
    repository: {
      projectId: 'p1',
      name: 'gen',
      type: 'GENERIC',
      category: 'COMPOSITE',
      description: null,
      configuration: {
        type: 'composite',
        webHook: { webHookList: [{ url: 'http://hook', headers: {} }] },
        proxy: { channelList: [{ password: 'p' }] },
        settings: { cleanupStrategy: { enable: true }, repodataDepth: 2, groupXmlSet: ['a.xml'], secret: 'x' },
      },
      credentialsKey: 'local-key',
    },
    remoteProjectId: 'rp1',
    remoteRepoName: 'gen',
    create: true,
    ...changes,
  };
}

const json = ({ body }: Received): unknown => JSON.parse(body.toString());

test('project and repository are created with what is allowed, and nothing of the source besides', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, STORED) });
  const repository = await target.prepareRepository(request(), signal);
  assert.deepEqual(repository, { projectId: 'rp1', name: 'gen', repoType: 'GENERIC', storageKey: null });
  assert.deepEqual(
    server.received.map(({ method, url }) => `${method} ${url}`),
    ['POST /replication/replica/project/create', 'POST /replication/replica/repo/create'],
  );
  assert.deepEqual(server.received.map(json), [
    {
      name: 'rp1',
      displayName: 'Project One',
      description: 'd'.repeat(200),
      createPermission: false,
      operator: 'robot',
    },
    {
      projectId: 'rp1',
      name: 'gen',
      type: 'GENERIC',
      category: 'LOCAL',
      public: false,
      description: null,
      configuration: { type: 'local', settings: { repodataDepth: 2, groupXmlSet: ['a.xml'] } },
      operator: 'robot',
    },
  ]);
});

test('every request carries the account, our name, and asks for English messages', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, STORED) });
  await target.prepareRepository(request(), signal);
  for (const { headers } of server.received) {
    assert.equal(headers.authorization, `Basic ${Buffer.from('robot:sehr-geheim-4711').toString('base64')}`);
    assert.equal(headers['user-agent'], 'bkrepo-replicator/test');
    assert.equal(headers['accept-language'], 'en');
    assert.equal(headers['content-type'], 'application/json');
  }
});

test('of the storage credentials only the key is kept', async (context) => {
  const data = { ...STORED, storageCredentials: { type: 's3', key: 'cos-1', secretKey: 'top secret', accessKey: 'a' } };
  const { target, signal } = await scene(context, { answer: (_, response) => envelope(response, data) });
  const repository = await target.prepareRepository(request(), signal);
  assert.equal(repository.storageKey, 'cos-1');
  assert.doesNotMatch(JSON.stringify(repository), /secret/i);
});

for (const [what, data] of [
  ['type', { ...STORED, type: 'MAVEN' }],
  ['category', { ...STORED, category: 'VIRTUAL' }],
] as const) {
  test(`a repository of another ${what} is RepositoryTypeMismatch`, async (context) => {
    const { target, signal } = await scene(context, { answer: (_, response) => envelope(response, data) });
    const error = await failureOf(target.prepareRepository(request(), signal));
    assert.deepEqual([error.errorClass, error.code], ['spec', 'RepositoryTypeMismatch']);
    assert.match(error.message, /rp1\/gen at far side edge-1/);
  });
}

test('losing the race to create project or repository is no error', async (context) => {
  const seen = new Map<string, number>();
  const answer: Answer = ({ url }, response) => {
    const times = (seen.get(url) ?? 0) + 1;
    seen.set(url, times);
    if (url.includes('project')) refusal(response, 400, 251005, 'Project [rp1] existed');
    else if (times === 1) refusal(response, 400, 251007, 'Repository [gen] existed');
    else envelope(response, STORED);
  };
  const { target, signal } = await scene(context, { answer });
  assert.equal((await target.prepareRepository(request(), signal)).storageKey, null);
});

test('without automatic creation the repository is looked up, and nothing is created', async (context) => {
  const data = { ...STORED, storageCredentialsKey: 'k' };
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, data) });
  assert.equal((await target.prepareRepository(request({ create: false }), signal)).storageKey, 'k');
  assert.deepEqual(
    server.received.map(({ method, url }) => `${method} ${url}`),
    ['GET /repository/api/repo/info/rp1/gen'],
  );
});

test('an older server is asked for the repository by its type too', async (context) => {
  const answer: Answer = ({ url }, response) =>
    url.endsWith('/GENERIC') ? envelope(response, STORED) : refusal(response, 404, 250130, 'no');
  const { target, signal } = await scene(context, { answer });
  assert.equal((await target.prepareRepository(request({ create: false }), signal)).name, 'gen');
});

for (const [what, answer] of [
  ['null', (_: unknown, response) => envelope(response, null)],
  ['unknown repository', (_: unknown, response) => refusal(response, 400, 251006, 'Repository [gen] not found')],
  ['unknown project', (_: unknown, response) => refusal(response, 404, 251004, 'Project [rp1] not found')],
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`without automatic creation, ${what} is RemoteRepoMissing`, async (context) => {
    const { target, signal } = await scene(context, { answer });
    const error = await failureOf(target.prepareRepository(request({ create: false }), signal));
    assert.deepEqual([error.errorClass, error.code], ['spec', 'RemoteRepoMissing']);
    assert.match(error.message, /automaticCreateRemoteRepo/);
  });
}

test('a server that has no look-up at all is told apart from a missing repository', async (context) => {
  const { target, signal } = await scene(context, { answer: (_, response) => refusal(response, 404, 250130, 'no') });
  const error = await failureOf(target.prepareRepository(request({ create: false }), signal));
  assert.deepEqual([error.errorClass, error.code], ['spec', 'RemoteRepoUnknown']);
});

test('an error of the look-up is not taken for missing', async (context) => {
  const { target, signal } = await scene(context, { answer: (_, response) => refusal(response, 500, 250102, 'busy') });
  const error = await failureOf(target.prepareRepository(request({ create: false }), signal));
  assert.equal(error.errorClass, 'retryable');
});

test('node/create tells created from existed, and a conflict with a folder from both', async (context) => {
  const answers: Answer[] = [
    (_, response) => envelope(response, { fullPath: '/a' }),
    (_, response) => refusal(response, 400, 251012, 'Node [/a] existed'),
    (_, response) => refusal(response, 400, 251012, 'Node [/a] existed'),
    (_, response) => refusal(response, 400, 251013, 'Node [/a] conflict'),
  ];
  const { target, signal } = await scene(
    context,
    { answer: (entry, response) => answers.shift()?.(entry, response) },
    { timeZone: 'UTC' },
  );
  const create = (overwrite: boolean): Promise<string> =>
    target.createNode(REPOSITORY, sourceNode(), { overwrite }, signal);
  assert.equal(await create(false), 'created');
  assert.equal(await create(false), 'existed');
  assert.equal((await failureOf(create(true))).code, 'NodeExisted');
  const conflict = await failureOf(create(false));
  assert.deepEqual([conflict.errorClass, conflict.code], ['unit', 'NodeConflict']);
});

for (const [what, timeZone, header, expected] of [
  ['the configured zone', 'Asia/Shanghai', '+0000', '2026-11-22T22:15:57.067'],
  ['the measured offset', undefined, '+0800', '2026-11-22T22:15:57.067'],
  ['UTC when nothing is known', undefined, undefined, '2026-11-22T14:15:57.067'],
] as const) {
  test(`dates are sent in ${what}`, async (context) => {
    const headers: Record<string, string> = header === undefined ? {} : { 'X-BKREPO-Time-Zone': header };
    const changes = timeZone === undefined ? {} : { timeZone };
    const { server, target, signal } = await scene(
      context,
      { answer: (_, response) => envelope(response, true, headers) },
      changes,
    );
    await target.blobStored(REPOSITORY, 'a'.repeat(64), signal);
    await target.createNode(REPOSITORY, sourceNode(), { overwrite: false }, signal);
    const body = JSON.parse(server.received[1]?.body.toString() ?? '') as Record<string, unknown>;
    assert.equal(body['createdDate'], expected);
  });
}

test('the first request to a far side is never a creation with dates in a zone that is not known yet', async (context) => {
  const { server, target, signal } = await scene(context, {
    answer: (entry, response) =>
      envelope(response, null, entry.url.includes('/ping') ? { 'X-BKREPO-Time-Zone': '+0800' } : {}),
  });
  await target.createNode(REPOSITORY, sourceNode(), { overwrite: false }, signal);
  await target.createNode(REPOSITORY, sourceNode(), { overwrite: false }, signal);
  const created = server.received.filter(({ url }) => url.endsWith('/node/create'));
  assert.deepEqual([server.received.length, created.length], [3, 2]);
  for (const { body } of created) {
    const { createdDate } = JSON.parse(body.toString()) as { readonly createdDate: string };
    assert.equal(createdDate, '2026-11-22T22:15:57.067');
  }
});

test('an unknown zone is refused when the target is made', () => {
  assert.throws(
    () => createBkRepoTarget(targetOptions('http://127.0.0.1:1', { timeZone: 'Mars/Olympus' })),
    (error: { code?: string; errorClass?: string }) => error.code === 'InvalidTimeZone' && error.errorClass === 'spec',
  );
});

test('metadata is saved with its flags and without replacing the rest, and deleted by key', async (context) => {
  const { server, target, signal } = await scene(context, { answer: (_, response) => envelope(response, null) });
  const entries = [{ key: 'forbidStatus', value: true, system: true }];
  await target.saveMetadata(REPOSITORY, '/a', entries, signal);
  await target.deleteMetadata(REPOSITORY, '/a', ['x'], signal);
  const place = { projectId: 'rp1', repoName: 'gen', fullPath: '/a', operator: 'robot' };
  assert.deepEqual(server.received.map(json), [
    {
      ...place,
      metadata: { forbidStatus: true },
      nodeMetadata: [{ ...entries[0], description: null, link: null, color: null }],
      replace: false,
    },
    { ...place, keyList: ['x'] },
  ]);
});

test('a probe tells version, latency and zone', async (context) => {
  const server = await startFaultServer({
    answer: ({ url }, response) =>
      envelope(response, url.endsWith('version') ? '1.0.0' : null, { 'X-BKREPO-Time-Zone': '+0800' }),
  });
  context.after(() => server.close());
  let now = 0;
  const clock = { ...systemClock, monotonic: () => (now += 12.5) };
  const result = await probeBkRepo(targetOptions(server.url, { clock }), context.signal);
  assert.deepEqual(result, { version: '1.0.0', latencyMs: 12.5, timeZoneOffset: '+08:00' });
  assert.deepEqual(
    server.received.map(({ url }) => url),
    ['/replication/replica/ping', '/replication/replica/version'],
  );
});

test('a probe of a server without version has none, a refused one fails', async (context) => {
  const answers: Answer[] = [
    (_, response) => envelope(response, null),
    (_, response) => refusal(response, 404, 250130, 'no'),
    (_, response) => refusal(response, 401, 250114, 'no'),
  ];
  const server = await startFaultServer({ answer: (entry, response) => answers.shift()?.(entry, response) });
  context.after(() => server.close());
  assert.equal((await probeBkRepo(targetOptions(server.url), context.signal)).version, null);
  assert.equal((await failureOf(probeBkRepo(targetOptions(server.url), context.signal))).code, 'Unauthorized');
});
