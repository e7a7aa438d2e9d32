/** What goes into a run and what comes out of it. */
import type { BackoffPolicy } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { KeyedLock } from '../lib/keyed-lock.ts';
import type { Lane } from './pacing/lane.ts';
import type { RunJournal } from './ports/journal.ts';
import type { Source } from './ports/source.ts';
import type { Target } from './ports/target.ts';
import type { UnitEnd } from './recorder.ts';
import type { UnitSelection } from './unit-selection.ts';

export type ConflictStrategy = 'SKIP' | 'OVERWRITE' | 'FAST_FAIL';
export type ErrorStrategy = 'CONTINUE' | 'FAST_FAIL';
/** `Cluster.spec.uploadVerification`, design §3. */
export type UploadVerification = 'auto' | 'always' | 'never';

export interface RunPackage {
  readonly packageKey: string;
  /** Empty = all versions. */
  readonly versions: readonly string[];
}

export interface RunObject {
  readonly localRepoName: string;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
  readonly repoType: string;
  /** Neither paths nor packages = the whole repository; never both. */
  readonly paths: readonly string[];
  readonly packages?: readonly RunPackage[];
}

export interface RunSetting {
  readonly includeMetadata: boolean;
  readonly conflictStrategy: ConflictStrategy;
  readonly errorStrategy: ErrorStrategy;
  readonly automaticCreateRemoteRepo: boolean;
  readonly recordUnchanged: boolean;
  /** The far side is asked once more for the blobs of what was committed. */
  readonly storageConsistencyCheck: boolean;
  /** Milliseconds after which a proof is made again; null = never. */
  readonly verifyIntervalMs: number | null;
  /**
   * Set by tasks that follow their source: what they put at a far side is remembered as theirs to delete (`written`), with
   * what they found there equal (`adopted`); under OVERWRITE a far side's later change of the same path stays.
   */
  readonly following?: 'written' | 'adopted';
}

export interface RunPlan {
  readonly localProjectId: string;
  readonly objects: readonly RunObject[];
  /** Only the units that failed or were not tried in this earlier record of the task. */
  readonly retryOf?: string;
  /** Only these units. */
  readonly only?: UnitSelection;
  readonly setting: RunSetting;
}

export interface RunFarSide {
  readonly target: Target;
  /** It shares the metadata of the source's centre (Cluster type EDGE): blobs are checked and pushed, nothing else. */
  readonly blobsOnly: boolean;
  readonly uploadVerification: UploadVerification;
  /** Units, requests and payload of this task to this far side have their turns here. */
  readonly lane: Lane;
  /** Goes on with what runs before have read back; absent = each run begins anew. */
  readonly trust?: UploadTrust;
}

/** What a far side's word about small blobs has been found to be worth. */
export interface UploadTrust {
  /** Small blobs that were read back and found right. */
  smallBlobsProved: number;
}

export interface Tally {
  readonly success: number;
  readonly unchanged: number;
  readonly conflict: number;
  readonly failed: number;
  readonly notTried: number;
  /** Of the failed: those not tried any more until their source changes or a run is asked for. */
  readonly quarantined: number;
  /** Sum of the sizes of all units counted, bytes. */
  readonly totalBytes: number;
  /** Payload bytes sent. */
  readonly sentBytes: number;
  /** Files of the units that succeeded and failed; absent where each unit is one file. */
  readonly files?: { readonly success: number; readonly failed: number };
}

export interface FarSideProgress {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly tally: Tally;
  /** What this far side has to do in all, as far as is known by now; absent until the source was counted. */
  readonly total?: { readonly units: number; readonly bytes: number };
  /** Payload bytes on the wire so far, those of uploads under way among them. */
  readonly payloadBytes: number;
}

export interface FarSideOutcome extends Pick<FarSideProgress, 'clusterId' | 'clusterName' | 'tally'> {
  /** Set when the far side was given up, or the run could not read its source. */
  readonly error?: { readonly reason: string; readonly message: string };
  /** The first few failures in words, for conditions and events. */
  readonly examples: readonly { readonly unit: string; readonly reason: string; readonly message: string }[];
}

export interface RunOutcome {
  readonly farSides: readonly FarSideOutcome[];
}

/** Numbers of the installation that rule every run (config `engine`). */
export interface RunLimits {
  /** Milliseconds that a far side or the source may be silent before a run gives it up. */
  readonly patience: number;
  /** Tries of one request while its endpoint answers. */
  readonly attempts: number;
  readonly backoff: BackoffPolicy;
  /** Units compared with one question; at most 4,000 (contract §11). */
  readonly pageSize: number;
  /** Committed units that are read back and recorded together. */
  readonly settleSize: number;
}

/** Something that was written to a far side, and that the source has lost meanwhile. */
export type GoneUnit = Pick<UnitEnd, 'localRepoName' | 'fullPath' | 'packageKey' | 'version'>;

export interface RunDeps {
  readonly source: Source;
  readonly journal: RunJournal;
  /** The record was adopted from a leader that died: details in it may be final already. */
  readonly resumed: boolean;
  /** A person asked for this run, or the spec is new: units that failed too often before are tried again. */
  readonly requested: boolean;
  readonly limits: RunLimits;
  /** Shared by all runs of the installation: for what is read at a far side, changed and written back. */
  readonly locks: KeyedLock;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Aborted = take no new unit, finish those in flight, then reject with its reason and leave the record open. */
  readonly drain: AbortSignal;
  /** Told of each unit when it has its final record. */
  readonly onUnit?: (clusterId: string, unit: UnitEnd) => void;
  /** Told of what was written and has left the source meanwhile, before its final record; asked only of who follows. */
  readonly onGone?: (clusterId: string, unit: GoneUnit) => void;
  /** Called as progress is made; cheap, may be called often. */
  readonly onProgress: (progress: FarSideProgress) => void;
}
