/** REAL_TIME tasks as a person sees them: what their status says, what requests do, how they begin, stop and end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  DELETES_APPROVED_ANNOTATION,
  RUN_REQUESTED_ANNOTATION,
  SUSPENDED_ANNOTATION,
  taskKey,
} from '../../../src/api/names.ts';
import { openJournal } from '../../../src/journal/journal.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import type { SourceRepository } from '../../support/source-repository.ts';
import { SourceWriter } from '../../support/source-writer.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, World } from '../../support/world.ts';
import { cluster, credentials, Standalone, task } from './installation.ts';

let world: World;
let writer: SourceWriter;
let files: SourceRepository;
let program: Standalone;
let east: FarSide;

before(async () => {
  world = await World.start();
  const { db, storeDir } = world.builder;
  writer = await SourceWriter.start({ db, storeDir });
  files = await writer.repository(PROJECT, REPOSITORY);
  program = await Standalone.create(world);
  east = await world.farSide('east');
});
after(async () => {
  await program.remove();
  await writer.stop();
  await world.stop();
});

async function equal(): Promise<void> {
  const check = async (): Promise<boolean> => {
    assert.deepEqual(await world.differences(east), []);
    return true;
  };
  await eventually(check, { timeoutMs: 20_000 });
}

const apply = (setting: object = {}, annotations: object = {}, more: object = {}): Promise<void> =>
  program.apply('task', task('copy', ['east'], { replicaType: 'REAL_TIME', setting, ...more }, { annotations }));

test('a task that follows its source says where it hears of changes, and how far behind its far side is', async () => {
  await files.putFile('/before.txt', 'there before');
  await program.apply('all', credentials('east-login'), cluster('east', east.proxy.url));
  await apply({ maxLag: '30s' });
  program.start();
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Accepted' });
  await program.condition('ReplicaTask', 'copy', 'Running', { status: 'True', reason: 'Following' });
  await program.condition('ReplicaTask', 'copy', 'FeedReady', { status: 'True' });
  await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  await program.condition('ReplicaTask', 'copy', 'Fresh', { status: 'True', reason: 'WithinLag' });
  await files.putFile('/new.txt', 'new');
  await files.deleteFile('/before.txt');
  await equal();
  const { status } = (await program.get('ReplicaTask', 'copy')) ?? assert.fail('no task');
  assert.equal(status.feed?.kind, 'changeStream');
  assert.match(status.lag ?? '', /^\d/);
  assert.equal(status.schedule, 'Continuously');
  assert.equal(status.remoteClusters?.[0]?.retrying, 0);
  assert.ok(status.history?.some(({ trigger }) => trigger === 'backfill'));
});

test('a suspended task follows nothing, and makes up for what it missed when it is resumed', async () => {
  await apply({}, { [SUSPENDED_ANNOTATION]: 'true' });
  await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Suspended' });
  await eventually(async () => {
    const conditions = (await program.get('ReplicaTask', 'copy'))?.status.conditions ?? [];
    return !conditions.some(({ type }) => type === 'Running');
  });
  await files.putFile('/missed.txt', 'missed');
  await files.deleteFile('/new.txt');
  await apply();
  await equal();
});

test('a restart goes on where it stopped: nothing is compared again, and nothing is lost', async () => {
  const compares = async (): Promise<number> =>
    await world.client.db('bkrepo_replicator').collection('replica_record').countDocuments({ part: 'compare' });
  const before = await compares();
  await program.stop();
  await files.putFile('/while-away.txt', 'while away');
  await files.deleteFile('/missed.txt');
  program.start();
  await equal();
  assert.equal(await compares(), before);
});

test('a requested run compares everything, and is answered', async () => {
  await apply({}, { [RUN_REQUESTED_ANNOTATION]: 'now' });
  await eventually(async () => (await program.get('ReplicaTask', 'copy'))?.status.lastHandledRunRequest === 'now');
  await eventually(async () => {
    const { status } = (await program.get('ReplicaTask', 'copy')) ?? assert.fail('no task');
    return status.history?.some(({ trigger }) => trigger === 'resync');
  });
});

test('a Cluster that gets another URL is followed to where it points', async () => {
  const west = await world.farSide('west');
  await program.apply('all', credentials('east-login'), cluster('east', west.proxy.url));
  await eventually(async () => (await world.differences(west)).length === 0, { timeoutMs: 20_000 });
  await program.apply('all', credentials('east-login'), cluster('east', east.proxy.url));
  await files.putFile('/back-again.txt', 'back again');
  await equal();
});

test('a mass delete is held until a person approves it, and the condition says how', async () => {
  await apply({ deleteProtection: { percent: 0, files: 2 } });
  for (let file = 0; file < 5; file += 1) await files.putFile(`/many/${file}.txt`, `file ${file}`);
  await equal();
  await files.deleteFile('/many');
  const held = await program.condition('ReplicaTask', 'copy', 'DeletesHeld', { status: 'True' });
  assert.match(held.message, /^5 files have left the source .* at east, of \d+ that the task owns there; 2 may go/);
  assert.match(held.message, /annotation replication\.bkrepo\.io\/deletes-approved of ReplicaTask copy/);
  await apply({ deleteProtection: { percent: 0, files: 2 } }, { [DELETES_APPROVED_ANNOTATION]: 'yes' });
  await equal();
  await eventually(async () => {
    const { status } = (await program.get('ReplicaTask', 'copy')) ?? assert.fail('no task');
    return (
      status.lastHandledDeletesApproval === 'yes' && !status.conditions?.some(({ type }) => type === 'DeletesHeld')
    );
  });
});

test('a task that becomes SCHEDULED runs, and follows nothing any more', async () => {
  const { metadata } = await program.task('copy');
  await program.stop();
  await leaveOpen(metadata.uid);
  await program.apply('task', task('copy', ['east'], { setting: { executionPlan: { executeImmediately: true } } }));
  program.start();
  await eventually(async () => {
    const { status } = (await program.get('ReplicaTask', 'copy')) ?? assert.fail('no task');
    return status.feed === undefined && status.history?.[0]?.trigger === 'one-shot';
  });
  const left = world.client.db('bkrepo_replicator').collection('replica_record').find({ claim: /^left/ });
  assert.deepEqual(
    (await left.toArray()).map(({ status }) => String(status)),
    ['ABORTED', 'ABORTED'],
  );
  await files.putFile('/unseen.txt', 'unseen');
  await apply();
  await equal();
});

/** The records of a follower that was killed while it compared. */
async function leaveOpen(taskUid: string): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const journal = await openJournal(
    { uri: world.mongod.uri, installationId: program.directory, clock: systemClock, logger: silentLogger },
    signal,
  );
  const records = world.client.db('bkrepo_replicator').collection('replica_record');
  await records.updateMany({ status: 'RUNNING', taskUid }, { $set: { status: 'SUCCESS' } });
  const common = {
    taskKey: taskKey('default', 'copy'),
    taskUid,
    namespace: 'default',
    name: 'copy',
    specHash: 'of before',
    generation: 1,
    reserveDays: 30,
    keepDetails: true,
  };
  await journal.beginRun({ ...common, claim: 'left:1', trigger: 'event' }, signal);
  await journal.beginRun({ ...common, claim: 'left:2', trigger: 'backfill', part: 'compare' }, signal);
  await journal.close();
}

test('a deleted task ends, and leaves no open record', async () => {
  await program.delete('task');
  await eventually(async () => {
    const open = { status: 'RUNNING' };
    return (await world.client.db('bkrepo_replicator').collection('replica_record').countDocuments(open)) === 0;
  });
});
