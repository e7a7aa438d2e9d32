/** Rolling records: what was converged within an hour, told by its details alone. */
import { ObjectId } from 'mongodb';

import type { UnitStatus } from '../engine/ports/journal.ts';
import type { FarSideOutcome, Tally } from '../engine/run-types.ts';
import { slices } from './detail-slices.ts';
import { call } from './mongo-errors.ts';
import type { RunRecord } from './records.ts';
import { epochLost, findRun, finishRun, type Runs } from './runs.ts';

const MAX_EXAMPLES = 5;

type FarSide = Pick<FarSideOutcome, 'clusterId' | 'clusterName'>;

/** Of the details of one far side with one status. */
interface Sums {
  readonly _id: UnitStatus;
  readonly units: number;
  readonly files: number;
  readonly quarantined: number;
  readonly size: number;
  readonly bytesSent: number;
}

/** See `Journal.finishRolling`. */
export async function finishRolling(
  runs: Runs,
  record: RunRecord,
  farSides: readonly FarSide[],
  signal: AbortSignal,
): Promise<RunRecord | undefined> {
  const outcomes: FarSideOutcome[] = [];
  for (const farSide of await allFarSides(runs, record, farSides, signal))
    outcomes.push(await outcomeOf(runs, record, farSide, signal));
  if (outcomes.every(({ tally }) => unitsOf(tally) === 0)) return removeEmpty(runs, record, signal);
  const failed = outcomes.some(({ tally }) => tally.failed + tally.notTried > 0);
  return finishRun(runs, record, { status: failed ? 'FAILED' : 'SUCCESS', farSides: outcomes }, signal);
}

/** Those of the task, and those that it had when the record began. */
async function allFarSides(
  { collections: { details } }: Runs,
  { id: recordId }: RunRecord,
  farSides: readonly FarSide[],
  signal: AbortSignal,
): Promise<readonly FarSide[]> {
  const all = [...farSides];
  const onRecord = await call('look at what a run is about', signal, () => details.distinct('clusterId', { recordId }));
  for (const clusterId of onRecord) {
    if (all.some((known) => known.clusterId === clusterId)) continue;
    const one = await call('look at what a run is about', signal, () => details.findOne({ recordId, clusterId }));
    if (one !== null) all.push({ clusterId, clusterName: one.remoteCluster });
  }
  return all;
}

async function outcomeOf(
  { collections: { details } }: Runs,
  { id: recordId }: RunRecord,
  { clusterId, clusterName }: FarSide,
  signal: AbortSignal,
): Promise<FarSideOutcome> {
  const sums: Sums[] = [];
  for await (const slice of slices(details, { recordId, clusterId }, undefined, signal))
    sums.push(
      ...(await call('sum up details', signal, () =>
        details.aggregate<Sums>([{ $match: slice }, { $group: GROUP }], { hint: 'unit' }).toArray(),
      )),
    );
  const failed = await call('read failures of a run', signal, () =>
    details
      .find({ recordId, clusterId, status: 'FAILED', unitStatus: 'FAILED' })
      .sort({ unitKey: 1 })
      .limit(MAX_EXAMPLES)
      .toArray(),
  );
  const examples = failed.map(({ unitKey, reason, errorReason }) => ({
    unit: unitKey.slice(unitKey.indexOf(':') + 1),
    reason: reason ?? 'FAILED',
    message: errorReason ?? '',
  }));
  return { clusterId, clusterName, tally: tallyOf(sums), examples };
}

const GROUP = {
  _id: '$unitStatus',
  units: { $sum: 1 },
  files: { $sum: { $ifNull: ['$files', 1] } },
  quarantined: { $sum: { $cond: [{ $eq: ['$reason', 'Quarantined'] }, 1, 0] } },
  size: { $sum: '$size' },
  bytesSent: { $sum: '$bytesSent' },
} as const;

function tallyOf(sums: readonly Sums[]): Tally {
  const sum = (of: 'units' | 'files' | 'quarantined' | 'size' | 'bytesSent', status?: UnitStatus): number =>
    sums.filter(({ _id }) => status === undefined || _id === status).reduce((total, one) => total + one[of], 0);
  return {
    success: sum('units', 'SUCCESS'),
    unchanged: sum('units', 'UNCHANGED'),
    conflict: sum('units', 'CONFLICT'),
    failed: sum('units', 'FAILED'),
    notTried: sum('units', 'NOT_TRIED'),
    quarantined: sum('quarantined'),
    totalBytes: sum('size'),
    sentBytes: sum('bytesSent'),
    files: { success: sum('files', 'SUCCESS'), failed: sum('files', 'FAILED') },
  };
}

function unitsOf({ success, unchanged, conflict, failed, notTried }: Tally): number {
  return success + unchanged + conflict + failed + notTried;
}

/** A task with nothing to do would leave a record of it every hour. */
async function removeEmpty(runs: Runs, { id, epoch }: RunRecord, signal: AbortSignal): Promise<RunRecord | undefined> {
  const { collections, installationId } = runs;
  const { deletedCount } = await call(`remove the run ${id}, in which nothing happened`, signal, () =>
    collections.records.deleteOne({ _id: new ObjectId(id), installationId, epoch, status: 'RUNNING' }),
  );
  if (deletedCount > 0) return undefined;
  const present = await findRun(runs, id, signal);
  if (present === undefined) return undefined;
  if (present.epoch === epoch && present.status !== 'RUNNING') return present;
  throw epochLost(id, epoch);
}
