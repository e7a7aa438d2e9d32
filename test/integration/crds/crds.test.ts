import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { fieldPaths } from '../../../src/api/field-paths.ts';
import { API_VERSION } from '../../../src/api/names.ts';
import { SCHEMAS } from '../../../src/api/schemas.gen.ts';
import { compileAdmission } from '../../../src/api/validate.ts';
import { CASES } from '../../unit/api/cases.ts';
import { type ApiServer, PROJECT, startApiServer } from './api-server.ts';

const PLURALS = { Cluster: 'clusters', ReplicaTask: 'replicatasks' } as const;
const SAMPLES = readdirSync(`${PROJECT}deploy/samples`).filter((name) => name.endsWith('.yaml'));

const admit = compileAdmission();
let server: ApiServer;

before(async () => {
  server = await startApiServer();
});
after(() => server[Symbol.asyncDispose]());

function kubectl(...args: readonly string[]): Promise<string> {
  return server.kubernetes.kubectl(args);
}

for (const { title, kind, spec, refused } of CASES) {
  test(`${kind}: ${title}: ${refused === undefined ? 'taken' : 'refused'}, by the server as by admit`, async () => {
    const object = { apiVersion: API_VERSION, kind, metadata: { name: 'a' }, spec };
    const verdict = await server.offer(PLURALS[kind], object);
    assert.deepEqual(verdict.fields, [...(refused ?? [])].sort(), verdict.message);
    assert.equal(verdict.status === 201, refused === undefined, verdict.message);
    const admitted = admit(kind, object);
    assert.deepEqual([...new Set(admitted.errors.map(({ field }) => field))].sort(), verdict.fields);
    assert.deepEqual(admitted.object?.spec, verdict.object?.spec);
  });
}

test('a stored task has no word on when it runs that nobody gave it', async () => {
  const { object } = await server.offer('replicatasks', {
    apiVersion: API_VERSION,
    kind: 'ReplicaTask',
    metadata: { name: 'a' },
    spec: {
      localProjectId: 'tools',
      replicaTaskObjects: [{ localRepoName: 'generic-local', repoType: 'GENERIC' }],
      remoteClusterIds: ['shanghai'],
      setting: { executionPlan: { cronExpression: '0 2 * * *' } },
    },
  });
  assert.ok(object);
  const { setting } = object.spec as { readonly setting: Readonly<Record<string, unknown>> };
  assert.deepEqual(setting['executionPlan'], { cronExpression: '0 2 * * *' });
  assert.deepEqual(object.status, { observedGeneration: -1 });
});

for (const sample of SAMPLES) {
  test(`the sample ${sample} is taken, and admitted`, async () => {
    const file = `${PROJECT}deploy/samples/${sample}`;
    await kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', file);
    const document = parse(readFileSync(file, 'utf8')) as { readonly kind: string };
    if (document.kind === 'Cluster' || document.kind === 'ReplicaTask') {
      assert.deepEqual(admit(document.kind, document).errors, []);
    }
  });
}

test('applied samples are listed with their columns, by short name and by category', async () => {
  await kubectl('apply', '-f', `${PROJECT}deploy/samples`);
  const tasks = await kubectl('get', 'rtask');
  assert.match(tasks, /^NAME +TYPE +SCHEDULE +ENABLED +LAST STATUS +PROGRESS +LAG +NEXT RUN +READY\s/);
  assert.match(tasks, /^tools +SCHEDULED +true/m);
  const clusters = await kubectl('get', 'rcluster');
  assert.match(clusters, /^NAME +TYPE +URL +HEALTH +READY +VERSION +AGE\s/);
  assert.match(clusters, /^shanghai +STANDALONE +http:\/\//m);
  const all = await kubectl('get', 'bkrepo', '-o', 'name');
  assert.deepEqual(all.trim().split('\n').sort(), [
    'cluster.replication.bkrepo.io/shanghai',
    'replicatask.replication.bkrepo.io/follow-tools',
    'replicatask.replication.bkrepo.io/nightly',
    'replicatask.replication.bkrepo.io/packages',
    'replicatask.replication.bkrepo.io/tools',
  ]);
});

test('columns show what the status says', async () => {
  const condition = { reason: 'Accepted', message: 'all is well', lastTransitionTime: '2026-11-22T08:30:00Z' };
  const status = {
    schedule: '0 2 * * * (Asia/Shanghai)',
    lastExecutionStatus: 'SUCCESS',
    progress: { summary: '800/1200, 5.0 MiB/s, 1m30s left' },
    nextExecutionTime: '2099-12-01T02:00:00Z',
    lag: '0.4s',
    feed: { kind: 'changeStream' },
    conditions: [
      { type: 'Ready', status: 'True', ...condition },
      { type: 'Synced', status: 'False', ...condition, reason: 'UnitsFailed' },
    ],
  };
  await kubectl('apply', '-f', `${PROJECT}deploy/samples`);
  const patch = JSON.stringify({ status });
  await kubectl('patch', 'rtask', 'tools', '--subresource=status', '--type=merge', '-p', patch);
  const wide = await kubectl('get', 'rtask', '-o', 'wide');
  assert.match(
    wide,
    /^tools +SCHEDULED +0 2 \* \* \* \(Asia\/Shanghai\) +true +SUCCESS +800\/1200, 5\.0 MiB\/s, 1m30s left +0\.4s +2099-12-01T02:00:00Z +True +False +changeStream +Accepted +all is well +\d+s/m,
  );
});

test('a status beyond its bounds is refused', async () => {
  await kubectl('apply', '-f', `${PROJECT}deploy/samples`);
  const run = { recordId: 'a', startTime: '2026-11-22T08:30:00Z', status: 'SUCCESS' };
  const refused = { history: Array.from({ length: 11 }, () => run) };
  const write = (status: object): Promise<string> =>
    kubectl('patch', 'rtask', 'tools', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  await assert.rejects(write(refused), /status\.history: Too many: 11: must have at most 10 items/);
  await write({ history: refused.history.slice(1) });
});

test('kubectl explain describes the whole of both kinds', async () => {
  for (const [kind, schema] of Object.entries(SCHEMAS)) {
    const name = `${PLURALS[kind as keyof typeof PLURALS]}.${API_VERSION.split('/')[0]}`;
    const tree = await kubectl('explain', name, '--recursive');
    for (const path of fieldPaths(schema)) {
      const field = path.replaceAll('[]', '').split('.').at(-1) ?? '';
      assert.match(tree, new RegExp(`^ +${field}\\t<`, 'm'), path);
    }
  }
  const setting = await kubectl('explain', 'replicatask.spec.setting');
  assert.match(setting, /rateLimit\t<integer>\n +Bytes per second of artifact content/);
  assert.match(setting, /enum: SKIP, OVERWRITE, FAST_FAIL/);
  assert.doesNotMatch(setting, /<no description>/);
  const plan = await kubectl('explain', 'replicatask.spec.setting.executionPlan.cronExpression');
  assert.match(plan, /Quartz\s+cron/);
});
