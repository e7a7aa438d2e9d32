import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';

import { type Route, success } from '../../../src/rest/http.ts';
import { listenRest, type RestListener, type RestListenerOptions } from '../../../src/rest/server/listener.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { httpContext, openDoor, REST_SETTINGS } from '../../support/rest-server.ts';
import { eventually } from '../../support/wait.ts';

const HOST = '127.0.0.1';

interface Conversation {
  /** Everything received until the server closed the connection. */
  readonly text: string;
  readonly ms: number;
}

const routes: Route = (app) => {
  app.post('/api/body', async (request) => success(request, null));
  app.get('/api/info/:id', async (request) => success(request, request.params));
};

async function listening(
  t: { after(end: () => Promise<void>): void },
  options: Partial<RestListenerOptions> = {},
): Promise<RestListener> {
  const listener = await listenRest({
    context: httpContext(),
    authenticator: openDoor,
    routes: [routes],
    settings: { ...REST_SETTINGS, requestTimeoutMs: 400 },
    host: HOST,
    port: 0,
    tlsFiles: undefined,
    ...options,
  });
  t.after(async () => await listener.close());
  return listener;
}

/** Sends the text and waits until the server has closed. */
async function talk(port: number, text: string, more: (socket: Socket) => void = () => {}): Promise<Conversation> {
  const begun = performance.now();
  const socket = connect(port, HOST);
  let received = '';
  socket.on('data', (data) => {
    received += data.toString('latin1');
  });
  socket.on('error', (error) => {
    received += `!${error.message}`;
  });
  socket.write(text, 'latin1');
  more(socket);
  await new Promise((resolve) => socket.once('close', resolve));
  return { text: received, ms: performance.now() - begun };
}

function get(path: string, ...headers: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
}

function post(path: string, ...headers: readonly string[]): string {
  return [`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', ...headers, '', ''].join('\r\n');
}

/** Exactly one answer, an envelope of this status and code. */
function assertEnvelope(name: string, { text }: Conversation, status: number, code: number): void {
  assert.equal(text.match(/HTTP\/1\.1 \d{3}/g)?.length, 1, `${name}: ${text}`);
  assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `), name);
  const envelope = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { code: number; traceId: string };
  assert.equal(envelope.code, code, name);
  assert.match(text, new RegExp(`x-bkrepo-rid: ${envelope.traceId}`, 'i'), name);
}

test('whatever comes in is answered by an envelope and its connection ends', async (t) => {
  const { port } = await listening(t);
  const flood = Array.from({ length: 2_000 }, (_, index) => `X-H${index}: ${'a'.repeat(24)}`);
  const large = 1_000_000;
  const cases: readonly (readonly [string, string, number, number, ((socket: Socket) => void)?])[] = [
    ['no HTTP', 'hello world\r\n\r\n', 400, 250_106],
    ['half a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 250_106],
    ['a null byte in the url', get('/api/\x00'), 400, 250_106],
    ['two lengths', post('/api/body', 'Content-Length: 3', 'Transfer-Encoding: chunked'), 400, 250_106],
    ['a flood of headers', get('/api/info/1', ...flood), 431, 250_106],
    ['an endless url', get(`/${'a'.repeat(20_000)}`), 431, 250_106],
    ['a body cut short', `${post('/api/body', 'Content-Length: 10')}{"a`, 400, 250_106, (socket) => void socket.end()],
    ['a slow body', `${post('/api/body', 'Content-Length: 10')}{"a`, 408, 250_106],
    ['slow headers', 'GET /api/info/1 HTTP/1.1\r\nHost: x\r\n', 408, 250_106],
    ['silence', '', 408, 250_106],
    [
      'a large body',
      `${post('/api/body', 'Connection: close', `Content-Length: ${large}`)}${'a'.repeat(large)}`,
      413,
      250_106,
    ],
    [
      'a large body in chunks',
      `${post('/api/body', 'Connection: close', 'Transfer-Encoding: chunked')}${large.toString(16)}\r\n${'a'.repeat(large)}\r\n0\r\n\r\n`,
      413,
      250_106,
    ],
    ['a large body that never ends', `${post('/api/body', `Content-Length: ${large}`)}${'a'.repeat(99)}`, 413, 250_106],
    ['an expectation', get('/api/info/1', 'Connection: close', 'Expect: wonders'), 200, 0],
    ['no Host', 'GET /api/info/1 HTTP/1.1\r\nConnection: close\r\n\r\n', 200, 0],
    ['dots as id', get('/replication/api/info/%2e%2e', 'Connection: close'), 200, 0],
    ['a whole url', get('http://x/replication//api/info/1?a', 'Connection: close'), 200, 0],
    ['an unheard method', 'PROPFIND /api/body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 405, 250_112],
    ['an upgrade', get('/api/nope', 'Connection: upgrade, close', 'Upgrade: websocket'), 404, 250_130],
  ];
  await Promise.all(
    cases.map(async ([name, text, status, code, more]) => {
      const conversation = await talk(port, text, more);
      assertEnvelope(name, conversation, status, code);
      assert.ok(conversation.ms < 3_000, `${name}: ${conversation.ms}`);
    }),
  );
  assertEnvelope('afterwards', await talk(port, get('/api/info/1', 'Connection: close')), 200, 0);
});

test('a connection that sends nonsense after a good request keeps the answer whole', async (t) => {
  const { port } = await listening(t);
  const { text } = await talk(port, `${get('/api/info/1')}nonsense\r\n\r\n`);
  assert.match(text, /^HTTP\/1\.1 (?:200 OK[^]*"code":0[^]*)?/);
  for (const body of text.split('\r\n\r\n').slice(1))
    assert.doesNotThrow(() => JSON.parse(body.split('HTTP/1.1')[0] ?? ''));
});

test('a caller that goes on sending a refused body keeps its connection', async (t) => {
  const { port } = await listening(t, { settings: { ...REST_SETTINGS, requestTimeoutMs: 10_000 } });
  const length = 1_000_000;
  const first = `${post('/api/body', `Content-Length: ${length}`)}${'a'.repeat(99)}`;
  const { text } = await talk(port, first, (socket) => {
    socket.once('data', () => socket.write(`${'a'.repeat(length - 99)}${get('/api/info/1', 'Connection: close')}`));
  });
  assert.deepEqual(text.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 413', 'HTTP/1.1 200']);
});

test('a route learns that its caller has gone', async (t) => {
  const gone = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  const waiting: Route = (app) => {
    app.get('/api/wait', async ({ ended }) => {
      begun.resolve();
      await once(ended, 'abort');
      gone.resolve(ended.reason);
      throw ended.reason;
    });
  };
  const { port } = await listening(t, { routes: [waiting], settings: { ...REST_SETTINGS, requestTimeoutMs: 60_000 } });
  const socket = connect(port, HOST);
  socket.write(get('/api/wait'));
  await begun.promise;
  socket.destroy();
  assert.match(String(await gone.promise), /the caller has gone/);
});

test('a stop lets running requests end, answers those that do not, and refuses new ones', async (t) => {
  const clock = new FakeClock();
  const open = Promise.withResolvers<void>();
  let running = 0;
  const slow: Route = (app) => {
    app.get('/api/ends', async (request) => {
      running += 1;
      await open.promise;
      return success(request, 'done');
    });
    app.get('/api/stays', async ({ ended }) => {
      running += 1;
      await once(ended, 'abort');
      throw ended.reason;
    });
    app.get('/api/deaf', async () => {
      running += 1;
      await new Promise(() => {});
    });
  };
  const settings = { ...REST_SETTINGS, requestTimeoutMs: 60_000 };
  const listener = await listening(t, { routes: [slow], context: httpContext({ clock }), settings });
  const { port } = listener;
  const idle = talk(port, '');
  const [ends, stays, deaf] = [
    talk(port, get('/api/ends')),
    talk(port, get('/api/stays')),
    talk(port, get('/api/deaf')),
  ];
  const again = talk(port, get('/api/ends') + get('/api/ends'));
  // Two in one piece begin both; the first answer ends their connection.
  await eventually(() => running === 5);
  const closed = listener.close();
  await eventually(async () => /ECONNREFUSED/.test((await talk(port, '')).text));
  open.resolve();
  assertEnvelope('ends', await ends, 200, 0);
  assert.match((await ends).text, /connection: close/i);
  assert.equal((await again).text.match(/HTTP\/1\.1 200/g)?.length, 1);
  await eventually(() => clock.slept.includes(3_000));
  clock.advance(3_000);
  assertEnvelope('stays', await stays, 503, 250_116);
  assert.match((await stays).text, /the server is stopping/);
  await eventually(() => clock.slept.at(-1) === 1_000);
  clock.advance(1_000);
  await closed;
  assert.deepEqual([(await deaf).text, (await idle).text], ['', '']);
  assert.equal(listener.close(), listener.close());
});

test('serving plain HTTP on an address of the network is warned of', async (t) => {
  const cases = [
    ['127.0.0.1', 0],
    ['0.0.0.0', 1],
  ] as const;
  for (const [host, count] of cases) {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    await listening(t, { host, context: httpContext({ logger }) });
    assert.equal(warnings.filter((message) => message.includes('without TLS')).length, count, host);
  }
});
