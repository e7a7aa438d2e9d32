import assert from 'node:assert/strict';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { startPeer } from '../../../src/peer/server.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { createAuthority, type Identity } from '../../support/certificates.ts';
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../../support/fault-proxy.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, Standalone, secret, task } from './installation.ts';

/* Credentials and certificates that are replaced while a run goes on, as whoever owns them does it: the new ones first. */

const MIB = 1024 * 1024;
const LARGE = 24 * MIB;
const CHUNK = 8 * MIB;
const PASSWORDS = { old: 'old-password', new: 'new-password' } as const;
/** A test that hangs is told by its name, before its whole file is ended. Milliseconds. */
const LIMIT = { timeout: 120_000 };
const SLOW = { kind: 'slow', bytesPerSecond: 12 * MIB } as const;

let world: World;
let program: Standalone;
let sides = 0;

before(async () => {
  world = await World.start();
  await world.files.putFiles([
    ...Array.from({ length: 150 }, (_, index) => ({ path: `/small/${index}`, content: `content ${index}` })),
    { path: '/large', content: seededBytes(LARGE, 5) },
  ]);
});
after(() => world.stop());
beforeEach(async () => {
  program = await Standalone.create(world);
});
afterEach(() => program.remove());

interface Side extends Pick<FarSide, 'name' | 'db' | 'storeDir'> {
  readonly proxy: FaultProxy;
}

/** A far side that knows two accounts. */
async function twoAccounts(t: TestContext, faithful: boolean): Promise<Side> {
  sides += 1;
  const name = `rotated${sides}`;
  const db = world.client.db(`far_${name}`);
  const storeDir = join(world.directory, `store-${name}`);
  const users = Object.entries(PASSWORDS).map(([username, password]) => ({ username, password, admin: true }));
  const peer = await startPeer({ mongo: db, storePath: storeDir, users, faithful });
  const proxy = await startFaultProxy(peer.url);
  t.after(async () => {
    await proxy.close();
    await peer.close();
  });
  return { name, db, storeDir, proxy };
}

function accountOf({ headers }: SeenRequest): string | undefined {
  const [, encoded = ''] = headers.authorization?.split(' ') ?? [];
  return Buffer.from(encoded, 'base64').toString().split(':')[0];
}

const login = (username: keyof typeof PASSWORDS): object =>
  secret('far-login', { username, password: PASSWORDS[username] });

async function endsEqual(side: Side): Promise<void> {
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' }, 60_000);
  assert.deepEqual(await world.differences(side as FarSide), []);
  const { status } = await program.task('copy');
  const told = program.lines.filter((line) => / (WARN|ERROR) /i.test(line)).slice(-15);
  const words = `it cost no run\n${told.join('')}`;
  assert.deepEqual([status.executionTimes, status.lastExecutionStatus], [1, 'SUCCESS'], words);
}

for (const faithful of [false, true])
  test(
    `a password replaced in mid-upload costs no run and no upload (${faithful ? 'faithful' : 'sound'})`,
    LIMIT,
    async (t) => {
      const side = await twoAccounts(t, faithful);
      let revoked = false;
      let chunks = 0;
      const refused: SeenRequest[] = [];
      side.proxy.setFault((request) => {
        if (revoked && accountOf(request) === 'old') {
          refused.push(request);
          return { kind: 'answer', status: 401, body: '{"code":250107,"message":"authentication failed","data":null}' };
        }
        if (request.method !== 'PATCH') return undefined;
        chunks += 1;
        return SLOW;
      });
      await program.apply('login', login('old'));
      await program.apply('all', cluster('far', side.proxy.url), task('copy', ['far']));
      program.start();
      await eventually(() => chunks >= 2, { timeoutMs: 30_000 });
      await program.apply('login', login('new'));
      revoked = true;
      await endsEqual(side);
      assert.ok(refused.length > 0, 'the old password was refused');
      // What was under way together, the probe of the cluster among it.
      assert.ok(refused.length <= 24, `${refused.length} requests with the old password`);
      const sent = side.proxy.requests.filter(({ method }) => method === 'PATCH');
      const bytes = sent.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
      assert.ok(bytes <= LARGE + 2 * CHUNK, `${bytes} bytes were sent of ${LARGE}`);
    },
  );

/** TLS in front of a far side, whose certificate and whose authority of clients can be replaced. */
async function front(t: TestContext, port: number, identity: Identity, clientCa: string) {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = tls.createServer(
    { ...identity, ca: clientCa, requestCert: true, rejectUnauthorized: true },
    (near) => {
      const far = net.connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        socket.once('error', () => {});
      }
      near.once('close', () => far.destroy());
      far.once('close', () => near.destroy());
      near.pipe(far).pipe(near);
    },
  );
  server.on('connection', () => {
    connections += 1;
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const closeAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    closeAll();
    server.close();
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    /** As a load balancer that is given new ones: what is open ends. */
    replace(next: Identity, nextClientCa: string): void {
      server.setSecureContext({ ...next, ca: nextClientCa });
      closeAll();
    },
  };
}

test(
  'authorities and client keys replaced in mid-upload cost no run; an expired certificate is told, and tried at leisure',
  LIMIT,
  async (t) => {
    const [first, second] = [createAuthority('first authority'), createAuthority('second authority')];
    const clients = [createAuthority('first clients'), createAuthority('second clients')] as const;
    const shown = clients.map((authority) => authority.issue({ hosts: ['replicator'], client: true }));
    const trust = (ca: string, { cert, key }: Identity = { cert: '', key: '' }): readonly object[] => [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ca' }, data: { 'ca.crt': ca } },
      secret('client', { 'tls.crt': cert, 'tls.key': key }),
    ];
    const side = await twoAccounts(t, false);
    let chunks = 0;
    side.proxy.setFault(({ method }) => {
      if (method !== 'PATCH') return undefined;
      chunks += 1;
      return SLOW;
    });
    const port = Number(new URL(side.proxy.url).port);
    const there = await front(t, port, first.issue({ hosts: ['127.0.0.1'] }), clients[0].cert);
    const spec = { caConfigMapRef: { name: 'ca', key: 'ca.crt' }, clientCertificateSecretRef: { name: 'client' } };
    await program.apply('trust', ...trust(first.cert, shown[0]));
    await program.apply('login', login('new'));
    await program.apply('all', cluster('far', there.url, spec), task('copy', ['far']));
    program.start();
    await eventually(() => chunks >= 2, { timeoutMs: 30_000 });
    await program.apply('trust', ...trust(second.cert, shown[1]));
    there.replace(second.issue({ hosts: ['127.0.0.1'] }), clients[1].cert);
    await endsEqual(side);

    // A probe between the two replacements met the old certificate: that TlsError must not be taken for the next one.
    await program.condition('Cluster', 'far', 'Ready', { status: 'True' });
    there.replace(second.issue({ hosts: ['127.0.0.1'], expired: true }), clients[1].cert);
    const told = await program.condition('Cluster', 'far', 'Ready', { status: 'False', reason: 'TlsError' });
    assert.match(told.message, /expired/);
    await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'False', reason: 'ClusterUnreachable' });
    const [connections, began] = [there.connections(), performance.now()];
    await eventually(() => performance.now() - began > 3_000);
    const seconds = (performance.now() - began) / 1_000;
    const tried = there.connections() - connections;
    assert.ok(tried <= 2 * Math.ceil(seconds) + 2, `${tried} connections in ${seconds} s, it is probed once a second`);
    there.replace(second.issue({ hosts: ['127.0.0.1'] }), clients[1].cert);
    await program.condition('Cluster', 'far', 'Ready', { status: 'True' }, 60_000);
  },
);
