import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { LEGACY_ID_ANNOTATION, taskKey } from '../../../src/api/names.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { RunRecord } from '../../../src/journal/records.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { CLUSTER_SPEC, ONE, type RestWorld, restWorld, taskSpec } from '../../unit/rest/routes/rest-world.ts';
import { begin, closeAll, detail, never, open, outcome, unique } from '../journal/samples.ts';

let mongod: Mongod;
let journal: Journal;

before(async () => {
  mongod = await startMongod();
  journal = await open(mongod.uri);
});
after(async () => {
  await closeAll();
  await mongod.stop();
});

interface Filled extends RestWorld {
  readonly key: string;
  readonly name: string;
  /** Oldest first: one that failed, one that was aborted, one that runs. */
  readonly runs: readonly [RunRecord, RunRecord, RunRecord];
}

/** A task with three runs. The first has a file that was copied, a package in conflict and a file that failed. */
async function filled(annotations: Readonly<Record<string, string>> = {}): Promise<Filled> {
  const world = restWorld({ records: journal });
  const name = unique('nightly');
  const key = taskKey(ONE, name);
  world.resources.apply('Cluster', { namespace: ONE, name: 'far', spec: CLUSTER_SPEC });
  const task = world.resources.apply('ReplicaTask', { namespace: ONE, name, spec: taskSpec(), annotations });
  const run = async (claim: string): Promise<RunRecord> =>
    await begin(journal, { taskKey: key, taskUid: `${name}-${task.metadata.uid}`, namespace: ONE, name, claim });
  const failed = await run('request:1');
  const details = journal.runJournal(failed);
  await details.writeDetails(
    [
      detail('a.txt', { startTime: new Date(1_000) }),
      detail('b', {
        status: 'CONFLICT',
        fullPath: '/lodash/b',
        packageKey: 'npm://lodash',
        packageName: 'lodash',
        version: '1.0.0',
        repoType: 'NPM',
        localRepoName: 'npm-local',
        startTime: new Date(2_000),
      }),
      detail('c.txt', { status: 'FAILED', clusterName: 'edge-b', errorReason: 'HTTP 500', startTime: new Date(3_000) }),
    ],
    never,
  );
  const ended = await journal.finishRun(
    failed,
    { status: 'FAILED', errorReason: 'one failed', farSides: [outcome()] },
    never,
  );
  const second = await run('request:2');
  const aborted = await journal.finishRun(second, { status: 'ABORTED', errorReason: 'cancelled', farSides: [] }, never);
  const running = await run('request:3');
  await journal.runJournal(running).writeDetails([detail('d.txt'), detail('e.txt', { status: 'UNCHANGED' })], never);
  world.resources.setStatus(
    'ReplicaTask',
    { namespace: ONE, name },
    {
      activeRun: { recordId: running.id, startTime: running.startTime.toISOString() },
      progress: { sentBytes: 123, totalBytes: 456 },
    },
  );
  return { ...world, key, name, runs: [ended, aborted, running] };
}

async function items(world: RestWorld, url: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const answer = await world.call('GET', url);
  assert.equal(answer.code, 0, answer.message);
  const data: unknown = Array.isArray(answer.data) ? answer.data : answer.data.records;
  return data as readonly Readonly<Record<string, unknown>>[];
}

describe('records by REST', () => {
  it('lists runs newest first, the aborted one as failed', async () => {
    const world = await filled();
    const [ended, aborted, running] = world.runs;
    const found = await items(world, `/api/task/record/list/${world.key}`);
    assert.deepEqual(
      found.map(({ id, status, taskKey: key }) => [id, status, key]),
      [
        [running.id, 'RUNNING', world.key],
        [aborted.id, 'FAILED', world.key],
        [ended.id, 'FAILED', world.key],
      ],
    );
  });

  it('shows live counts and bytes of a run that goes on, and the sums of one that ended', async () => {
    const world = await filled();
    const [live, , ended] = await items(world, `/api/task/record/page/${world.key}`);
    assert.deepEqual([live?.['replicatedBytes'], live?.['totalBytes'], live?.['endTime']], [123, 456, null]);
    const { data: overview } = await world.call('GET', `/api/task/record/overview/${world.runs[2].id}`);
    assert.deepEqual(overview, { success: 2, failed: 0, conflict: 0, fileSuccess: 1, fileFailed: 0 });
    assert.deepEqual(live?.['replicaOverview'], overview);
    assert.deepEqual(
      [ended?.['replicatedBytes'], ended?.['totalBytes'], ended?.['errorReason']],
      [300, 1_000, 'one failed'],
    );
  });

  it('pages runs by result', async () => {
    const world = await filled();
    const page = async (query: string) => (await world.call('GET', `/api/task/record/page/${world.key}?${query}`)).data;
    assert.equal((await page('status=FAILED')).totalRecords, 2);
    assert.equal((await page('status=SUCCESS')).totalRecords, 0);
    const second = await page('pageNumber=2&pageSize=1');
    assert.deepEqual([second.totalRecords, second.records[0]?.id], [3, world.runs[1].id]);
    assert.equal((await world.call('GET', `/api/task/record/page/${world.key}?status=MAYBE`)).code, 250_131);
  });

  it('shows one run with what its task copies', async () => {
    const world = await filled();
    const { data } = await world.call('GET', `/replication/api/task/record/${world.runs[0].id}`);
    const { record, ...kind } = data as unknown as { readonly record: { readonly id: string } };
    assert.equal(record.id, world.runs[0].id);
    assert.deepEqual(kind, { replicaObjectType: 'REPOSITORY', replicaType: 'SCHEDULED' });
  });

  const FILTERS: readonly { readonly query: string; readonly names: readonly string[] }[] = [
    { query: '', names: ['/dir/c.txt', 'lodash', '/dir/a.txt'] },
    { query: 'status=FAILED', names: ['/dir/c.txt'] },
    { query: 'status=SUCCESS', names: ['lodash', '/dir/a.txt'] },
    { query: 'status=RUNNING', names: [] },
    { query: 'packageName=npm', names: ['lodash'] },
    { query: 'repoName=npm-local', names: ['lodash'] },
    { query: 'clusterName=edge-b', names: ['/dir/c.txt'] },
    { query: 'path=/dir/a', names: ['/dir/a.txt'] },
    { query: 'path=.*', names: [] },
    { query: 'artifactName=lod', names: ['lodash'] },
    { query: 'version=1.0.0', names: ['lodash'] },
    { query: 'version=2.0.0', names: [] },
    { query: 'status=&repoName=&clusterName=&version=&path=', names: ['/dir/c.txt', 'lodash', '/dir/a.txt'] },
    { query: 'pageNumber=2&pageSize=2', names: ['/dir/a.txt'] },
  ];
  it('pages artifacts by every condition, and lists them all', async () => {
    const world = await filled();
    const names = (found: readonly Readonly<Record<string, unknown>>[]) =>
      found.map(({ artifactName }) => artifactName);
    for (const { query, names: expected } of FILTERS)
      assert.deepEqual(
        names(await items(world, `/api/task/record/detail/page/${world.runs[0].id}?${query}`)),
        expected,
        query,
      );
    const all = await items(world, `/api/task/record/detail/list/${world.runs[0].id}`);
    assert.deepEqual(names(all), FILTERS[0]?.names);
    assert.deepEqual(
      [all[0]?.['localCluster'], all[0]?.['remoteCluster'], all[0]?.['status']],
      ['here', 'edge-b', 'FAILED'],
    );
  });

  it('tells runs in the words of the old generation', async () => {
    const world = await filled();
    for (const base of ['/api/task/cluster', '/api/task/blob']) {
      const logs = await items(world, `${base}/log/list/${world.key}`);
      assert.deepEqual(
        logs.map(({ status }) => status),
        ['REPLICATING', 'INTERRUPTED', 'FAILED'],
      );
      assert.equal((await world.call('GET', `${base}/log/page/${world.key}?pageSize=1`)).data.totalRecords, 3);
      const { data } = await world.call('GET', `${base}/log/latest/${world.key}`);
      assert.equal((data as unknown as { taskLogKey: string }).taskLogKey, world.runs[2].id);
      assert.equal((await world.call('GET', `${base}/log/latest/nope`)).data, null);
    }
  });

  it('knows a task of an older bk-repo by the key it had there', async () => {
    const world = await filled({ [LEGACY_ID_ANNOTATION]: '9134937ab7314dd38f317832d15ae205' });
    for (const key of [world.key, '9134937ab7314dd38f317832d15ae205']) {
      const [newest] = await items(world, `/api/task/record/list/${key}`);
      assert.equal(newest?.['taskKey'], '9134937ab7314dd38f317832d15ae205');
    }
  });

  it('knows no records of what is not there, of a deleted task, or of another installation', async () => {
    const world = await filled();
    const [{ id }] = world.runs;
    for (const odd of ['nope', '6b02f8ffea6d9710e7900000', '%00', 'x'.repeat(5_000), '..%2Fetc']) {
      assert.equal((await world.call('GET', `/api/task/record/${odd}`)).code, 250_310);
      assert.equal((await world.call('GET', `/api/task/record/overview/${odd}`)).code, 250_310);
      for (const url of [`list/${odd}`, `page/${odd}`, `detail/list/${odd}`, `detail/page/${odd}`])
        assert.deepEqual(await items(world, `/api/task/record/${url}`), []);
    }
    assert.equal((await world.call('DELETE', `/api/task/delete/${world.key}`)).code, 0);
    assert.deepEqual(await items(world, `/api/task/record/list/${world.key}`), []);
    assert.equal((await world.call('GET', `/api/task/record/${id}`)).code, 250_310);
    const stranger = restWorld({ records: await open(mongod.uri, { installationId: 'two' }) });
    stranger.resources.apply('ReplicaTask', { namespace: ONE, name: world.name, spec: taskSpec() });
    assert.equal((await stranger.call('GET', `/api/task/record/${id}`)).code, 250_310);
  });

  it('needs the right to get the task', async () => {
    const world = await filled();
    world.denied.add('get replicatasks one');
    const [{ id }] = world.runs;
    for (const url of [
      id,
      `overview/${id}`,
      `list/${world.key}`,
      `page/${world.key}`,
      `detail/list/${id}`,
      `detail/page/${id}`,
    ])
      assert.equal((await world.call('GET', `/api/task/record/${url}`)).status, 403, url);
  });
});
