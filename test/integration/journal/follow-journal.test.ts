import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { type Db, MongoClient } from 'mongodb';

import type { DirtyKey, FollowJournal, Mark, Retry } from '../../../src/engine/ports/follow-journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { FollowedTask } from '../../../src/journal/records.ts';
import { startMongod } from '../../support/mongod.ts';
import { closeAll, failure, never, open, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const EPOCH = 2 ** 33;
const LOST = failure('cluster', 'EpochLost');
const repository = { projectId: 'mirror', name: 'files', storageKey: null };

function path(name: string | number): DirtyKey {
  return { repoName: 'files', kind: 'path', name: `/dir/${name}` };
}

function mark(name: string | number, seq: number, at = 1_000): Mark {
  return { key: path(name), seq, at: new Date(at) };
}

function retry(name: string | number, dueAt: number, attempts = 1): Retry {
  return { key: path(name), at: new Date(500), attempts, dueAt: new Date(dueAt) };
}

function followed(): FollowedTask {
  return { taskKey: unique('key'), taskUid: unique('uid'), namespace: 'team', name: 'live' };
}

async function allMarks(journal: FollowJournal, behind = 0, page = 10_000): Promise<readonly Mark[]> {
  const found: Mark[] = [];
  for (;;) {
    const some = await journal.marks(found.at(-1)?.seq ?? behind, page, never);
    if (some.length === 0) return found;
    found.push(...some);
  }
}

for (const replicaSet of [true, false])
  describe(`following, in the journal on a ${replicaSet ? 'replica set' : 'standalone mongod'}`, () => {
    let mongod: StandaloneMongod;
    let client: MongoClient;
    let db: Db;
    let journal: Journal;
    /** Another process. */
    let other: Journal;
    const database = unique('follow');
    const MANY = replicaSet ? 100_000 : 20_000;

    before(async () => {
      mongod = await (replicaSet ? startMongod() : startStandaloneMongod());
      client = await MongoClient.connect(mongod.uri);
      db = client.db(database);
      [journal, other] = [await open(mongod.uri, { database }), await open(mongod.uri, { database })];
    });
    after(async () => {
      await closeAll();
      await client?.close();
      await mongod?.stop();
    });

    it('begins with nothing, and goes on from where the one before was', async () => {
      const task = followed();
      const first = await journal.follow(task, never);
      assert.deepEqual(first.state, { epoch: 1, farSides: [], lastSeq: 0 });
      const position = { kind: 'oplog', at: new Date(9_000), token: '{"id":"a"}' } as const;
      const a = { clusterId: 'far.a', cursor: 7, compared: { specHash: 'abc', at: new Date(8_000) } };
      const b = { clusterId: 'b', cursor: EPOCH + 3, heldSince: new Date(8_500) };
      await first.savePosition({ ...position, token: 'before' }, never);
      await first.savePosition(position, never);
      for (const state of [{ clusterId: 'far.a', cursor: 1 }, b, a]) await first.saveFarSide(state, never);
      await first.mark([mark(1, EPOCH + 1), mark(2, EPOCH + 2)], never);
      const second = await other.follow(task, never);
      assert.deepEqual(second.state, { epoch: 2, position, farSides: [a, b], lastSeq: EPOCH + 2 });
      await second.forgetMarks(EPOCH + 2, never);
      assert.equal((await journal.follow(task, never)).state.lastSeq, EPOCH + 2, 'also when no mark is left');
    });

    it('keeps what several far sides save at once', async () => {
      const own = await journal.follow(followed(), never);
      const ids = Array.from({ length: 20 }, (_, n) => `far-${n}`);
      for (const cursor of [1, 2])
        await Promise.all([...ids, ...ids].map((clusterId) => own.saveFarSide({ clusterId, cursor }, never)));
      const stored = await db.collection('follow_state').findOne({ 'farSides.clusterId': 'far-7' });
      const farSides = stored?.['farSides'] as readonly { clusterId: string; cursor: number }[];
      assert.deepEqual(farSides.map(({ clusterId }) => clusterId).toSorted(), ids.toSorted());
      assert.ok(farSides.every(({ cursor }) => cursor === 2));
    });

    it('has one mark for a key, which is only ever raised, and pages them in their order', async () => {
      const own = await journal.follow(followed(), never);
      const keys: readonly DirtyKey[] = [
        path('a'),
        { ...path('a'), kind: 'folder' },
        { ...path('a'), repoName: 'other' },
        { repoName: 'files', kind: 'package', name: 'npm://a' },
        { repoName: 'files', kind: 'package', name: 'npm://a', version: '1.0' },
      ];
      const marks = keys.map((key, n) => ({ key, seq: n + 1, at: new Date(n) }));
      await own.mark(marks, never);
      assert.deepEqual(await allMarks(own, 0, 2), marks);
      await own.mark([mark('a', 9, 90)], never);
      await own.mark([mark('a', 3, 3)], never);
      assert.deepEqual(await allMarks(own), [...marks.slice(1), mark('a', 9, 90)]);
      assert.deepEqual([await own.countMarks(0, never), await own.countMarks(4, never)], [5, 2]);
      await own.forgetMarks(5, never);
      assert.deepEqual(await allMarks(own), [mark('a', 9, 90)]);
    });

    it('tells two tasks, two installations and two far sides apart', async () => {
      const task = followed();
      const strangers = [
        await journal.follow({ ...task, taskUid: unique('uid') }, never),
        await (await open(mongod.uri, { database, installationId: 'two' })).follow(task, never),
      ];
      const own = await journal.follow(task, never);
      await own.mark([mark(1, 5)], never);
      await own.saveRetries('a', [retry(1, 10)], never);
      for (const stranger of strangers) {
        await stranger.mark([mark(1, 3)], never);
        await stranger.forgetMarks(100, never);
        await stranger.dropRetries('a', [retry(1, 10)], never);
        assert.deepEqual([stranger.state.epoch, await stranger.countRetries('a', never)], [1, 0]);
      }
      await own.dropRetries('b', [retry(1, 10)], never);
      assert.deepEqual([await own.countMarks(0, never), await own.countRetries('a', never)], [1, 1]);
      assert.equal(await own.countRetries('b', never), 0);
    });

    it('gives the retries that are due, the longest due first', async () => {
      const own = await journal.follow(followed(), never);
      const many = Array.from({ length: 2_500 }, (_, n) => retry(n, 10_000 - n));
      await own.saveRetries('a', many, never);
      await own.saveRetries('a', [retry(3, 20, 4), retry(2_499, 30_000, 2)], never);
      assert.equal(await own.countRetries('a', never), 2_500);
      const due = await own.dueRetries('a', new Date(7_503), 3, never);
      assert.deepEqual(due, [retry(3, 20, 4), retry(2_498, 7_502), retry(2_497, 7_503)]);
      await own.dropRetries('a', [retry(3, 9_997)], never);
      assert.equal((await own.dueRetries('a', new Date(7_501), 3, never)).length, 1, 'it was saved anew since');
      await own.dropRetries('a', [retry(3, 20), { key: path('none'), dueAt: new Date(20) }], never);
      assert.deepEqual(await own.dueRetries('a', new Date(7_501), 3, never), []);
      await own.retryNow('a', new Date(7_000), never);
      const now = await own.dueRetries('a', new Date(7_000), 5_000, never);
      assert.equal(now.length, 2_499);
      assert.ok(now.every(({ dueAt }) => dueAt.getTime() === 7_000));
    });

    it('takes everything from the former process when another follows', async () => {
      const task = followed();
      const former = await journal.follow(task, never);
      await former.mark([mark(1, EPOCH + 1)], never);
      await former.saveRetries('a', [retry(1, 10)], never);
      await former.saveFarSide({ clusterId: 'a', cursor: 1 }, never);
      const second = await other.follow(task, never);
      const writes: Readonly<Record<string, () => Promise<void>>> = {
        mark: () => former.mark([mark(1, EPOCH + 9), mark(2, EPOCH + 10)], never),
        savePosition: () => former.savePosition({ kind: 'oplog', at: new Date(1), token: 'late' }, never),
        saveFarSide: () => former.saveFarSide({ clusterId: 'a', cursor: 99 }, never),
        'saveFarSide, a new one': () => former.saveFarSide({ clusterId: 'b', cursor: 99 }, never),
        forgetMarks: () => former.forgetMarks(EPOCH + 1, never),
        saveRetries: () => former.saveRetries('a', [retry(2, 10)], never),
        retryNow: () => former.retryNow('a', new Date(1), never),
        dropRetries: () => former.dropRetries('a', [retry(1, 10)], never),
        disown: () => former.disown('a', repository, [{ fullPath: '/1', updatedAt: new Date(0) }], never),
      };
      for (const [what, write] of Object.entries(writes)) await assert.rejects(write, LOST, what);
      assert.deepEqual(await allMarks(second), [mark(1, EPOCH + 1)]);
      assert.deepEqual(await second.dueRetries('a', new Date(1_000), 10, never), [retry(1, 10)]);
      const third = await journal.follow(task, never);
      assert.deepEqual(third.state, { epoch: 3, farSides: [{ clusterId: 'a', cursor: 1 }], lastSeq: EPOCH + 1 });
    });

    it('lets late writes of the former process neither lower nor drop what the next one wrote', async () => {
      const task = followed();
      const former = await journal.follow(task, never);
      const second = await other.follow(task, never);
      await second.mark([mark(1, 2 * EPOCH + 1, 7_000), mark(2, 2 * EPOCH + 2)], never);
      await second.saveRetries('a', [retry(1, 10, 5)], never);
      // As if the former owner had passed its check already.
      const state = db.collection('follow_state');
      await state.updateOne({ taskUid: task.taskUid }, { $set: { epoch: 1 } });
      await former.mark([mark(1, EPOCH + 5), mark(3, EPOCH + 6)], never);
      await former.forgetMarks(EPOCH + 6, never);
      await former.dropRetries('a', [retry(1, 10)], never);
      await assert.rejects(former.saveRetries('a', [retry(1, 99)], never), failure('retryable', 'JournalUnavailable'));
      await state.updateOne({ taskUid: task.taskUid }, { $set: { epoch: 2 } });
      assert.deepEqual(await allMarks(second), [mark(1, 2 * EPOCH + 1, 7_000), mark(2, 2 * EPOCH + 2)]);
      assert.deepEqual(await second.dueRetries('a', new Date(1_000), 10, never), [retry(1, 10, 5)]);
    });

    it(`pages ${MANY} marks of one task among others by index, and forgets those that are done`, async (context) => {
      const [own, others] = [await journal.follow(followed(), never), await journal.follow(followed(), never)];
      const [count, half] = [MANY, MANY / 2];
      const marks = Array.from({ length: count }, (_, n) => mark(n, EPOCH + 1 + n));
      await others.mark(marks.slice(0, 5_000), never);
      const began = performance.now();
      for (let from = 0; from < count; from += 5_000) await own.mark(marks.slice(from, from + 5_000), never);
      context.diagnostic(`${Math.round((count / (performance.now() - began)) * 1_000)} marks/s`);
      await db.command({ profile: 2 });
      const paging = performance.now();
      assert.deepEqual(await allMarks(own), marks);
      context.diagnostic(`all read in ${Math.round(performance.now() - paging)} ms`);
      assert.deepEqual((await own.marks(EPOCH + half, 1, never))[0], marks[half]);
      assert.equal(await own.countMarks(EPOCH + half, never), half);
      await db.command({ profile: 0 });
      const asked = await db
        .collection('system.profile')
        .find({ ns: `${database}.follow_mark` })
        .toArray();
      assert.ok(asked.length >= count / 10_000 + 2);
      for (const { planSummary, keysExamined, docsExamined, nreturned, hasSortStage } of asked) {
        assert.match(planSummary, /(IXSCAN|COUNT_SCAN) \{ installationId: 1, taskUid: 1, seq: 1 \}/);
        assert.ok(docsExamined <= nreturned, 'reads what it answers');
        assert.ok(keysExamined <= Math.max(nreturned, half) + 1);
        assert.notEqual(hasSortStage, true);
      }
      await own.forgetMarks(EPOCH + count - 1, never);
      assert.deepEqual(await allMarks(own), marks.slice(-1));
      assert.equal(await others.countMarks(0, never), 5_000);
    });

    it('forgets no key that is marked again while marks are forgotten', async () => {
      const own = await journal.follow(followed(), never);
      const count = 3_000;
      const marks = (from: number): Mark[] => Array.from({ length: count }, (_, n) => mark(n, from + n));
      await own.mark(marks(1), never);
      for (let round = 1; round <= 2; round += 1) {
        const seq = round * count;
        await Promise.all([own.mark(marks(seq + 1), never), own.forgetMarks(seq, never)]);
        assert.deepEqual(await allMarks(own), marks(seq + 1), `round ${round}`);
      }
    });

    it('gives twenty processes that begin at once twenty epochs', async () => {
      const task = followed();
      const begun = await Promise.allSettled(Array.from({ length: 20 }, () => journal.follow(task, never)));
      const epochs = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value.state.epoch] : []));
      // The first may learn already here that it is not the last.
      assert.ok(epochs.length >= 19);
      assert.equal(new Set(epochs).size, epochs.length);
      assert.equal(Math.max(...epochs), 20);
      for (const one of begun) if (one.status === 'rejected') assert.equal(one.reason.code, 'EpochLost');
    });

    it('says when its database was emptied, and loses no mark when only the state was', async () => {
      const task = followed();
      const own = await journal.follow(task, never);
      await journal.follow(task, never).then((next) => next.saveRetries('a', [retry(1, 10)], never));
      const [first] = [await journal.follow(task, never)];
      await first.mark([mark(1, 3 * EPOCH + 1)], never);
      await db.collection('follow_state').deleteOne({ taskUid: task.taskUid });
      await assert.rejects(first.mark([mark(2, 3 * EPOCH + 2)], never), /not in the journal any more/);
      await assert.rejects(
        own.countMarks(0, never).then(() => own.forgetMarks(1, never)),
        LOST,
      );
      const anew = await journal.follow(task, never);
      assert.deepEqual(anew.state, { epoch: 1, farSides: [], lastSeq: 3 * EPOCH + 1 }, 'marks go on behind those left');
      assert.equal(await anew.countRetries('a', never), 0);
      await anew.saveRetries('a', [retry(1, 10)], never);
      assert.equal(await anew.countRetries('a', never), 1);
    });

    it('refuses a state that a newer release wrote, and leaves it as it is', async () => {
      const task = followed();
      await journal.follow(task, never);
      await db.collection('follow_state').updateOne({ taskUid: task.taskUid }, { $set: { schema: 2 } });
      await assert.rejects(journal.follow(task, never), failure('spec', 'JournalSchemaNewer'));
      const stored = await db.collection('follow_state').findOne({ taskUid: task.taskUid });
      assert.deepEqual([stored?.['schema'], stored?.['epoch']], [2, 1]);
    });

    it('forgets everything of a task that is gone, and of no other', async () => {
      const [gone, alive] = [followed(), followed()];
      const shared = unique('swept');
      const [one, two] = [await open(mongod.uri, { database: shared }), await open(mongod.uri, { database: shared })];
      const journals = await Promise.all([gone, alive].map((task) => one.follow(task, never)));
      for (const own of journals) {
        await own.mark([mark(1, EPOCH + 1)], never);
        await own.saveRetries('a', [retry(1, 10)], never);
      }
      await two.sweep(new Set([alive.taskUid]), new Date(Date.now() - 60_000), never);
      assert.equal(await journals[0]?.countMarks(0, never), 1, 'younger than the list');
      await two.sweep(new Set([alive.taskUid]), new Date(Date.now() + 1_000), never);
      for (const name of ['follow_state', 'follow_mark', 'follow_retry'])
        assert.deepEqual(await client.db(shared).collection(name).distinct('taskUid'), [alive.taskUid], name);
      await assert.rejects(journals[0]?.mark([mark(2, EPOCH + 2)], never) ?? assert.fail(), LOST);
      await journals[1]?.mark([mark(2, EPOCH + 2)], never);
      const again = await one.follow({ ...gone, taskUid: unique('uid') }, never);
      assert.deepEqual(again.state, { epoch: 1, farSides: [], lastSeq: 0 });
      assert.equal(await again.countMarks(0, never), 0);
    });
  });
