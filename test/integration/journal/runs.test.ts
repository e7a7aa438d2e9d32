import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { MongoClient } from 'mongodb';

import type { Journal } from '../../../src/journal/journal.ts';
import { startMongod } from '../../support/mongod.ts';
import { begin, closeAll, detail, failure, never, open, outcome, start, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

for (const replicaSet of [false, true])
  describe(`runs on a ${replicaSet ? 'replica set' : 'standalone mongod'}`, () => {
    let mongod: StandaloneMongod;
    let journal: Journal;

    before(async () => {
      mongod = await (replicaSet ? startMongod() : startStandaloneMongod());
      journal = await open(mongod.uri);
    });
    after(async () => {
      await closeAll();
      await mongod.stop();
    });

    it('lets exactly one of twenty callers start a claim, and shows it to the others', async () => {
      const claim = { taskKey: unique('key'), taskUid: unique('uid'), claim: 'tick:2026-11-22T16:00:00Z' };
      const results = await Promise.all(Array.from({ length: 20 }, () => journal.beginRun(start(claim), never)));
      const started = results.filter((result) => result.outcome === 'started');
      assert.equal(started.length, 1);
      assert.equal(results.filter((result) => result.outcome === 'claimed').length, 19);
      assert.deepEqual(new Set(results.map((result) => result.record.id)), new Set([started[0]?.record.id]));
    });

    it('keeps a claim taken after the run is finished, also for a new uid', async () => {
      const taskKey = unique('key');
      const record = await begin(journal, { taskKey, taskUid: unique('uid') });
      await journal.finishRun(record, { status: 'SUCCESS', farSides: [outcome()] }, never);
      const again = await journal.beginRun(start({ taskKey, taskUid: unique('uid') }), never);
      assert.equal(again.outcome, 'claimed');
      assert.equal(again.record.status, 'SUCCESS');
      assert.equal((await journal.findClaim(taskKey, 'one-shot:abc', never))?.id, record.id);
      assert.equal(await journal.findClaim(taskKey, 'one-shot:other', never), undefined);
    });

    it('numbers the runs of a task, through its re-creation', async () => {
      const taskKey = unique('key');
      for (const [index, taskUid] of ['a', 'a', 'b'].map((uid) => `${taskKey}-${uid}`).entries()) {
        const record = await begin(journal, { taskKey, taskUid, claim: `request:${index}` });
        assert.equal(record.executionNumber, index + 1);
        const closed = await journal.finishRun(record, { status: 'SUCCESS', farSides: [outcome()] }, never);
        assert.equal(closed.executionNumber, index + 1);
      }
      assert.equal((await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') })).executionNumber, 1);
    });

    it('does not open a second run of a task while one is open, and leaves its claim free', async () => {
      const task = { taskKey: unique('key'), taskUid: unique('uid') };
      const first = await begin(journal, task);
      const second = await journal.beginRun(start({ ...task, claim: 'request:2' }), never);
      assert.deepEqual([second.outcome, second.record.id], ['busy', first.id]);
      assert.equal((await journal.openRunOf(task.taskKey, task.taskUid, never))?.id, first.id);
      await journal.finishRun(first, { status: 'FAILED', errorReason: 'because', farSides: [] }, never);
      assert.equal(await journal.openRunOf(task.taskKey, task.taskUid, never), undefined);
      assert.equal((await journal.beginRun(start({ ...task, claim: 'request:2' }), never)).outcome, 'started');
    });

    it('opens one run of each part of a task, side by side', async () => {
      const task = { taskKey: unique('key'), taskUid: unique('uid') };
      const parts = { none: {}, compare: { part: 'compare' } } as const;
      const rolling = await begin(journal, { ...task, claim: 'event:1', trigger: 'event' });
      const compare = await begin(journal, { ...task, ...parts.compare, claim: 'backfill:1', trigger: 'backfill' });
      assert.deepEqual([rolling.part, compare.part], [undefined, 'compare']);
      for (const [name, open] of [
        ['none', rolling],
        ['compare', compare],
      ] as const) {
        const another = await journal.beginRun(start({ ...task, ...parts[name], claim: `request:${name}` }), never);
        assert.deepEqual([another.outcome, another.record.id], ['busy', open.id], name);
      }
      const openRun = (part?: 'compare') => journal.openRunOf(task.taskKey, task.taskUid, never, part);
      assert.deepEqual([(await openRun())?.id, (await openRun('compare'))?.id], [rolling.id, compare.id]);
      const open = (await journal.openRuns(never)).filter(({ taskUid }) => taskUid === task.taskUid);
      assert.deepEqual(
        open.map(({ id, part }) => [id, part]),
        [
          [rolling.id, undefined],
          [compare.id, 'compare'],
        ],
      );
      await journal.finishRun(compare, { status: 'SUCCESS', farSides: [] }, never);
      assert.deepEqual([(await openRun())?.id, await openRun('compare')], [rolling.id, undefined]);
      await begin(journal, { ...task, part: 'compare', claim: 'backfill:2', trigger: 'backfill' });
    });

    it('goes on with a journal of an earlier release, whose index allowed a task one open run in all', async () => {
      const database = unique('earlier');
      const client = await MongoClient.connect(mongod.uri);
      try {
        const records = client.db(database).collection('replica_record');
        const earlier = await open(mongod.uri, { database });
        const record = await begin(earlier, { claim: 'event:1' });
        await records.dropIndex('one_open_part');
        const key = { installationId: 1, taskUid: 1 } as const;
        const partialFilterExpression = { status: 'RUNNING' };
        await records.createIndex(key, { name: 'one_open_run', unique: true, partialFilterExpression });
        const [one, two] = await Promise.all([open(mongod.uri, { database }), open(mongod.uri, { database })]);
        const names = (await records.indexes()).map(({ name }) => name);
        assert.ok(names.includes('one_open_part') && !names.includes('one_open_run'), names.join());
        assert.equal((await two.openRunOf(record.taskKey, record.taskUid, never))?.id, record.id);
        assert.equal((await one.beginRun(start({ claim: 'event:2' }), never)).outcome, 'busy');
        await begin(one, { claim: 'backfill:1', part: 'compare' });
      } finally {
        await client.close();
      }
    });

    it('starts a record with what it was told, and closes it with the sums of its far sides', async () => {
      const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
      assert.partialDeepStrictEqual(record, {
        namespace: 'team',
        name: 'nightly',
        trigger: 'one-shot',
        specHash: 'abc',
        generation: 3,
        epoch: 1,
        status: 'RUNNING',
        farSides: [],
      });
      const error = { reason: 'Unauthorized', message: 'x'.repeat(9_000) };
      const farSides = [outcome(), outcome({ clusterId: 'cluster-b', clusterName: 'edge-b', error })];
      const result = { status: 'FAILED', errorReason: 'edge-b: Unauthorized', farSides } as const;
      const finished = await journal.finishRun(record, result, never);
      assert.deepEqual(finished, await journal.findRun(record.id, never));
      assert.deepEqual(finished.replicaOverview, {
        success: 6,
        failed: 8,
        conflict: 2,
        unchanged: 4,
        notTried: 10,
        fileSuccess: 6,
        fileFailed: 8,
      });
      assert.deepEqual([finished.status, finished.errorReason], ['FAILED', 'edge-b: Unauthorized']);
      assert.deepEqual([finished.replicatedBytes, finished.totalBytes], [600, 2_000]);
      assert.ok(finished.endTime !== undefined && finished.endTime >= finished.startTime);
      assert.equal(finished.farSides[1]?.error?.message.length, 4_096);
      assert.deepEqual(await journal.finishRun(record, result, never), finished, 'repeating after a lost answer');
    });

    it('closes an aborted run with what is on record, whoever performed it', async () => {
      const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
      const rows = [
        ...[1, 2, 3].map((unit) => detail(unit, { status: 'SUCCESS' })),
        detail(4, { status: 'FAILED' }),
        detail(5, { status: 'NOT_TRIED' }),
      ];
      await journal.runJournal(record).writeDetails(rows, never);
      const adopted = await journal.adopt(record.id, never);
      assert.ok(adopted);
      const tally = { ...outcome().tally, success: 1, failed: 0, conflict: 0, unchanged: 7, notTried: 0 };
      const result = {
        status: 'ABORTED',
        errorReason: 'Cancelled: by a test',
        farSides: [outcome({ tally })],
      } as const;
      const { replicaOverview } = await journal.finishRun(adopted, result, never);
      assert.deepEqual(replicaOverview, {
        success: 3,
        failed: 1,
        conflict: 0,
        unchanged: 7,
        notTried: 1,
        fileSuccess: 3,
        fileFailed: 1,
      });
    });

    it('takes everything from the former owner when a run is adopted', async () => {
      const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
      const former = journal.runJournal(record);
      const repository = { projectId: 'mirror', name: 'files', storageKey: null };
      await former.writeDetails([detail(1)], never);
      await former.writeProofs('cluster-a', null, [{ sha256: 'd1', method: 'check' }], never);
      const adopted = await journal.adopt(record.id, never);
      assert.deepEqual([adopted?.id, adopted?.epoch], [record.id, 2]);

      const lost = failure('cluster', 'EpochLost');
      const changed = detail(1, { status: 'FAILED', reason: 'Late' });
      await assert.rejects(former.writeDetails([changed, detail(2)], never), lost);
      await assert.rejects(former.writeProofs('cluster-a', null, [{ sha256: 'd2', method: 'check' }], never), lost);
      await assert.rejects(former.deleteProof('cluster-a', null, 'd1', never), lost);
      const owned = [{ fullPath: '/dir/1', keys: ['k'] }];
      await assert.rejects(former.writeOwnedKeys('cluster-a', repository, owned, never), lost);
      await assert.rejects(journal.finishRun(record, { status: 'SUCCESS', farSides: [] }, never), lost);

      const units = ['0:/dir/1', '0:/dir/2'];
      assert.deepEqual(await former.findDetails('cluster-a', units, never), new Map([['0:/dir/1', detail(1)]]));
      const proofs = await former.findProofs('cluster-a', null, ['d1', 'd2'], never);
      assert.deepEqual([...proofs.keys()], ['d1']);
      assert.equal((await former.findOwnedKeys('cluster-a', repository, ['/dir/1'], never)).size, 0);
      assert.equal((await journal.findRun(record.id, never))?.status, 'RUNNING');

      assert.ok(adopted);
      await journal.runJournal(adopted).writeDetails([detail(1, { status: 'UNCHANGED' })], never);
      assert.partialDeepStrictEqual(await journal.countDetails(record.id, never), { SUCCESS: 0, UNCHANGED: 1 });
      await journal.finishRun(adopted, { status: 'SUCCESS', farSides: [] }, never);
      assert.equal(await journal.adopt(record.id, never), undefined, 'a closed run cannot be adopted');
      await assert.rejects(journal.runJournal(adopted).writeDetails([detail(3)], never), lost);
    });

    it('lists open runs oldest first and the last runs of a task newest first', async () => {
      const other = await open(mongod.uri, { database: unique('lists') });
      const taskKey = unique('key');
      const ids: string[] = [];
      for (const n of [1, 2, 3]) {
        const record = await begin(other, { taskKey, taskUid: 'uid', claim: `request:${n}` });
        ids.push(record.id);
        if (n < 3) await other.finishRun(record, { status: 'SUCCESS', farSides: [] }, never);
      }
      const second = await begin(other, { taskKey: unique('key'), taskUid: 'uid-b' });
      assert.deepEqual(
        (await other.openRuns(never)).map((run) => run.id),
        [ids[2], second.id],
      );
      assert.deepEqual(
        (await other.lastRuns(taskKey, 2, never)).map((run) => run.id),
        [ids[2], ids[1]],
      );
    });

    it('closes the runs of tasks that are gone, forgets what they owned, and spares what is younger', async () => {
      const other = await open(mongod.uri, { database: unique('sweep') });
      const repository = { projectId: 'mirror', name: 'files', storageKey: null };
      const gone = await begin(other, { taskKey: 'a', taskUid: 'gone' });
      const compare = await begin(other, { taskKey: 'a', taskUid: 'gone', claim: 'backfill:1', part: 'compare' });
      const kept = await begin(other, { taskKey: 'b', taskUid: 'alive' });
      const [goneJournal, keptJournal] = [other.runJournal(gone), other.runJournal(kept)];
      const owned = [{ fullPath: '/f', keys: ['k'] }];
      for (const run of [goneJournal, keptJournal]) await run.writeOwnedKeys('cluster-a', repository, owned, never);
      await goneJournal.writeDetails([detail(7, { status: 'SUCCESS' }), detail(8, { status: 'SUCCESS' })], never);
      assert.deepEqual(await other.sweep(new Set(['alive']), gone.startTime, never), [], 'younger than the list');

      const closed = await other.sweep(new Set(['alive']), new Date(Date.now() + 1), never);
      assert.deepEqual(
        closed.map((run) => [run.id, run.status, run.errorReason, run.replicaOverview.success]),
        [
          [gone.id, 'ABORTED', 'task deleted', 2],
          [compare.id, 'ABORTED', 'task deleted', 0],
        ],
      );
      await assert.rejects(goneJournal.writeDetails([detail(1)], never), failure('cluster', 'EpochLost'));
      assert.equal((await goneJournal.findOwnedKeys('cluster-a', repository, ['/f'], never)).size, 0);
      assert.equal((await keptJournal.findOwnedKeys('cluster-a', repository, ['/f'], never)).size, 1);
      assert.deepEqual(
        (await other.openRuns(never)).map((run) => run.id),
        [kept.id],
      );
    });

    it('keeps two installations in one database apart', async () => {
      const database = unique('shared');
      const one = await open(mongod.uri, { database, installationId: 'one' });
      const two = await open(mongod.uri, { database, installationId: 'two' });
      const record = await begin(one);
      await one.runJournal(record).writeProofs('cluster-a', null, [{ sha256: 'd', method: 'check' }], never);
      await one.runJournal(record).writeDetails([detail(1)], never);
      assert.deepEqual(await two.openRuns(never), []);
      assert.equal(await two.adopt(record.id, never), undefined);
      assert.equal(await two.findRun(record.id, never), undefined);
      assert.deepEqual(await two.sweep(new Set(), new Date(Date.now() + 1_000), never), []);
      assert.equal((await two.details(record.id, {}, { pageNumber: 1, pageSize: 10 }, never)).total, 0);
      const own = await begin(two);
      assert.equal((await two.runJournal(own).findProofs('cluster-a', null, ['d'], never)).size, 0);
    });
  });
