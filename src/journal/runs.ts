/** Run records: beginning, adopting, closing and finding them. The guarantees are told in journal.ts. */
import { type Filter, ObjectId } from 'mongodb';

import { ReplicationError } from '../domain/errors.ts';
import type { FarSideOutcome } from '../engine/run-types.ts';
import type { Clock } from '../lib/clock.ts';
import { type Collections, clip, type RecordDocument, recordIdOf, SCHEMA, toRunRecord } from './documents.ts';
import { ensureIndexes } from './indexes.ts';
import { call, isDuplicateKey } from './mongo-errors.ts';
import { overviewOnRecord } from './on-record.ts';
import type {
  BeginResult,
  DetailPage,
  ReplicaOverview,
  RunPart,
  RunRecord,
  RunResult,
  RunStart,
  RunStatus,
} from './records.ts';

/** One per task uid and part (index `one_open_part`), so this bounds the tasks of an installation. */
const MAX_OPEN_RUNS = 100_000;
const MAX_EXAMPLES = 10;
const NO_UNITS: ReplicaOverview = {
  success: 0,
  failed: 0,
  conflict: 0,
  unchanged: 0,
  notTried: 0,
  fileSuccess: 0,
  fileFailed: 0,
};

export interface Runs {
  readonly collections: Collections;
  readonly installationId: string;
  readonly clock: Clock;
}

export async function beginRun(runs: Runs, start: RunStart, signal: AbortSignal): Promise<BeginResult> {
  const now = new Date(runs.clock.now());
  const last = await newestRun(runs, start.taskKey, signal);
  // Perhaps its first run, perhaps the collections were dropped, and with them what makes a claim unique.
  if (last === undefined) await call('make its indexes', signal, () => ensureIndexes(runs.collections));
  const document: RecordDocument = {
    _id: new ObjectId(),
    schema: SCHEMA,
    installationId: runs.installationId,
    ...start,
    executionNumber: (last?.executionNumber ?? 0) + 1,
    epoch: 1,
    status: 'RUNNING',
    startTime: now,
    endTime: null,
    errorReason: null,
    replicaOverview: NO_UNITS,
    replicatedBytes: 0,
    totalBytes: 0,
    farSides: [],
    touchedAt: now,
  };
  const doing = `begin the run ${start.claim} of ${start.namespace}/${start.name}`;
  const inserted = await call(doing, signal, () => insertIfFree(runs, document));
  if (inserted) return { outcome: 'started', record: toRunRecord(document) };
  const claimed = await findClaim(runs, start.taskKey, start.claim, signal);
  if (claimed !== undefined) return { outcome: 'claimed', record: claimed };
  const open = await openRunOf(runs, start.taskKey, start.taskUid, start.part, signal);
  if (open !== undefined) return { outcome: 'busy', record: open };
  throw new ReplicationError('retryable', 'JournalUnavailable', `the journal could not ${doing}: it changed meanwhile`);
}

async function insertIfFree(runs: Runs, document: RecordDocument): Promise<boolean> {
  try {
    await runs.collections.records.insertOne(document);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

export function findClaim(
  runs: Runs,
  taskKey: string,
  claim: string,
  signal: AbortSignal,
): Promise<RunRecord | undefined> {
  return findOne(runs, { taskKey, claim }, signal);
}

export async function findRun(runs: Runs, recordId: string, signal: AbortSignal): Promise<RunRecord | undefined> {
  const _id = recordIdOf(recordId);
  return _id === undefined ? undefined : findOne(runs, { _id }, signal);
}

export function openRunOf(
  runs: Runs,
  taskKey: string,
  taskUid: string,
  part: RunPart | undefined,
  signal: AbortSignal,
): Promise<RunRecord | undefined> {
  return findOne(runs, { taskKey, taskUid, status: 'RUNNING', part: part ?? { $exists: false } }, signal);
}

async function findOne(
  runs: Runs,
  filter: Filter<RecordDocument>,
  signal: AbortSignal,
): Promise<RunRecord | undefined> {
  const found = await call('read a run record', signal, () =>
    runs.collections.records.findOne({ installationId: runs.installationId, ...filter }),
  );
  return found === null ? undefined : toRunRecord(found);
}

export async function openRuns(runs: Runs, signal: AbortSignal): Promise<readonly RunRecord[]> {
  const found = await call('list the open runs', signal, () =>
    runs.collections.records
      .find({ installationId: runs.installationId, status: 'RUNNING' })
      .sort({ startTime: 1, _id: 1 })
      .limit(MAX_OPEN_RUNS)
      .toArray(),
  );
  return found.map(toRunRecord);
}

export async function lastRuns(
  runs: Runs,
  of: { readonly taskKey: string; readonly part?: RunPart },
  limit: number,
  signal: AbortSignal,
): Promise<readonly RunRecord[]> {
  const found = await call('list the last runs', signal, () =>
    runs.collections.records
      .find({ installationId: runs.installationId, ...of })
      .sort({ executionNumber: -1, _id: -1 })
      .limit(Math.min(Math.max(1, limit), 1_000))
      .toArray(),
  );
  return found.map(toRunRecord);
}

/** A task keeps a few thousand records at most, so that counting and skipping them is cheap. */
export async function runPage(
  runs: Runs,
  taskKey: string,
  status: readonly RunStatus[] | undefined,
  { pageNumber, pageSize }: DetailPage,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly records: readonly RunRecord[] }> {
  const { records } = runs.collections;
  const size = Math.min(Math.max(1, pageSize), 1_000);
  const where: Filter<RecordDocument> = {
    installationId: runs.installationId,
    taskKey,
    ...(status === undefined ? {} : { status: { $in: [...status] } }),
  };
  const total = await call('count run records', signal, () => records.countDocuments(where));
  const found = await call('read a page of run records', signal, () =>
    records
      .find(where)
      .sort({ executionNumber: -1, _id: -1 })
      .skip((Math.max(1, pageNumber) - 1) * size)
      .limit(size)
      .toArray(),
  );
  return { total, records: found.map(toRunRecord) };
}

/** By its number: a clock may go back between two runs. */
export async function newestRun(runs: Runs, taskKey: string, signal: AbortSignal): Promise<RunRecord | undefined> {
  const [newest] = await lastRuns(runs, { taskKey }, 1, signal);
  return newest;
}

export async function adopt(runs: Runs, recordId: string, signal: AbortSignal): Promise<RunRecord | undefined> {
  const _id = recordIdOf(recordId);
  if (_id === undefined) return undefined;
  const adopted = await call(`adopt the run ${recordId}`, signal, () =>
    runs.collections.records.findOneAndUpdate(
      { _id, installationId: runs.installationId, status: 'RUNNING' },
      { $inc: { epoch: 1 }, $set: { touchedAt: new Date(runs.clock.now()) } },
      { returnDocument: 'after' },
    ),
  );
  return adopted === null ? undefined : toRunRecord(adopted);
}

export async function finishRun(
  runs: Runs,
  record: RunRecord,
  result: RunResult,
  signal: AbortSignal,
): Promise<RunRecord> {
  const _id = new ObjectId(record.id);
  const now = new Date(runs.clock.now());
  const told = totals(result.farSides);
  const replicaOverview =
    result.status === 'ABORTED'
      ? await overviewOnRecord(runs.collections, record.id, told.replicaOverview, signal)
      : told.replicaOverview;
  const finished = await call(`close the run ${record.id}`, signal, () =>
    runs.collections.records.findOneAndUpdate(
      { _id, installationId: runs.installationId, epoch: record.epoch, status: 'RUNNING' },
      {
        $set: {
          status: result.status,
          // The clock may have been set back since it began.
          endTime: new Date(Math.max(now.getTime(), record.startTime.getTime())),
          touchedAt: now,
          errorReason: result.errorReason === undefined ? null : clip(result.errorReason),
          ...told,
          replicaOverview,
          farSides: result.farSides.map(bounded),
          ...(record.keepDetails ? {} : { detailsUnwanted: true }),
        },
      },
      { returnDocument: 'after' },
    ),
  );
  if (finished !== null) return toRunRecord(finished);
  const present = await findRun(runs, record.id, signal);
  if (present?.epoch === record.epoch && present.status === result.status) return present;
  throw present === undefined ? recordLost(record.id) : epochLost(record.id, record.epoch);
}

export function epochLost(recordId: string, epoch: number): ReplicationError {
  return new ReplicationError(
    'cluster',
    'EpochLost',
    `the run ${recordId} is no longer ours (epoch ${epoch}): another process adopted or closed it`,
  );
}

/** Nobody removes the record of an open run: its database lost it. */
export function recordLost(recordId: string): ReplicationError {
  return new ReplicationError(
    'cluster',
    'EpochLost',
    `the run ${recordId} is not in the journal any more: its database was emptied or restored from an older copy; the ` +
      'next run compares everything again and sends nothing that is there',
  );
}

function totals(
  farSides: readonly FarSideOutcome[],
): Pick<RecordDocument, 'replicaOverview' | 'replicatedBytes' | 'totalBytes'> {
  const sum = (of: (side: FarSideOutcome) => number): number => farSides.reduce((total, side) => total + of(side), 0);
  const success = sum((side) => side.tally.success);
  const failed = sum((side) => side.tally.failed);
  return {
    replicaOverview: {
      success,
      failed,
      conflict: sum((side) => side.tally.conflict),
      unchanged: sum((side) => side.tally.unchanged),
      notTried: sum((side) => side.tally.notTried),
      fileSuccess: sum(({ tally }) => tally.files?.success ?? tally.success),
      fileFailed: sum(({ tally }) => tally.files?.failed ?? tally.failed),
    },
    replicatedBytes: sum((side) => side.tally.sentBytes),
    totalBytes: sum((side) => side.tally.totalBytes),
  };
}

function bounded(side: FarSideOutcome): FarSideOutcome {
  const { error, ...rest } = side;
  return {
    ...rest,
    ...(error === undefined ? {} : { error: { reason: error.reason, message: clip(error.message) } }),
    examples: side.examples
      .slice(0, MAX_EXAMPLES)
      .map((example) => ({ ...example, unit: clip(example.unit), message: clip(example.message) })),
  };
}
