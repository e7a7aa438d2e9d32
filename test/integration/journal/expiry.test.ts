import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { type Db, MongoClient, ObjectId } from 'mongodb';

import { taskKey } from '../../../src/api/names.ts';
import { taskSweeper } from '../../../src/controllers/replica-task/sweeper.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { ExpiryPosition, RunRecord, RunStart } from '../../../src/journal/records.ts';
import type { ResourceStore } from '../../../src/resources/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { eventually } from '../../support/wait.ts';
import { begin, closeAll, detail, failure, never, open, outcome, silent, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('old records', () => {
  let mongod: StandaloneMongod;
  let client: MongoClient;

  before(async () => {
    mongod = await startStandaloneMongod();
    client = await MongoClient.connect(mongod.uri);
  });
  after(async () => {
    await closeAll();
    await client?.close();
    await mongod?.stop();
  });

  /** A journal of its own, with time that moves when told to. */
  class Scene {
    readonly clock = new FakeClock();
    readonly database = unique('expiry');
    readonly db: Db = client.db(this.database);
    /** reserveDays by task key. */
    readonly living = new Map<string, { readonly reserveDays: number }>();
    maxRunsPerTask = 1_000;
    #journal: Journal | undefined;
    #claims = 0;

    async start(): Promise<this> {
      this.#journal = await open(mongod.uri, { database: this.database, clock: this.clock });
      return this;
    }

    get journal(): Journal {
      assert.ok(this.#journal);
      return this.#journal;
    }

    begin(start: Partial<RunStart> = {}): Promise<RunRecord> {
      this.#claims += 1;
      return begin(this.journal, {
        taskKey: 'a',
        taskUid: 'uid-a',
        claim: `tick:${this.#claims}`,
        trigger: 'tick',
        ...start,
      });
    }

    /** A run of one minute with `details` details. */
    async run(start: Partial<RunStart> = {}, details = 3): Promise<RunRecord> {
      const record = await this.begin(start);
      const some = Array.from({ length: Math.min(details, 3) }, (_, n) =>
        detail(n, n === 0 ? { status: 'FAILED' } : {}),
      );
      await this.journal.runJournal(record).writeDetails(some, never);
      const stored = this.db.collection('replica_record_detail');
      const { _id, ...like } = (await stored.findOne({ recordId: record.id })) ?? {};
      const more = Array.from({ length: details - some.length }, (_, n) => ({
        ...like,
        unitKey: `more-${n}`,
        from: _id,
      }));
      if (more.length > 0) await stored.insertMany(more);
      this.clock.advance(MINUTE);
      return this.journal.finishRun(record, { status: 'SUCCESS', farSides: [outcome()] }, never);
    }

    /** Steps until there is nothing more to do; answers how many it took. */
    async expire(): Promise<number> {
      let after: ExpiryPosition | undefined;
      for (let steps = 1; ; steps += 1) {
        const { living, maxRunsPerTask } = this;
        const step = await this.journal.expire(
          { living, maxRunsPerTask, ...(after === undefined ? {} : { after }) },
          never,
        );
        assert.ok(step.details <= 5_000 && step.records <= 200, 'a step is small');
        if (step.after === undefined) return steps;
        ({ after } = step);
      }
    }

    /** Execution numbers of the records, and how many details each has. */
    async left(key = 'a'): Promise<Readonly<Record<number, number>>> {
      const runs = await this.journal.lastRuns(key, 1_000, never);
      const counted = runs.map(
        async ({ id, executionNumber }) =>
          [
            executionNumber,
            await this.db.collection('replica_record_detail').countDocuments({ recordId: id }),
          ] as const,
      );
      return Object.fromEntries(await Promise.all(counted));
    }
  }

  const scene = () => new Scene().start();

  it('go with their details after the days of the task’s present spec, but for the newest of each trigger', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 7 });
    // Begun under 30 days; the present spec says 7.
    await it.run({ trigger: 'one-shot', claim: 'one-shot:x' });
    await it.run({ trigger: 'request', claim: 'request:x' });
    await it.run();
    await it.run();
    it.clock.advance(7 * DAY - 5 * MINUTE);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 3, 2: 3, 3: 3, 4: 3 }, 'nothing is old enough');
    it.clock.advance(4 * MINUTE);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 0, 3: 3, 4: 3 }, 'the first two of their triggers keep their claims');
    it.clock.advance(10 * MINUTE);
    await it.run({}, 2);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 0, 5: 2 });
    assert.equal((await it.journal.findClaim('a', 'one-shot:x', never))?.executionNumber, 1);
    it.living.set('a', { reserveDays: 60 });
    assert.equal((await it.run()).executionNumber, 6, 'counted on');
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 0, 5: 2, 6: 3 });
  });

  it('of a task that follows its source go as others do: rolling ones and compares each keep their newest', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 2 });
    it.maxRunsPerTask = 40;
    await it.run({ trigger: 'backfill', claim: 'backfill:1', part: 'compare' });
    const compare = await it.begin({ trigger: 'backfill', claim: 'backfill:2', part: 'compare' });
    await it.run({ trigger: 'resync', claim: 'resync:1' });
    for (let hour = 0; hour < 72; hour += 1) {
      await it.run({ trigger: 'event', claim: `event:${hour}` }, hour % 2);
      it.clock.advance(59 * MINUTE);
    }
    await it.expire();
    const left = await it.left();
    assert.deepEqual(Object.keys(left).map(Number).slice(0, 3), [2, 3, 36], 'the open one, the last resync, and forty');
    assert.equal(left[75], 1);
    await it.journal.finishRun(compare, { status: 'SUCCESS', farSides: [] }, never);
    it.clock.advance(3 * DAY);
    await it.expire();
    assert.deepEqual(await it.left(), { 2: 0, 3: 0, 75: 0 });
  });

  it('go all, of a task that is gone, after the days of each record', async () => {
    const it = await scene();
    await it.run({ reserveDays: 30 });
    await it.run({ reserveDays: 2 });
    await it.run({ reserveDays: 5 });
    await it.run({ taskKey: 'b', taskUid: 'uid-b', reserveDays: 1 });
    await it.db
      .collection('replica_record')
      .updateOne({ executionNumber: 1, taskKey: 'a' }, { $unset: { reserveDays: 1 } });
    const steps = [
      [1, { 1: 3, 2: 3, 3: 3 }, {}],
      [2, { 1: 3, 3: 3 }, {}],
      [5, { 1: 3 }, {}],
      [29, { 1: 3 }, {}],
      [30, {}, {}],
    ] as const;
    await it.expire();
    assert.deepEqual([await it.left(), await it.left('b')], [{ 1: 3, 2: 3, 3: 3 }, { 1: 3 }]);
    it.clock.advance(MINUTE);
    let days = 0;
    for (const [day, a, b] of steps) {
      it.clock.advance((day - days) * DAY);
      days = day;
      await it.expire();
      assert.deepEqual([await it.left(), await it.left('b')], [a, b], `after ${day} days`);
    }
    assert.equal(await it.db.collection('replica_record_detail').countDocuments(), 0);
  });

  it('go when a task has too many of them, the oldest first, whatever their age', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 30 });
    it.maxRunsPerTask = 10;
    await it.run({ trigger: 'one-shot', claim: 'one-shot:x' });
    for (let n = 0; n < 14; n += 1) await it.run({}, 1);
    const open = await it.begin();
    await it.expire();
    assert.deepEqual(Object.keys(await it.left()).map(Number), [1, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    assert.equal((await it.journal.findRun(open.id, never))?.status, 'RUNNING');
  });

  it('stay while their run is open, however long, and while an open run tries their failed units again', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 1 });
    it.living.set('b', { reserveDays: 1 });
    const failed = await it.run();
    await it.run();
    const long = await it.begin({ taskKey: 'b', taskUid: 'uid-b' });
    await it.journal.runJournal(long).writeDetails([detail(1)], never);
    const retry = await it.begin({ trigger: 'retry', claim: 'retry:1', retryOf: failed.id });
    it.clock.advance(90 * DAY);
    await it.expire();
    assert.deepEqual([await it.left('a'), await it.left('b')], [{ 1: 3, 2: 0, 3: 0 }, { 1: 1 }]);
    const units = await it.journal.runJournal(retry).failedUnits(failed.id, 'cluster-a', undefined, 10, never);
    assert.equal(units.length, 1);
    await it.journal.finishRun(retry, { status: 'SUCCESS', farSides: [] }, never);
    await it.expire();
    assert.deepEqual(await it.left('a'), { 1: 0, 2: 0, 3: 0 }, 'what the last retry says is about the first, too');
  });

  it('stay while the last retries tell of them, and no longer', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 1 });
    const whole = await it.run({ trigger: 'request', claim: 'request:1' });
    const first = await it.run({ trigger: 'retry', claim: 'retry:1', retryOf: whole.id });
    await it.run({ trigger: 'retry', claim: 'retry:2', retryOf: first.id });
    await it.run({ trigger: 'request', claim: 'request:2' });
    it.clock.advance(2 * DAY);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 0, 3: 0, 4: 0 });
    await it.run({ trigger: 'retry', claim: 'retry:3' });
    for (const _ of [1, 2, 3]) await it.expire();
    assert.deepEqual(await it.left(), { 4: 0, 5: 3 });
  });

  it('that lose only some details in a step are not taken for whole by a retry', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 1 });
    const failed = await it.run({}, 5_001);
    it.clock.advance(2 * DAY);
    const { living, maxRunsPerTask } = it;
    const { after } = await it.journal.expire({ living, maxRunsPerTask }, never);
    assert.deepEqual([await it.left(), after === undefined], [{ 1: 1 }, false]);
    assert.equal((await it.journal.findRun(failed.id, never))?.detailsGone, true);
    const retry = await it.begin({ trigger: 'retry', claim: 'retry:1', retryOf: failed.id });
    await assert.rejects(
      it.journal.runJournal(retry).failedUnits(failed.id, 'cluster-a', undefined, 10, never),
      failure('spec', 'RecordNotFound'),
    );
    await it.journal.finishRun(retry, { status: 'FAILED', farSides: [] }, never);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 0 });
  });

  it('lose their details soon after the end where the task wants none, not before', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 30 });
    const running = await it.begin({ keepDetails: false });
    await it.journal.runJournal(running).writeDetails([detail(1), detail(2, { status: 'FAILED' })], never);
    it.clock.advance(DAY);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 2 }, 'an adoption needs them');
    await it.journal.finishRun(running, { status: 'FAILED', farSides: [] }, never);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 2 }, 'a late batch may still be under way');
    const gone = await it.begin({ keepDetails: false, taskUid: 'uid-gone' });
    await it.journal.runJournal(gone).writeDetails([detail(1)], never);
    it.clock.advance(MINUTE);
    await it.journal.sweep(new Set(['uid-a']), new Date(it.clock.now()), never);
    it.clock.advance(2 * MINUTE);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 1 });
    it.clock.advance(MINUTE);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 0, 2: 0 });
  });

  it('go in small steps, and wherever these are cut off no details are left without a record', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 1 });
    for (const details of [5_001, 2_000, 10]) await it.run({}, details);
    await it.run({ taskKey: 'b', taskUid: 'uid-b', reserveDays: 1 }, 10);
    it.clock.advance(2 * DAY);
    const details = it.db.collection('replica_record_detail');
    const records = it.db.collection('replica_record');
    let after: ExpiryPosition | undefined;
    let steps = 0;
    do {
      const { living, maxRunsPerTask } = it;
      const step = await it.journal.expire(
        { living, maxRunsPerTask, ...(after === undefined ? {} : { after }) },
        never,
      );
      ({ after } = step);
      steps += 1;
      const ids = new Set((await records.find().toArray()).map(({ _id }) => _id.toHexString()));
      for (const recordId of await details.distinct('recordId')) assert.ok(ids.has(String(recordId)));
      assert.ok(step.details <= 5_000);
    } while (after !== undefined);
    assert.deepEqual([await it.left('a'), await it.left('b')], [{ 3: 0 }, {}]);
    assert.equal(steps, 2, '7,021 details, at most 5,000 at a time');
  });

  it('are all looked at when there are more tasks than one step takes', async () => {
    const it = await scene();
    await it.run({ taskKey: 'task-0', reserveDays: 1 }, 1);
    const records = it.db.collection('replica_record');
    const { _id, ...one } = (await records.findOne()) ?? assert.fail();
    await records.insertMany(Array.from({ length: 449 }, (_, n) => ({ ...one, taskKey: `task-${n + 1}`, from: _id })));
    it.clock.advance(2 * DAY);
    assert.equal(await it.expire(), 3);
    assert.equal(await it.db.collection('replica_record').countDocuments(), 0);
  });

  it('are found also as details that no record leads to, once they would be too old for any task', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 30 });
    await it.run();
    const orphans = async (age: number): Promise<string> => {
      const id = ObjectId.createFromTime((it.clock.now() - age) / 1_000);
      const recordId = id.toHexString();
      const rows = Array.from({ length: 3_000 }, (_, n) => ({ recordId, clusterId: 'c', unitKey: `${n}`, schema: 1 }));
      await it.db.collection('replica_record_detail').insertMany(rows);
      return recordId;
    };
    await orphans(100 * DAY);
    await orphans(62 * DAY);
    const young = await orphans(60 * DAY);
    await it.expire();
    const left = await it.db.collection('replica_record_detail').distinct('recordId');
    assert.ok(left.includes(young));
    assert.equal(left.length, 2);
  });

  it('are not taken for older than they are by a clock ten minutes off, and are numbered on by one that goes back', async () => {
    const it = await scene();
    it.living.set('a', { reserveDays: 1 });
    const first = await it.run();
    it.clock.advance(10 * MINUTE);
    await it.expire();
    assert.deepEqual(await it.left(), { 1: 3 });
    it.clock.advance(-20 * MINUTE);
    await it.expire();
    const second = await it.run();
    const third = await it.run();
    assert.deepEqual(
      [first, second, third].map(({ executionNumber }) => executionNumber),
      [1, 2, 3],
    );
    assert.equal((await it.journal.lastRuns('a', 1, never))[0]?.id, third.id, 'the newest is the one begun last');
  });

  it('are swept by the controller while it runs: what is kept for a task’s uid with the task, uploads after a day', async () => {
    const it = await scene();
    const key = taskKey('team', 'nightly');
    const spec = { recordReserveDays: 1 };
    const task = { metadata: { namespace: 'team', name: 'nightly', uid: 'uid-a' }, spec };
    const tasks = [task];
    const store = { list: () => tasks } as unknown as Pick<ResourceStore, 'list'>;
    const repository = { projectId: 'mirror', name: 'files', storageKey: null };
    const fail = {
      fingerprint: 'f',
      failures: 1,
      lastFailedAt: new Date(0),
      reason: 'R',
      message: 'm',
      unitKey: '0:/1',
    };
    const session = { id: 's', acknowledged: 0, absentBefore: true, setbacks: 0 };
    for (const specHash of ['old', 'new']) {
      const record = await it.begin({ taskKey: key, specHash });
      const run = it.journal.runJournal(record);
      await run.writeFailures('cluster-a', [fail], never);
      await run.writeUpload('cluster-a', repository, specHash, session, never);
      await run.writeOwnedKeys('cluster-a', repository, [{ fullPath: '/1', keys: ['k'] }], never);
      await it.journal.finishRun(record, { status: 'FAILED', farSides: [] }, never);
      it.clock.advance(16 * 60 * MINUTE);
    }
    const stop = new AbortController();
    const { journal, clock, maxRunsPerTask } = it;
    const running = taskSweeper({ store, journal, clock, maxRunsPerTask, logger: silent }).run(stop.signal, never);
    const count = async () => {
      const names = ['replica_record', 'unit_failure', 'upload_session', 'owned_metadata'];
      return Promise.all(names.map((name) => it.db.collection(name).countDocuments()));
    };
    const rested = () => eventually(() => clock.sleeping > 0);
    const next = async (ms: number): Promise<void> => {
      await rested();
      clock.advance(ms);
      await rested();
    };
    await rested();
    assert.deepEqual(
      await count(),
      [1, 1, 1, 1],
      'one record too old, one spec no longer the task’s, one upload too old',
    );
    assert.equal((await it.db.collection('unit_failure').findOne())?.['specHash'], 'new');
    await next(5 * MINUTE);
    assert.deepEqual(await count(), [1, 1, 1, 1]);
    tasks.pop();
    await next(5 * MINUTE);
    await eventually(async () => (await count()).join() === '1,0,0,0');
    await rested();
    clock.advance(31 * DAY);
    await eventually(async () => (await count()).join() === '0,0,0,0');
    stop.abort();
    await running;
  });
});
