/** What goes into a run and what comes out of it. */
import type { RunJournal, Source, Target } from './ports.ts';

export type ConflictStrategy = 'SKIP' | 'OVERWRITE' | 'FAST_FAIL';
export type ErrorStrategy = 'CONTINUE' | 'FAST_FAIL';
/** `Cluster.spec.uploadVerification`, design §3. */
export type UploadVerification = 'auto' | 'always' | 'never';

export interface RunObject {
  readonly localRepoName: string;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
  readonly repoType: string;
  /** Empty = the whole repository. */
  readonly paths: readonly string[];
}

export interface RunSetting {
  readonly includeMetadata: boolean;
  readonly conflictStrategy: ConflictStrategy;
  readonly errorStrategy: ErrorStrategy;
  readonly automaticCreateRemoteRepo: boolean;
  readonly recordUnchanged: boolean;
  /** Milliseconds after which a proof is made again; null = never. */
  readonly verifyIntervalMs: number | null;
}

export interface RunPlan {
  readonly localProjectId: string;
  readonly objects: readonly RunObject[];
  readonly setting: RunSetting;
}

export interface RunFarSide {
  readonly target: Target;
  readonly uploadVerification: UploadVerification;
  /** Units in flight at once to this far side (`Cluster.spec.limits.concurrency`). */
  readonly concurrency: number;
}

export interface Tally {
  readonly success: number;
  readonly unchanged: number;
  readonly conflict: number;
  readonly failed: number;
  readonly notTried: number;
  /** Sum of the sizes of all units counted, bytes. */
  readonly totalBytes: number;
  /** Payload bytes sent. */
  readonly sentBytes: number;
}

export interface FarSideProgress {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly tally: Tally;
}

export interface FarSideOutcome extends FarSideProgress {
  /** Set when the far side was given up, or the run could not read its source. */
  readonly error?: { readonly reason: string; readonly message: string };
  /** The first few failures in words, for conditions and events. */
  readonly examples: readonly { readonly unit: string; readonly reason: string; readonly message: string }[];
}

export interface RunOutcome {
  readonly farSides: readonly FarSideOutcome[];
}

export interface RunDeps {
  readonly source: Source;
  readonly journal: RunJournal;
  /** Called as progress is made; cheap, may be called often. */
  readonly onProgress: (progress: FarSideProgress) => void;
}
