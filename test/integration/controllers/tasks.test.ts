import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { ObjectId } from 'mongodb';
import { RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../../../src/api/names.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, credentials, PASSWORD, Standalone, task } from './installation.ts';

let world: World;
let program: Standalone;
let farSides = 0;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: 40 }, (_, index) => ({ path: `/folder/file-${index}`, content: `content ${index}` })),
  );
});
after(() => world.stop());
beforeEach(async () => {
  program = await Standalone.create(world);
});
afterEach(() => program.remove());

/** Keeps runs to this far side from ending, by answers that are worth another try. */
function hold(side: FarSide): void {
  side.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'answer', status: 503 } : undefined));
}

async function newFarSide(): Promise<FarSide> {
  farSides += 1;
  return await world.farSide(`side${farSides}`);
}

test('a task that is applied makes its far sides equal and says so', async () => {
  const east = await newFarSide();
  const west = await newFarSide();
  await program.apply(
    'all',
    cluster('east', east.proxy.url),
    credentials('east-login'),
    task('copy', ['west', 'east']),
  );
  await program.apply('west', credentials('west-login'), cluster('west', west.proxy.url));
  program.start();
  const synced = await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  assert.deepEqual(await world.differences(east), []);
  assert.deepEqual(await world.differences(west), []);
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Accepted' });
  const { status } = await program.task('copy');
  assert.match(synced.message, new RegExp(status.history?.[0]?.recordId ?? 'no record'));
  assert.equal(status.lastExecutionStatus, 'SUCCESS');
  assert.equal(status.executionTimes, 1);
  assert.equal(status.activeRun, undefined);
  assert.deepEqual(
    status.conditions?.map(({ type }) => type).toSorted(),
    ['Ready', 'Synced'],
    'Running, Reconciling and Stalled are absent when they are not True',
  );
  assert.deepEqual(
    status.remoteClusters?.map(({ name, lastResult, success }) => ({ name, lastResult, success })),
    [
      { name: 'west', lastResult: 'SUCCESS', success: 40 },
      { name: 'east', lastResult: 'SUCCESS', success: 40 },
    ],
  );
  assert.match((await eventually(() => program.events('RunSucceeded').then(([note]) => note))) ?? '', /80 copied/);
  assert.equal((await program.events('RunStarted')).length, 1);
});

test('a restart repeats neither a finished run nor its count', async () => {
  const east = await newFarSide();
  await program.apply('all', credentials('east-login'), cluster('east', east.proxy.url), task('copy', ['east']));
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' });
  await program.stop();
  program.lines.length = 0;
  program.start();
  await eventually(() => program.lines.some((line) => line.includes('leading')));
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True' });
  await eventually(() => east.proxy.requests.filter(({ url }) => url.includes('/ping')).length > 3);
  assert.equal((await program.task('copy')).status.executionTimes, 1);
  assert.ok(!program.lines.some((line) => line.includes('run started')));
});

test('a run on request is answered once, copies only what changed, and waits while the task is suspended', async () => {
  const east = await newFarSide();
  const applied = (annotations: object): Promise<void> =>
    program.apply(
      'all',
      credentials('east-login'),
      cluster('east', east.proxy.url),
      task('copy', ['east'], {}, { annotations }),
    );
  await applied({});
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' });
  await world.files.putFile('/added', `added for ${east.name}`);
  await applied({ [RUN_REQUESTED_ANNOTATION]: 'one', [SUSPENDED_ANNOTATION]: 'true' });
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Suspended' });
  assert.equal((await program.task('copy')).status.lastHandledRunRequest, undefined);
  await applied({ [RUN_REQUESTED_ANNOTATION]: 'one' });
  await eventually(async () => (await program.task('copy')).status.history?.length === 2);
  const { status } = await program.task('copy');
  assert.equal(status.lastHandledRunRequest, 'one');
  assert.deepEqual([status.progress?.success, status.progress?.unchanged], [1, 40]);
  assert.deepEqual(await world.differences(east), []);
  await world.files.deleteFile('/added');
});

test('references that are missing are named, waited for, and cured by themselves', async () => {
  const east = await newFarSide();
  await program.apply('task', task('copy', ['east']));
  program.start();
  const noCluster = await program.condition('ReplicaTask', 'copy', 'Ready', {
    status: 'False',
    reason: 'ClusterNotFound',
  });
  assert.match(noCluster.message, /east/);
  await program.condition('ReplicaTask', 'copy', 'Reconciling', { status: 'True', reason: 'ClusterNotFound' });
  await program.apply('cluster', cluster('east', east.proxy.url));
  const noSecret = await program.condition('ReplicaTask', 'copy', 'Ready', {
    status: 'False',
    reason: 'SecretNotFound',
  });
  assert.match(noSecret.message, /east-login/);
  await program.apply('secret', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'east-login' },
    stringData: { username: 'replicator' },
  });
  const noKey = await program.condition('ReplicaTask', 'copy', 'Ready', {
    status: 'False',
    reason: 'SecretKeyMissing',
  });
  assert.match(noKey.message, /no key password/);
  await program.apply('secret', credentials('east-login'));
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' }, 30_000);
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True' });
});

const refusals: readonly {
  readonly what: string;
  readonly spec: object;
  readonly reason: string;
  readonly words: RegExp;
}[] = [
  {
    what: 'a cron that cannot be honoured',
    spec: { setting: { executionPlan: { cronExpression: '0 0 31 2 *' } } },
    reason: 'InvalidCron',
    words: /^spec\.setting\.executionPlan\.cronExpression: cronExpression "0 0 31 2 \*": .*never/,
  },
  {
    what: 'a zone that there is not',
    spec: { setting: { executionPlan: { cronExpression: '0 2 * * *', timeZone: 'Mars/Olympus' } } },
    reason: 'UnknownTimeZone',
    words: /^spec\.setting\.executionPlan\.timeZone: .*Mars\/Olympus/,
  },
  {
    what: 'a day that there is not',
    spec: { setting: { executionPlan: { executeTime: '2031-02-30T02:00:00Z' } } },
    reason: 'InvalidExecuteTime',
    words:
      /^spec\.setting\.executionPlan\.executeTime: executeTime "2031-02-30T02:00:00Z" is no date and time that there is$/,
  },
  {
    what: 'a time that is past',
    spec: { setting: { executionPlan: { executeTime: '2020-01-01T02:00:00+08:00', startingDeadlineSeconds: 60 } } },
    reason: 'ExecuteTimePast',
    words:
      /^spec\.setting\.executionPlan\.executeTime: 2020-01-01T02:00:00\+08:00 \(2019-12-31T18:00:00Z\) is past by more than the starting deadline of 60 s, and no run was begun for it; give a later time, or run the task now by a new value of the annotation replication\.bkrepo\.io\/run-requested$/,
  },
  { what: 'a foreign project', spec: { localProjectId: 'secret' }, reason: 'ProjectNotAllowed', words: /secret/ },
];
test('what is not performed or not allowed stalls the task by name, and nothing is sent', async () => {
  const east = await newFarSide();
  const clusters = [credentials('east-login'), cluster('east', east.proxy.url)];
  await program.apply('all', ...clusters, ...refusals.map(({ spec }, index) => task(`t${index}`, ['east'], spec)));
  program.start({
    policy: {
      rules: [{ namespaces: ['default'], projects: ['acme'], hosts: ['*'] }],
      allowLoopback: true,
      allowLinkLocal: false,
      allowedAddresses: [],
      proxies: [],
    },
  });
  for (const [index, { reason, words, what }] of refusals.entries()) {
    const stalled = await program.condition('ReplicaTask', `t${index}`, 'Stalled', { status: 'True', reason });
    assert.match(stalled.message, words, what);
    await program.condition('ReplicaTask', `t${index}`, 'Ready', { status: 'False', reason });
  }
  assert.deepEqual(
    east.proxy.requests.filter(({ url }) => !/\/replica\/(ping|version)$/.test(url)),
    [],
  );
});

test('an edit in mid-run breaks the run off with a record of why, and the new spec runs', async () => {
  const east = await newFarSide();
  hold(east);
  const applied = (spec: object): Promise<void> =>
    program.apply('all', credentials('east-login'), cluster('east', east.proxy.url), task('copy', ['east'], spec));
  await applied({ setting: { conflictStrategy: 'SKIP' } });
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
  await applied({ setting: { conflictStrategy: 'OVERWRITE' }, description: 'edited' });
  await eventually(async () => (await program.events('RunAborted')).length === 1);
  east.proxy.setFault(undefined);
  await eventually(async () => (await program.task('copy')).status.history?.length === 2, { timeoutMs: 20_000 });
  const { status } = await program.task('copy');
  assert.deepEqual(
    status.history?.map(({ status: result, reason }) => [result, reason]),
    [
      ['SUCCESS', 'AllEqual'],
      ['ABORTED', 'SpecChanged'],
    ],
  );
  assert.deepEqual(await world.differences(east), []);
});

test('a run that the process left behind goes on under the same record after the restart', async () => {
  const east = await newFarSide();
  await program.apply('all', credentials('east-login'), cluster('east', east.proxy.url), task('copy', ['east']));
  hold(east);
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
  const begun = (await program.task('copy')).status.activeRun?.recordId;
  await program.stop();
  east.proxy.setFault(undefined);
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' });
  const { status } = await program.task('copy');
  assert.deepEqual(
    status.history?.map(({ recordId }) => recordId),
    [begun],
  );
  assert.equal(status.executionTimes, 1);
  await eventually(async () => (await program.events('RunAdopted')).length === 1);
  assert.deepEqual(await world.differences(east), []);
});

test('one far side out of reach holds up neither the others nor the truth about them', async () => {
  const east = await newFarSide();
  const dead = await newFarSide();
  await dead.proxy.close();
  await program.apply(
    'all',
    credentials('east-login'),
    cluster('east', east.proxy.url),
    task('copy', ['east', 'dead']),
  );
  await program.apply('dead', credentials('dead-login'), cluster('dead', dead.proxy.url));
  program.start();
  const synced = await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'False' }, 30_000);
  assert.match(synced.message, /dead/);
  assert.deepEqual(await world.differences(east), []);
  const ready = await program.condition('ReplicaTask', 'copy', 'Ready', {
    status: 'False',
    reason: 'ClusterUnreachable',
  });
  assert.match(ready.message, /dead/);
  const { status } = await program.task('copy');
  assert.deepEqual(
    status.remoteClusters?.map(({ name, lastResult }) => [name, lastResult]),
    [
      ['east', 'SUCCESS'],
      ['dead', 'FAILED'],
    ],
  );
});

test('a wrong password is told at the cluster and never shown', async () => {
  const east = await newFarSide();
  const wrong = 'wrong-but-still-secret';
  await program.apply('all', credentials('east-login', wrong), cluster('east', east.proxy.url), task('copy', ['east']));
  program.start();
  const ready = await program.condition('Cluster', 'east', 'Ready', { status: 'False' });
  assert.match(ready.message, /401/);
  const { status } = (await program.get('Cluster', 'east')) ?? {};
  assert.equal(status?.health, 'UNHEALTHY');
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'False', reason: 'ClusterUnreachable' });
  await program.apply('all', credentials('east-login'), cluster('east', east.proxy.url), task('copy', ['east']));
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' }, 30_000);
  const state = join(program.directory, 'state');
  for (const file of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const text = await readFile(join(file.parentPath, file.name), 'utf8');
    assert.ok(!text.includes(wrong) && !text.includes(PASSWORD), `${file.name} holds a password`);
  }
  assert.ok(!program.lines.some((line) => line.includes(wrong) || line.includes(PASSWORD)), 'the log holds a password');
});

test('a deleted task stops its run, and the cluster it kept can go', async () => {
  const east = await newFarSide();
  hold(east);
  await program.apply('cluster', credentials('east-login'), cluster('east', east.proxy.url));
  await program.apply('task', task('copy', ['east']));
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
  const begun = (await program.task('copy')).status.activeRun?.recordId ?? '';
  await program.delete('cluster');
  const inUse = await program.condition('Cluster', 'east', 'Ready', { status: 'False', reason: 'InUse' });
  assert.match(inUse.message, /ReplicaTask copy/);
  await program.delete('task');
  await eventually(async () => (await program.get('Cluster', 'east')) === undefined);
  const records = world.client.db('bkrepo_replicator').collection('replica_record');
  const record = await eventually(() => records.findOne({ _id: new ObjectId(begun), status: { $ne: 'RUNNING' } }));
  assert.equal(record['status'], 'ABORTED');
  assert.match(String(record['errorReason']), /^TaskDeleted: /);
});

test('a source that is down at the start is waited for, and costs no run', async () => {
  const east = await newFarSide();
  await program.apply('all', credentials('east-login'), cluster('east', east.proxy.url), task('copy', ['east']));
  const source = {
    mongodb: { uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300', database: 'bkrepo', shardCount: 256 },
    storage: { filesystem: { path: world.builder.storeDir } },
    feed: { convertOperateLog: false, operateLogHours: 24 },
    pathMap: [],
  };
  program.start({ source });
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'False', reason: 'SourceUnavailable' }, 30_000);
  await program.condition('ReplicaTask', 'copy', 'Reconciling', { status: 'True', reason: 'SourceUnavailable' });
  assert.equal((await program.task('copy')).status.executionTimes, 0);
  await program.stop();
  program.start({});
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True' });
  assert.equal((await program.task('copy')).status.executionTimes, 1);
});
