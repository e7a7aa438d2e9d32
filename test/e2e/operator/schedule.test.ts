/** What a person sees and does with kubectl: times of a cron, progress of a failure and its retry, cancel, edit, delete. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { eventually } from '../../support/wait.ts';
import { Installation, NAMESPACE } from './installation.ts';
import { cluster, copyOf, secret, task } from './manifests.ts';
import { ACCOUNT, type FarSide, Parts, SMALL, SOURCE } from './parts.ts';

const GROUP = 'replication.bkrepo.io';
const IN = ['-n', NAMESPACE];

let installation: Installation;
let parts: Parts;
let good: FarSide;

before(async () => {
  installation = await Installation.start();
  parts = await Parts.start(installation.directory);
  good = await parts.farSide('good');
  await installation.install(parts.databases);
  const configuration = parts.configuration();
  // A cancel must not wait as long as a stop of the program may.
  await installation.startOperator({ ...configuration, engine: { ...configuration['engine'], drainSeconds: 20 } });
  await apply(secret('good-credentials', ACCOUNT), cluster('good', { url: good.url }));
});
after(async () => {
  await parts.stop();
  await installation.stop();
});
afterEach(() => release());

function apply(...objects: readonly object[]): Promise<string> {
  return installation.apply(NAMESPACE, objects);
}

async function patch(name: string, spec: object): Promise<void> {
  await installation.kubectl(...IN, 'patch', 'replicatask', name, '--type=merge', '-p', JSON.stringify({ spec }));
}

/** Waits for a status like this. */
async function when(
  name: string,
  what: string,
  like: (status: ReplicaTaskStatus) => boolean,
): Promise<ReplicaTaskStatus> {
  let last: ReplicaTaskStatus | undefined;
  return await eventually(
    async () => {
      last = (await installation.get('replicatasks', name))?.status;
      return last !== undefined && like(last) ? last : undefined;
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  ).catch((error: unknown) => {
    throw new Error(`${name} never had ${what}: ${JSON.stringify(last, null, 1)}`, { cause: error });
  });
}

function ended(name: string, runs: number): Promise<ReplicaTaskStatus> {
  return when(name, `${runs} runs`, ({ history, activeRun }) => history?.length === runs && activeRun === undefined);
}

/** Keeps runs from ending. */
function hold(): void {
  good.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'stall' } : undefined));
}

function release(): void {
  good.proxy.setFault(undefined);
}

test('a cron task runs at its times, says when next, and counts the times that its own run took', async () => {
  await apply(task('ticking', ['good'], { setting: { executionPlan: { cronExpression: '* * * * * ?' } } }));
  const first = await when('ticking', 'a run', ({ history }) => (history?.length ?? 0) > 0);
  assert.ok(first.nextExecutionTime !== undefined && first.lastScheduleTime !== undefined);
  assert.equal(first.schedule, '* * * * * ? (UTC)');
  const record = await parts.journal.collection('replica_record').findOne({ name: 'ticking' });
  const late = record?.['startTime'].getTime() - Date.parse(String(record?.['claim']).replace('tick:', ''));
  assert.ok(late >= 0 && late < 2_000, `${record?.['claim']} began ${late} ms late`);

  hold();
  await patch('ticking', {
    replicaTaskObjects: [{ localRepoName: 'small', repoType: 'GENERIC', remoteProjectId: 'copy-again' }],
  });
  const active = await when(
    'ticking',
    'skipped times',
    ({ skippedRuns, activeRun }) => (skippedRuns ?? 0) >= 2 && activeRun !== undefined,
  );
  await installation.event(
    'ticking',
    'TickSkipped',
    new RegExp(`skipped, because run ${active.activeRun?.recordId} is still active$`),
  );
  const columns = await installation.kubectl(...IN, 'get', 'replicatask', 'ticking');
  assert.match(columns, /SCHEDULE +ENABLED +LAST STATUS .*NEXT RUN/);
  assert.match(columns, /\* \* \* \* \* \? \(UTC\) +true +RUNNING .*20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
  release();
  await patch('ticking', { enabled: false });
  const suspended = await when(
    'ticking',
    'an end',
    ({ activeRun, suspendedSince }) => activeRun === undefined && suspendedSince !== undefined,
  );
  assert.equal(suspended.nextExecutionTime, undefined);
});

test('kubectl describe tells what failed, why, and the command that retries it', async () => {
  const there = await new BkRepoBuilder(good.db, good.storeDir).repository(copyOf('flawed').projectId, 'small');
  await there.putFile('/a.txt', 'something else');
  await apply(task('flawed', ['good'], { setting: { conflictStrategy: 'FAST_FAIL' } }));
  const first = await ended('flawed', 1);
  const described = await installation.kubectl(...IN, 'describe', 'replicatask', 'flawed');
  const words = described.replaceAll(/\s+/g, ' ');
  assert.match(words, /1 failed of 3 artifacts; .*\/a\.txt.*FAST_FAIL.*\(Conflict\)/);
  const command =
    /To retry what failed: kubectl (-n \S+ annotate replicatask flawed \S+="\$\(date \+%s\)" --overwrite)/.exec(
      words,
    )?.[1];
  assert.ok(command, described);
  await there.deleteFile('/a.txt');
  await installation.kubectl(...command.replace('"$(date +%s)"', '1').split(' '));
  const second = await ended('flawed', 2);
  assert.deepEqual(
    [
      second.history?.[0]?.retryOf,
      second.history?.[0]?.success,
      second.history?.[0]?.unchanged,
      second.lastHandledRetryRequest,
    ],
    [first.history?.[0]?.recordId, 1, 0, '1'],
  );
  await installation.condition('replicatasks', 'flawed', 'Synced', { status: 'True' });
  assert.deepEqual(await parts.differences(good, copyOf('flawed'), SMALL), []);
  await installation.annotate('flawed', `${GROUP}/retry-requested=2`);
  await when('flawed', 'an answer', ({ lastHandledRetryRequest }) => lastHandledRetryRequest === '2');
  await installation.event('flawed', 'NothingToRetry', /nothing failed in run/);
  assert.equal(await parts.journal.collection('replica_record').countDocuments({ name: 'flawed' }), 2);
});

test('a cancel stops a slow upload within five seconds, and the next run ends equal', async () => {
  const copy = { projectId: 'copy-slow', repoName: SOURCE.repoName };
  const object = { localRepoName: SOURCE.repoName, remoteProjectId: copy.projectId };
  await apply(task('slow', ['good'], { object, setting: { rateLimit: 256 * 1024 } }));
  const before = good.proxy.uploadedBytes();
  await eventually(() => good.proxy.uploadedBytes() - before > 512 * 1024, { timeoutMs: 20_000 });
  const asked = performance.now();
  await installation.annotate('slow', `${GROUP}/cancel-requested=now`);
  const cancelled = await ended('slow', 1);
  assert.ok(performance.now() - asked < 5_000, `it took ${performance.now() - asked} ms`);
  assert.deepEqual([cancelled.history?.[0]?.status, cancelled.history?.[0]?.reason], ['ABORTED', 'Cancelled']);
  assert.ok((await parts.differences(good, copy)).some((text) => text.includes('/large.bin')));
  await patch('slow', { setting: { rateLimit: 0 } });
  await ended('slow', 2);
  assert.deepEqual(await parts.differences(good, copy), []);
});

test('an edit of words or of the schedule lets a run go on, one of what is copied does not', async () => {
  hold();
  const plan = (cronExpression: string): object => ({ setting: { executionPlan: { cronExpression } } });
  await apply(task('edited', ['good'], plan('0 0 1 1 *')));
  await installation.annotate('edited', `${GROUP}/run-requested=now`);
  const { activeRun } = await when('edited', 'a run', (status) => status.activeRun !== undefined);
  await patch('edited', { description: 'in other words', ...plan('0 0 2 1 *') });
  const same = await when('edited', 'its schedule', ({ schedule }) => schedule === '0 0 2 1 * (UTC)');
  assert.equal(same.activeRun?.recordId, activeRun?.recordId);
  // What it waits for is not answered any more; the next run is.
  release();
  await patch('edited', { setting: { includeMetadata: false } });
  await installation.event('edited', 'RunAborted', /SpecChanged/);
  const after = await ended('edited', 2);
  assert.deepEqual(
    after.history?.map(({ status, trigger, generation }) => [status, trigger, generation]),
    [
      ['SUCCESS', 'request', 3],
      ['ABORTED', 'request', 1],
    ],
  );
  assert.deepEqual(await parts.differences(good, copyOf('edited'), SMALL), []);
});

test('a task and its Cluster are deleted in seconds although the far side never answers', async () => {
  await apply(cluster('dead', { url: good.url }), task('doomed', ['dead']));
  good.proxy.setFault(({ url }) => (/\/replica\/(ping|version)$/.test(url) ? undefined : { kind: 'stall' }));
  await when('doomed', 'a run', ({ activeRun }) => activeRun !== undefined);
  good.proxy.setFault(() => ({ kind: 'stall' }));
  await installation.kubectl(
    ...IN,
    'delete',
    'replicatask/doomed',
    'clusters.replication.bkrepo.io/dead',
    '--timeout=10s',
  );
  await eventually(() => parts.journal.collection('replica_record').findOne({ name: 'doomed', status: 'ABORTED' }));
  release();
});
