import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { type Db, MongoClient } from 'mongodb';

import type { RunJournal, UnitDetail, UnitFailure } from '../../../src/engine/ports/journal.ts';
import type { TargetRepository } from '../../../src/engine/ports/target.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { RunRecord } from '../../../src/journal/records.ts';
import { begin, closeAll, detail, failure, never, open, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const repository: TargetRepository = { projectId: 'mirror', name: 'files', storageKey: null };
const session = { id: 'session-1', acknowledged: 8_388_608, absentBefore: true, setbacks: 1 };

function failureOf(unitKey: string, changes: Partial<UnitFailure> = {}): UnitFailure {
  return {
    unitKey,
    fingerprint: 'sha256:a',
    failures: 2,
    lastFailedAt: new Date(5_000),
    reason: 'BlobMissing',
    message: 'no such blob',
    ...changes,
  };
}

describe('what a run remembers of earlier ones', () => {
  let mongod: StandaloneMongod;
  let client: MongoClient;
  let db: Db;
  let journal: Journal;
  const database = unique('memory');

  before(async () => {
    mongod = await startStandaloneMongod();
    client = await MongoClient.connect(mongod.uri);
    db = client.db(database);
    journal = await open(mongod.uri, { database });
  });
  after(async () => {
    await closeAll();
    await client?.close();
    await mongod?.stop();
  });

  async function task(): Promise<{ readonly taskKey: string; readonly taskUid: string }> {
    return { taskKey: unique('key'), taskUid: unique('uid') };
  }

  async function closed(record: RunRecord): Promise<void> {
    await journal.finishRun(record, { status: 'FAILED', farSides: [] }, never);
  }

  async function pages(
    page: (after: string | undefined, size: number) => Promise<readonly UnitDetail[]>,
    size: number,
  ): Promise<readonly string[]> {
    const keys: string[] = [];
    for (;;) {
      const found = await page(keys.at(-1), size);
      if (found.length === 0) return keys;
      assert.ok(found.length <= size);
      keys.push(...found.map(({ unitKey }) => unitKey));
    }
  }

  it('pages the failed and not tried units of an earlier record in binary order', async () => {
    const same = await task();
    const first = await begin(journal, same);
    // U+FF5E sorts behind U+1F600 in UTF-16, and before it in UTF-8.
    const names = ['a', 'B', '~', 'é', '名', '\u{FF5E}', '\u{1F600}', ...Array.from({ length: 60 }, (_, n) => `n${n}`)];
    const statuses = ['SUCCESS', 'FAILED', 'NOT_TRIED', 'CONFLICT', 'UNCHANGED'] as const;
    const all = names.flatMap((name) =>
      statuses.map((status) => detail(`${name}-${status}`, { status, unitKey: `0:npm://${name}@${status}` })),
    );
    await journal.runJournal(first).writeDetails(all, never);
    await journal.runJournal(first).writeDetails([detail('b', { status: 'FAILED', clusterId: 'cluster-b' })], never);
    await closed(first);
    const retry = journal.runJournal(await begin(journal, { ...same, claim: 'retry:1', retryOf: first.id }));
    const expected = all
      .filter(({ status }) => status === 'FAILED' || status === 'NOT_TRIED')
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.unitKey), Buffer.from(b.unitKey)));
    const found = await pages((from, size) => retry.failedUnits(first.id, 'cluster-a', from, size, never), 7);
    assert.deepEqual(
      found,
      expected.map(({ unitKey }) => unitKey),
    );
    assert.deepEqual(await retry.failedUnits(first.id, 'cluster-a', undefined, 3, never), expected.slice(0, 3));
    assert.equal((await retry.failedUnits(first.id, 'cluster-b', undefined, 10, never)).length, 1);
  });

  it('refuses to answer for a record that is not there, has lost its details, or is another task’s', async () => {
    const same = await task();
    const gone = await begin(journal, same);
    await closed(gone);
    await db.collection('replica_record').updateOne({ taskKey: same.taskKey }, { $set: { detailsGone: true } });
    const others = await begin(journal, await task());
    const run = journal.runJournal(await begin(journal, { ...same, claim: 'retry:1' }));
    for (const recordId of [gone.id, others.id, 'f'.repeat(24), 'no id'])
      await assert.rejects(
        run.failedUnits(recordId, 'cluster-a', undefined, 10, never),
        failure('spec', 'RecordNotFound'),
        recordId,
      );
  });

  it('tells what earlier epochs left of a big record, whatever was confirmed or written again apart', async () => {
    const record = await begin(journal, await task());
    const count = 42_000;
    const key = (n: number): string => `0:/dir/${String(n).padStart(6, '0')}`;
    const rows = Array.from({ length: count }, (_, n) =>
      detail(n, { unitKey: key(n), status: n % 1_000 === 7 ? 'FAILED' : 'SUCCESS' }),
    );
    await journal.runJournal(record).writeDetails(rows.slice(0, 1), never);
    const stored = db.collection('replica_record_detail');
    const { _id, ...first } = (await stored.findOne({ recordId: record.id })) ?? assert.fail();
    await stored.insertMany(
      rows.slice(1).map(({ unitKey, status }) => ({
        ...first,
        unitKey,
        unitStatus: status,
        status: status === 'SUCCESS' ? 'SUCCESS' : 'FAILED',
        like: _id,
      })),
    );
    const adopted = await journal.adopt(record.id, never);
    assert.ok(adopted);
    const run = journal.runJournal(adopted);
    const left = [0, 3, 19_999, 20_000, 39_999, 41_999];
    const again = new Set([5, 1_007]);
    const keep = rows.map((_, n) => n).filter((n) => !left.includes(n) && !again.has(n) && n % 1_000 !== 7);
    await run.confirmDetails('cluster-a', keep.map(key), never);
    await run.writeDetails(
      [...again].map((n) => detail(n, { unitKey: key(n), status: 'FAILED' })),
      never,
    );
    for (const size of [2, 100])
      assert.deepEqual(
        await pages((from, limit) => run.leftDetails('cluster-a', from, limit, never), size),
        left.map(key),
      );
    assert.deepEqual(await run.leftDetails('cluster-b', undefined, 10, never), []);
    await run.dropLeftDetails('cluster-a', never);
    // 42 failed ones, less 1,007 which was written again; and what succeeded stays, also what is left of it.
    assert.partialDeepStrictEqual(await journal.countDetails(record.id, never), {
      SUCCESS: count - 42 - 1,
      FAILED: 2,
    });
  });

  it('does not let an earlier epoch take back what a later one confirmed', async () => {
    const record = await begin(journal, await task());
    const former = journal.runJournal(record);
    await former.writeDetails([detail(1)], never);
    const adopted = await journal.adopt(record.id, never);
    assert.ok(adopted);
    await journal.runJournal(adopted).confirmDetails('cluster-a', ['0:/dir/1', '0:/none'], never);
    assert.deepEqual(await journal.runJournal(adopted).leftDetails('cluster-a', undefined, 10, never), []);
    // As if the former owner had passed its check already.
    await db.collection('replica_record').updateOne({ taskKey: record.taskKey }, { $set: { epoch: 1 } });
    await former.confirmDetails('cluster-a', ['0:/dir/1'], never);
    await former.dropLeftDetails('cluster-a', never);
    const stored = await db.collection('replica_record_detail').findOne({ recordId: record.id });
    assert.equal(stored?.['epoch'], 2);
  });

  it('remembers failures by task, spec, far side and unit, replaced when they are written again', async () => {
    const same = await task();
    const first = journal.runJournal(await begin(journal, same));
    assert.equal(await first.hasFailures('cluster-a', never), false);
    const many = Array.from({ length: 1_500 }, (_, n) => failureOf(`0:/f/${n}`));
    await first.writeFailures('cluster-a', many, never);
    await first.writeFailures('cluster-a', [failureOf('0:/f/1', { failures: 3, fingerprint: 'sha256:b' })], never);
    await first.deleteFailures('cluster-a', ['0:/f/2', '0:/none'], never);
    assert.equal(await first.hasFailures('cluster-a', never), true);
    assert.equal(await first.hasFailures('cluster-b', never), false);
    const found = await first.findFailures('cluster-a', [...many.map(({ unitKey }) => unitKey), '0:/none'], never);
    assert.equal(found.size, 1_499);
    assert.deepEqual(found.get('0:/f/0'), failureOf('0:/f/0'));
    assert.deepEqual(found.get('0:/f/1'), failureOf('0:/f/1', { failures: 3, fingerprint: 'sha256:b' }));
    const cases: readonly [string, Partial<RunRecord>, boolean][] = [
      ['a later run of the same task and spec', { ...same, claim: 'request:2' }, true],
      ['another spec', { ...same, claim: 'request:3', specHash: 'other' }, false],
      ['a re-created task', { taskKey: same.taskKey, taskUid: unique('uid'), claim: 'request:4' }, false],
    ];
    await journal.sweep(new Set(), new Date(Date.now() - 60_000), never);
    for (const [what, start, expected] of cases) {
      const open = await journal.openRunOf(same.taskKey, same.taskUid, never);
      if (open !== undefined) await closed(open);
      const run = journal.runJournal(await begin(journal, start));
      assert.equal(await run.hasFailures('cluster-a', never), expected, what);
      assert.equal((await run.findFailures('cluster-a', ['0:/f/0'], never)).size, expected ? 1 : 0, what);
    }
  });

  it('keeps one upload session for a task, far side, repository, store and digest', async () => {
    const same = await task();
    const first = await begin(journal, same);
    const run = journal.runJournal(first);
    assert.equal(await run.findUpload('cluster-a', repository, 'd1', never), undefined);
    await run.writeUpload('cluster-a', repository, 'd1', session, never);
    const further = { ...session, acknowledged: 16_777_216, setbacks: 0 };
    await run.writeUpload('cluster-a', repository, 'd1', further, never);
    await run.writeUpload('cluster-a', repository, 'd2', session, never);
    await closed(first);
    const second = journal.runJournal(await begin(journal, { ...same, claim: 'request:2', specHash: 'other' }));
    assert.deepEqual(await second.findUpload('cluster-a', repository, 'd1', never), further);
    const elsewhere: readonly [string, string, TargetRepository, string][] = [
      ['another far side', 'cluster-b', repository, 'd1'],
      ['another repository', 'cluster-a', { ...repository, name: 'other' }, 'd1'],
      ['another project', 'cluster-a', { ...repository, projectId: 'other' }, 'd1'],
      ['another store', 'cluster-a', { ...repository, storageKey: 's3' }, 'd1'],
      ['another digest', 'cluster-a', repository, 'd3'],
    ];
    for (const [what, clusterId, at, sha256] of elsewhere)
      assert.equal(await second.findUpload(clusterId, at, sha256, never), undefined, what);
    const stranger = journal.runJournal(await begin(journal, await task()));
    assert.equal(await stranger.findUpload('cluster-a', repository, 'd1', never), undefined, 'another task');
    await second.deleteUpload('cluster-a', repository, 'd1', never);
    assert.equal(await second.findUpload('cluster-a', repository, 'd1', never), undefined);
    assert.deepEqual(await second.findUpload('cluster-a', repository, 'd2', never), session);
  });

  it('refuses every write of a run that was adopted, closed or lost, and changes nothing', async () => {
    const own = unique('late');
    const journal = await open(mongod.uri, { database: own });
    const db = client.db(own);
    const writes: Readonly<Record<string, (run: RunJournal) => Promise<void>>> = {
      writeDetails: (run) => run.writeDetails([detail(1, { status: 'FAILED' }), detail(2)], never),
      confirmDetails: (run) => run.confirmDetails('cluster-a', ['0:/dir/1'], never),
      dropLeftDetails: (run) => run.dropLeftDetails('cluster-a', never),
      writeProofs: (run) => run.writeProofs('cluster-a', null, [{ sha256: 'd2', method: 'check' }], never),
      deleteProof: (run) => run.deleteProof('cluster-a', null, 'd1', never),
      writeOwnedKeys: (run) =>
        run.writeOwnedKeys('cluster-a', repository, [{ fullPath: '/dir/1', keys: ['late'] }], never),
      writeFailures: (run) => run.writeFailures('cluster-a', [failureOf('0:/dir/1', { failures: 9 })], never),
      deleteFailures: (run) => run.deleteFailures('cluster-a', ['0:/dir/1'], never),
      writeUpload: (run) => run.writeUpload('cluster-a', repository, 'd1', { ...session, id: 'late' }, never),
      deleteUpload: (run) => run.deleteUpload('cluster-a', repository, 'd1', never),
    };
    const endings: Readonly<Record<string, (record: RunRecord) => Promise<unknown>>> = {
      adopted: (record) => journal.adopt(record.id, never),
      closed: (record) => journal.finishRun(record, { status: 'FAILED', farSides: [] }, never),
      swept: () => journal.sweep(new Set(), new Date(Date.now() + 60_000), never),
      'lost with its collection': () => db.collection('replica_record').drop(),
    };
    const kept = ['replica_record_detail', 'blob_proof', 'owned_metadata', 'unit_failure', 'upload_session'];
    for (const [ending, end] of Object.entries(endings)) {
      const record = await begin(journal, await task());
      const run = journal.runJournal(record);
      await run.writeDetails([detail(1), detail(3, { status: 'FAILED' })], never);
      await run.writeProofs('cluster-a', null, [{ sha256: 'd1', method: 'read-back' }], never);
      await run.writeOwnedKeys('cluster-a', repository, [{ fullPath: '/dir/1', keys: ['k'] }], never);
      await run.writeFailures('cluster-a', [failureOf('0:/dir/1')], never);
      await run.writeUpload('cluster-a', repository, 'd1', session, never);
      const reads = Object.keys(run).filter((name) => /^(find|has|failed|left|recordId)/.test(name));
      assert.deepEqual(
        new Set([...reads, ...Object.keys(writes)]),
        new Set(Object.keys(run)),
        'every method that writes is in the table',
      );
      await end(record);
      const dump = () => Promise.all(kept.map((name) => db.collection(name).find().sort({ _id: 1 }).toArray()));
      const before = await dump();
      for (const [name, write] of Object.entries(writes))
        await assert.rejects(write(run), failure('cluster', 'EpochLost'), `${name} of a run that was ${ending}`);
      assert.deepEqual(await dump(), before, ending);
    }
  });
});
