import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import { CoordinationV1Api, CoreV1Api, V1MicroTime } from '@kubernetes/client-node';

import { readSecret } from '../../../src/kube/core-objects.ts';
import * as errors from '../../../src/kube/errors.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { ResourceClient } from '../../../src/kube/resource-client.ts';
import { Transport, type TransportOptions } from '../../../src/kube/transport.ts';
import { answerJson, type Handler, type ScriptedApi, startScriptedApi, status } from './scripted-api.ts';

const never = new AbortController().signal;
const widgets = { group: 'test.example', version: 'v1', plural: 'widgets', kind: 'Widget' };

async function setUp(
  t: TestContext,
  handler: Handler,
  options: Partial<TransportOptions> = {},
  tokens?: readonly string[],
): Promise<{ api: ScriptedApi; transport: Transport; client: ResourceClient<KubeObject> }> {
  const api = await startScriptedApi(handler, tokens);
  const transport = new Transport({ load: api.load, ...options });
  t.after(async () => {
    await transport.close();
    await api.close();
  });
  return { api, transport, client: new ResourceClient(transport, widgets) };
}

async function failure(promise: Promise<unknown>): Promise<errors.KubeError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof errors.KubeError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'it did not fail' });
}

test('many requests share connections, ours and those of the generated classes', async (t) => {
  const { api, transport, client } = await setUp(t, ({ path }, response) => {
    if (path.endsWith('/widgets')) answerJson(response, 200, { metadata: { resourceVersion: '1' }, items: [] });
    else answerJson(response, 200, { metadata: { name: 's' }, data: { username: 'YWRtaW4=' } });
  });
  for (let i = 0; i < 150; i += 1) {
    await client.list('ns', never);
    const secret = await readSecret(transport, 'ns', 's', never);
    assert.equal(secret?.data.get('username')?.toString(), 'admin');
  }
  assert.ok(api.connections() <= 2, String(api.connections()));
  assert.equal(api.seen.length, 300);
});

test('each write says exactly what it is: method, path, content type, manager, validation, body', async (t) => {
  const { api, client } = await setUp(t, (_seen, response) => answerJson(response, 200, { metadata: { name: 'a' } }));
  const manager = { fieldManager: 'me' };
  const read = { metadata: { namespace: 'ns', name: 'a', resourceVersion: '41' } };
  await client.create({ metadata: { name: 'a' } }, 'ns', manager, never);
  await client.patchStatus(read, { observedGeneration: 3 }, manager, never);
  await client.mergePatch('ns', 'a', { metadata: { annotations: { x: null } } }, manager, never);
  await client.jsonPatch('ns', 'a', [{ op: 'remove', path: '/metadata/finalizers/0' }], manager, never);
  await client.apply('ns', 'a', { status: {} }, { ...manager, subresource: 'status', force: true }, never);
  await client.delete('ns', 'a/b', { uid: 'u1', propagationPolicy: 'Background' }, never);
  const root = '/apis/test.example/v1/namespaces/ns/widgets';
  assert.deepEqual(
    api.seen.map(({ method, path, query, headers, body }) => [
      method,
      path,
      query.toString(),
      headers['content-type'],
      body,
    ]),
    [
      ['POST', root, 'fieldManager=me&fieldValidation=Strict', 'application/json', '{"metadata":{"name":"a"}}'],
      [
        'PATCH',
        `${root}/a/status`,
        'fieldManager=me&fieldValidation=Strict',
        'application/merge-patch+json',
        '{"metadata":{"resourceVersion":"41"},"status":{"observedGeneration":3}}',
      ],
      [
        'PATCH',
        `${root}/a`,
        'fieldManager=me&fieldValidation=Strict',
        'application/merge-patch+json',
        '{"metadata":{"annotations":{"x":null}}}',
      ],
      [
        'PATCH',
        `${root}/a`,
        'fieldManager=me&fieldValidation=Strict',
        'application/json-patch+json',
        '[{"op":"remove","path":"/metadata/finalizers/0"}]',
      ],
      [
        'PATCH',
        `${root}/a/status`,
        'fieldManager=me&fieldValidation=Strict&force=true',
        'application/apply-patch+yaml',
        '{"status":{},"apiVersion":"test.example/v1","kind":"Widget"}',
      ],
      [
        'DELETE',
        `${root}/a%2Fb`,
        '',
        'application/json',
        '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u1"},"propagationPolicy":"Background"}',
      ],
    ],
  );
  assert.ok(api.seen.every(({ headers }) => headers.authorization === 'Bearer token-1'));
  assert.ok(api.seen.every(({ headers }) => headers['user-agent'] === 'bkrepo-replicator'));
});

test('a lease goes out with six digits after the second', async (t) => {
  const { api, transport } = await setUp(t, (_seen, response) => answerJson(response, 200, { metadata: {} }));
  const spec = { renewTime: new V1MicroTime('2026-01-02T03:04:05.678Z') };
  await new CoordinationV1Api(transport.configuration(never)).createNamespacedLease({
    namespace: 'ns',
    body: { metadata: { name: 'l' }, spec },
  });
  assert.match(api.seen[0]?.body ?? '', /"renewTime":"2026-01-02T03:04:05\.678000Z"/);
});

test('answers of refusal become errors with code, reason, causes and the wait asked for', async (t) => {
  const cases: [number, object | string, Record<string, string>, Partial<errors.KubeError>][] = [
    [404, status(404, 'NotFound', 'widgets "a" not found'), {}, { code: 404, reason: 'NotFound' }],
    [409, status(409, 'Conflict', 'object modified'), {}, { code: 409, reason: 'Conflict' }],
    [429, status(429, 'TooManyRequests', 'x', { retryAfterSeconds: 7 }), {}, { code: 429, retryAfterMs: 7_000 }],
    [429, 'slow down', { 'retry-after': '3' }, { code: 429, reason: 'HTTP429', retryAfterMs: 3_000 }],
    [502, '<html>bad gateway</html>', {}, { code: 502, reason: 'HTTP502' }],
    [500, '', {}, { code: 500 }],
    [
      422,
      status(422, 'Invalid', 'x', { causes: [{ field: 'spec.url', reason: 'FieldValueInvalid', message: 'bad' }] }),
      {},
      { code: 422, causes: [{ field: 'spec.url', reason: 'FieldValueInvalid', message: 'bad' }] },
    ],
  ];
  const { client } = await setUp(t, (_seen, response) => {
    const [code, body, headers] = cases[0] ?? [200, '', {}];
    response.writeHead(code, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  while (cases.length > 0) {
    const error = await failure(client.get('ns', 'a', never));
    const expected = cases.shift()?.[3] ?? {};
    for (const [field, value] of Object.entries(expected))
      assert.deepEqual(error[field as keyof errors.KubeError], value, `${field} of ${error.message}`);
    assert.match(error.message, /^GET \/apis\/test\.example\/v1\/namespaces\/ns\/widgets\/a: /);
  }
});

test('kinds of errors are told apart', () => {
  const make = (code: number, reason: string): errors.KubeError => new errors.KubeError(code, reason, '');
  const helpers = [
    'isNotFound',
    'isConflict',
    'isAlreadyExists',
    'isForbidden',
    'isGone',
    'isInvalid',
    'isUnreachable',
  ];
  const table: [unknown, string | undefined][] = [
    [make(404, 'NotFound'), 'isNotFound'],
    [make(409, 'Conflict'), 'isConflict'],
    [make(409, 'AlreadyExists'), 'isAlreadyExists'],
    [make(403, 'Forbidden'), 'isForbidden'],
    [make(410, 'Expired'), 'isGone'],
    [make(400, 'BadRequest'), 'isInvalid'],
    [make(422, 'Invalid'), 'isInvalid'],
    [make(0, 'Timeout'), 'isUnreachable'],
    [make(500, 'InternalError'), undefined],
    [Object.assign(new Error('not ours'), { code: 404 }), undefined],
  ];
  for (const [error, expected] of table)
    assert.deepEqual(
      helpers.filter((name) => (errors as unknown as Record<string, (e: unknown) => boolean>)[name]?.(error)),
      expected === undefined ? [] : [expected],
    );
});

test('after a 401 the credentials are loaded anew, once, for all requests that met it', async (t) => {
  const { api, transport, client } = await setUp(
    t,
    ({ headers }, response) => {
      if (headers.authorization === 'Bearer old') answerJson(response, 401, status(401, 'Unauthorized', 'expired'));
      else answerJson(response, 200, { metadata: { name: 'a', resourceVersion: '1' }, items: [] });
    },
    {},
    ['old', 'new\n', 'newer'],
  );
  await Promise.all([
    client.get('ns', 'a', never),
    client.list('ns', never),
    new CoreV1Api(transport.configuration(never)).readNamespacedSecret({ namespace: 'ns', name: 's' }),
  ]);
  assert.equal(api.loads(), 2);
  assert.ok(
    api.seen.some(({ headers }) => headers.authorization === 'Bearer new'),
    'the line end is cut off',
  );
});

test('a 401 that stays is an error, not a loop', async (t) => {
  const { api, client } = await setUp(t, (_seen, response) =>
    answerJson(response, 401, status(401, 'Unauthorized', 'no')),
  );
  assert.equal((await failure(client.get('ns', 'a', never))).code, 401);
  assert.equal(api.seen.length, 2);
});

test('a server that does not answer in time, resets, or is not there is unreachable', async (t) => {
  const { api, client } = await setUp(
    t,
    ({ path }, response) => {
      if (path.endsWith('/reset')) response.socket?.resetAndDestroy();
      if (path.endsWith('/half')) response.writeHead(200, { 'content-type': 'application/json' }).write('{"half":');
    },
    { timeoutMs: 200 },
  );
  assert.equal((await failure(client.get('ns', 'stall', never))).reason, 'Timeout');
  assert.equal((await failure(client.get('ns', 'half', never))).reason, 'Timeout');
  assert.equal((await failure(client.get('ns', 'reset', never))).reason, 'Unreachable');
  await api.close();
  const refused = await failure(client.get('ns', 'a', never));
  assert.equal(refused.reason, 'Unreachable');
  assert.match(refused.message, /ECONNREFUSED/);
});

test('an abort by the caller comes back as its own reason, and ends the request', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { transport, client } = await setUp(t, (_seen, response) => response.on('close', () => closed.resolve()));
  const stop = new AbortController();
  const reason = new Error('the run was stopped');
  const requests = [
    client.get('ns', 'a', stop.signal),
    new CoreV1Api(transport.configuration(stop.signal)).readNamespacedSecret({ namespace: 'ns', name: 's' }),
    client.watch('ns', { resourceVersion: '1', timeoutSeconds: 300 }, stop.signal).next(),
  ];
  setTimeout(() => stop.abort(reason), 50);
  for (const outcome of await Promise.allSettled(requests)) assert.deepEqual(outcome, { status: 'rejected', reason });
  await closed.promise;
});

test('an answer larger than the bound, or that is no JSON, is an error', async (t) => {
  const { client } = await setUp(
    t,
    ({ path }, response) => response.end(path.endsWith('/big') ? 'x'.repeat(200_000) : '<html>a proxy</html>'),
    { maxBodyBytes: 100_000 },
  );
  assert.equal((await failure(client.get('ns', 'big', never))).reason, 'AnswerTooLarge');
  assert.equal((await failure(client.get('ns', 'html', never))).reason, 'BadAnswer');
});

test('lists are read page by page, by the continue token', async (t) => {
  const { api, client } = await setUp(t, ({ query }, response) => {
    const page = Number(query.get('continue') ?? '0');
    const items = [{ metadata: { name: `w${page}` } }];
    const metadata = { resourceVersion: '77', ...(page < 2 ? { continue: String(page + 1) } : {}) };
    answerJson(response, 200, { metadata, items });
  });
  const { items, resourceVersion } = await client.list(undefined, never);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['w0', 'w1', 'w2'],
  );
  assert.equal(resourceVersion, '77');
  assert.ok(
    api.seen.every(({ path, query }) => path === '/apis/test.example/v1/widgets' && query.get('limit') === '500'),
  );
});

test('events of a watch are read wherever the stream is cut, also within a character', async (t) => {
  const events = ['一', '二', '三'].map((name, i) => ({
    type: ['ADDED', 'MODIFIED', 'DELETED'][i],
    object: { metadata: { name, uid: name, resourceVersion: String(i) } },
  }));
  const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const { client } = await setUp(t, async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    for (const byte of bytes) {
      response.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  const got: unknown[] = [];
  for await (const event of client.watch('ns', { resourceVersion: '1', timeoutSeconds: 300 }, never)) got.push(event);
  assert.deepEqual(got, events);
});

test('an ERROR event, an unknown one and a line that is no JSON are thrown, not skipped', async (t) => {
  const lines = [
    JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old resource version') }),
    JSON.stringify({ type: 'NEWS', object: {} }),
    '{"type":',
  ];
  const { client } = await setUp(t, (_seen, response) => response.end(`${lines[0]}\n`));
  for (const [code, reason] of [
    [410, 'Expired'],
    [0, 'BadAnswer'],
    [0, 'BadAnswer'],
  ] as const) {
    const error = await failure(client.watch('ns', { resourceVersion: '1', timeoutSeconds: 300 }, never).next());
    assert.deepEqual([error.code, error.reason], [code, reason]);
    lines.shift();
  }
});

test('a secret never stands in an error', async (t) => {
  const { client } = await setUp(
    t,
    (_seen, response) => answerJson(response, 403, status(403, 'Forbidden', 'no')),
    {},
    ['top-secret-token'],
  );
  const error = await failure(client.create({ data: { password: 'hunter2' } }, 'ns', { fieldManager: 'me' }, never));
  assert.ok(!JSON.stringify([error.message, error.stack, error.causes, error.cause]).match(/hunter2|top-secret/));
});
