import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FastifyInstance, InjectOptions } from 'fastify';

import { ReplicationError } from '../../../../src/domain/errors.ts';
import { zoneOf } from '../../../../src/lib/local-time.ts';
import { complain, RestError } from '../../../../src/rest/codes.ts';
import { type Route, success } from '../../../../src/rest/http.ts';
import type { Authenticator, Credential } from '../../../../src/rest/ports.ts';
import type { RestServerOptions } from '../../../../src/rest/server/server.ts';
import type { LogFields, Logger } from '../../../../src/telemetry/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { httpContext, openDoor, REST_SETTINGS, restServer } from '../../../support/rest-server.ts';
import { eventually } from '../../../support/wait.ts';

const TASK_BODY = {
  type: 'object',
  required: ['name', 'objects'],
  properties: {
    name: { type: 'string', maxLength: 5 },
    rate: { type: ['integer', 'null'] },
    kind: { enum: ['A', 'B', null] },
    objects: {
      type: 'array',
      maxItems: 2,
      items: { type: 'object', required: ['repo'], properties: { repo: { type: 'string' } } },
    },
  },
};
const PAGE_QUERY = {
  type: 'object',
  required: ['projectId'],
  properties: { projectId: { type: 'string' }, pageSize: { type: 'integer' }, deep: { type: ['boolean', 'null'] } },
};

const echo: Route = (app) => {
  app.post('/api/task/create', { schema: { body: TASK_BODY } }, async (request) => success(request, request.body));
  app.get('/api/task/page', { schema: { querystring: PAGE_QUERY } }, async (request) =>
    success(request, request.query),
  );
  app.get('/api/task/info/:id', async (request) => success(request, request.params));
  app.delete('/api/task/info/:id', async (request) => success(request, null));
  app.post('/api/task/taken', { schema: { body: TASK_BODY } }, async (request) => success(request, null));
  app.get('/api/checked', { schema: { body: TASK_BODY } }, async (request) => success(request, request.body));
  app.get('/api/body', async (request) => success(request, request.body ?? null));
  app.post('/api/body', async (request) => success(request, request.body ?? null));
  app.post('/api/form', { config: { form: true } }, async (request) => success(request, request.body ?? null));
  app.get('/api/date', async (request) => success(request, request.dates.format(new Date('2026-11-23T01:02:03.400Z'))));
};

const JSON_TYPE = { 'content-type': 'application/json' };

function server(
  t: { after(end: () => Promise<void>): void },
  options: Partial<RestServerOptions> = {},
): FastifyInstance {
  const app = restServer({ routes: [echo], ...options });
  t.after(async () => await app.close());
  return app;
}

async function call(app: FastifyInstance, options: InjectOptions) {
  const answer = await app.inject(options);
  const envelope =
    answer.body === ''
      ? undefined
      : (answer.json() as { code: number; message: string; data: unknown; traceId: string });
  return { ...answer, status: answer.statusCode, headers: answer.headers, envelope };
}

test('a good request is answered with code 0 and the trace id, below every prefix', async (t) => {
  const app = server(t);
  const body = { name: 'abc', rate: null, objects: [{ repo: 'r' }], unknown: 1 };
  for (const base of ['', '/replication', '/replication/', '/web/replication', '/api//replication']) {
    const { status, headers, envelope } = await call(app, {
      method: 'POST',
      url: `${base}/api/task/create/`,
      payload: body,
    });
    assert.equal(status, 200, base);
    assert.deepEqual(envelope, { code: 0, message: null, data: body, traceId: headers['x-bkrepo-rid'] });
  }
});

test('what is wrong with a request is told with the code and status of bk-repo', async (t) => {
  const app = server(t);
  const post = (payload: unknown, headers = JSON_TYPE): InjectOptions => {
    return {
      method: 'POST',
      url: '/api/task/create',
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      headers,
    };
  };
  const objects = [{ repo: 'r' }];
  const cases: readonly (readonly [string, InjectOptions, number, number, RegExp])[] = [
    ['no body', { method: 'POST', url: '/api/task/create' }, 400, 250_106, /^Invalid request content/],
    ['empty body', post(''), 400, 250_106, /^Invalid request content/],
    ['not JSON', post('{nope'), 400, 250_106, /^Invalid request content/],
    ['JSON null', post('null'), 400, 250_106, /must be an object/],
    ['an array', post([]), 400, 250_106, /must be an object/],
    ['a missing field', post({ objects }), 400, 250_106, /\(name: is missing\)$/],
    ['a text as number', post({ name: 'a', objects, rate: '5' }), 400, 250_106, /\(rate: must be an integer\)$/],
    ['a number as text', post({ name: 5, objects }), 400, 250_106, /\(name: must be a string\)$/],
    ['an unknown enum', post({ name: 'a', objects, kind: 'C' }), 400, 250_106, /\(kind: must be one of A, B\)$/],
    [
      'everything at once',
      post({ name: 'abcdef', objects: [{}, {}, 3], kind: 'C' }),
      400,
      250_106,
      /name: is longer than 5 characters; kind: must be .*; objects: has more than 2 items; objects\[0\]\.repo: is missing; .*objects\[2\]: must be an object/,
    ],
    ['text/plain', post('{}', { 'content-type': 'text/plain' }), 415, 250_119, /^Unsupported Media Type$/],
    ['no type', { method: 'POST', url: '/api/task/create', payload: Buffer.from('{}') }, 415, 250_119, /^Unsupported/],
    ['a form', post('a=1', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 250_119, /^Unsupported/],
    ['a type that is none', post('{}', { 'content-type': 'json' }), 415, 250_119, /^Unsupported/],
    ['a body too large', post(`"${'a'.repeat(70_000)}"`), 413, 250_106, /too large/],
    ['a missing parameter', { url: '/api/task/page' }, 400, 250_103, /^Parameter \[projectId\] is missing$/],
    [
      'a parameter of a wrong type',
      { url: '/api/task/page?projectId=p&pageSize=abc' },
      400,
      250_131,
      /^Parameter validation failed: pageSize must be an integer$/,
    ],
    [
      'a parameter given twice',
      { url: '/api/task/page?projectId=p&projectId=q' },
      400,
      250_131,
      /projectId must be a string/,
    ],
    [
      'an unknown url',
      { url: '/replication//api/nope?token=secret' },
      404,
      250_130,
      /^Request url\[\/replication\/\/api\/nope\] not found$/,
    ],
    [
      'an unknown url with a body',
      { method: 'POST', url: '/x', payload: 'x', headers: { 'content-type': 'a/b' } },
      404,
      250_130,
      /\[\/x\]/,
    ],
    [
      'a wrong method',
      { method: 'PUT', url: '/replication/api/task/create' },
      405,
      250_112,
      /^Method not allowed, reason: Request method 'PUT' is not supported$/,
    ],
    ['a url that is none', { url: '/api/task/info/%zz' }, 400, 250_105, /^Parameter \[url\] is invalid/],
    ['a path out of the tree', { url: '/api/task/info/../../../etc/passwd' }, 404, 250_130, /not found/],
  ];
  for (const [name, request, status, code, message] of cases) {
    const answer = await call(app, request);
    assert.equal(answer.status, status, name);
    assert.equal(answer.envelope?.code, code, name);
    assert.match(answer.envelope?.message ?? '', message, name);
    assert.equal(answer.envelope?.data, null);
    assert.equal(answer.envelope?.traceId, answer.headers['x-bkrepo-rid']);
    assert.equal(answer.headers['x-bkrepo-time-zone'], '+0000', name);
    assert.match(String(answer.headers['content-type']), /^application\/json/, name);
  }
});

test('a wrong method is told what is allowed, and OPTIONS is answered with it', async (t) => {
  const app = server(t);
  const wrong = await call(app, { method: 'PATCH', url: '/replication/api/task/info/1' });
  assert.equal(wrong.headers['allow'], 'DELETE, GET, HEAD, OPTIONS');
  const options = await call(app, { method: 'OPTIONS', url: '/api/task/info/1/' });
  assert.deepEqual([options.status, options.headers['allow']], [204, 'DELETE, GET, HEAD, OPTIONS']);
  assert.equal((await call(app, { method: 'OPTIONS', url: '/api/nope' })).status, 404);
  const head = await app.inject({ method: 'HEAD', url: '/api/task/info/1' });
  assert.deepEqual([head.statusCode, head.body], [200, '']);
});

test('ids are taken as they are, whatever is in them', async (t) => {
  const app = server(t);
  const ids = { 'a%2fb': 'a/b', '..%2f..%2fetc': '../../etc', 'a%00b': 'a\0b', '%E4%B8%AD': '中' };
  for (const [written, id] of Object.entries(ids)) {
    const { status, envelope } = await call(app, { url: `/api/task/info/${written}` });
    assert.deepEqual([status, envelope?.data], [200, { id }], written);
  }
  assert.equal((await call(app, { url: `/api/task/info/${'x'.repeat(10_000)}` })).status, 200);
});

test('bodies are read as JSON of any charset name, also with GET; forms only where a route takes them', async (t) => {
  const app = server(t);
  const cases: readonly (readonly [InjectOptions, unknown])[] = [
    [{ method: 'GET', payload: '{"name":"far"}', headers: JSON_TYPE }, { name: 'far' }],
    [{ method: 'GET', headers: JSON_TYPE }, null],
    [{ method: 'GET', headers: { 'content-type': 'text/plain' } }, null],
    [{ method: 'GET' }, null],
    [
      { method: 'POST', payload: '{"a":"ü"}', headers: { 'content-type': 'application/json;charset=UTF-8' } },
      { a: 'ü' },
    ],
    [{ method: 'POST', payload: '[1]', headers: { 'content-type': 'Application/JSON; charset="utf-8"' } }, [1]],
    [{ method: 'POST', payload: '{}', headers: { 'content-type': 'application/vnd.x+json' } }, {}],
    [{ method: 'POST', payload: ' \n', headers: JSON_TYPE }, null],
    [{ method: 'POST', payload: '{"a":1,"a":2}', headers: JSON_TYPE }, { a: 2 }],
    [{ method: 'POST', payload: '\uFEFF{"a":1}', headers: JSON_TYPE }, { a: 1 }],
  ];
  for (const [request, body] of cases) {
    const { envelope } = await call(app, { ...request, url: '/api/body' });
    assert.deepEqual([envelope?.code, envelope?.data], [0, body], JSON.stringify(request));
  }
  const checked = await call(app, { method: 'GET', url: '/api/checked', payload: '{"name":1}', headers: JSON_TYPE });
  assert.deepEqual([checked.status, checked.envelope?.code], [400, 250_106]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const form = await call(app, { method: 'POST', url: '/api/form', payload: 'name=a%20b&name=c&__proto__=x', headers });
  assert.deepEqual(form.envelope?.data, JSON.parse('{"name":"a b","__proto__":"x"}'));
});

test('keys that reach for prototypes are dropped, and a body a thousand levels deep is only a body', async (t) => {
  const app = server(t);
  const payload = '{"a":1,"__proto__":{"admin":true},"b":{"__proto__":{"c":1},"constructor":{"prototype":{"d":1}}}}';
  const { envelope } = await call(app, { method: 'POST', url: '/api/body', payload, headers: JSON_TYPE });
  assert.equal(JSON.stringify(envelope?.data), '{"a":1,"b":{}}');
  assert.equal(({} as { admin?: boolean }).admin, undefined);
  const deep = `{"name":"a","objects":[{"repo":"r"}],"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  const { status } = await call(app, { method: 'POST', url: '/api/task/taken', payload: deep, headers: JSON_TYPE });
  assert.equal(status, 200);
});

test('a body with thousands of faults is refused in a short answer', async (t) => {
  const app = server(t, { settings: { ...REST_SETTINGS, bodyLimitBytes: 1_000_000 } });
  for (const count of [3_000, 200_000]) {
    const payload = JSON.stringify({ name: 'a', objects: Array.from({ length: count }, () => ({})) });
    const { status, envelope } = await call(app, {
      method: 'POST',
      url: '/api/task/create',
      payload,
      headers: JSON_TYPE,
    });
    assert.deepEqual([status, envelope?.code], [400, 250_106]);
    assert.match(envelope?.message ?? '', /objects: has more than 2 items/);
    assert.equal(envelope?.message.includes('objects[0].repo: is missing'), count === 3_000);
    assert.ok((envelope?.message.length ?? 0) < 2_000);
  }
});

test('the text of a query becomes what its schema wants', async (t) => {
  const { envelope } = await call(server(t), { url: '/api/task/page?projectId=7&pageSize=20&deep=true&x=1' });
  assert.deepEqual(envelope?.data, { projectId: '7', pageSize: 20, deep: true, x: '1' });
});

test('messages come in the language of the caller', async (t) => {
  const app = server(t);
  const cases = {
    'zh-CN,zh;q=0.9': ['zh-CN', '请求地址[/x]不存在'],
    zh_TW: ['zh-TW', '請求位址[/x]不存在'],
    fr: ['en', 'Request url[/x] not found'],
  };
  for (const [accepted, [language, message]] of Object.entries(cases)) {
    const { headers, envelope } = await call(app, { url: '/x', headers: { 'accept-language': accepted } });
    assert.deepEqual([headers['content-language'], envelope?.message], [language, message]);
  }
});

test('dates are in the zone of the caller, else in the configured one', async (t) => {
  const app = server(t, { context: httpContext({ zone: zoneOf('+08:00') }) });
  const cases: readonly (readonly [string | undefined, string, string])[] = [
    [undefined, '+0800', '2026-11-23T09:02:03.4'],
    ['+0000', '+0000', '2026-11-23T01:02:03.4'],
    ['-03:30', '-0330', '2026-11-22T21:32:03.4'],
    ['Asia/Kathmandu', '+0545', '2026-11-23T06:47:03.4'],
    ['nowhere', '+0800', '2026-11-23T09:02:03.4'],
    ['+9999', '+0800', '2026-11-23T09:02:03.4'],
    ['x'.repeat(1_000), '+0800', '2026-11-23T09:02:03.4'],
  ];
  for (const [zone, offset, date] of cases) {
    const { headers, envelope } = await call(app, {
      url: '/api/date',
      headers: zone === undefined ? {} : { 'x-bkrepo-time-zone': zone },
    });
    assert.deepEqual([headers['x-bkrepo-time-zone'], envelope?.data], [offset, date], zone);
  }
});

test('the caller is asked for before the body is read, and only unknown urls and the description are open', async (t) => {
  const asked: Credential[] = [];
  const authenticator: Authenticator = {
    authenticate: async (credential) => {
      asked.push(credential);
      throw complain('unauthenticated', 'Unauthorized');
    },
  };
  const app = server(t, { authenticator });
  const { status, headers, envelope } = await call(app, {
    method: 'POST',
    url: '/api/task/create',
    payload: '{nope',
    headers: { ...JSON_TYPE, authorization: 'Basic eA==' },
  });
  assert.deepEqual([status, envelope?.code, envelope?.message], [401, 250_114, 'Failed to authenticate: Unauthorized']);
  assert.deepEqual(headers['www-authenticate'], [
    'Basic realm="Authentication Required"',
    'Bearer realm="Authentication Required"',
  ]);
  assert.deepEqual(asked, [{ authorization: 'Basic eA==', address: '127.0.0.1' }]);
  assert.equal((await app.inject('/api/nope')).statusCode, 404);
  assert.equal((await app.inject('/openapi.json')).statusCode, 200);
  assert.equal((await app.inject('/replication/docs/')).statusCode, 200);
  assert.equal((await app.inject('/docs/static/swagger-ui.css')).statusCode, 200);
  assert.equal(asked.length, 1);
});

test('errors of inner parts become answers without inner words', async (t) => {
  const lines: { readonly level: string; readonly fields: LogFields | undefined }[] = [];
  const logger = recording(lines);
  const spec = (code: string): ReplicationError => new ReplicationError('spec', code, 'told words');
  const cases: readonly (readonly [unknown, number, number, RegExp, string | undefined])[] = [
    [new Error('secret words'), 500, 250_102, /^System service is busy, please try again later$/, undefined],
    [
      new ReplicationError('retryable', 'ApiUnavailable', '10.0.0.1'),
      503,
      250_116,
      /: the API server does not answer$/,
      '5',
    ],
    [
      new ReplicationError('retryable', 'JournalUnavailable', 'x', { retryAfterMs: 1_500 }),
      503,
      250_116,
      /: the journal does not answer$/,
      '2',
    ],
    [new ReplicationError('retryable', 'Whatever', 'secret words'), 503, 250_116, /please try again$/, '5'],
    [
      spec('ApiForbidden'),
      403,
      250_113,
      /^Access denied: this installation may not do that itself \(told words\)$/,
      undefined,
    ],
    [spec('SecretForbidden'), 403, 250_113, /told words/, undefined],
    [spec('ApiRefused'), 400, 250_106, /\(told words\)$/, undefined],
    [spec('SecretForeign'), 400, 250_107, /\(told words\)$/, undefined],
    [spec('Other'), 500, 250_102, /\(told words\)$/, undefined],
    [new ReplicationError('unit', 'InternalError', 'secret words'), 500, 250_102, /please try again later$/, undefined],
    [
      new RestError([{ code: 'tooManyRequests', subject: '' }], { retryAfterSeconds: 7 }),
      429,
      250_124,
      /^Too many requests/,
      '7',
    ],
    [
      complain('taskOwned', 'shop', 'edit it in Git'),
      409,
      250_308,
      /^task \[shop\] is managed elsewhere \(edit it in Git\)$/,
      undefined,
    ],
  ];
  const app = server(t, {
    context: httpContext({ logger }),
    routes: [
      (scope) =>
        void scope.get<{ Params: { index: string } }>('/api/fail/:index', async ({ params }) => {
          throw cases[Number(params.index)]?.[0];
        }),
    ],
  });
  for (const [index, [, status, code, message, retry]] of cases.entries()) {
    lines.length = 0;
    const answer = await call(app, { url: `/api/fail/${index}` });
    assert.deepEqual([answer.status, answer.envelope?.code], [status, code]);
    assert.match(answer.envelope?.message ?? '', message);
    assert.equal(answer.headers['retry-after'], retry);
    assert.doesNotMatch(answer.body, /secret words|10\.0\.0\.1/);
    const failure = lines.find(({ level }) => level === 'error' || level === 'warn');
    assert.equal(failure?.level, { 500: 'error', 503: 'warn' }[status]);
    if (failure !== undefined) assert.equal(failure.fields?.['traceId'], answer.envelope?.traceId);
  }
});

test('one debug line tells of a request, without its query', async (t) => {
  const lines: { readonly level: string; readonly fields: LogFields | undefined }[] = [];
  const app = server(t, { context: httpContext({ logger: recording(lines) }) });
  const { headers } = await call(app, { url: '/replication/api/task/page?projectId=secret' });
  const line = await eventually(() => lines[0]);
  const { ms, ...fields } = line.fields ?? {};
  assert.equal(typeof ms, 'number');
  assert.deepEqual(fields, {
    traceId: headers['x-bkrepo-rid'],
    method: 'GET',
    path: '/replication/api/task/page',
    status: 200,
    user: 'tester',
  });
  assert.equal(lines.length, 1);
});

test('a route whose time is up is ended, and answered for when it does not heed', async (t) => {
  const clock = new FakeClock();
  const routes: readonly Route[] = [
    (app) => {
      app.get('/api/heeds', async ({ ended }) => {
        await clock.sleep(600_000, ended);
      });
      app.get('/api/deaf', async () => await new Promise(() => {}));
    },
  ];
  const app = server(t, { context: httpContext({ clock }), routes });
  for (const url of ['/api/heeds', '/api/deaf']) {
    const pending = call(app, { url });
    await eventually(() => clock.sleeping > 0);
    clock.advance(REST_SETTINGS.requestTimeoutMs);
    if (url === '/api/deaf') await eventually(() => clock.slept.at(-1) === 1_000);
    clock.advance(1_000);
    const { status, envelope } = await pending;
    assert.deepEqual(
      [status, envelope?.message],
      [503, 'Service is not available at present: the request took too long'],
    );
  }
  await eventually(() => clock.sleeping === 0);
});

test('pages of configured origins may call and read refusals, others may not', async (t) => {
  const refusing: Authenticator = {
    authenticate: async () => await Promise.reject(complain('unauthenticated', 'Unauthorized')),
  };
  const app = server(t, {
    authenticator: refusing,
    settings: { ...REST_SETTINGS, corsOrigins: ['https://ui.example'] },
  });
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/replication/api/task/create',
    headers: {
      origin: 'https://ui.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  });
  assert.equal(preflight.statusCode, 204);
  assert.equal(preflight.headers['access-control-allow-origin'], 'https://ui.example');
  assert.match(String(preflight.headers['access-control-allow-headers']), /Authorization/);
  const refused = await app.inject({ url: '/api/body', headers: { origin: 'https://ui.example' } });
  assert.deepEqual([refused.statusCode, refused.headers['access-control-allow-origin']], [401, 'https://ui.example']);
  const other = await app.inject({ url: '/api/body', headers: { origin: 'https://evil.example' } });
  assert.equal(other.headers['access-control-allow-origin'], undefined);
  const closed = await server(t, { authenticator: openDoor }).inject({
    url: '/api/body',
    headers: { origin: 'https://ui.example' },
  });
  assert.equal(closed.headers['access-control-allow-origin'], undefined);
});

function recording(lines: { level: string; fields: LogFields | undefined }[]): Logger {
  const at = (level: string) => (_msg: string, fields?: LogFields) => void lines.push({ level, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => recording(lines) };
}
