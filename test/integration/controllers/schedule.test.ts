/** When tasks run by themselves: real servers and timers, and a wall clock that the tests set. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../../../src/api/names.ts';
import { eventually } from '../../support/wait.ts';
import { World } from '../../support/world.ts';
import { cluster, credentials } from './installation.ts';
import { TimedProgram } from './timed-program.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

let world: World;
let sides = 0;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: 5 }, (_, index) => ({ path: `/file-${index}`, content: `${index}` })),
  );
});
after(() => world.stop());

const cron = (cronExpression: string, more: object = {}): object => ({
  setting: { executionPlan: { cronExpression, ...more } },
});

function scheduled(what: string, body: (t: TimedProgram) => Promise<void>): void {
  test(what, async (context) => {
    sides += 1;
    const timed = await TimedProgram.create(world, `timed${sides}`);
    context.after(() => timed.program.remove());
    await body(timed);
  });
}

/** They wait most of the time; times come soon, but not before a program on a busy machine has started. */
suite('schedule', { concurrency: 4 }, () => {
  scheduled("a cron runs at its time and not before, at year's end, and says when next", async (t) => {
    const { clock, east } = t;
    clock.set('2026-12-31T23:59:48Z');
    await t.apply(cron('0 0 0 1 1 ?', { timeZone: 'UTC' }));
    await t.start();
    const before = await t.ready();
    assert.equal(before.schedule, '0 0 0 1 1 ? (UTC)');
    assert.equal(before.nextExecutionTime, '2027-01-01T00:00:00Z');
    assert.deepEqual([before.executionTimes, before.skippedRuns, before.missedRuns], [0, 0, 0]);
    const after = await t.ended(1);
    assert.deepEqual(await t.claims(), ['tick:2027-01-01T00:00:00Z']);
    assert.equal(after.history?.[0]?.trigger, 'tick');
    assert.match(after.history?.[0]?.startTime ?? '', /^2027-01-01T00:00:0[0-2]Z$/);
    assert.equal(after.lastScheduleTime, '2027-01-01T00:00:00Z');
    assert.equal(after.nextExecutionTime, '2028-01-01T00:00:00Z');
    assert.deepEqual(await world.differences(east), []);
  });

  scheduled('after a downtime the newest time runs, once, and those before it are counted and told once', async (t) => {
    const { clock, program } = t;
    clock.set('2026-11-17T12:30:00Z');
    await t.apply(cron('0 * * * *'));
    await t.start();
    await t.ready();
    await program.stop();
    clock.turn(5 * DAY);
    await t.start();
    const after = await t.ended(1);
    assert.deepEqual(await t.claims(), ['tick:2026-11-22T12:00:00Z']);
    assert.deepEqual([after.missedRuns, after.lastScheduleTime], [119, '2026-11-22T12:00:00Z']);
    const note = '119 scheduled times passed without a run and will not be made up for';
    assert.deepEqual(await program.events('MissedRuns'), [note]);
    await program.stop();
    await t.start();
    await t.noticed(() => clock.turn(MINUTE));
    assert.deepEqual([(await t.ready()).missedRuns, (await t.claims()).length], [119, 1]);
  });

  scheduled(
    'a clock that is set back repeats nothing, and one that is set ahead makes up for the newest time only',
    async (t) => {
      const { clock } = t;
      clock.set('2026-11-22T01:56:00Z');
      await t.apply(cron('*/5 * * * *'));
      await t.start();
      await t.ready();
      await t.noticed(() => clock.turn(5 * MINUTE));
      await t.ended(1);
      await t.noticed(() => clock.turn(-10 * MINUTE));
      const back = await t.ready();
      assert.deepEqual(await t.claims(), ['tick:2026-11-22T02:00:00Z']);
      assert.equal(back.nextExecutionTime, '2026-11-22T02:05:00Z', 'not one of those before what ran');
      await t.noticed(() => clock.turn(21 * MINUTE));
      const ahead = await t.ended(2);
      assert.deepEqual(await t.claims(), ['tick:2026-11-22T02:00:00Z', 'tick:2026-11-22T02:10:00Z']);
      assert.equal(ahead.missedRuns, 1);
    },
  );

  scheduled(
    'what passes while a task is suspended, or before its schedule was changed, is not made up for',
    async (t) => {
      const { clock, program } = t;
      clock.set('2026-11-22T12:30:00Z');
      await t.apply(cron('0 * * * *'), { [SUSPENDED_ANNOTATION]: 'true' });
      await t.start();
      const suspended = await t.ready();
      assert.equal(suspended.nextExecutionTime, undefined);
      assert.equal(suspended.suspendedSince?.slice(0, 16), '2026-11-22T12:30');
      await t.noticed(() => clock.turn(DAY));
      await t.apply(cron('0 * * * *'));
      const resumed = await eventually(async () => {
        const now = await t.status();
        return now.suspendedSince === undefined ? now : undefined;
      });
      assert.equal(resumed.scheduledSince?.slice(0, 16), '2026-11-23T12:30');
      assert.equal(resumed.nextExecutionTime, '2026-11-23T13:00:00Z');
      // At once the newest time of the former schedule would be due.
      await program.stop();
      clock.turn(DAY);
      await t.apply(cron('15 * * * *'));
      await t.start();
      const changed = await eventually(async () => {
        const now = await t.status();
        return now.schedule === '15 * * * * (UTC)' ? now : undefined;
      });
      assert.equal(changed.nextExecutionTime, '2026-11-24T13:15:00Z');
      assert.deepEqual([changed.missedRuns, changed.executionTimes], [0, 0]);
    },
  );

  scheduled(
    'times that come while a run is active are skipped and told, an edit of the schedule lets the run go on, one of the objects does not',
    async (t) => {
      const { program, east } = t;
      t.hold();
      await t.apply(cron('* * * * * ?'));
      await t.start();
      await program.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
      const active = (await t.status()).activeRun?.recordId ?? '';
      await eventually(async () => ((await t.status()).skippedRuns ?? 0) >= 2);
      const told = await eventually(() => program.events('TickSkipped').then((notes) => notes.length > 0 && notes));
      assert.match(
        told[0] ?? '',
        new RegExp(`^(1 scheduled time|\\d scheduled times) skipped, because run ${active} is still active$`),
      );

      await t.apply({ ...cron('0 0 1 1 *'), description: 'edited' });
      await eventually(async () => (await t.status()).schedule === '0 0 1 1 * (UTC)');
      assert.equal((await t.status()).activeRun?.recordId, active);

      await t.apply({
        setting: { ...(cron('0 0 1 1 *') as { setting: object }).setting, conflictStrategy: 'OVERWRITE' },
      });
      await eventually(async () => (await program.events('RunAborted')).length === 1);
      t.release();
      const after = await t.ended(2);
      assert.deepEqual(
        after.history?.map(({ status: result, reason, trigger }) => [result, reason, trigger]),
        [
          ['SUCCESS', 'AllEqual', 'tick'],
          ['ABORTED', 'SpecChanged', 'tick'],
        ],
      );
      assert.equal((await t.claims()).at(-1), `restart:${active}`);
      assert.equal(after.missedRuns, 0);
      assert.deepEqual(await world.differences(east), []);
    },
  );

  scheduled('a time waits for what is missing until its deadline, and is missed behind it', async (t) => {
    const { clock, program, east } = t;
    clock.set('2026-11-22T11:30:00Z');
    await program.apply('east', cluster('east', east.proxy.url));
    await t.apply(cron('0 * * * *', { startingDeadlineSeconds: 3_000 }));
    await t.start();
    await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'False', reason: 'SecretNotFound' });
    await t.noticed(() => clock.turn(31 * MINUTE));
    assert.deepEqual([(await t.status()).missedRuns, (await t.status()).executionTimes], [0, 0]);
    await program.apply('east', credentials('east-login'), cluster('east', east.proxy.url));
    await t.ended(1);
    assert.deepEqual(await t.claims(), ['tick:2026-11-22T12:00:00Z']);

    await program.apply('east', cluster('east', east.proxy.url));
    await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'False', reason: 'SecretNotFound' });
    await t.noticed(() => clock.turn(2 * 60 * MINUTE + 55 * MINUTE));
    const missed = await eventually(async () => {
      const now = await t.status();
      return (now.missedRuns ?? 0) > 0 ? now : undefined;
    });
    assert.deepEqual([missed.missedRuns, missed.lastScheduleTime], [2, '2026-11-22T14:00:00Z']);
    assert.equal((await program.events('MissedRuns')).length, 1);
  });

  scheduled('a single run at a time comes at it, once; a past time is refused until a run is asked for', async (t) => {
    const { clock, program } = t;
    clock.set('2028-02-28T23:59:48Z');
    const at = (executeTime: string): object => ({ setting: { executionPlan: { executeTime, timeZone: 'UTC' } } });
    await t.apply(at('2028-02-29T00:00:00'));
    await t.start();
    const before = await t.ready();
    assert.equal(before.schedule, 'Once, at 2028-02-29T00:00:00 (UTC)');
    assert.deepEqual([before.nextExecutionTime, before.executionTimes], ['2028-02-29T00:00:00Z', 0]);
    const ran = await t.ended(1);
    assert.match(ran.history?.[0]?.startTime ?? '', /^2028-02-29T00:00:0[0-2]Z$/);
    assert.equal(ran.nextExecutionTime, undefined);
    await t.noticed(() => clock.turn(2 * DAY));
    assert.equal((await t.ready()).executionTimes, 1, 'it ran, so its time is not left to pass');

    await t.apply(at('2028-02-29T00:00:01'));
    const words = /^spec\.setting\.executionPlan\.executeTime: 2028-02-29T00:00:01 \(2028-02-29T00:00:01Z\) is past/;
    const { message } = await program.condition('ReplicaTask', 'copy', 'Stalled', {
      status: 'True',
      reason: 'ExecuteTimePast',
    });
    assert.match(message, words);
    await t.apply(at('2028-02-29T00:00:01'), { [RUN_REQUESTED_ANNOTATION]: 'now' });
    await t.ended(2);
    await program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True', reason: 'Accepted' });
  });

  scheduled('a cron task that is deleted and applied again repeats neither a time nor a request', async (t) => {
    const { clock, program } = t;
    clock.set('2026-11-22T11:30:00Z');
    const request = { [RUN_REQUESTED_ANNOTATION]: 'one' };
    await t.apply(cron('0 * * * *', { executeImmediately: true }), request);
    await t.start();
    await t.ended(1);
    await t.noticed(() => clock.turn(31 * MINUTE));
    const first = await t.ended(2);
    assert.deepEqual(
      first.history?.map(({ trigger }) => trigger),
      ['tick', 'request'],
    );
    await program.delete('task');
    await eventually(async () => (await program.get('ReplicaTask', 'copy')) === undefined);
    await t.apply(cron('0 * * * *', { executeImmediately: true }), request);
    const again = await eventually(async () => {
      const now = (await program.get('ReplicaTask', 'copy'))?.status;
      return now?.lastHandledRunRequest === 'one' ? now : undefined;
    });
    assert.deepEqual(await t.claims(), [], 'no run of the new one');
    assert.equal(again.nextExecutionTime, '2026-11-22T13:00:00Z');
  });

  scheduled(
    'a task made, and run, under a clock that is ahead keeps its times when the clock is set right',
    async (t) => {
      t.clock.set('2026-11-22T12:10:00Z');
      await t.apply(cron('5 12 * * *', { executeImmediately: true }));
      await t.start();
      const ahead = await t.ended(1);
      assert.equal(ahead.nextExecutionTime, '2026-11-23T12:05:00Z');
      await t.noticed(() => t.clock.set('2026-11-22T12:04:50Z'));
      const after = await t.ended(2);
      assert.deepEqual((await t.claims()).slice(1), ['tick:2026-11-22T12:05:00Z']);
      assert.deepEqual([after.skippedRuns, after.missedRuns], [0, 0]);
    },
  );

  scheduled('a single time runs once, however many runs are asked for before its deadline', async (t) => {
    t.clock.set('2026-11-22T12:00:00Z');
    await t.apply({ setting: { executionPlan: { executeTime: '2026-11-22T12:00:00Z' } } });
    await t.start();
    await t.ended(1);
    await t.program.stop();
    const records = world.client.db('bkrepo_replicator').collection('replica_record');
    const { uid } = (await t.program.task('copy')).metadata;
    const { _id, ...first } = (await records.findOne({ taskUid: uid })) ?? {};
    assert.ok(_id);
    const asked = Array.from({ length: 20 }, (_, index) => ({
      ...first,
      trigger: 'request',
      claim: `request:${index}`,
      executionNumber: index + 2,
    }));
    await records.insertMany(asked);
    await t.forgetStatus();
    await t.start();
    const after = await t.when(({ executionTimes = 0, activeRun }) => executionTimes >= 21 && activeRun === undefined);
    assert.equal(after.executionTimes, 21);
    assert.equal(after.nextExecutionTime, undefined);
    assert.equal((await t.claims()).length, 21);
  });

  scheduled('a time whose run was begun is not repeated, nor missed, although the status never said so', async (t) => {
    t.clock.set('2026-11-22T11:30:00Z');
    await t.apply(cron('0 * * * *'));
    await t.start();
    await t.ready();
    await t.noticed(() => t.clock.turn(31 * MINUTE));
    await t.ended(1);
    await t.program.stop();
    await t.forgetStatus();
    await t.start();
    const known = await t.ended(1);
    assert.equal(known.lastScheduleTime, '2026-11-22T12:00:00Z');
    assert.deepEqual([known.missedRuns, known.skippedRuns], [0, 0]);
    await t.program.stop();
    await t.forgetStatus();
    t.clock.turn(180 * MINUTE);
    await t.start();
    const after = await t.ended(2);
    assert.deepEqual(await t.claims(), ['tick:2026-11-22T12:00:00Z', 'tick:2026-11-22T15:00:00Z']);
    assert.deepEqual([after.missedRuns, after.skippedRuns], [2, 0], 'not the one that ran');
  });
});
