/** Tidies up after tasks that are gone: they carry no finalizer (design §2), so nobody told us. */
import { ObjectId } from 'mongodb';

import { toRunRecord } from './documents.ts';
import { call } from './mongo-errors.ts';
import type { RunRecord } from './records.ts';
import { openRuns, type Runs } from './runs.ts';

/** See `Journal.sweep`. The epoch is raised too, so that a run still going on somewhere loses its record. */
export async function sweep(
  runs: Runs,
  aliveUids: ReadonlySet<string>,
  asOf: Date,
  signal: AbortSignal,
): Promise<readonly RunRecord[]> {
  const closed: RunRecord[] = [];
  for (const open of await openRuns(runs, signal)) {
    if (aliveUids.has(open.taskUid) || open.startTime >= asOf) continue;
    const now = new Date(runs.clock.now());
    const aborted = await call(`close the run ${open.id} of a deleted task`, signal, () =>
      runs.collections.records.findOneAndUpdate(
        { _id: new ObjectId(open.id), installationId: runs.installationId, status: 'RUNNING' },
        {
          $inc: { epoch: 1 },
          $set: { status: 'ABORTED', errorReason: 'task deleted', endTime: now, touchedAt: now },
        },
        { returnDocument: 'after' },
      ),
    );
    if (aborted !== null) closed.push(toRunRecord(aborted));
  }
  await forgetOwned(runs, aliveUids, asOf, signal);
  return closed;
}

async function forgetOwned(runs: Runs, aliveUids: ReadonlySet<string>, asOf: Date, signal: AbortSignal): Promise<void> {
  const { installationId } = runs;
  const owners = await call('list the tasks that own metadata', signal, () =>
    runs.collections.owned.distinct('taskUid', { installationId }),
  );
  for (const taskUid of owners) {
    if (aliveUids.has(taskUid)) continue;
    await call('forget what a deleted task owned', signal, () =>
      runs.collections.owned.deleteMany({ installationId, taskUid, updatedAt: { $lt: asOf } }),
    );
  }
}
