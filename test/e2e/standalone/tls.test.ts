import assert from 'node:assert/strict';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { createAuthority, type Identity } from '../../support/certificates.ts';
import { startTlsFront } from '../../support/tls-front.ts';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, configMap, login, secret, task } from './manifests.ts';
import { Site } from './site.ts';

/* Far sides behind TLS, as ingresses end it, and behind a proxy. */

let world: World;
const closing: (() => Promise<unknown>)[] = [];

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: 8 }, (_, index) => ({ path: `/file-${index}`, content: `content ${index}` })),
  );
});
after(async () => {
  for (const close of closing) await close();
  await world.stop();
});

async function newSite(policy: object): Promise<Site> {
  const site = await Site.create({
    source: world.mongod.uri,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
    config: { policy },
  });
  closing.push(() => site.remove());
  return site;
}

const portOf = ({ proxy }: FarSide): number => Number(new URL(proxy.url).port);

async function front(side: FarSide, identity: Identity): Promise<string> {
  const started = await startTlsFront(portOf(side), identity);
  closing.push(() => started.close());
  return `https://127.0.0.1:${started.port}`;
}

/** Lets nobody in who does not show a certificate of `authority`. */
async function mutualFront(side: FarSide, { cert, key }: Identity, authority: string): Promise<string> {
  const server = tls.createServer({ cert, key, ca: authority, requestCert: true, rejectUnauthorized: true }, (near) => {
    const far = net.connect(portOf(side), '127.0.0.1');
    near.once('error', () => far.destroy());
    far.once('error', () => near.destroy());
    near.once('close', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('certificates are verified: the right authority is trusted in three ways, a wrong one never', async () => {
  const ours = createAuthority('Authority of the far side');
  const other = createAuthority('Another authority');
  const clients = createAuthority('Authority of clients');
  const right = ours.issue({ hosts: ['127.0.0.1'] });
  const shown = clients.issue({ hosts: ['replicator'], client: true });
  const stranger = other.issue({ hosts: ['replicator'], client: true });
  const trusted = await world.farSide('trusted');
  const mutual = await world.farSide('mutual', { faithful: true });
  const good = await front(trusted, right);
  const mtls = await mutualFront(mutual, right, clients.cert);
  const credentialsSecretRef = { name: 'tls-login' };
  const map = (name: string): object => ({ caConfigMapRef: { name, key: 'ca.crt' } });
  const far = (name: string, url: string, spec: object): object =>
    cluster(name, url, { credentialsSecretRef, ...spec });

  const site = await newSite({ allowLoopback: true });
  await site.apply(
    'trust',
    login('tls'),
    configMap('right', { 'ca.crt': ours.cert }),
    configMap('wrong', { 'ca.crt': other.cert }),
    configMap('garbage', { 'ca.crt': 'no certificate' }),
    secret('right-ca', { 'ca.crt': ours.cert }),
    secret('client', { 'tls.crt': shown.cert, 'tls.key': shown.key }),
    secret('stranger', { 'tls.crt': stranger.cert, 'tls.key': stranger.key }),
  );
  await site.apply(
    'good',
    far('by-map', good, map('right')),
    far('by-secret', good, { caSecretRef: { name: 'right-ca', key: 'ca.crt' } }),
    far('inline', good, { certificate: ours.cert }),
    far('mutual', mtls, { ...map('right'), clientCertificateSecretRef: { name: 'client' } }),
    task('by-map', ['by-map']),
    task('to-mutual', ['mutual']),
  );
  const mismatch = await front(trusted, ours.issue({ hosts: ['far.example.com'] }));
  const expired = await front(trusted, ours.issue({ hosts: ['127.0.0.1'], expired: true }));
  await site.apply(
    'bad',
    far('wrong', good, map('wrong')),
    far('public', good, {}),
    far('garbage', good, map('garbage')),
    far('mismatch', mismatch, map('right')),
    far('expired', expired, map('right')),
    far('plain', trusted.proxy.url.replace('http:', 'https:'), map('right')),
    far('no-client', mtls, map('right')),
    far('stranger', mtls, { ...map('right'), clientCertificateSecretRef: { name: 'stranger' } }),
    task('to-wrong', ['wrong']),
  );
  await site.start();

  for (const name of ['by-map', 'by-secret', 'inline', 'mutual'])
    await site.condition('Cluster', name, 'Ready', { status: 'True', reason: 'Healthy' });
  await site.condition('ReplicaTask', 'by-map', 'Synced', { status: 'True' });
  await site.condition('ReplicaTask', 'to-mutual', 'Synced', { status: 'True' });
  assert.deepEqual(await world.differences(trusted), []);
  assert.deepEqual(await world.differences(mutual), []);

  const words: Readonly<Record<string, RegExp>> = {
    wrong: /unknown CA/,
    public: /unknown CA/,
    garbage: /caConfigMapRef.*no PEM certificate/,
    mismatch: /hostname mismatch/,
    expired: /expired/,
    plain: /does not speak TLS/,
    'no-client': /TLS|certificate|connection was lost/,
    stranger: /TLS|certificate|connection was lost/,
  };
  // With TLS 1.3 a client hears of its refusal only after the handshake, if the alert outruns the end of the connection.
  const refused = /^(TlsError|ConnectionLost)$/;
  const reasons: Readonly<Record<string, RegExp>> = {
    garbage: /^InvalidCertificate$/,
    'no-client': refused,
    stranger: refused,
  };
  for (const [name, pattern] of Object.entries(words)) {
    const { message, reason } = await site.condition('Cluster', name, 'Ready', { status: 'False' });
    assert.match(message, pattern, name);
    assert.match(reason, reasons[name] ?? /^TlsError$/, `${name}: ${message}`);
    assert.equal((await site.get('Cluster', name))?.status.health, 'UNHEALTHY');
  }
  const told = await site.condition('ReplicaTask', 'to-wrong', 'Ready', { status: 'False' });
  assert.match(told.message, /Cluster wrong .*unknown CA/);
  assert.ok(!site.output.includes('PRIVATE KEY'), 'no key is told');
});

/** A forward proxy: tunnels for https, requests with an absolute url for http. Counts whom it was asked for. */
async function startProxy(): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '');
    asked.push(url.host);
    const { method, headers } = request;
    const forward = http.request(url, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.once('error', () => response.destroy());
    request.pipe(forward);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (request, near: net.Socket) => {
    asked.push(request.url ?? '');
    const far = net.connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    sockets.add(far);
    far.once('error', () => near.destroy());
    near.once('error', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test('a proxy is used where the cluster names one of the allowed proxies, and a foreign one is never spoken to', async () => {
  const allowed = await startProxy();
  const foreign = await startProxy();
  const behind = await world.farSide('behind');
  const authority = createAuthority('Authority behind the proxy');
  const secure = await front(behind, authority.issue({ hosts: ['127.0.0.1'] }));
  const credentialsSecretRef = { name: 'p-login' };
  const site = await newSite({
    allowLoopback: true,
    proxies: [allowed.url],
    rules: [{ namespaces: ['default'], projects: ['*'], hosts: ['127.0.0.1'] }],
  });
  const far = (name: string, url: string, spec: object): object =>
    cluster(name, url, { credentialsSecretRef, ...spec });
  await site.apply(
    'all',
    login('p'),
    far('http', behind.proxy.url, { proxyUrl: allowed.url }),
    far('https', secure, { proxyUrl: allowed.url, certificate: authority.cert }),
    far('foreign', behind.proxy.url, { proxyUrl: foreign.url }),
    task('copy', ['https', 'http']),
    task('to-foreign', ['foreign']),
  );
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' });
  assert.deepEqual(await world.differences(behind), []);
  const here = [new URL(secure).host, new URL(behind.proxy.url).host];
  assert.deepEqual([...new Set(allowed.asked)].toSorted(), here.toSorted(), 'both far sides were reached through it');
  const { message } = await site.condition('ReplicaTask', 'to-foreign', 'Stalled', {
    status: 'True',
    reason: 'HostNotAllowed',
  });
  assert.ok(message.includes(`proxy ${foreign.url} is not among the proxies`), message);
  assert.deepEqual(foreign.asked, []);
});
