import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import { HostGuard } from '../../../src/target/http/host-guard.ts';
import type { HostPolicy } from '../../../src/target/http/options.ts';

const NOTHING: HostPolicy = { allowedHosts: [], allowedAddresses: [], apiServers: [], allowedProxies: [] };

function refusal(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ReplicationError);
    assert.equal(error.code, 'HostNotAllowed');
    assert.equal(error.errorClass, 'spec');
    return error.message;
  }
  return undefined;
}

const HOSTS: readonly (readonly [string, readonly string[], boolean, boolean])[] = [
  ['http://repo.example.com', [], false, false],
  ['http://repo.example.com', ['*'], true, false],
  ['http://repo.example.com', ['repo.example.com'], true, true],
  ['http://REPO.example.com.', ['Repo.Example.Com'], true, true],
  ['http://repo.example.com', ['*.example.com'], true, true],
  ['http://a.b.example.com', ['*.example.com'], true, true],
  ['http://example.com', ['*.example.com'], false, false],
  ['http://notexample.com', ['*.example.com'], false, false],
  ['http://10.1.2.3', ['10.0.0.0/8'], true, true],
  ['http://11.1.2.3', ['10.0.0.0/8'], false, false],
  ['http://[fd00::5]', ['fd00::/8'], true, true],
];

for (const [url, allowedHosts, direct, proxied] of HOSTS) {
  test(`${url} against [${allowedHosts.join()}]: direct ${direct}, behind a proxy ${proxied}`, () => {
    const guard = new HostGuard({ ...NOTHING, allowedHosts });
    assert.equal(refusal(() => guard.assertHost(new URL(url), false)) === undefined, direct);
    assert.equal(refusal(() => guard.assertHost(new URL(url), true)) === undefined, proxied);
  });
}

for (const url of [
  'http://127.0.0.1',
  'http://2130706433',
  'http://0x7f.1',
  'http://[::1]',
  'http://[::ffff:127.0.0.1]',
  'http://169.254.169.254',
  'http://[64:ff9b::a9fe:a9fe]',
  'http://0.0.0.0',
]) {
  test(`${url} is refused as an address whatever host pattern matches`, () => {
    const guard = new HostGuard({ ...NOTHING, allowedHosts: ['*', '0.0.0.0/0', '::/0'] });
    assert.match(refusal(() => guard.assertHost(new URL(url), false)) ?? '', /only the installation's configuration/);
  });
}

test('a configured exception opens loopback and nothing else', () => {
  const guard = new HostGuard({ ...NOTHING, allowedHosts: ['*'], allowedAddresses: ['127.0.0.0/8', '::1'] });
  assert.equal(
    refusal(() => guard.assertHost(new URL('http://127.0.0.1:8080'), false)),
    undefined,
  );
  assert.equal(
    refusal(() => guard.assertHost(new URL('http://[::1]:8080'), false)),
    undefined,
  );
  assert.match(refusal(() => guard.assertHost(new URL('http://169.254.0.1'), false)) ?? '', /link-local/);
});

const API: readonly (readonly [string, readonly string[], boolean])[] = [
  ['https://kubernetes.default.svc', ['kubernetes.default.svc'], true],
  ['https://kubernetes.default.svc:8443', ['kubernetes.default.svc:443'], false],
  ['https://kubernetes.default.svc', ['kubernetes.default.svc:443'], true],
  ['https://10.96.0.1', ['10.96.0.1'], true],
  ['https://10.96.0.1', ['10.96.0.1:443'], true],
  ['https://10.96.0.1:8443', ['10.96.0.1:443'], false],
  ['https://[::ffff:10.96.0.1]', ['10.96.0.1'], true],
  ['https://[fd00::1]', ['[fd00::1]:443'], true],
  ['https://[fd00::1]', ['fd00::1'], true],
  ['https://10.96.0.2', ['10.96.0.1'], false],
];

for (const [url, apiServers, refused] of API) {
  test(`${url} with API server [${apiServers.join()}] is ${refused ? 'refused' : 'allowed'}`, () => {
    const guard = new HostGuard({ ...NOTHING, allowedHosts: ['*'], apiServers });
    const words = refusal(() => guard.assertHost(new URL(url), false));
    assert.equal(words !== undefined, refused);
    if (refused) assert.match(words ?? '', /API server/);
  });
}

test('an address that the API server name resolves to is refused under any other name', () => {
  const guard = new HostGuard({ ...NOTHING, allowedHosts: ['*'], apiServers: ['api.example.com:6443'] });
  assert.match(refusal(() => guard.assertAddress('evil.test', '10.5.5.5', 6443, ['10.5.5.5'])) ?? '', /API server/);
  assert.equal(
    refusal(() => guard.assertAddress('good.test', '10.5.5.6', 6443, ['10.5.5.5'])),
    undefined,
  );
});

test('a proxy is allowed by its origin only', () => {
  const guard = new HostGuard({ ...NOTHING, allowedProxies: ['http://proxy.example.com:3128'] });
  assert.equal(
    refusal(() => guard.assertProxy(new URL('http://user:pw@proxy.example.com:3128'))),
    undefined,
  );
  const words = refusal(() => guard.assertProxy(new URL('http://user:geheim@other.example.com:3128')));
  assert.match(words ?? '', /other\.example\.com:3128/);
  assert.doesNotMatch(words ?? '', /geheim/);
});

test('behind a proxy a loopback name is refused although nobody can check its address', () => {
  const guard = new HostGuard({ ...NOTHING, allowedHosts: ['localhost', 'x.localhost'] });
  assert.match(refusal(() => guard.assertHost(new URL('http://localhost'), true)) ?? '', /loopback/);
  assert.match(refusal(() => guard.assertHost(new URL('http://x.localhost'), true)) ?? '', /loopback/);
});
