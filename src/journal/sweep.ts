/** Tidies up after tasks that are gone: they carry no finalizer (design §2), so nobody told us. */
import { type Collection, type Filter, ObjectId } from 'mongodb';

import { type FailureDocument, type OwnedDocument, toRunRecord, type UploadDocument } from './documents.ts';
import type { FollowDocument, MarkDocument, RetryDocument } from './follow-documents.ts';
import { ensureIndexes } from './indexes.ts';
import { call } from './mongo-errors.ts';
import { overviewOnRecord } from './on-record.ts';
import type { RunRecord } from './records.ts';
import { newestRun, openRuns, type Runs } from './runs.ts';

/** Documents removed with one request. */
const BATCH = 5_000;
/** Milliseconds after which a far side has forgotten an upload that nobody went on with. */
const UPLOAD_AGE = 86_400_000;

/**
 * See `Journal.sweep`. The epoch is raised too, so that a run still going on somewhere loses its record. The indexes are
 * made sure of each time: whoever drops a collection drops them with it.
 */
export async function sweep(
  runs: Runs,
  aliveUids: ReadonlySet<string>,
  asOf: Date,
  signal: AbortSignal,
): Promise<readonly RunRecord[]> {
  await call('make its indexes', signal, () => ensureIndexes(runs.collections));
  const closed: RunRecord[] = [];
  for (const open of await openRuns(runs, signal)) {
    if (aliveUids.has(open.taskUid) || open.startTime >= asOf) continue;
    const now = new Date(Math.max(runs.clock.now(), open.startTime.getTime()));
    const replicaOverview = await overviewOnRecord(runs.collections, open.id, open.replicaOverview, signal);
    const aborted = await call(`close the run ${open.id} of a deleted task`, signal, () =>
      runs.collections.records.findOneAndUpdate(
        { _id: new ObjectId(open.id), installationId: runs.installationId, status: 'RUNNING' },
        {
          $inc: { epoch: 1 },
          $set: {
            status: 'ABORTED',
            errorReason: 'task deleted',
            endTime: now,
            touchedAt: now,
            replicaOverview,
            ...(open.keepDetails ? {} : { detailsUnwanted: true }),
          },
        },
        { returnDocument: 'after' },
      ),
    );
    if (aborted !== null) closed.push(toRunRecord(aborted));
  }
  const { owned, failures, uploads, follows, marks, retries } = runs.collections;
  // First the epoch, so that who still follows writes no more.
  await forgetGone(runs, follows, aliveUids, asOf, signal);
  await forgetGone(runs, marks, aliveUids, asOf, signal);
  await forgetGone(runs, retries, aliveUids, asOf, signal);
  await forgetGone(runs, owned, aliveUids, asOf, signal);
  await forgetGone(runs, failures, aliveUids, asOf, signal);
  await forgetGone(runs, uploads, aliveUids, asOf, signal);
  await forgetEarlierSpecs(runs, aliveUids, signal);
  const old = new Date(runs.clock.now() - UPLOAD_AGE);
  await removeAll(uploads, { installationId: runs.installationId, updatedAt: { $lt: old } }, signal);
  return closed;
}

/** What is kept for a task's uid, and is of no use when it is gone. */
type Kept = OwnedDocument | FailureDocument | UploadDocument | FollowDocument | MarkDocument | RetryDocument;

async function forgetGone<T extends Kept>(
  { installationId }: Runs,
  collection: Collection<T>,
  aliveUids: ReadonlySet<string>,
  asOf: Date,
  signal: AbortSignal,
): Promise<void> {
  for (const taskUid of await uids(collection, installationId, signal))
    if (!aliveUids.has(taskUid))
      await removeAll(collection, { installationId, taskUid, updatedAt: { $lt: asOf } } as Filter<T>, signal);
}

/** Failures under a spec that the task no longer has. */
async function forgetEarlierSpecs(runs: Runs, aliveUids: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  const { installationId } = runs;
  const { failures } = runs.collections;
  for (const taskUid of await uids(failures, installationId, signal)) {
    if (!aliveUids.has(taskUid)) continue;
    const specs = await call('list the specs of failures', signal, () =>
      failures.distinct('specHash', { installationId, taskUid }),
    );
    if (specs.length < 2) continue;
    const one = await call('read a failure', signal, () => failures.findOne({ installationId, taskUid }));
    const newest = one === null ? undefined : await newestRun(runs, one.taskKey, signal);
    if (newest === undefined) continue;
    for (const specHash of specs)
      if (specHash !== newest.specHash) await removeAll(failures, { installationId, taskUid, specHash }, signal);
  }
}

async function uids<T extends Kept>(
  collection: Collection<T>,
  installationId: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await call(`list the tasks in ${collection.collectionName}`, signal, () =>
    collection.distinct('taskUid', { installationId } as Filter<T>),
  );
  return found.map(String);
}

/** In batches, so that no request takes long. */
async function removeAll<T extends Kept>(
  collection: Collection<T>,
  filter: Filter<T>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const found = await call(`list what is of no use in ${collection.collectionName}`, signal, () =>
      collection
        .find(filter, { projection: { _id: 1 } })
        .limit(BATCH)
        .toArray(),
    );
    if (found.length === 0) return;
    await call(`remove what is of no use in ${collection.collectionName}`, signal, () =>
      collection.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } } as Filter<T>),
    );
  }
}
