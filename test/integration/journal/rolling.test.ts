import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { MongoClient } from 'mongodb';

import type { UnitDetail, UnitStatus } from '../../../src/engine/ports/journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { RunRecord, RunStart, StoredDetail } from '../../../src/journal/records.ts';
import { begin, closeAll, detail, failure, never, open, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const FAR_SIDES = [{ clusterId: 'cluster-a', clusterName: 'edge-a' }];

describe('the rolling record of a task that follows its source', () => {
  let mongod: StandaloneMongod;
  let client: MongoClient;
  let journal: Journal;
  const database = unique('rolling');
  let minutes = 0;

  before(async () => {
    mongod = await startStandaloneMongod();
    client = await MongoClient.connect(mongod.uri);
    journal = await open(mongod.uri, { database });
  });
  after(async () => {
    await closeAll();
    await client?.close();
    await mongod?.stop();
  });

  async function rolling(changes: Partial<RunStart> = {}): Promise<RunRecord> {
    const task = { taskKey: unique('key'), taskUid: unique('uid') };
    return begin(journal, { ...task, claim: 'event:2026-11-23T06', trigger: 'event', ...changes });
  }

  /** A unit that came to an end a minute after the one before. */
  function ended(status: UnitStatus, changes: Partial<UnitDetail> = {}): UnitDetail {
    minutes += 1;
    const [startTime, endTime] = [new Date(minutes * 60_000), new Date(minutes * 60_000 + 5)];
    return detail('$x', { status, startTime, endTime, bytesSent: status === 'SUCCESS' ? 10 : 0, ...changes });
  }

  async function rows(recordId: string): Promise<readonly StoredDetail[]> {
    return (await journal.details(recordId, {}, { pageNumber: 1, pageSize: 100 }, never)).records;
  }

  async function lastRow(record: RunRecord, details: readonly UnitDetail[]): Promise<StoredDetail> {
    for (const one of details) await journal.runJournal(record).writeDetails([one], never);
    const [row, ...others] = await rows(record.id);
    assert.deepEqual(others, []);
    return row ?? assert.fail();
  }

  it('keeps the last end of a unit, except that what was transferred is not made unchanged', async () => {
    const cases: readonly (readonly [readonly UnitStatus[], UnitStatus, number])[] = [
      [['UNCHANGED'], 'UNCHANGED', 0],
      [['SUCCESS', 'SUCCESS', 'SUCCESS'], 'SUCCESS', 30],
      [['SUCCESS', 'UNCHANGED'], 'SUCCESS', 10],
      [['UNCHANGED', 'SUCCESS', 'UNCHANGED'], 'SUCCESS', 10],
      [['FAILED', 'SUCCESS'], 'SUCCESS', 10],
      [['FAILED', 'UNCHANGED'], 'UNCHANGED', 0],
      [['SUCCESS', 'FAILED'], 'FAILED', 10],
      [['SUCCESS', 'FAILED', 'UNCHANGED'], 'UNCHANGED', 10],
      [['NOT_TRIED', 'CONFLICT'], 'CONFLICT', 0],
    ];
    for (const [statuses, status, bytesSent] of cases) {
      const details = statuses.map((one) => ended(one, one === 'FAILED' ? { reason: 'R', errorReason: '$no' } : {}));
      const row = await lastRow(await rolling(), details);
      assert.deepEqual([row.status, row.bytesSent], [status, bytesSent], statuses.join());
      assert.equal(row.fullPath, '/dir/$x');
      assert.equal(row.errorReason, status === 'FAILED' ? '$no' : undefined, statuses.join());
    }
  });

  it('counts the bytes of a write once that is repeated because its answer was lost', async () => {
    const [first, second] = [ended('SUCCESS'), ended('SUCCESS', { bytesSent: 7 })];
    assert.equal((await lastRow(await rolling(), [first, first, second, second])).bytesSent, 17);
  });

  it('is unlike any other record: there the last end of a unit replaces all before', async () => {
    const row = await lastRow(await rolling({ trigger: 'tick' }), [ended('SUCCESS'), ended('UNCHANGED')]);
    assert.deepEqual([row.status, row.bytesSent], ['UNCHANGED', 0]);
  });

  it('lets a former epoch replace nothing that a later one found', async () => {
    const record = await rolling();
    const former = journal.runJournal(record);
    await former.writeDetails([ended('SUCCESS')], never);
    const adopted = (await journal.adopt(record.id, never)) ?? assert.fail();
    await journal.runJournal(adopted).writeDetails([ended('UNCHANGED')], never);
    const records = client.db(database).collection('replica_record');
    // As if the former owner had passed its check already.
    await records.updateOne({ taskKey: record.taskKey }, { $set: { epoch: 1 } });
    await assert.rejects(former.writeDetails([ended('FAILED')], never), failure('cluster', 'EpochLost'));
    await records.updateOne({ taskKey: record.taskKey }, { $set: { epoch: 2 } });
    assert.deepEqual(
      (await rows(record.id)).map(({ status, bytesSent }) => [status, bytesSent]),
      [['SUCCESS', 10]],
    );
  });

  it('is closed with what its details say, far side by far side', async () => {
    const record = await rolling();
    const run = journal.runJournal(record);
    const at = (unit: number, status: UnitStatus, changes: Partial<UnitDetail> = {}) =>
      ended(status, { unitKey: `0:/${unit}`, ...changes });
    const gone = { clusterId: 'cluster-gone', clusterName: 'gone' };
    await run.writeDetails(
      [
        at(1, 'SUCCESS', { files: 5 }),
        at(2, 'SUCCESS'),
        at(3, 'CONFLICT'),
        at(4, 'UNCHANGED'),
        at(5, 'FAILED', { reason: 'Quarantined', errorReason: 'held back' }),
        at(6, 'NOT_TRIED'),
        at(1, 'SUCCESS', gone),
      ],
      never,
    );
    await run.writeDetails([at(1, 'SUCCESS', { files: 5, bytesSent: 90 })], never);
    const idle = { clusterId: 'cluster-idle', clusterName: 'idle' };
    const closed = (await journal.finishRolling(record, [...FAR_SIDES, idle], never)) ?? assert.fail();
    assert.equal(closed.status, 'FAILED');
    assert.deepEqual(closed.farSides, [
      {
        ...FAR_SIDES[0],
        tally: {
          success: 2,
          unchanged: 1,
          conflict: 1,
          failed: 1,
          notTried: 1,
          quarantined: 1,
          totalBytes: 60,
          sentBytes: 110,
          files: { success: 6, failed: 1 },
        },
        examples: [{ unit: '/5', reason: 'Quarantined', message: 'held back' }],
      },
      { ...idle, tally: { ...NOTHING }, examples: [] },
      {
        ...gone,
        tally: { ...NOTHING, success: 1, totalBytes: 10, sentBytes: 10, files: { success: 1, failed: 0 } },
        examples: [],
      },
    ]);
    assert.partialDeepStrictEqual(closed, {
      replicaOverview: { success: 3, failed: 1, conflict: 1, unchanged: 1, notTried: 1, fileSuccess: 7, fileFailed: 1 },
      replicatedBytes: 120,
      totalBytes: 70,
    });
    assert.deepEqual(await journal.finishRolling(record, [...FAR_SIDES, idle], never), closed, 'after a lost answer');
  });

  it('ends well only when nothing is failed or left out', async () => {
    for (const [status, expected] of [
      ['SUCCESS', 'SUCCESS'],
      ['CONFLICT', 'SUCCESS'],
      ['UNCHANGED', 'SUCCESS'],
      ['FAILED', 'FAILED'],
      ['NOT_TRIED', 'FAILED'],
    ] as const) {
      const record = await rolling({ keepDetails: false });
      await journal.runJournal(record).writeDetails([ended(status)], never);
      assert.equal((await journal.finishRolling(record, FAR_SIDES, never))?.status, expected, status);
    }
  });

  it('is removed when nothing happened in it, and its claim is free again', async () => {
    const record = await rolling();
    const { taskKey, taskUid, claim } = record;
    assert.equal(await journal.finishRolling(record, FAR_SIDES, never), undefined);
    assert.equal(await journal.findRun(record.id, never), undefined);
    assert.equal(await journal.finishRolling(record, FAR_SIDES, never), undefined, 'after a lost answer');
    const again = await rolling({ taskKey, taskUid, claim });
    assert.equal(again.executionNumber, record.executionNumber);
  });

  it('is neither closed nor removed by a process that it was taken from', async () => {
    for (const details of [[], [ended('SUCCESS')]]) {
      const record = await rolling();
      await journal.runJournal(record).writeDetails(details, never);
      await journal.adopt(record.id, never);
      const late = journal.finishRolling(record, FAR_SIDES, never);
      await assert.rejects(late, failure('cluster', 'EpochLost'));
      assert.equal((await journal.findRun(record.id, never))?.status, 'RUNNING');
    }
  });

  it('is summed up however many units it has', async () => {
    const record = await rolling();
    await journal.runJournal(record).writeDetails([ended('SUCCESS', { unitKey: '0:/0' })], never);
    const stored = client.db(database).collection('replica_record_detail');
    const { _id, ...like } = (await stored.findOne({ recordId: record.id })) ?? assert.fail();
    const more = Array.from({ length: 45_000 }, (_, n) => ({ ...like, unitKey: `0:/more/${n}`, from: _id }));
    await stored.insertMany(more);
    const closed = await journal.finishRolling(record, FAR_SIDES, never);
    assert.deepEqual([closed?.replicaOverview.success, closed?.replicatedBytes], [45_001, 450_010]);
  });
});

const NOTHING = {
  success: 0,
  unchanged: 0,
  conflict: 0,
  failed: 0,
  notTried: 0,
  quarantined: 0,
  totalBytes: 0,
  sentBytes: 0,
  files: { success: 0, failed: 0 },
};
