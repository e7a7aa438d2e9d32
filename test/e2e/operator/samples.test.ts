/** From `kubectl apply` of what is shipped to equal far sides, by two operators of which one leads. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../../src/config.ts';
import { createAuthority } from '../../support/certificates.ts';
import type { Program } from '../../support/program.ts';
import { documentedManifests, sampleManifests } from '../../support/samples.ts';
import { startTlsFront, type TlsFront } from '../../support/tls-front.ts';
import { eventually } from '../../support/wait.ts';
import { BASE, CRDS, Installation, NAMESPACE, OPERATOR } from './installation.ts';
import { ACCOUNT, type FarSide, PASSWORDS, Parts } from './parts.ts';
import { grantsOf, requestsOf, uncovered, unused } from './rights.ts';

const TEAM = 'team-a';
const CLUSTERS = 'clusters.replication.bkrepo.io';

let installation: Installation;
let parts: Parts;
let shanghai: FarSide;
let shenzhen: FarSide;
let front: TlsFront;
const authority = createAuthority('company');
let configuration: Readonly<Record<string, object>>;

before(async () => {
  installation = await Installation.start();
  parts = await Parts.start(installation.directory);
  [shanghai, shenzhen] = await Promise.all([parts.farSide('shanghai'), parts.farSide('shenzhen', { faithful: true })]);
  await installation.install(parts.databases);
  configuration = parts.configuration({ namespaces: [TEAM] });
  front = await startTlsFront(Number(new URL(shanghai.url).port), authority.issue({ hosts: ['localhost'] }));
  await installation.kubectl('create', 'namespace', TEAM);
  for (const namespace of [NAMESPACE, TEAM])
    await installation.kubectl(
      '-n',
      namespace,
      'create',
      'configmap',
      'company-ca',
      `--from-literal=ca.crt=${authority.cert}`,
    );
  await installation.bindSecrets(TEAM);
});
after(async () => {
  await front.close();
  await parts.stop();
  await installation.stop();
});

async function createCa(namespace: string): Promise<void> {
  const literal = `--from-literal=ca.crt=${authority.cert}`;
  await installation.kubectl('-n', namespace, 'create', 'configmap', 'company-ca', literal);
}

async function applySamples(namespace: string): Promise<void> {
  const far = [
    { name: 'shanghai', url: `https://localhost:${front.port}/replication`, ca: 'company-ca', ...ACCOUNT },
    { name: 'shenzhen', url: shenzhen.url, ...ACCOUNT },
  ];
  await installation.apply(namespace, await sampleManifests(far));
}

function leaders(): Program[] {
  return installation.programs.filter(
    ({ running, output }) => running && output.includes('leading, controllers start'),
  );
}

async function assertEqual(): Promise<void> {
  for (const side of [shanghai, shenzhen]) assert.deepEqual(await parts.differences(side), [], side.name);
}

async function finishedRuns(namespace: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const { status } = (await installation.get('replicatasks', 'tools', namespace)) ?? {};
      return status?.activeRun === undefined && (status?.history?.length ?? 0) >= count;
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  );
}

test('the program accepts the shipped configuration and environment, and would not with an unknown key', async () => {
  const { config: text, environment } = await installation.shipped();
  const parsed = parseConfig({ file: { name: 'config.yaml', text }, environment });
  assert.equal(parsed.source.mongodb.uri, parts.databases.source);
  assert.equal(parsed.journal.mongodb.uri, parts.databases.journal);
  assert.deepEqual(parsed.source.storage.filesystem, { path: '/data/store' });
  assert.deepEqual(parsed.policy.rules, [{ namespaces: [NAMESPACE], projects: ['*'], hosts: ['*'] }]);
  const wrong = () => parseConfig({ file: { name: 'config.yaml', text: `${text}acces: []\n` }, environment });
  assert.throws(wrong, /acces: unknown key/);
});

test('the API server takes every resource that is shown in the documentation and the samples', async () => {
  const shown = await documentedManifests();
  assert.ok(shown.length >= 6, `${shown.length} files and blocks`);
  await Promise.all(
    shown.map(async ({ where, text }) => {
      const args = ['-n', TEAM, 'apply', '--dry-run=server', '--validate=strict', '-f', '-'];
      await assert.doesNotReject(installation.kubernetes.kubectl(args, { input: text }), where);
    }),
  );
});

test('two operators, one of which leads, make both far sides equal to what the samples ask for', async () => {
  await Promise.all([installation.startOperator(configuration), installation.startOperator(configuration)]);
  await applySamples(NAMESPACE);
  const resources = [`${CLUSTERS}/shanghai`, `${CLUSTERS}/shenzhen`, 'replicatask/tools'];
  await installation.kubectl('-n', NAMESPACE, 'wait', '--for=condition=Ready', '--timeout=50s', ...resources);
  await installation.kubectl('-n', NAMESPACE, 'wait', '--for=condition=Synced', '--timeout=50s', 'replicatask/tools');
  await assertEqual();
  await eventually(() => leaders().length === 1);
});

test('kubectl get shows type, schedule, enabled, last status, progress, lag, next run and ready', async () => {
  const table = await installation.kubectl('-n', NAMESPACE, 'get', 'replicatasks');
  const [header, row] = table.split('\n').map((line) => line.split(/\s{2,}/));
  assert.deepEqual(header, [
    'NAME',
    'TYPE',
    'SCHEDULE',
    'ENABLED',
    'LAST STATUS',
    'PROGRESS',
    'LAG',
    'NEXT RUN',
    'READY',
  ]);
  assert.deepEqual(row?.slice(0, 4), ['tools', 'SCHEDULED', 'Once', 'true']);
  assert.match(table, /SUCCESS +86\/86 +True/);
  assert.match(await installation.kubectl('-n', NAMESPACE, 'get', CLUSTERS), /shanghai +.*True/);
});

test('kubectl describe shows the conditions and Events that explain', async () => {
  const text = await installation.kubectl('-n', NAMESPACE, 'describe', 'replicatask', 'tools');
  for (const told of [
    /Type: +Ready/,
    /Type: +Synced/,
    /every artifact is equal at every far side \(run [0-9a-f-]+, as of/,
    /Accepted +.*bkrepo-replicator.*the task is accepted, all far sides \(shanghai, shenzhen\) answer/,
    /RunStarted .*run [0-9a-f-]+ \(one-shot\) to shanghai, shenzhen/,
    /RunSucceeded .*AllEqual: 86 copied, 0 unchanged/,
  ])
    assert.match(text, told);
});

test('kubectl explain describes the setting', async () => {
  const text = await installation.kubectl('explain', 'replicatask.spec.setting', '--recursive=false');
  for (const field of ['conflictStrategy', 'errorStrategy', 'includeMetadata', 'rateLimit'])
    assert.match(text, new RegExp(`  ${field}\\t<\\w+>\\n( +enum: .*\\n)?    \\S.{20,}`), field);
});

test('the leader stops in good order, and the other goes on at once', async () => {
  const [leader] = leaders();
  assert.ok(leader);
  await leader.signal('SIGTERM');
  assert.match(leader.output, /lease released/);
  await eventually(() => leaders().length === 1, { timeoutMs: 12_000 });
  await parts.files.putFile('/added', 'added between two leaders');
  await installation.annotate('tools', 'replication.bkrepo.io/run-requested=two');
  await finishedRuns(NAMESPACE, 2);
  const task = await installation.get('replicatasks', 'tools');
  assert.equal(task?.status.lastHandledRunRequest, 'two');
  assert.deepEqual([task?.status.progress?.success, task?.status.progress?.unchanged], [2, 86]);
  await assertEqual();
});

test('another namespace that is allowed and bound is served as well', async () => {
  await applySamples(TEAM);
  await installation.kubectl('-n', TEAM, 'wait', '--for=condition=Synced', '--timeout=50s', 'replicatask/tools');
  const task = await installation.get('replicatasks', 'tools', TEAM);
  assert.deepEqual([task?.status.progress?.success, task?.status.progress?.unchanged], [0, 88]);
});

test('the same Event twice is one Event with a series', async () => {
  for (const namespace of [NAMESPACE, TEAM]) {
    for (const value of ['true', 'false', 'true']) {
      await installation.annotate('tools', `replication.bkrepo.io/suspended=${value}`, namespace);
      const reason = value === 'true' ? 'Suspended' : 'Accepted';
      await installation.condition('replicatasks', 'tools', 'Ready', { status: 'True', reason }, { namespace });
    }
    await eventually(
      async () => (await installation.event('tools', 'Suspended', undefined, { namespace })).series?.count === 2,
    );
  }
});

test('a deleted task releases its clusters', async () => {
  const finalizers = async () => (await installation.get('clusters', 'shanghai', TEAM))?.metadata.finalizers;
  assert.deepEqual(await finalizers(), ['replication.bkrepo.io/finalizer']);
  await installation.kubectl('-n', TEAM, 'delete', 'replicatask', 'tools');
  await eventually(async () => (await finalizers()) === undefined);
});

test('the operators used exactly the rights that are shipped, and were denied none', async () => {
  const requests = requestsOf(await installation.kubernetes.readAuditLog(), OPERATOR);
  const grants = await grantsOf((args) => installation.kubectl(...args), OPERATOR);
  assert.ok(requests.some(({ verb }) => verb === 'watch'));
  const denied = requests.filter(({ denied: refused }) => refused);
  assert.deepEqual(denied, []);
  assert.deepEqual(uncovered(requests, grants), [], 'used, but not granted by what is shipped');
  assert.deepEqual(unused(grants, requests), [], 'granted, but not used');
});

test('passwords are in no output, object, Event or record', async () => {
  const kinds = (await installation.kubectl('api-resources', '--verbs=list', '-o', 'name')).trim().split('\n');
  const shown = kinds.filter((kind) => kind !== 'secrets').join(',');
  const texts: Record<string, string> = {
    'kubectl get': await installation.kubectl('get', shown, '--all-namespaces', '-o', 'yaml', '--show-managed-fields'),
    'the output of the operators': installation.programs.map(({ output }) => output).join('\n'),
    'the output of the far sides': [shanghai, shenzhen].map(({ program }) => program.output).join('\n'),
  };
  for (const { name } of await parts.journal.listCollections().toArray())
    texts[`the journal's ${name}`] = JSON.stringify(await parts.journal.collection(name).find().toArray());
  assert.match(texts['kubectl get'] ?? '', /kind: ReplicaTask/);
  assert.match(texts['the output of the operators'] ?? '', /run ended/);
  assert.match(texts["the journal's replica_record"] ?? '', /AllEqual|SUCCESS/);
  for (const [where, text] of Object.entries(texts)) {
    for (const password of PASSWORDS)
      for (const form of [password, Buffer.from(`${ACCOUNT.username}:${password}`).toString('base64')])
        assert.ok(!text.includes(form), `${where} shows ${form}`);
  }
});

test('deleting a namespace with its samples ends within a minute, also in mid-run', async () => {
  await parts.files.putFile('/late', 'added before a run that is held');
  shenzhen.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'answer', status: 503 } : undefined));
  await applySamples(TEAM);
  await installation.annotate('tools', 'replication.bkrepo.io/run-requested=held', TEAM);
  await installation.condition('replicatasks', 'tools', 'Running', { status: 'True' }, { namespace: TEAM });
  const { status } = (await installation.get('replicatasks', 'tools', TEAM)) ?? {};
  await installation.kubectl('delete', 'namespace', TEAM, '--timeout=60s');
  const runs = parts.journal.collection('replica_record').find({ namespace: TEAM });
  const open = async () => (await runs.clone().toArray()).filter((run) => run['status'] === 'RUNNING');
  await eventually(async () => (await open()).length === 0, { timeoutMs: 20_000 });
  const [last] = (await runs.clone().sort({ startTime: -1 }).toArray()) ?? [];
  assert.equal(String(last?.['_id'] ?? last?.['id']), status?.activeRun?.recordId);
  assert.match(String(last?.['errorReason']), /^TaskDeleted: /);
  shenzhen.proxy.setFault(undefined);
  assert.deepEqual(await parts.differences(shenzhen), ['/late: only at source']);
});

test('uninstalling with resources there ends within a minute while the operator runs', async () => {
  const task = await installation.get('replicatasks', 'tools');
  const cluster = await installation.get('clusters', 'shanghai');
  assert.deepEqual([task?.metadata.finalizers, cluster?.metadata.finalizers?.length], [undefined, 1]);
  await installation.kubectl('delete', '-f', CRDS, '--timeout=60s');
  const [leader] = leaders();
  await eventually(() => leader?.output.includes('the API server does not serve this kind') ?? false, {
    timeoutMs: 30_000,
  });
  assert.equal(leader?.running, true, 'it waits for the kinds to come back');
  await installation.kubectl('delete', '-k', BASE, '--timeout=60s');
});

test('uninstalling with resources there ends within a minute when the operator is gone, by the command of the base', async () => {
  await Promise.all(installation.programs.map((program) => program.signal('SIGKILL')));
  await installation.install(parts.databases);
  await createCa(NAMESPACE);
  const program = await installation.startOperator(configuration);
  await applySamples(NAMESPACE);
  await eventually(async () => (await installation.get('clusters', 'shenzhen'))?.metadata.finalizers?.length === 1);
  await program.signal('SIGKILL');
  await installation.kubectl('delete', '-k', BASE, '--wait=false');
  const release = /^# +kubectl get (?<get>clusters.*) \| kubectl (?<patch>patch .*)$/m.exec(
    await readFile(`${BASE}/kustomization.yaml`, 'utf8'),
  );
  const words = (text: string | undefined): string[] => (text ?? '').replaceAll("'", '').split(' ');
  const input = await installation.kubectl('get', ...words(release?.groups?.['get']));
  assert.match(input, /shanghai/);
  await installation.kubernetes.kubectl(words(release?.groups?.['patch']), { input });
  await installation.kubectl('wait', '--for=delete', `namespace/${NAMESPACE}`, '--timeout=60s');
  await installation.kubectl('delete', '-f', CRDS, '--timeout=60s');
});
