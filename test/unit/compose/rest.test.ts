import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Cluster } from '../../../src/api/cluster.gen.ts';
import { compileAdmission } from '../../../src/api/validate.ts';
import { createRestPart, type RestPart, type RestPartOptions } from '../../../src/compose/rest.ts';
import { checkRestConfig } from '../../../src/compose/rest-config.ts';
import { farSideProbe } from '../../../src/compose/rest-far-sides.ts';
import { restNamespaces } from '../../../src/compose/rest-namespaces.ts';
import { type Config, parseConfig } from '../../../src/config.ts';
import type { Access } from '../../../src/controllers/cluster/access.ts';
import { ReplicationError } from '../../../src/domain/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Route, success } from '../../../src/rest/http.ts';
import { type Logger, silentLogger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openDoor } from '../../support/rest-server.ts';
import { eventually } from '../../support/wait.ts';

function configOf(text: string): Config {
  return parseConfig({ file: { name: 'config.yaml', text }, environment: {} });
}

test('tasks of a project go where the first rule that names it says, others where Clusters are', () => {
  const config = configOf(`
rest:
  namespace: shop
  projects:
    - {projects: [app, 'app-*'], namespace: apps}
    - {projects: ['app-x', '*-test'], namespace: tests}
`);
  const namespaces = restNamespaces(config, 'own');
  const { usual, all } = namespaces;
  assert.deepEqual([usual, all], ['shop', ['shop', 'apps', 'tests']]);
  const expected = { app: 'apps', 'app-x': 'apps', 'x-test': 'tests', apps: 'shop', '*': 'shop', '': 'shop' };
  for (const [project, namespace] of Object.entries(expected))
    assert.equal(namespaces.ofProject(project), namespace, project);
  assert.deepEqual(restNamespaces(configOf(''), 'own').all, ['own']);
});

test('a namespace that is none, or is not served, is refused by its key', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['rest: {namespace: Shop}', /rest\.namespace: "Shop" is no name/],
    ['rest: {projects: [{projects: [a], namespace: a/b}]}', /rest\.projects\.0\.namespace: "a\/b" is no name/],
    ['{watchNamespaces: [a], rest: {namespace: b}}', /rest\.namespace: b is not in watchNamespaces/],
    ['watchNamespaces: [a]', /rest\.namespace \(by default the own one\): own is not in watchNamespaces/],
  ];
  for (const [text, words] of cases)
    assert.throws(() => restNamespaces(configOf(text), 'own'), { name: 'ConfigError', message: words }, text);
});

test('an API that nobody could call is refused, naming both ways to call it, and so is a zone that is none', () => {
  const cases: readonly (readonly [string, boolean, RegExp | undefined])[] = [
    ['{}', true, undefined],
    ['{}', false, /rest\.users\.file .*rest\.tokens\.enabled/],
    ['{tokens: {enabled: false}}', true, /rest\.users\.file, .*rest\.tokens\.enabled/],
    ['{tokens: {enabled: true}}', true, undefined],
    ['{tokens: {enabled: true}, users: {file: users.yaml}}', false, /rest\.tokens\.enabled/],
    ['{tokens: {enabled: false}, users: {file: users.yaml}}', true, undefined],
    ['{users: {file: users.yaml}}', false, undefined],
    ['{timeZone: Mars/Base}', true, /rest\.timeZone: "Mars\/Base"/],
    ['{namespace: A}', true, /rest\.namespace: "A"/],
  ];
  for (const [text, apiServer, words] of cases) {
    const check = (): void => {
      const config = configOf(`rest: ${text}`);
      checkRestConfig({ ...config, rest: { ...config.rest, enabled: true } }, 'own', apiServer);
    };
    if (words === undefined) assert.doesNotThrow(check, text);
    else assert.throws(check, { name: 'ConfigError', message: words }, text);
  }
});

const CLUSTER = {
  metadata: { namespace: 'ns', name: 'far' },
  spec: {
    type: 'STANDALONE',
    url: 'https://far.example',
    credentialsSecretRef: { name: 'login' },
    caSecretRef: { name: 'ca', key: 'ca.crt' },
  },
} as unknown as Cluster;

const SECRETS: Readonly<Record<string, Readonly<Record<string, Buffer>>>> = {
  login: { username: Buffer.from('stored'), password: Buffer.from('kept') },
  ca: { 'ca.crt': Buffer.from('PEM') },
};

test('a far side is pinged with the given credentials, else with those of its Secret', async () => {
  const seen: Access[] = [];
  const asked: string[] = [];
  const probe = farSideProbe({
    farSides: {
      assertAllowed: ({ spec }) => {
        if (spec.url.includes('evil')) throw new ReplicationError('spec', 'HostNotAllowed', 'not that host');
      },
      probe: async (_cluster, access) => {
        seen.push(access);
        return { version: null, latencyMs: 1 };
      },
    },
    store: {
      secret: async ({ name }) => {
        asked.push(name);
        const data = SECRETS[name];
        return data === undefined ? undefined : { data };
      },
      configMap: async () => undefined,
    },
    clock: systemClock,
  });
  const { signal } = new AbortController();
  await probe.ping(CLUSTER, undefined, signal);
  await probe.ping(CLUSTER, { username: 'given', password: 'new' }, signal);
  assert.deepEqual(seen, [
    { username: 'stored', password: 'kept', ca: 'PEM' },
    { username: 'given', password: 'new', ca: 'PEM' },
  ]);
  assert.deepEqual(asked, ['login', 'ca', 'ca']);
  const evil = { ...CLUSTER, spec: { ...CLUSTER.spec, url: 'https://evil.example' } };
  await assert.rejects(probe.ping(evil, undefined, signal), { code: 'HostNotAllowed' });
  assert.equal(asked.length, 3);
});

test('a ping ends after ten seconds, or with its caller', async () => {
  const clock = new FakeClock();
  const probe = farSideProbe({
    farSides: {
      assertAllowed: () => {},
      probe: async (_cluster, _access, signal) => {
        await clock.sleep(600_000, signal);
        throw new Error('nobody ended it');
      },
    },
    store: { secret: async () => undefined, configMap: async () => undefined },
    clock,
  });
  const bare = { ...CLUSTER, spec: { type: 'STANDALONE', url: 'https://far.example' } } as unknown as Cluster;
  const late = probe.ping(bare, undefined, new AbortController().signal);
  await eventually(() => clock.sleeping === 2);
  clock.advance(10_000);
  await assert.rejects(late, { code: 'Timeout', errorClass: 'retryable' });
  const caller = new AbortController();
  const left = probe.ping(bare, undefined, caller.signal);
  caller.abort(new Error('the caller has gone'));
  await assert.rejects(left, /the caller has gone/);
  assert.equal(clock.sleeping, 0);
});

/** An empty store whose cache is full when `ready` ends. */
function storeThat(ready: (signal: AbortSignal) => Promise<void>): RestPartOptions['store'] {
  const store = { ready, get: () => undefined, list: () => [], subscribe: () => () => {} };
  return store as unknown as RestPartOptions['store'];
}

interface Started {
  readonly part: RestPart;
  readonly ended: Promise<void>;
  readonly hard: AbortController;
  readonly port: () => Promise<number>;
}

function start(options: Partial<RestPartOptions> = {}): Started {
  let port: number | undefined;
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    info: (_message, fields) => {
      port = fields?.['port'] as number;
    },
  };
  const part = createRestPart({
    config: configOf('rest: {enabled: true, host: 127.0.0.1, port: 0}'),
    version: '0.0.0',
    clock: systemClock,
    random: Math.random,
    logger,
    store: storeThat(async () => {}),
    editor: {} as RestPartOptions['editor'],
    records: {} as RestPartOptions['records'],
    routes: [(app) => void app.get('/api/x', async (request) => success(request, null))],
    ownNamespace: 'own',
    apiServers: ['127.0.0.1:443'],
    admit: compileAdmission(),
    openAuthenticator: async () => openDoor,
    ...options,
  });
  const hard = new AbortController();
  return { part, hard, ended: part.task.run(hard.signal), port: async () => await eventually(() => port) };
}

test('the API listens once the caches are full, is part of readiness, and ends with a stop', async () => {
  const synced = Promise.withResolvers<void>();
  const { part, ended, port } = start({
    store: storeThat(async () => await synced.promise),
  });
  assert.equal(part.ready.check(), 'not listening yet');
  synced.resolve();
  const url = `http://127.0.0.1:${await port()}/replication/api/x`;
  assert.equal(part.ready.check(), undefined);
  assert.equal((await fetch(url)).status, 200);
  await part.stop();
  await ended;
  await assert.rejects(fetch(url));
});

test('a stop waits for what runs, and one before the caches are full is only an end', async () => {
  const finish = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const slow: Route = (app) => {
    app.get('/api/slow', async (request) => {
      begun.resolve();
      await finish.promise;
      return success(request, 'done');
    });
  };
  const { part, port } = start({ routes: [slow] });
  const answer = fetch(`http://127.0.0.1:${await port()}/api/slow`);
  await begun.promise;
  let stopped = false;
  const stop = part.stop().then(() => {
    stopped = true;
  });
  assert.equal(stopped, false);
  finish.resolve();
  assert.equal((await answer).status, 200);
  await stop;

  const waiting = start({
    store: storeThat(
      async (signal) =>
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ),
  });
  await waiting.part.stop();
  await waiting.ended;
});

test('what keeps the API from listening fails the program', async () => {
  const first = start();
  const port = await first.port();
  const config = configOf(`rest: {enabled: true, host: 127.0.0.1, port: ${port}}`);
  await assert.rejects(start({ config }).ended, { code: 'EADDRINUSE' });
  const tls = configOf('rest: {host: 127.0.0.1, port: 0, tls: {certFile: nowhere.crt, keyFile: nowhere.key}}');
  await assert.rejects(start({ config: tls }).ended, { code: 'TlsFiles', message: /nowhere\.crt cannot be read/ });
  first.hard.abort();
  await first.ended;
});
