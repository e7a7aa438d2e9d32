/** When a task runs and when it does not: suspension, requests, edits, deletion, and Clusters that are in use. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import { eventually } from '../../support/wait.ts';
import { commandTests } from './commands.ts';
import { Installation, NAMESPACE } from './installation.ts';
import { cluster, copyOf, secret, task } from './manifests.ts';
import { ACCOUNT, type FarSide, Parts, SMALL } from './parts.ts';

const GROUP = 'replication.bkrepo.io';

let installation: Installation;
let parts: Parts;
let good: FarSide;

before(async () => {
  installation = await Installation.start();
  parts = await Parts.start(installation.directory);
  good = await parts.farSide('good');
  await installation.install(parts.databases);
  await installation.startOperator(parts.configuration());
  await apply(secret('good-credentials', ACCOUNT), cluster('good', { url: good.url }));
});
after(async () => {
  await parts.stop();
  await installation.stop();
});

function apply(...objects: readonly object[]): Promise<string> {
  return installation.apply(NAMESPACE, objects);
}

function patch(name: string, spec: object): Promise<string> {
  return installation.kubectl(
    '-n',
    NAMESPACE,
    'patch',
    'replicatask',
    name,
    '--type=merge',
    '-p',
    JSON.stringify({ spec }),
  );
}

async function status(name: string): Promise<ReplicaTaskStatus> {
  const found = await installation.get('replicatasks', name);
  assert.ok(found);
  return found.status;
}

/** Waits until so many runs of it have ended and none is active. */
async function ended(name: string, runs: number): Promise<ReplicaTaskStatus> {
  return await eventually(
    async () => {
      const now = await status(name);
      return now.history?.length === runs && now.activeRun === undefined ? now : undefined;
    },
    { timeoutMs: 20_000, intervalMs: 100 },
  );
}

/** Waits until the present generation was judged and nothing is left to do: another task came to its end meanwhile. */
async function settled(name: string): Promise<void> {
  await installation.condition('replicatasks', name, 'Ready', { status: 'True' });
  const other = `after-${name}-${(await installation.get('replicatasks', name))?.metadata.resourceVersion}`;
  await apply(task(other, ['good']));
  await ended(other, 1);
}

function records(name: string): Promise<number> {
  return parts.journal.collection('replica_record').countDocuments({ name });
}

async function assertEqual(name: string): Promise<void> {
  assert.deepEqual(await parts.differences(good, copyOf(name), SMALL), []);
}

/** Keeps runs from ending, by answers that are worth another try. */
function hold(): void {
  good.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'answer', status: 503 } : undefined));
}

const KEPT_FROM_RUNNING = [
  {
    how: 'the annotation suspended',
    name: 'suspended',
    changes: { annotations: { [`${GROUP}/suspended`]: 'true' } },
    release: () => installation.annotate('suspended', `${GROUP}/suspended-`),
  },
  {
    how: 'enabled: false',
    name: 'disabled',
    changes: { spec: { enabled: false } },
    release: () => patch('disabled', { enabled: true }),
  },
];

for (const { how, name, changes, release } of KEPT_FROM_RUNNING) {
  test(`${how} keeps a task from running, also on request, until it is gone`, async () => {
    await apply(task(name, ['good'], changes));
    await installation.condition('replicatasks', name, 'Ready', { status: 'True', reason: 'Suspended' });
    await installation.annotate(name, `${GROUP}/run-requested=now`);
    await settled(name);
    const before = await status(name);
    assert.equal(before.lastHandledRunRequest, undefined);
    assert.ok(before.suspendedSince);
    assert.deepEqual([await records(name), await parts.contents(good, copyOf(name).projectId)], [0, 0]);
    await release();
    await installation.condition('replicatasks', name, 'Synced', { status: 'True' });
    await installation.condition('replicatasks', name, 'Ready', { status: 'True', reason: 'Accepted' });
    assert.equal((await status(name)).suspendedSince, undefined);
    await assertEqual(name);
  });
}

test('each new value of run-requested is answered by one run', async () => {
  await apply(task('asked', ['good']));
  await ended('asked', 1);
  for (const [index, value] of ['one', 'two'].entries()) {
    await installation.annotate('asked', `${GROUP}/run-requested=${value}`);
    const after = await ended('asked', index + 2);
    assert.equal(after.lastHandledRunRequest, value);
    assert.deepEqual([after.progress?.success, after.progress?.unchanged, after.progress?.sentBytes], [0, 3, 0]);
  }
  await settled('asked');
  assert.equal(await records('asked'), 3);
});

test('a one-shot task runs again after an edit of what it copies, not after one of its description', async () => {
  await apply(task('edited', ['good']));
  await ended('edited', 1);
  await patch('edited', { description: 'in other words' });
  await settled('edited');
  assert.equal(await records('edited'), 1);
  await patch('edited', { setting: { conflictStrategy: 'OVERWRITE' } });
  const after = await ended('edited', 2);
  assert.deepEqual([after.lastExecutionStatus, after.progress?.unchanged], ['SUCCESS', 3]);
  await installation.condition('replicatasks', 'edited', 'Synced', { status: 'True' });
});

test('a one-shot task that is deleted and applied again does not repeat its run', async () => {
  const document = task('again', ['good']);
  await apply(document);
  await ended('again', 1);
  await installation.kubectl('-n', NAMESPACE, 'delete', 'replicatask', 'again');
  await apply(document);
  await installation.condition('replicatasks', 'again', 'Synced', { status: 'True' });
  await settled('again');
  assert.equal(await records('again'), 1);
  await installation.annotate('again', `${GROUP}/run-requested=once`);
  await ended('again', 2);
});

const BROKEN_OFF = [
  {
    how: 'suspending it',
    name: 'halted',
    stop: () => installation.annotate('halted', `${GROUP}/suspended=true`),
    reason: 'Suspended',
    goOn: () => installation.annotate('halted', `${GROUP}/suspended=false`),
  },
  {
    how: 'cancelling it',
    name: 'cancelled',
    stop: () => installation.annotate('cancelled', `${GROUP}/cancel-requested=now`),
    reason: 'Cancelled',
    goOn: () => installation.annotate('cancelled', `${GROUP}/run-requested=now`),
  },
];

for (const { how, name, stop, reason, goOn } of BROKEN_OFF) {
  test(`${how} ends an active run, nothing half is left, and the next run ends equal`, async () => {
    hold();
    await apply(task(name, ['good']));
    const running = await installation.condition('replicatasks', name, 'Running', { status: 'True' });
    assert.match(running.message, /run [0-9a-f]+ \(one-shot\) is active since/);
    await stop();
    const after = await ended(name, 1);
    good.proxy.setFault(undefined);
    assert.deepEqual([after.lastExecutionStatus, after.history?.[0]?.reason], ['ABORTED', reason]);
    const { type } = await installation.event(name, 'RunAborted', new RegExp(reason));
    assert.equal(type, 'Warning');
    assert.deepEqual((await parts.differences(good, copyOf(name), SMALL)).length, 3);
    await goOn();
    await ended(name, 2);
    await assertEqual(name);
  });
}

test('a Cluster in use is not deleted before the tasks that refer to it, and says which', async () => {
  await apply(cluster('kept', { url: good.url }), task('first', ['kept']), task('second', ['kept', 'good']));
  await ended('first', 1);
  await ended('second', 1);
  const kind = 'clusters.replication.bkrepo.io';
  await installation.kubectl('-n', NAMESPACE, 'delete', kind, 'kept', '--wait=false');
  const inUse = await eventually(async () => {
    const ready = (await installation.get('clusters', 'kept'))?.status?.conditions?.find(
      ({ type }) => type === 'Ready',
    );
    return ready?.reason === 'InUse' ? ready.message : undefined;
  });
  assert.match(inUse, /waits for the tasks that refer to it: ReplicaTask first, second$/);
  await installation.event('kept', 'InUse', /first, second/, { kind: 'Cluster' });
  await installation.kubectl('-n', NAMESPACE, 'delete', 'replicatask', 'first');
  await eventually(async () => {
    const [ready] = (await installation.get('clusters', 'kept'))?.status?.conditions ?? [];
    return ready?.message.endsWith('ReplicaTask second') === true;
  });
  await patch('second', { remoteClusterIds: ['good'] });
  await installation.kubectl('-n', NAMESPACE, 'wait', '--for=delete', `${kind}/kept`, '--timeout=10s');
});

commandTests(() => ({ installation, parts, farSide: good }));
