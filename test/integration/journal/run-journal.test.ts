import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { MongoClient } from 'mongodb';

import type { Journal } from '../../../src/journal/journal.ts';
import { begin, closeAll, detail, failure, never, open, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const page = { pageNumber: 1, pageSize: 10 };

describe('the journal of one run', () => {
  let mongod: StandaloneMongod;
  let journal: Journal;
  const database = unique('run');

  before(async () => {
    mongod = await startStandaloneMongod();
    journal = await open(mongod.uri, { database });
  });
  after(async () => {
    await closeAll();
    await mongod.stop();
  });

  it('keeps one detail per unit and far side however often it is written, over several batches', async () => {
    const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const run = journal.runJournal(record);
    const units = Array.from({ length: 2_500 }, (_, n) => detail(n));
    await run.writeDetails(units, never);
    await run.writeDetails([...units.slice(0, 1_200), detail(0, { clusterId: 'cluster-b' })], never);
    const failed = detail(7, { status: 'FAILED', reason: 'BlobMissing', errorReason: 'no such blob' });
    await run.writeDetails([failed], never);
    assert.deepEqual(await journal.countDetails(record.id, never), {
      SUCCESS: 2_500,
      UNCHANGED: 0,
      CONFLICT: 0,
      FAILED: 1,
      NOT_TRIED: 0,
    });
    const asked = [...units.map((unit) => unit.unitKey), '0:/none'];
    const found = await run.findDetails('cluster-a', asked, never);
    assert.equal(found.size, 2_500);
    assert.deepEqual(found.get('0:/dir/7'), failed);
    assert.deepEqual(found.get('0:/dir/2499'), detail(2_499));
  });

  it('refuses to put an older row over a newer one when a batch was already under way at the adoption', async () => {
    const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const adopted = await journal.adopt(record.id, never);
    assert.ok(adopted);
    await journal.runJournal(adopted).writeDetails([detail(1)], never);
    const client = await MongoClient.connect(mongod.uri);
    const records = client.db(database).collection('replica_record');
    // The former owner has passed its check, as it were: only the rows themselves can stop it now.
    await records.updateOne({ claim: record.claim, taskKey: record.taskKey }, { $set: { epoch: 1 } });
    const late = journal.runJournal(record).writeDetails([detail(1, { status: 'FAILED' })], never);
    await assert.rejects(late, failure('cluster', 'EpochLost'));
    await client.close();
    const found = await journal.runJournal(adopted).findDetails('cluster-a', ['0:/dir/1'], never);
    assert.deepEqual(found.get('0:/dir/1'), detail(1));
  });

  it('writes bk-repo’s field names', async () => {
    const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const conflict = detail('名 字.bin', { status: 'CONFLICT', reason: 'Conflict', errorReason: 'kept' });
    await journal.runJournal(record).writeDetails([conflict], never);
    const client = await MongoClient.connect(mongod.uri);
    const stored = await client.db(database).collection('replica_record_detail').findOne({ recordId: record.id });
    await client.close();
    assert.partialDeepStrictEqual(stored, {
      schema: 1,
      installationId: 'one',
      remoteCluster: 'edge-a',
      localRepoName: 'files',
      repoType: 'GENERIC',
      packageConstraint: null,
      pathConstraint: { path: '/dir/名 字.bin' },
      fullPath: '/dir/名 字.bin',
      artifactName: '/dir/名 字.bin',
      version: null,
      status: 'SUCCESS',
      progress: { success: 0, skip: 1, failed: 0, conflict: 1, totalSize: 10 },
      conflictStrategy: 'SKIP',
      errorReason: 'kept',
    });
  });

  it('keeps which version of which package a unit was', async () => {
    const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const lib = { packageKey: 'npm://@s/lib', packageName: '@s/lib' };
    const version = detail('lib.tgz', { unitKey: '0:npm://@s/lib@1.0.0', ...lib, version: '1.0.0' });
    const missing = detail('', { unitKey: '0:npm://@s/gone', fullPath: '', ...lib, status: 'FAILED' });
    await journal.runJournal(record).writeDetails([version, missing], never);
    const found = await journal.runJournal(record).findDetails('cluster-a', [version.unitKey, missing.unitKey], never);
    assert.deepEqual(
      [...found.values()].toSorted((a, b) => b.unitKey.length - a.unitKey.length),
      [version, missing],
    );
    const client = await MongoClient.connect(mongod.uri);
    const stored = await client
      .db(database)
      .collection('replica_record_detail')
      .findOne({ recordId: record.id, unitKey: version.unitKey });
    await client.close();
    assert.partialDeepStrictEqual(stored, {
      packageConstraint: { packageKey: 'npm://@s/lib', versions: ['1.0.0'] },
      pathConstraint: null,
      artifactName: '@s/lib',
      version: '1.0.0',
    });
  });

  it('pages details newest first, by any filter', async () => {
    const record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const units = Array.from({ length: 25 }, (_, n) =>
      detail(`${n % 2 === 0 ? 'even(' : 'odd'}/${n}`, {
        startTime: new Date(1_000 * n),
        status: n % 5 === 0 ? 'FAILED' : 'SUCCESS',
        clusterName: n < 20 ? 'edge-a' : 'edge-b',
      }),
    );
    await journal.runJournal(record).writeDetails(units, never);
    const third = await journal.details(record.id, {}, { pageNumber: 3, pageSize: 10 }, never);
    assert.equal(third.total, 25);
    assert.deepEqual(
      third.records.map((row) => row.startTime.getTime() / 1_000),
      [4, 3, 2, 1, 0],
    );
    const totals = [
      { filter: { status: 'FAILED' }, total: 5 },
      { filter: { pathPrefix: '/dir/even(' }, total: 13 },
      { filter: { pathPrefix: '/dir/.*' }, total: 0 },
      { filter: { clusterName: 'edge-b', status: 'FAILED' }, total: 1 },
      { filter: { repoName: 'other' }, total: 0 },
    ] as const;
    for (const { filter, total } of totals)
      assert.equal((await journal.details(record.id, filter, page, never)).total, total, JSON.stringify(filter));
  });

  it('keeps proofs by far side, storage and digest, replaces and withdraws them', async () => {
    const first = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const second = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    const [one, two] = [journal.runJournal(first), journal.runJournal(second)];
    const digests = Array.from({ length: 1_500 }, (_, n) => `digest-${n}`);
    const accepted = digests.map((sha256) => ({ sha256, method: 'accepted' }) as const);
    await Promise.all([
      one.writeProofs('cluster-a', null, accepted, never),
      two.writeProofs('cluster-a', null, accepted, never),
    ]);
    await two.writeProofs('cluster-a', null, [{ sha256: 'digest-3', method: 'read-back' }], never);
    const found = await one.findProofs('cluster-a', null, [...digests, 'digest-none'], never);
    assert.equal(found.size, 1_500);
    assert.partialDeepStrictEqual(found.get('digest-3'), { method: 'read-back', recordId: second.id });
    assert.ok(found.get('digest-3')?.provedAt instanceof Date);
    assert.equal((await one.findProofs('cluster-a', 'other', digests, never)).size, 0);
    assert.equal((await one.findProofs('cluster-b', null, digests, never)).size, 0);
    await one.deleteProof('cluster-a', null, 'digest-3', never);
    assert.equal((await two.findProofs('cluster-a', null, ['digest-3', 'digest-4'], never)).size, 1);
  });

  it('keeps owned keys per task uid and node; no keys means no ownership', async () => {
    const task = { taskKey: unique('key'), taskUid: unique('uid') };
    const run = journal.runJournal(await begin(journal, task));
    const stranger = journal.runJournal(await begin(journal, { ...task, taskUid: unique('uid'), claim: 'request:2' }));
    const repository = { projectId: 'mirror', name: 'files', storageKey: null };
    const paths = ['/a', '/b', '/c'];
    await run.writeOwnedKeys(
      'cluster-a',
      repository,
      [
        { fullPath: '/a', keys: ['x', 'y.z', '$w'] },
        { fullPath: '/b', keys: ['x'] },
      ],
      never,
    );
    await run.writeOwnedKeys('cluster-a', repository, [{ fullPath: '/b', keys: [] }], never);
    assert.deepEqual(
      await run.findOwnedKeys('cluster-a', repository, paths, never),
      new Map([['/a', ['x', 'y.z', '$w']]]),
    );
    assert.equal((await stranger.findOwnedKeys('cluster-a', repository, paths, never)).size, 0);
    assert.equal((await run.findOwnedKeys('cluster-b', repository, paths, never)).size, 0);
  });
});
