/**
 * What a run needs of the journal, in its own words; `journal` implements it. Every call takes an AbortSignal last and fails
 * with a classified `ReplicationError` (domain/errors.ts).
 */
import type { TargetRepository, UploadSession } from './target.ts';

/** Final state of one unit in one run. `UNCHANGED` is counted, and recorded only with `setting.recordUnchanged`. */
export type UnitStatus = 'SUCCESS' | 'UNCHANGED' | 'CONFLICT' | 'FAILED' | 'NOT_TRIED';

/** One row of `replica_record_detail` (contract §1.10), plus what we need. Unique by (recordId, clusterId, unitKey). */
export interface UnitDetail {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly localRepoName: string;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
  readonly repoType: string;
  /** `<index of the task object>:<fullPath>` for files, `<index>:<packageKey>@<version>` for package versions. */
  readonly unitKey: string;
  /** Of a version: its artifact or manifest. */
  readonly fullPath: string;
  /** Set for package versions, and for packages that could not be found. */
  readonly packageKey?: string;
  readonly packageName?: string;
  readonly version?: string;
  /** How many files a version consists of, once it was planned; absent = one. */
  readonly files?: number;
  readonly status: UnitStatus;
  /** Bytes of the artifact. */
  readonly size: number;
  /** Payload bytes sent to the far side for this unit (0 when its digest had crossed already). */
  readonly bytesSent: number;
  readonly sha256: string;
  readonly conflictStrategy: string;
  /** Stable CamelCase code; absent for SUCCESS and UNCHANGED. */
  readonly reason?: string;
  readonly errorReason?: string;
  readonly startTime: Date;
  readonly endTime: Date;
}

export type ProofMethod = 'read-back' | 'chunked-finish' | 'accepted' | 'check';

export interface BlobProof {
  readonly sha256: string;
  readonly method: ProofMethod;
  readonly provedAt: Date;
  /** Record id of the run that made it. */
  readonly recordId: string;
}

/** What is known of a unit that failed in earlier runs of the same task and spec. */
export interface UnitFailure {
  readonly unitKey: string;
  /** State of its source when it failed last; another one deserves a new try. */
  readonly fingerprint: string;
  /** Runs in a row in which it failed. */
  readonly failures: number;
  readonly lastFailedAt: Date;
  readonly reason: string;
  readonly message: string;
}

/** What a task remembers of something that it wrote, or adopted, at a far side. */
export interface OwnedNode {
  /** Path at the far side; of a package version `ownedName` (packages/version-compare.ts). */
  readonly fullPath: string;
  /** Metadata keys that this task wrote; absent = as before. */
  readonly keys?: readonly string[];
  /** Those that it is about to write, beside those before: another of its writers may still be on the way with others. */
  readonly moreKeys?: readonly string[];
  /**
   * Set by tasks that follow their source, which may delete what they own; null = it is not theirs (any more). The journal
   * adds to `formerly` what the task meant lately.
   */
  readonly file?: OwnedFileState | null;
  /** With `file: null`: only while that is the digest that was put down; the task may have meant another one since. */
  readonly meant?: string;
}

export interface OwnedFileState {
  /** What lies there, or is about to; null = a package version. */
  readonly sha256: string | null;
  /** What may lie there still, or again: what was meant lately, by another writer of the task too. */
  readonly formerly?: readonly string[];
  /** `_id` of the document at the source that it came from, hex. */
  readonly sourceId: string;
  /** The package version that it is a file of: `ownedName`. */
  readonly partOf?: string;
}

/** The journal as one run sees it. Every write is conditional on the run's epoch: `EpochLost` = another leader adopted it. */
export interface RunJournal {
  readonly recordId: string;
  /** Details already final in this record (from before a crash), by unitKey. */
  findDetails(
    clusterId: string,
    unitKeys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, UnitDetail>>;
  writeDetails(details: readonly UnitDetail[], signal: AbortSignal): Promise<void>;
  findProofs(
    clusterId: string,
    storageKey: string | null,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, BlobProof>>;
  writeProofs(
    clusterId: string,
    storageKey: string | null,
    proofs: readonly { readonly sha256: string; readonly method: ProofMethod }[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Withdraws a proof that turned out false (blob gone or altered). */
  deleteProof(clusterId: string, storageKey: string | null, sha256: string, signal: AbortSignal): Promise<void>;
  /** Metadata keys that this task wrote on these far-side nodes: the only ones it may delete. */
  findOwnedKeys(
    clusterId: string,
    repository: TargetRepository,
    fullPaths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly string[]>>;
  /** What of these is the task's own; empty for tasks that do not follow their source. */
  findOwnedFiles(
    clusterId: string,
    repository: TargetRepository,
    fullPaths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, OwnedFileState>>;
  writeOwnedKeys(
    clusterId: string,
    repository: TargetRepository,
    owned: readonly OwnedNode[],
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * FAILED and NOT_TRIED details that an earlier record of this task has for the far side, `pageSize` behind the unitKey
   * `after` in binary order, so that those of one package stand together. Empty = no more.
   */
  failedUnits(
    recordId: string,
    clusterId: string,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): Promise<readonly UnitDetail[]>;
  /** Says that details from before an adoption still hold: they are this epoch's now. */
  confirmDetails(clusterId: string, unitKeys: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * SUCCESS details of earlier epochs that were neither written again nor confirmed in this one: of units done in this
   * run that are no longer there. Paged like `failedUnits`; for the end of an adopted run.
   */
  leftDetails(
    clusterId: string,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): Promise<readonly UnitDetail[]>;
  /** Removes all other details of earlier epochs: nothing has come of those units, and they are no longer there. */
  dropLeftDetails(clusterId: string, signal: AbortSignal): Promise<void>;
  /** Whether any unit of this task and spec failed at this far side before: if not, nobody needs to ask for each. */
  hasFailures(clusterId: string, signal: AbortSignal): Promise<boolean>;
  findFailures(
    clusterId: string,
    unitKeys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, UnitFailure>>;
  /** Replaces what was known. */
  writeFailures(clusterId: string, failures: readonly UnitFailure[], signal: AbortSignal): Promise<void>;
  deleteFailures(clusterId: string, unitKeys: readonly string[], signal: AbortSignal): Promise<void>;
  /** The session of a broken-off upload of this task, whichever run began it. */
  findUpload(
    clusterId: string,
    repository: TargetRepository,
    sha256: string,
    signal: AbortSignal,
  ): Promise<UploadSession | undefined>;
  writeUpload(
    clusterId: string,
    repository: TargetRepository,
    sha256: string,
    session: UploadSession,
    signal: AbortSignal,
  ): Promise<void>;
  deleteUpload(clusterId: string, repository: TargetRepository, sha256: string, signal: AbortSignal): Promise<void>;
}
