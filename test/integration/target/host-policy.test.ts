import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import type { Resolve } from '../../../src/target/http/connector.ts';
import { HttpClient } from '../../../src/target/http/http-client.ts';
import type { HostPolicy } from '../../../src/target/http/options.ts';
import { createAuthority } from '../../support/certificates.ts';
import { envelope, type FaultServer, startFaultServer } from './fault-server.ts';
import { failureOf, REPOSITORY, targetOptions } from './support.ts';

const OPEN: HostPolicy = { allowedHosts: ['*'], allowedAddresses: [], apiServers: [], allowedProxies: [] };

const names =
  (table: Readonly<Record<string, readonly string[]>>): Resolve =>
  (host) =>
    Promise.resolve((table[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));

/** A far side on loopback, reached under the name far.test. */
async function farTest(
  context: TestContext,
  hostPolicy: HostPolicy,
  table: Readonly<Record<string, readonly string[]>>,
): Promise<{ readonly server: FaultServer; readonly ask: () => Promise<number> }> {
  const server = await startFaultServer({ answer: (_, response) => envelope(response, true) });
  const options = targetOptions(`http://far.test:${server.port}`, { hostPolicy });
  const client = new HttpClient('edge-1', options, names(table));
  context.after(async () => {
    await server.close();
    await client.close();
  });
  const ask = (): Promise<number> =>
    client.exchange(
      { method: 'GET', path: '/x' },
      (answer) => answer.read(1_000).then(() => answer.status),
      context.signal,
    );
  return { server, ask };
}

const RESOLVED: readonly (readonly [string, readonly string[], Partial<HostPolicy>, RegExp | undefined])[] = [
  ['loopback', ['127.0.0.1'], {}, /far\.test resolves to 127\.0\.0\.1, which is a loopback address/],
  ['mapped loopback', ['::ffff:127.0.0.1'], {}, /loopback/],
  ['link-local', ['169.254.169.254'], {}, /link-local/],
  ['a good and a bad address', ['10.255.255.1', '127.0.0.1'], {}, /loopback/],
  [
    'the API server by address',
    ['127.0.0.1'],
    { allowedAddresses: ['127.0.0.0/8'], apiServers: ['127.0.0.1'] },
    /API server/,
  ],
  [
    'the API server by name',
    ['127.0.0.1'],
    { allowedAddresses: ['127.0.0.0/8'], apiServers: ['api.test'] },
    /API server/,
  ],
  ['loopback as configured', ['127.0.0.1'], { allowedAddresses: ['127.0.0.0/8'] }, undefined],
  [
    'the API server at another port',
    ['127.0.0.1'],
    { allowedAddresses: ['127.0.0.0/8'], apiServers: ['127.0.0.1:1'] },
    undefined,
  ],
];

for (const [what, addresses, changes, words] of RESOLVED) {
  test(`a name that resolves to ${what} is ${words === undefined ? 'reached' : 'refused before any connection'}`, async (context) => {
    const table = { 'far.test': addresses, 'api.test': ['127.0.0.1'] };
    const { server, ask } = await farTest(context, { ...OPEN, ...changes }, table);
    if (words === undefined) {
      assert.equal(await ask(), 200);
      return;
    }
    const error = await failureOf(ask());
    assert.deepEqual([error.errorClass, error.code], ['spec', 'HostNotAllowed']);
    assert.match(error.message, words);
    assert.equal(server.received.length, 0);
  });
}

test('a literal address that a name of the API server resolves to is refused', async (context) => {
  const server = await startFaultServer({});
  const hostPolicy = { ...OPEN, allowedAddresses: ['127.0.0.0/8'], apiServers: ['api.test'] };
  const client = new HttpClient('x', targetOptions(server.url, { hostPolicy }), names({ 'api.test': ['127.0.0.1'] }));
  context.after(async () => {
    await server.close();
    await client.close();
  });
  const error = await failureOf(client.exchange({ method: 'GET', path: '/' }, () => Promise.resolve(), context.signal));
  assert.equal(error.code, 'HostNotAllowed');
});

test('a name without address is retryable', async (context) => {
  const { ask } = await farTest(context, OPEN, {});
  assert.equal((await failureOf(ask())).code, 'NameNotResolved');
});

for (const [what, url, hostPolicy] of [
  ['a host that no pattern allows', 'http://repo.example.com', { ...OPEN, allowedHosts: ['*.example.org'] }],
  ['loopback', 'http://127.0.0.1:8080', OPEN],
] as const) {
  test(`${what} is refused when the target is made`, () => {
    assert.throws(
      () => createBkRepoTarget(targetOptions(url, { hostPolicy })),
      (error: { code?: string; errorClass?: string }) => error.code === 'HostNotAllowed' && error.errorClass === 'spec',
    );
  });
}

interface Proxy {
  readonly url: string;
  readonly seen: string[];
  close(): Promise<void>;
}

/** Forwards plain requests by answering them, tunnels CONNECT to loopback whatever the name. */
async function startProxy(refuse?: number): Promise<Proxy> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    envelope(response, true);
  });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? '-'}`);
    sockets.add(socket);
    if (refuse !== undefined) {
      socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
      return;
    }
    const port = Number(request.url?.split(':')[1]);
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    for (const end of [socket, onward]) end.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function behindProxy(
  context: TestContext,
  settings: { readonly refuse?: number; readonly credentials?: string },
): Promise<{ readonly proxy: Proxy; readonly ask: () => Promise<boolean> }> {
  const authority = createAuthority('proxied');
  const proxy = await startProxy(settings.refuse);
  const tls = authority.issue({ hosts: ['far.example.com'] });
  const server = await startFaultServer({ tls, answer: (_, response) => envelope(response, true) });
  const proxyUrl = proxy.url.replace('//', `//${settings.credentials ?? ''}`);
  const hostPolicy = { ...OPEN, allowedHosts: ['*.example.com'], allowedProxies: [proxy.url] };
  const url = `https://far.example.com:${server.port}`;
  const target = createBkRepoTarget(targetOptions(url, { hostPolicy, proxyUrl, ca: authority.cert }));
  context.after(async () => {
    await target.close();
    await server.close();
    await proxy.close();
  });
  return { proxy, ask: () => target.blobStored(REPOSITORY, 'a'.repeat(64), context.signal) };
}

test('https goes through the tunnel of an allowed proxy, and TLS is verified at the far side', async (context) => {
  const { proxy, ask } = await behindProxy(context, { credentials: 'u:p@' });
  assert.equal(await ask(), true);
  assert.match(proxy.seen[0] ?? '', /^CONNECT far\.example\.com:\d+ Basic dTpw$/);
});

for (const [status, errorClass] of [
  [403, 'cluster'],
  [407, 'cluster'],
  [502, 'retryable'],
] as const) {
  test(`a proxy that answers ${status} to CONNECT is ${errorClass}`, async (context) => {
    const { ask } = await behindProxy(context, { refuse: status, credentials: 'u:geheim123@' });
    const error = await failureOf(ask());
    assert.deepEqual([error.errorClass, error.code], [errorClass, 'ProxyError'], error.message);
    assert.doesNotMatch(error.message, /geheim123/);
  });
}

test('a proxy that is not on the list is refused, and so is a host that only "*" allows behind one', () => {
  const proxyUrl = 'http://u:geheim123@proxy.example.com:3128';
  const refused = (hostPolicy: HostPolicy): void =>
    assert.throws(
      () => createBkRepoTarget(targetOptions('http://far.example.com', { hostPolicy, proxyUrl })),
      (error: { code?: string; message: string }) =>
        error.code === 'HostNotAllowed' && !error.message.includes('geheim123'),
    );
  refused({ ...OPEN, allowedHosts: ['far.example.com'] });
  refused({ ...OPEN, allowedProxies: ['http://proxy.example.com:3128'] });
});
