import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Document } from 'mongodb';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, login, task } from './manifests.ts';
import { Site } from './site.ts';

/*
 * What the program does not perform yet, and what the installation's policy does not allow: refused by name, at once, and
 * before the source is read or the far side is written to.
 */

let world: World;
let far: FarSide;
let site: Site;

before(async () => {
  world = await World.start();
  await world.files.putFile('/file', 'content');
  await world.builder.repository('secret', 'files');
  far = await world.farSide('refused');
  await world.builder.db.command({ profile: 2 });
});
after(() => world.stop());

async function started(config: object, files: Readonly<Record<string, readonly object[]>>): Promise<Site> {
  site = await Site.create({
    source: world.mongod.uri,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
    config,
  });
  for (const [name, documents] of Object.entries(files)) await site.apply(name, ...documents);
  await site.start();
  return site;
}

/** Reads of the source's collections, as mongod's own profiler saw them. */
async function sourceReads(): Promise<readonly Document[]> {
  const ns = { $regex: /\.(node_|repository|project|block_node)/ };
  const profile = world.builder.db.collection('system.profile');
  return await profile.find({ op: { $in: ['query', 'getmore', 'command'] }, ns }).toArray();
}

const writes = (): readonly string[] =>
  far.proxy.requests.map(({ url }) => url).filter((url) => !/\/replica\/(ping|version)$/.test(url));

const plan = (executionPlan: object): object => ({ setting: { executionPlan } });

const TASKS: readonly { readonly reason: string; readonly message: string; readonly spec: object }[] = [
  {
    reason: 'InvalidCron',
    message:
      'spec.setting.executionPlan.cronExpression: cronExpression "61 * * * *": field 1 (minutes): 61 is more than 59',
    spec: plan({ cronExpression: '61 * * * *' }),
  },
  {
    reason: 'InvalidCron',
    message:
      'spec.setting.executionPlan.cronExpression: cronExpression "* * *": it has 3 fields; Unix cron has five (minutes first), Quartz cron six or seven (seconds first, year last)',
    spec: plan({ cronExpression: '* * *', executeImmediately: true }),
  },
  {
    reason: 'UnknownTimeZone',
    message:
      'spec.setting.executionPlan.timeZone: timeZone "Mars/Olympus" is not in the IANA database that this program has; an example is Asia/Shanghai',
    spec: plan({ cronExpression: '0 2 * * *', timeZone: 'Mars/Olympus' }),
  },
  {
    reason: 'InvalidExecuteTime',
    message:
      'spec.setting.executionPlan.executeTime: executeTime "2031-02-30T02:00:00Z" is no date and time that there is',
    spec: plan({ executeTime: '2031-02-30T02:00:00Z' }),
  },
  {
    reason: 'ExecuteTimePast',
    message:
      'spec.setting.executionPlan.executeTime: 2020-01-01T10:00:00 (2020-01-01T02:00:00Z) is past by more than the starting deadline of 60 s, and no run was begun for it; give a later time, or run the task now by a new value of the annotation replication.bkrepo.io/run-requested',
    spec: plan({ executeTime: '2020-01-01T10:00:00', timeZone: 'Asia/Shanghai', startingDeadlineSeconds: 60 }),
  },
];

const CLUSTERS: readonly {
  readonly name: string;
  readonly reason: string;
  readonly field: string;
  readonly spec: object;
}[] = [
  { name: 'center', reason: 'ClusterTypeNotSupported', field: 'spec.type', spec: { type: 'CENTER' } },
  { name: 'remote', reason: 'ClusterTypeNotSupported', field: 'spec.type', spec: { type: 'REMOTE' } },
];

test('what is not performed or not allowed is stalled by name, and nothing is read or sent', async (context) => {
  const elsewhere = (document: object): object => {
    const { metadata, ...rest } = document as { readonly metadata: object };
    return { ...rest, metadata: { ...metadata, namespace: 'elsewhere' } };
  };
  await started(
    {
      policy: { allowLoopback: true, rules: [{ namespaces: ['default'], projects: ['acme'], hosts: ['127.0.0.1'] }] },
    },
    {
      far: [login('far'), cluster('far', far.proxy.url)],
      tasks: TASKS.map(({ spec }, index) => task(`task-${index}`, ['far'], spec)),
      clusters: CLUSTERS.map(({ name, spec }) =>
        cluster(name, far.proxy.url, { credentialsSecretRef: { name: 'far-login' }, ...spec }),
      ),
      'to-clusters': CLUSTERS.map(({ name }) => task(`to-${name}`, [name])),
      policy: [
        task('foreign-project', ['far'], { localProjectId: 'secret' }),
        cluster('localhost', far.proxy.url.replace('127.0.0.1', 'localhost')),
        cluster('proxied', far.proxy.url, { proxyUrl: 'http://127.0.0.1:9' }),
        cluster('metadata', 'http://169.254.169.254'),
        task('to-localhost', ['localhost']),
        ...[login('far'), cluster('far', far.proxy.url), task('foreign-namespace', ['far'])].map(elsewhere),
      ],
    },
  );
  context.after(() => site.remove());

  for (const [index, { reason, message }] of TASKS.entries()) {
    const stalled = await site.condition('ReplicaTask', `task-${index}`, 'Stalled', { status: 'True', reason });
    assert.equal(stalled.message, message);
    await site.condition('ReplicaTask', `task-${index}`, 'Ready', { status: 'False', reason });
    assert.equal((await site.event(reason, `task-${index}`)).length, 1, 'one Event says it');
    assert.equal((await site.task(`task-${index}`)).status.nextExecutionTime, undefined);
  }
  for (const { name, reason, field } of CLUSTERS) {
    const { message } = await site.condition('Cluster', name, 'Stalled', { status: 'True', reason });
    assert.ok(message.startsWith(`${field}: `), `${field}: ${message}`);
    const told = await site.condition('ReplicaTask', `to-${name}`, 'Stalled', { status: 'True', reason });
    assert.match(told.message, new RegExp(`^Cluster ${name}: `));
  }
  const stalled = async (kind: 'Cluster' | 'ReplicaTask', name: string, reason: string): Promise<string> =>
    (await site.condition(kind, name, 'Stalled', { status: 'True', reason })).message;
  assert.match(
    await stalled('ReplicaTask', 'foreign-project', 'ProjectNotAllowed'),
    /namespace default may not copy project secret/,
  );
  assert.match(
    await stalled('ReplicaTask', 'foreign-namespace', 'ProjectNotAllowed'),
    /namespace elsewhere may not copy project acme/,
  );
  assert.match(await stalled('Cluster', 'localhost', 'HostNotAllowed'), /host localhost is not among the hosts/);
  assert.match(await stalled('ReplicaTask', 'to-localhost', 'HostNotAllowed'), /Cluster localhost: .*host localhost/);
  assert.match(
    await stalled('Cluster', 'proxied', 'HostNotAllowed'),
    /proxy http:\/\/127\.0\.0\.1:9 is not among the proxies/,
  );
  assert.match(await stalled('Cluster', 'metadata', 'HostNotAllowed'), /169\.254\.169\.254/);
  assert.deepEqual(writes(), [], 'the far side was only asked for a sign of life');
  assert.deepEqual(await sourceReads(), [], 'the source was not read');
});

test('loopback is no far side unless the configuration says so, however it is named', async (context) => {
  far.proxy.forget();
  const addresses = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]'];
  const port = new URL(far.proxy.url).port;
  await started(
    { policy: {} },
    {
      all: [
        login('far'),
        ...addresses.flatMap((host, index) => [
          cluster(`c${index}`, `http://${host}:${port}`, { credentialsSecretRef: { name: 'far-login' } }),
          task(`t${index}`, [`c${index}`]),
        ]),
      ],
    },
  );
  context.after(() => site.remove());
  for (const [index, host] of addresses.entries()) {
    const { message } = await site.condition('Cluster', `c${index}`, 'Stalled', {
      status: 'True',
      reason: 'HostNotAllowed',
    });
    assert.match(message, /is a loopback address; only the installation's configuration can allow it/, host);
    const told = await site.condition('ReplicaTask', `t${index}`, 'Stalled', {
      status: 'True',
      reason: 'HostNotAllowed',
    });
    assert.match(told.message, new RegExp(`^Cluster c${index}: `));
  }
  assert.equal(far.proxy.requests.length, 0, 'not one request arrived');
  assert.deepEqual(await sourceReads(), [], 'the source was not read');

  await world.builder.db.collection('repository').findOne({});
  assert.equal((await sourceReads()).length, 1, 'the profiler would have seen it');
});
