/** What is missing or wrong around a task: the conditions and Events say what and where, and once it is put right the far side becomes equal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createAuthority } from '../../support/certificates.ts';
import { startTlsFront, type TlsFront } from '../../support/tls-front.ts';
import { Installation, NAMESPACE } from './installation.ts';
import { cluster, copyOf, secret, type TaskChanges, task } from './manifests.ts';
import { ACCOUNT, type FarSide, Parts, SMALL } from './parts.ts';

interface Case {
  readonly name: string;
  readonly namespace?: string;
  /** What there is besides the task; the Cluster, if it is part of it, has the case's name. */
  readonly objects?: () => readonly object[];
  /** Clusters of the task; default: the one of the case's name. */
  readonly clusters?: readonly string[];
  readonly task?: TaskChanges;
  /** About the Cluster, where that is to blame. */
  readonly clusterReason?: string;
  readonly reason: string;
  /** Stalled: a person must act. Reconciling: it is looked for again. Undefined: neither. */
  readonly abnormal: 'Stalled' | 'Reconciling' | undefined;
  readonly message: RegExp;
  readonly cure: () => Promise<unknown>;
  /** What is in the project at the far side before the cure. Default: 0. */
  readonly contents?: number;
}

const authority = createAuthority('company');
const stranger = createAuthority('stranger');
const UNBOUND = 'unbound';

const CASES: readonly Case[] = [
  {
    name: 'no-cluster',
    reason: 'ClusterNotFound',
    abnormal: 'Reconciling',
    message: /namespace bkrepo-replicator-system has no Cluster .* no-cluster$/,
    cure: () => apply(cluster('no-cluster', { url: good.url })),
  },
  {
    name: 'no-secret',
    objects: () => [cluster('no-secret', { url: good.url, credentialsSecretRef: { name: 'login' } })],
    clusterReason: 'SecretNotFound',
    reason: 'SecretNotFound',
    abnormal: 'Reconciling',
    message: /Secret bkrepo-replicator-system\/login \(spec\.credentialsSecretRef\) does not exist/,
    cure: () => apply(secret('login', ACCOUNT)),
  },
  {
    name: 'no-key',
    objects: () => [
      secret('user-only', { username: ACCOUNT.username }),
      cluster('no-key', { url: good.url, credentialsSecretRef: { name: 'user-only' } }),
    ],
    clusterReason: 'SecretKeyMissing',
    reason: 'SecretKeyMissing',
    abnormal: 'Reconciling',
    message: /Secret bkrepo-replicator-system\/user-only \(spec\.credentialsSecretRef\) has no key password/,
    cure: () => apply(secret('user-only', ACCOUNT)),
  },
  {
    name: 'wrong-password',
    objects: () => [
      secret('wrong', { ...ACCOUNT, password: WRONG_PASSWORD }),
      cluster('wrong-password', { url: good.url, credentialsSecretRef: { name: 'wrong' } }),
    ],
    clusterReason: 'Unauthorized',
    reason: 'ClusterUnreachable',
    abnormal: undefined,
    message: /answered 401.*check user name and password in the Secret/,
    cure: () => apply(secret('wrong', ACCOUNT)),
  },
  {
    name: 'no-ca',
    objects: () => [cluster('no-ca', { url: securely('127.0.0.1'), caConfigMapRef: { name: 'no-ca' } })],
    clusterReason: 'ConfigMapNotFound',
    reason: 'ConfigMapNotFound',
    abnormal: 'Reconciling',
    message: /ConfigMap bkrepo-replicator-system\/no-ca \(spec\.caConfigMapRef\) does not exist/,
    cure: () => apply(configMap('no-ca', authority.cert)),
  },
  {
    name: 'wrong-ca',
    objects: () => [
      configMap('wrong-ca', stranger.cert),
      cluster('wrong-ca', { url: securely('127.0.0.1'), caConfigMapRef: { name: 'wrong-ca' } }),
    ],
    clusterReason: 'TlsError',
    reason: 'ClusterUnreachable',
    abnormal: undefined,
    message: /wrong-ca \(127\.0\.0\.1:\d+\).*an authority that is not trusted here \(unknown CA\): .*caConfigMapRef/,
    cure: () => apply(configMap('wrong-ca', authority.cert)),
  },
  {
    name: 'wrong-host',
    objects: () => [
      configMap('company-ca', authority.cert),
      cluster('wrong-host', { url: securely('localhost'), caConfigMapRef: { name: 'company-ca' } }),
    ],
    clusterReason: 'TlsError',
    reason: 'ClusterUnreachable',
    abnormal: undefined,
    message: /wrong-host \(localhost:\d+\).*its certificate is for another host \(hostname mismatch\)/,
    cure: () => edit('clusters.replication.bkrepo.io', 'wrong-host', { spec: { url: securely('127.0.0.1') } }),
  },
  {
    name: 'far-side-down',
    objects: () => [cluster('far-side-down', { url: 'http://127.0.0.1:9/replication' })],
    clusterReason: 'ConnectionRefused',
    reason: 'ClusterUnreachable',
    abnormal: undefined,
    message: /far-side-down \(127\.0\.0\.1:9\).*the connection was refused/,
    cure: () => edit('clusters.replication.bkrepo.io', 'far-side-down', { spec: { url: good.url } }),
  },
  {
    name: 'no-repository',
    clusters: ['good'],
    task: { object: { localRepoName: 'smal', remoteRepoName: 'small' } },
    reason: 'SourceRepositoryNotFound',
    abnormal: 'Stalled',
    message: /tools\/smal\b/,
    cure: () => editTask('no-repository', { localRepoName: 'small', remoteRepoName: 'small' }),
  },
  {
    name: 'other-type',
    clusters: ['good'],
    task: { object: { remoteProjectId: 'taken', remoteRepoName: 'artifacts' } },
    reason: 'RepositoryTypeMismatch',
    abnormal: 'Stalled',
    message: /taken\/artifacts.*MAVEN/,
    cure: () => editTask('other-type', {}),
  },
  {
    name: 'no-binding',
    namespace: UNBOUND,
    objects: () => [secret('good-credentials', ACCOUNT), cluster('no-binding', { url: good.url })],
    clusterReason: 'SecretForbidden',
    reason: 'SecretForbidden',
    abnormal: 'Stalled',
    message:
      /may not read Secret unbound\/good-credentials: namespace unbound lacks a RoleBinding .*bkrepo-replicator-secret-reader/,
    cure: () => installation.bindSecrets(UNBOUND),
  },
];

const WRONG_PASSWORD = 'mistyped-secret-3T';

let installation: Installation;
let parts: Parts;
let good: FarSide;
let front: TlsFront;

function securely(host: string): string {
  return `https://${host}:${front.port}/replication`;
}

function configMap(name: string, ca: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { 'ca.crt': ca } };
}

function apply(...objects: readonly object[]): Promise<string> {
  return installation.apply(NAMESPACE, objects);
}

function edit(kind: string, name: string, patch: object): Promise<string> {
  return installation.kubectl('-n', NAMESPACE, 'patch', kind, name, '--type=merge', '-p', JSON.stringify(patch));
}

function editTask(name: string, object: object): Promise<string> {
  const { projectId: remoteProjectId } = copyOf(name);
  const objects = [{ localRepoName: 'small', repoType: 'GENERIC', remoteProjectId, ...object }];
  return edit('replicatask', name, { spec: { replicaTaskObjects: objects } });
}

before(async () => {
  installation = await Installation.start();
  parts = await Parts.start(installation.directory);
  good = await parts.farSide('good');
  await parts.farSideRepository(good, 'taken', 'artifacts', 'MAVEN');
  front = await startTlsFront(Number(new URL(good.url).port), authority.issue({ hosts: ['127.0.0.1'] }));
  await installation.install(parts.databases);
  await installation.startOperator(parts.configuration({ namespaces: [UNBOUND] }));
  await installation.kubectl('create', 'namespace', UNBOUND);
  await apply(secret('good-credentials', ACCOUNT), cluster('good', { url: good.url }));
  for (const namespace of [NAMESPACE, UNBOUND]) {
    const cases = CASES.filter(({ namespace: wanted = NAMESPACE }) => wanted === namespace);
    const objects = cases.flatMap(({ name, clusters = [name], objects: more, task: changes }) => [
      task(name, clusters, changes),
      ...(more?.() ?? []),
    ]);
    await installation.apply(namespace, objects);
  }
});
after(async () => {
  await front.close();
  await parts.stop();
  await installation.stop();
});

for (const { name, namespace = NAMESPACE, reason, clusterReason, abnormal, message, cure } of CASES) {
  test(`${name} is told as ${reason}, and cured`, async () => {
    const told = [
      ['replicatasks', 'ReplicaTask', reason],
      ...(clusterReason === undefined ? [] : [['clusters', 'Cluster', clusterReason]]),
    ] as const;
    for (const [plural, kind, expected] of told as readonly (readonly [
      'replicatasks' | 'clusters',
      string,
      string,
    ])[]) {
      const options = { namespace };
      const ready = await installation.condition(plural, name, 'Ready', { status: 'False', reason: expected }, options);
      assert.match(ready.message, message);
      const conditions = (await installation.get(plural, name, namespace))?.status?.conditions ?? [];
      const shown = conditions.filter(({ type }) => type === 'Stalled' || type === 'Reconciling');
      const wanted = abnormal === undefined ? [] : [[abnormal, 'True', expected]];
      assert.deepEqual(
        shown.map(({ type, status, reason: why }) => [type, status, why]),
        wanted,
      );
      const { type } = await installation.event(name, expected, message, { namespace, kind });
      assert.equal(type, 'Warning');
    }
    assert.equal(await parts.contents(good, copyOf(name).projectId), 0);
    await cure();
    await installation.condition('replicatasks', name, 'Synced', { status: 'True', reason: 'AllEqual' }, { namespace });
    await installation.condition('replicatasks', name, 'Ready', { status: 'True', reason: 'Accepted' }, { namespace });
    const cured = (await installation.get('replicatasks', name, namespace))?.status.conditions ?? [];
    assert.deepEqual(cured.map(({ type }) => type).toSorted(), ['Ready', 'Synced']);
    assert.deepEqual(await parts.differences(good, copyOf(name), SMALL), []);
  });
}

test('a mistyped password is in no output, object or Event', async () => {
  const shown = await installation.kubectl(
    'get',
    'clusters.replication.bkrepo.io,replicatasks,events,configmaps',
    '--all-namespaces',
    '-o',
    'yaml',
  );
  const printed = [...installation.programs.map(({ output }) => output), good.program.output].join('\n');
  for (const text of [shown, printed]) {
    assert.match(text, /wrong-password/);
    assert.ok(!text.includes(WRONG_PASSWORD));
    assert.ok(!text.includes(Buffer.from(`${ACCOUNT.username}:${WRONG_PASSWORD}`).toString('base64')));
  }
});

test('what far sides log during a run has the id of the run', async () => {
  const runs = (await installation.get('replicatasks', 'no-cluster'))?.status.history?.map(({ recordId }) => recordId);
  const lines = (installation.programs[0]?.output ?? '').split('\n').filter((line) => line.includes('far side closed'));
  const ids = lines.map((line) => (JSON.parse(line) as { readonly recordId?: string }).recordId);
  assert.ok(runs?.length === 1 && ids.includes(runs[0]), JSON.stringify({ runs, ids }));
});

test('uninstall waits for the operator to stop, then releases the Clusters of its scope with its rights, and only those', async () => {
  const other = { labels: { 'replication.bkrepo.io/instance': 'other' } };
  const held = { finalizers: ['replication.bkrepo.io/finalizer', 'example.com/theirs'] };
  const far = cluster('foreign', { url: good.url }) as { readonly metadata: object };
  await apply({ ...far, metadata: { ...far.metadata, ...other, ...held } });
  await edit('clusters.replication.bkrepo.io', 'good', { metadata: held });
  const finalizers = async (name: string) => (await installation.get('clusters', name))?.metadata.finalizers;
  const refused = await installation.runCommand('uninstall', '--timeout', '0');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /operator \S+ is at work .*scale its Deployment to 0/);
  assert.deepEqual(await finalizers('good'), held.finalizers);
  await installation.programs[0]?.signal('SIGTERM');
  const done = await installation.runCommand('uninstall', '--timeout', '20');
  assert.deepEqual([done.code, done.stderr], [0, '']);
  assert.match(done.stdout, /^cluster bkrepo-replicator-system\/good: finalizer removed$/m);
  assert.match(done.stdout, /\nfinalizers removed: \d+\n$/);
  assert.deepEqual(await finalizers('good'), ['example.com/theirs']);
  assert.deepEqual(await finalizers('foreign'), held.finalizers);
  const again = await installation.runCommand('uninstall');
  assert.deepEqual(again, { code: 0, stdout: 'no finalizer was removed\n', stderr: '' });
});
