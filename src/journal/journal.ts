/**
 * The journal: run records, claims, per-artifact records and proofs, in a MongoDB database of its own.
 *
 * Guaranteed:
 * - one insert is both the claim and the open record: however many processes ask, and wherever one of them dies, a claim
 *   starts one run; a task (uid) never has two open runs of the same part;
 * - every write of a run is conditional on its epoch, which adoption raises: after that the former owner's writes fail
 *   with `EpochLost` and change nothing. No transactions, so a standalone mongod will do;
 * - one detail per (record, far side, unit), however often it is written.
 * - a rolling record (trigger `event`), in which a unit may come to an end many times, has the bytes of all of them, and
 *   what was transferred stays on record when it is found unchanged later.
 * Not guaranteed: the epoch is read just before a batch is written, so a batch that left in the same instant as an
 * adoption may still land, under its old epoch. What it says was true; the new owner's row for a unit replaces it, and
 * an old row never replaces a newer one.
 *
 * Every call fails with a classified `ReplicationError`: `JournalUnavailable` (retryable), `EpochLost` (cluster: this run
 * is no longer ours), `JournalSchemaNewer`, `JournalForbidden`, `JournalMisconfigured`, `JournalFailed` (spec).
 */
import { MongoClient } from 'mongodb';

import type { FollowJournal } from '../engine/ports/follow-journal.ts';
import type { RunJournal, UnitStatus } from '../engine/ports/journal.ts';
import type { FarSideOutcome } from '../engine/run-types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { DetailTotals } from './detail-totals.ts';
import { countDetails, details } from './details.ts';
import { collectionsOf } from './documents.ts';
import { expire, SETTLE_MS } from './expiry.ts';
import { follow } from './follow.ts';
import { ensureIndexes, refuseNewerSchema } from './indexes.ts';
import { call, misconfigured } from './mongo-errors.ts';
import type {
  BeginResult,
  DetailFilter,
  DetailPage,
  ExpiryRequest,
  ExpiryStep,
  FollowedTask,
  RunPart,
  RunRecord,
  RunResult,
  RunStart,
  RunStatus,
  StoredDetail,
} from './records.ts';
import { finishRolling } from './rolling.ts';
import { runJournalOf } from './run-journal.ts';
import {
  adopt,
  beginRun,
  findClaim,
  findRun,
  finishRun,
  lastRuns,
  openRunOf,
  openRuns,
  type Runs,
  runPage,
} from './runs.ts';
import { sweep } from './sweep.ts';

export interface JournalOptions {
  /** MongoDB connection string; never logged. */
  readonly uri: string;
  /** Default `bkrepo_replicator`. */
  readonly database?: string;
  /** Stable name of this installation: several may share a database and never see each other's documents. */
  readonly installationId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds one answer may take, default 15,000; finding a server has at most 5,000 of its own. */
  readonly timeoutMs?: number;
}

export interface Journal {
  beginRun(start: RunStart, signal: AbortSignal): Promise<BeginResult>;
  /** The run that took this claim, in any state. */
  findClaim(taskKey: string, claim: string, signal: AbortSignal): Promise<RunRecord | undefined>;
  findRun(recordId: string, signal: AbortSignal): Promise<RunRecord | undefined>;
  /** All open runs of this installation, oldest first. There is at most one per task uid and part. */
  openRuns(signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** That of the part; without one, the open run that is of no part. */
  openRunOf(taskKey: string, taskUid: string, signal: AbortSignal, part?: RunPart): Promise<RunRecord | undefined>;
  /** Raises the epoch of an open run and returns it; undefined when it is not open (any more). */
  adopt(recordId: string, signal: AbortSignal): Promise<RunRecord | undefined>;
  /** The engine's view of a run that was begun or adopted here. */
  runJournal(record: RunRecord): RunJournal;
  /**
   * Closes the run; counts and bytes are summed from `result.farSides`, counts of an ABORTED run from its details: who
   * aborts it may not have performed all of it. Repeating it after a lost answer returns the closed record. Fails with
   * `EpochLost` when another adopted, or closed, it.
   */
  finishRun(record: RunRecord, result: RunResult, signal: AbortSignal): Promise<RunRecord>;
  /**
   * Closes a rolling record (trigger `event`) with what its details say: FAILED while any unit is failed or was not tried.
   * One in which nothing happened is removed instead: undefined. To be repeated, and failing, as `finishRun`.
   */
  finishRolling(
    record: RunRecord,
    farSides: readonly Pick<FarSideOutcome, 'clusterId' | 'clusterName'>[],
    signal: AbortSignal,
  ): Promise<RunRecord | undefined>;
  /** Newest first, at most `limit` (1–1,000). */
  lastRuns(taskKey: string, limit: number, signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** Newest first: whole runs of a task that follows its source. At most `limit` (1–1,000). */
  lastCompares(taskKey: string, limit: number, signal: AbortSignal): Promise<readonly RunRecord[]>;
  /** Newest first, of one task; `status` in our terms. */
  runPage(
    taskKey: string,
    status: readonly RunStatus[] | undefined,
    page: DetailPage,
    signal: AbortSignal,
  ): Promise<{ readonly total: number; readonly records: readonly RunRecord[] }>;
  /**
   * Newest first. Texts are compared as they are; an empty prefix is none; paths begin with a slash. Of a large record it
   * may take seconds: bounded, then it fails with `JournalUnavailable`.
   */
  details(
    recordId: string,
    filter: DetailFilter,
    page: DetailPage,
    signal: AbortSignal,
  ): Promise<{ readonly total: number; readonly records: readonly StoredDetail[] }>;
  countDetails(recordId: string, signal: AbortSignal): Promise<Readonly<Record<UnitStatus, number>>>;
  /**
   * Closes, as ABORTED "task deleted", open runs whose task uid is not among `aliveUids`, and forgets what such uids own
   * at far sides, have begun to upload there and failed to. `asOf` is when the list was taken: what is younger is left
   * alone. Forgets also failures of specs that a task no longer has, and uploads that nobody went on with for a day.
   * Returns the closed runs.
   */
  sweep(aliveUids: ReadonlySet<string>, asOf: Date, signal: AbortSignal): Promise<readonly RunRecord[]>;
  /**
   * One small step in removing what is too old or too much; to be repeated with `after` until the answer has none.
   * Records of ended runs go, with their details, `reserveDays` after their end (of a task that is gone: those of the
   * record) or when the task has more than `maxRunsPerTask` newer ones. The newest of each trigger of a living task,
   * and what its last retries tried again, stays, without its details when it is too old. Details of runs with `keepDetails` false go two minutes after the
   * run's end. By the wall clock; oldest first; at most 5,000 details in one step.
   */
  expire(request: ExpiryRequest, signal: AbortSignal): Promise<ExpiryStep>;
  /** Takes following over from whichever process did it before: from now on that one's writes fail with `EpochLost`. */
  follow(task: FollowedTask, signal: AbortSignal): Promise<FollowJournal>;
  /** Answers when the database does. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Connects, refuses a journal written by a newer program, and makes sure of the indexes. One attempt. */
export async function openJournal(options: JournalOptions, signal: AbortSignal): Promise<Journal> {
  const { installationId, clock, logger, database = 'bkrepo_replicator', timeoutMs = 15_000 } = options;
  const client = connectionTo(options.uri, timeoutMs);
  const db = client.db(database);
  const runs: Runs = { collections: collectionsOf(db), installationId, clock };
  const totals = new DetailTotals(clock, SETTLE_MS);
  try {
    await call('reach its database', signal, () => client.connect());
    await call('check its schema', signal, () => refuseNewerSchema(runs.collections, installationId));
    await call('make its indexes', signal, () => ensureIndexes(runs.collections));
  } catch (error) {
    await client.close();
    throw error;
  }
  logger.info('journal opened', { database, installationId });
  return {
    beginRun: (start, inner) => beginRun(runs, start, inner),
    findClaim: (taskKey, claim, inner) => findClaim(runs, taskKey, claim, inner),
    findRun: (recordId, inner) => findRun(runs, recordId, inner),
    openRuns: (inner) => openRuns(runs, inner),
    openRunOf: (taskKey, taskUid, inner, part) => openRunOf(runs, taskKey, taskUid, part, inner),
    adopt: (recordId, inner) => adopt(runs, recordId, inner),
    runJournal: (record) => runJournalOf(runs, record),
    finishRun: (record, result, inner) => finishRun(runs, record, result, inner),
    finishRolling: (record, farSides, inner) => finishRolling(runs, record, farSides, inner),
    lastRuns: (taskKey, limit, inner) => lastRuns(runs, { taskKey }, limit, inner),
    lastCompares: (taskKey, limit, inner) => lastRuns(runs, { taskKey, part: 'compare' }, limit, inner),
    runPage: (taskKey, status, page, inner) => runPage(runs, taskKey, status, page, inner),
    details: (recordId, filter, page, inner) => details(runs, totals, recordId, filter, page, inner),
    countDetails: (recordId, inner) => countDetails(runs, recordId, inner),
    sweep: (aliveUids, asOf, inner) => sweep(runs, aliveUids, asOf, inner),
    expire: (request, inner) => expire(runs, request, inner),
    follow: (task, inner) => follow(runs, task, inner),
    ping: async (inner) => {
      await call('answer', inner, () => db.command({ ping: 1 }));
    },
    close: () => client.close(),
  };
}

/** Writes count once a majority has them in its on-disk journal, so a claim survives the loss of any one machine. */
export function connectionTo(uri: string, timeoutMs: number): MongoClient {
  try {
    return new MongoClient(uri, {
      appName: 'bkrepo-replicator journal',
      socketTimeoutMS: timeoutMs,
      waitQueueTimeoutMS: timeoutMs,
      serverSelectionTimeoutMS: Math.min(timeoutMs, 5_000),
      connectTimeoutMS: Math.min(timeoutMs, 10_000),
      maxPoolSize: 20,
      writeConcern: { w: 'majority', journal: true },
      readPreference: 'primary',
      ignoreUndefined: false,
    });
  } catch (error) {
    throw misconfigured(error);
  }
}
