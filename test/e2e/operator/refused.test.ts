/** What is asked wrongly or may not be: the conditions and Events say what and where, and nothing is written at a far side. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KubectlFailed } from '../../support/kubectl.ts';
import { startProgram } from '../../support/program.ts';
import { eventually } from '../../support/wait.ts';
import { Installation, NAMESPACE } from './installation.ts';
import { cluster, copyOf, secret, type TaskChanges, task } from './manifests.ts';
import { ACCOUNT, type FarSide, Parts, SMALL } from './parts.ts';

interface Case {
  readonly name: string;
  /** Of a Cluster of this name, which the task then refers to; without it the task refers to a good one. */
  readonly cluster?: () => object;
  readonly task?: TaskChanges;
  readonly reason: string;
  readonly message: RegExp;
}

const PLACE = 'http://127.0.0.1:9/replication';
const CASES: readonly Case[] = [
  {
    name: 'cron',
    task: { setting: { executionPlan: { cronExpression: '0 0 25 * * ?' } } },
    reason: 'InvalidCron',
    message:
      /^spec\.setting\.executionPlan\.cronExpression: cronExpression "0 0 25 \* \* \?": field 3 \(hours\): 25 is more than 23$/,
  },
  {
    name: 'zone',
    task: { setting: { executionPlan: { cronExpression: '0 2 * * *', timeZone: 'Mars/Olympus' } } },
    reason: 'UnknownTimeZone',
    message:
      /^spec\.setting\.executionPlan\.timeZone: timeZone "Mars\/Olympus" is not in the IANA database that this program has; an example is Asia\/Shanghai$/,
  },
  {
    name: 'execute-time',
    task: { setting: { executionPlan: { executeTime: '2020-01-01T00:00:00Z' } } },
    reason: 'ExecuteTimePast',
    message:
      /^spec\.setting\.executionPlan\.executeTime: 2020-01-01T00:00:00Z is past by more than the starting deadline of 86400 s, and no run was begun for it; give a later time, or run the task now by a new value of the annotation replication\.bkrepo\.io\/run-requested$/,
  },
  {
    name: 'foreign-project',
    task: { spec: { localProjectId: 'finance' } },
    reason: 'ProjectNotAllowed',
    message: /namespace bkrepo-replicator-system may not copy project finance: .*policy/,
  },
  {
    name: 'center',
    cluster: () => ({ type: 'CENTER', url: PLACE }),
    reason: 'ClusterTypeNotSupported',
    message: /spec\.type: .*CENTER.*only STANDALONE/,
  },
  {
    name: 'remote',
    cluster: () => ({ type: 'REMOTE', url: PLACE }),
    reason: 'ClusterTypeNotSupported',
    message: /spec\.type: .*REMOTE.*only STANDALONE/,
  },
  {
    name: 'foreign-host',
    cluster: () => ({ url: 'http://far.example.com/replication' }),
    reason: 'HostNotAllowed',
    message: /far\.example\.com is not among the hosts/,
  },
  {
    name: 'loopback',
    cluster: () => ({ url: 'http://127.0.0.2:9/replication' }),
    reason: 'HostNotAllowed',
    message: /127\.0\.0\.2.*loopback/,
  },
  {
    name: 'link-local',
    cluster: () => ({ url: 'http://169.254.169.254/replication' }),
    reason: 'HostNotAllowed',
    message: /169\.254\.169\.254.*link-local/,
  },
  {
    name: 'api-server',
    cluster: () => ({ url: `${installation.kubernetes.url}/replication` }),
    reason: 'HostNotAllowed',
    message: /127\.0\.0\.1.*API server/,
  },
];

let installation: Installation;
let parts: Parts;
let good: FarSide;

before(async () => {
  installation = await Installation.start();
  parts = await Parts.start(installation.directory);
  good = await parts.farSide('good');
  await installation.install(parts.databases);
  await installation.startOperator(parts.configuration());
  const credentials = secret('good-credentials', ACCOUNT);
  const refused = CASES.flatMap(({ name, cluster: spec, task: changes }) => [
    ...(spec === undefined ? [] : [cluster(name, spec())]),
    task(name, [spec === undefined ? 'good' : name], changes),
  ]);
  await installation.apply(NAMESPACE, [
    ...refused,
    task('copy', ['good']),
    cluster('good', { url: good.url }),
    credentials,
  ]);
});
after(async () => {
  await parts.stop();
  await installation.stop();
});

test('resources applied in any order become ready, and the far side equal, beside all that is refused', async () => {
  await installation.condition('replicatasks', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  await installation.condition('replicatasks', 'copy', 'Ready', { status: 'True', reason: 'Accepted' });
  assert.deepEqual(await parts.differences(good, copyOf('copy'), SMALL), []);
});

for (const { name, cluster: spec, reason, message } of CASES) {
  test(`${name} is refused: ${reason}`, async () => {
    for (const plural of spec === undefined ? (['replicatasks'] as const) : (['clusters', 'replicatasks'] as const)) {
      const stalled = await installation.condition(plural, name, 'Stalled', { status: 'True', reason });
      const ready = await installation.condition(plural, name, 'Ready', { status: 'False', reason });
      assert.match(stalled.message, message);
      assert.equal(ready.message, stalled.message);
      const conditions = (await installation.get(plural, name))?.status?.conditions ?? [];
      assert.ok(!conditions.some(({ type }) => type === 'Reconciling' || type === 'Running'));
    }
    const kinds = spec === undefined ? ['ReplicaTask'] : ['Cluster', 'ReplicaTask'];
    for (const kind of kinds) {
      const { type, note } = await installation.event(name, reason, message, { kind });
      assert.deepEqual([type, note.length > 20], ['Warning', true]);
    }
    assert.equal(await parts.contents(good, copyOf(name).projectId), 0);
    assert.equal(await parts.journal.collection('replica_record').countDocuments({ name }), 0);
  });
}

test('what is refused is accepted once it is changed', async () => {
  const patch = ['patch', '--type=merge', '-p'];
  const task: object = { spec: { setting: { executionPlan: { executeTime: null, executeImmediately: true } } } };
  await installation.kubectl('-n', NAMESPACE, ...patch, JSON.stringify(task), 'replicatask', 'execute-time');
  const farSide: object = { spec: { type: 'STANDALONE', url: good.url } };
  const center = ['clusters.replication.bkrepo.io', 'center'];
  await installation.kubectl('-n', NAMESPACE, ...patch, JSON.stringify(farSide), ...center);
  for (const name of ['execute-time', 'center']) {
    await installation.condition('replicatasks', name, 'Synced', { status: 'True' });
    const conditions = (await installation.get('replicatasks', name))?.status.conditions ?? [];
    assert.deepEqual(conditions.map(({ type }) => type).toSorted(), ['Ready', 'Synced']);
    assert.deepEqual(await parts.differences(good, copyOf(name), SMALL), []);
  }
});

/** [what, documents, words of the API server's or kubectl's refusal] */
const NOT_STORED: readonly (readonly [string, () => string, RegExp])[] = [
  [
    'an unknown field',
    () => JSON.stringify(task('typo', ['good'], { setting: { conflictStategy: 'SKIP' } })),
    /unknown field "spec\.setting\.conflictStategy"/,
  ],
  [
    'an unknown value',
    () => JSON.stringify(task('typo', ['good'], { setting: { conflictStrategy: 'MERGE' } })),
    /spec\.setting\.conflictStrategy: Unsupported value: "MERGE": supported values: "SKIP", "OVERWRITE", "FAST_FAIL"/,
  ],
  [
    'a negative rate',
    () => JSON.stringify(task('typo', ['good'], { setting: { rateLimit: -1 } })),
    /spec\.setting\.rateLimit: Invalid value: -1: spec\.setting\.rateLimit in body should be greater than or equal to 0/,
  ],
  [
    'a starting deadline out of range',
    () =>
      JSON.stringify(
        task('typo', ['good'], {
          setting: { executionPlan: { cronExpression: '0 2 * * *', startingDeadlineSeconds: 9 } },
        }),
      ),
    /startingDeadlineSeconds: Invalid value: 9: spec\.setting\.executionPlan\.startingDeadlineSeconds in body should be greater than or equal to 10/,
  ],
  [
    'invalid YAML',
    () => 'apiVersion: replication.bkrepo.io/v1alpha1\nkind: ReplicaTask\n  metadata: {',
    /yaml: line \d/,
  ],
];

for (const [what, document, words] of NOT_STORED) {
  test(`kubectl apply refuses ${what} and stores nothing`, async () => {
    await assert.rejects(installation.apply(NAMESPACE, document()), (error: unknown) => {
      assert.ok(error instanceof KubectlFailed);
      assert.match(error.stderr, words);
      return true;
    });
    assert.equal(await installation.get('replicatasks', 'typo'), undefined);
  });
}

test('a second installation leaves alone what the first looks after, and says so', async () => {
  const account = { inCluster: false, kubeconfig: installation.kubernetes.kubeconfig };
  const { source: uri, journal } = parts.databases;
  const program = await startProgram({
    command: 'operator',
    directory: installation.directory,
    config: {
      ...parts.configuration(),
      installationId: 'second',
      namespace: 'default',
      kubernetes: account,
      source: { ...parts.configuration()['source'], mongodb: { uri } },
      journal: { mongodb: { uri: journal } },
    },
  });
  installation.programs.push(program);
  for (const kind of ['Cluster', 'ReplicaTask']) {
    const name = kind === 'Cluster' ? 'good' : 'copy';
    const note = /installation default looks after this object, installation second leaves it alone/;
    await installation.event(name, 'ServedByOther', note, { kind });
  }
  await installation.annotate('copy', 'replication.bkrepo.io/run-requested=once');
  await eventually(
    async () => {
      const copy = await installation.get('replicatasks', 'copy');
      assert.equal(copy?.status.servedBy, 'default');
      return copy?.status.lastHandledRunRequest === 'once';
    },
    { timeoutMs: 20_000 },
  );
  assert.equal(await parts.journal.collection('replica_record').countDocuments({ installationId: 'second' }), 0);
});

test('an object is handed over by ending the first installation and removing status.servedBy, as the Event says', async () => {
  const [first] = installation.programs;
  await first?.signal('SIGTERM');
  const patch = ['--subresource=status', '--type=merge', '-p', '{"status":{"servedBy":null}}'];
  for (const object of ['clusters.replication.bkrepo.io/good', 'replicatask/copy'])
    await installation.kubectl('-n', NAMESPACE, 'patch', object, ...patch);
  for (const [plural, name] of [
    ['clusters', 'good'],
    ['replicatasks', 'copy'],
  ] as const)
    await eventually(async () => (await installation.get(plural, name))?.status?.servedBy === 'second', {
      timeoutMs: 20_000,
    });
  assert.equal((await installation.get('clusters', 'loopback'))?.status?.servedBy, 'default');
});
