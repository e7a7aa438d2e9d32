/** What the journal keeps about runs, in the words of its users. Stored shapes are in documents.ts. */
import type { UnitDetail, UnitStatus } from '../engine/ports/journal.ts';
import type { FarSideOutcome } from '../engine/run-types.ts';

/** Why a run was started. */
export type RunTrigger = 'one-shot' | 'request' | 'retry' | 'tick' | 'event' | 'backfill' | 'resync';

/**
 * A task may have one open record of each part at a time, and one that has none. `compare`: a whole run of a task that
 * follows its source, beside its rolling record.
 */
export type RunPart = 'compare';

export type RunStatus = 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
export type FinalRunStatus = Exclude<RunStatus, 'RUNNING'>;

/** Counts of units over all far sides (contract §1.10), and of the files that those of them that succeeded and failed consist of. */
export interface ReplicaOverview {
  readonly success: number;
  readonly failed: number;
  readonly conflict: number;
  readonly unchanged: number;
  readonly notTried: number;
  readonly fileSuccess: number;
  readonly fileFailed: number;
}

export interface RunRecord {
  /** 24 hex digits. */
  readonly id: string;
  /** `status.key` of the task. */
  readonly taskKey: string;
  /** `metadata.uid` of the task. */
  readonly taskUid: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * What this run answers, unique per task key: `one-shot:<hash>`, `request:<value>`, `retry:<value>`, `tick:<RFC 3339>`, …
   */
  readonly claim: string;
  readonly trigger: RunTrigger;
  /** Hash of the run-relevant part of the spec. */
  readonly specHash: string;
  /** `metadata.generation` the run was started from. */
  readonly generation: number;
  /** Which run of its task this is, from 1; counted on through re-creation of the task. */
  readonly executionNumber: number;
  /** 1 at the start, raised by every adoption. */
  readonly epoch: number;
  readonly status: RunStatus;
  readonly startTime: Date;
  readonly endTime?: Date;
  readonly errorReason?: string;
  /** Record whose failed units this run tries again; absent = a whole run. */
  readonly retryOf?: string;
  readonly part?: RunPart;
  /** Days for which the record and its details are kept after its end. */
  readonly reserveDays: number;
  /** False = its details go when it ends. */
  readonly keepDetails: boolean;
  /** Its details are removed, or about to be: what is left of them is not all. */
  readonly detailsGone?: true;
  /** Zeros while the run is open. */
  readonly replicaOverview: ReplicaOverview;
  /** Payload bytes sent to all far sides. */
  readonly replicatedBytes: number;
  /** Bytes of all units at all far sides. */
  readonly totalBytes: number;
  /** Empty while the run is open. */
  readonly farSides: readonly FarSideOutcome[];
}

export interface RunStart {
  readonly taskKey: string;
  readonly taskUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly claim: string;
  readonly trigger: RunTrigger;
  readonly specHash: string;
  readonly generation: number;
  readonly retryOf?: string;
  readonly part?: RunPart;
  readonly reserveDays: number;
  readonly keepDetails: boolean;
}

/**
 * `started`: the claim is ours and the record is open. `claimed`: the claim was taken before; `record` is the one that
 * took it, in whatever state it is by now (also our own, when the answer to the first attempt was lost). `busy`: the
 * claim is free, but the task (uid) has the open run `record` of the same part, and these never overlap; nothing was written.
 */
export interface BeginResult {
  readonly outcome: 'started' | 'claimed' | 'busy';
  readonly record: RunRecord;
}

/** A task whose source is to be followed. */
export interface FollowedTask {
  readonly taskKey: string;
  readonly taskUid: string;
  readonly namespace: string;
  readonly name: string;
}

export interface RunResult {
  readonly status: FinalRunStatus;
  /** Clipped to 4,096 characters. */
  readonly errorReason?: string;
  readonly farSides: readonly FarSideOutcome[];
}

/** All given conditions must hold; texts are compared as they are, never as patterns. */
export interface DetailFilter {
  readonly status?: UnitStatus;
  /** The same in bk-repo's terms (contract §1.10). */
  readonly result?: 'SUCCESS' | 'FAILED';
  readonly clusterName?: string;
  readonly repoName?: string;
  /** Beginning of the path of a file. */
  readonly pathPrefix?: string;
  /** Beginning of the key of a package. */
  readonly packageKeyPrefix?: string;
  /** Beginning of the path of a file, or of the name of a package. */
  readonly artifactNamePrefix?: string;
  readonly version?: string;
}

export interface DetailPage {
  /** From 1. */
  readonly pageNumber: number;
  /** 1–1,000. */
  readonly pageSize: number;
}

export interface StoredDetail extends UnitDetail {
  /** 24 hex digits. */
  readonly id: string;
  readonly recordId: string;
}

/** A task that there is, as far as its records are concerned. */
export interface LivingTask {
  /** Days for which its records are kept after the end of their runs, by its present spec. */
  readonly reserveDays: number;
}

/** Where a step of expiry stopped: behind a task, or behind a record in looking for details that no record leads to. */
export type ExpiryPosition = { readonly taskKey: string } | { readonly recordId: string };

export interface ExpiryRequest {
  /** By task key. */
  readonly living: ReadonlyMap<string, LivingTask>;
  /** Most ended runs of one task that are kept, whatever their age. */
  readonly maxRunsPerTask: number;
  /** Where the step before stopped; absent = from the beginning. */
  readonly after?: ExpiryPosition;
}

/** What one step removed. */
export interface ExpiryStep {
  readonly records: number;
  readonly details: number;
  /** For the next step; absent = everything was looked at. */
  readonly after?: ExpiryPosition;
}
