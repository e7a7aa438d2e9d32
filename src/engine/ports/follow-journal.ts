/**
 * What following a source needs of the journal, in its own words; `journal` implements it. Every call takes an AbortSignal
 * last and fails with a classified `ReplicationError`; writes fail with `EpochLost` once another process follows.
 */
import type { FeedPosition } from './feed.ts';
import type { TargetRepository } from './target.ts';

/** Something of the source, to be made equal at the far sides. `package` without version: the package with all of them. */
export interface DirtyKey {
  /** Name of the repository at the source. */
  readonly repoName: string;
  /** `path`: one file. `folder`: everything that is or was below a path, `/` = the repository. */
  readonly kind: 'path' | 'folder' | 'package';
  /** A normalised path, or the key of a package. */
  readonly name: string;
  readonly version?: string;
}

/** A key with its place in the order in which keys became dirty. */
export interface Mark {
  readonly key: DirtyKey;
  /** Greater than that of all marks before, in this and in earlier epochs. */
  readonly seq: number;
  /** When the change happened, by the clock of the source. */
  readonly at: Date;
}

/** A key that failed at one far side. */
export interface Retry {
  readonly key: DirtyKey;
  readonly at: Date;
  readonly attempts: number;
  readonly dueAt: Date;
}

/** How far one far side has come. */
export interface FarSideState {
  readonly clusterId: string;
  /** All marks up to this one are dealt with, or among its retries. */
  readonly cursor: number;
  /** `specHash` of the last compare that ended, and when that compare began; absent = none. */
  readonly compared?: { readonly specHash: string; readonly at: Date };
  /** Deletions wait for a person since this instant. */
  readonly heldSince?: Date;
  /** What is held, how much the task owns there, and how much may go in ten minutes. */
  readonly held?: { readonly files: number; readonly owned: number; readonly allowed: number };
}

export interface FollowState {
  /** Raised by each process that begins to follow. */
  readonly epoch: number;
  /** Absent = nothing was followed yet. */
  readonly position?: FeedPosition;
  readonly farSides: readonly FarSideState[];
  /** Greatest seq of any mark; 0 = none. */
  readonly lastSeq: number;
}

/** A file, or a package version, of a far side that the task may delete. */
export interface OwnedFile {
  /** Path at the far side; of a version `ownedName` (engine/packages/version-compare.ts). */
  readonly fullPath: string;
  /** What lay there when the task saw it last; null = a version. */
  readonly sha256: string | null;
  /** What may lie there still, or again: what was meant lately. */
  readonly formerly?: readonly string[];
  /** The package version that it is a file of: `ownedName`. */
  readonly partOf?: string;
  /** When this was written. */
  readonly updatedAt: Date;
}

/**
 * `paths`: these files. `below`: all files below a folder, `/` = all files. `package`: its versions, or one, and the files
 * that are part of them. `versions`: all package versions, without files.
 */
export type OwnedScope =
  | { readonly paths: readonly string[] }
  | { readonly below: string }
  | { readonly package: string; readonly version?: string }
  | { readonly versions: true };

export interface FollowJournal {
  readonly state: FollowState;
  /** Replaces an earlier mark of the same key. Durable when it answers. */
  mark(marks: readonly Mark[], signal: AbortSignal): Promise<void>;
  savePosition(position: FeedPosition, signal: AbortSignal): Promise<void>;
  /** In the order of seq, behind `behind`. */
  marks(behind: number, limit: number, signal: AbortSignal): Promise<readonly Mark[]>;
  countMarks(behind: number, signal: AbortSignal): Promise<number>;
  saveFarSide(state: FarSideState, signal: AbortSignal): Promise<void>;
  /** Forgets marks up to `seq`: every far side is past them. */
  forgetMarks(seq: number, signal: AbortSignal): Promise<void>;
  saveRetries(clusterId: string, retries: readonly Retry[], signal: AbortSignal): Promise<void>;
  /** Those due at `now`, the longest due first. */
  dueRetries(clusterId: string, now: Date, limit: number, signal: AbortSignal): Promise<readonly Retry[]>;
  /** All of a far side are due at `now`. */
  retryNow(clusterId: string, now: Date, signal: AbortSignal): Promise<void>;
  countRetries(clusterId: string, signal: AbortSignal): Promise<number>;
  /** Those that were saved anew since, to be due at another time, stay. */
  dropRetries(clusterId: string, retries: readonly Pick<Retry, 'key' | 'dueAt'>[], signal: AbortSignal): Promise<void>;
  /** Pages of what the task owns there (`OwnedNode.file` is set), behind `after` in the binary order of fullPath. */
  owned(
    clusterId: string,
    repository: TargetRepository,
    scope: OwnedScope,
    after: string | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly OwnedFile[]>;
  countOwned(clusterId: string, signal: AbortSignal): Promise<number>;
  /** Where, by far-side repository and path, things lie that came from these documents of the source. */
  ownedFrom(
    sourceIds: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly { readonly projectId: string; readonly repoName: string; readonly fullPath: string }[]>;
  /** What was put down anew since it was read stays. */
  disown(
    clusterId: string,
    repository: TargetRepository,
    owned: readonly Pick<OwnedFile, 'fullPath' | 'updatedAt'>[],
    signal: AbortSignal,
  ): Promise<void>;
}
