/**
 * What the engine needs of a far side, in its own words; `target` implements it. Every call takes an AbortSignal last and
 * fails with a classified `ReplicationError` (domain/errors.ts). An error is never folded into "not there".
 */
import type { Readable } from 'node:stream';

import type {
  MetadataEntry,
  SourceNode,
  SourcePackage,
  SourceProject,
  SourceRepository,
  VersionContent,
} from './source.ts';

/** A repository at the far side, ready to be written. */
export interface TargetRepository {
  readonly projectId: string;
  readonly name: string;
  /** RepositoryType there; `blob/check` looks in the storage meant for it where no key is sent. */
  readonly repoType?: string;
  /** Sent with blob calls; null = left out. */
  readonly storageKey: string | null;
}

export interface RepositoryRequest {
  readonly project: SourceProject;
  readonly repository: SourceRepository;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
  /** `setting.automaticCreateRemoteRepo`; false = a missing project or repository is the spec error `RemoteRepoMissing`. */
  readonly create: boolean;
}

export interface TargetNode {
  readonly fullPath: string;
  readonly folder: boolean;
  readonly size: number;
  readonly sha256: string | null;
  readonly metadata: readonly MetadataEntry[];
  /** Absent where the far side did not say, or its zone is not known. */
  readonly lastModifiedDate?: Date;
}

/** A chunked upload that a far side has begun to hold. */
export interface UploadSession {
  readonly id: string;
  /** Bytes that the far side has acknowledged, as far as was noted. */
  readonly acknowledged: number;
  /** `blob/check` said before it began that the blob is not there. */
  readonly absentBefore: boolean;
  /** Errors that the far side answered since it last acknowledged something. */
  readonly setbacks: number;
}

/** Keeps the session of one upload over attempts, runs and restarts. */
export interface UploadMemory {
  load(signal: AbortSignal): Promise<UploadSession | undefined>;
  save(session: UploadSession, signal: AbortSignal): Promise<void>;
  forget(signal: AbortSignal): Promise<void>;
}

export interface BlobUpload {
  readonly sha256: string;
  readonly md5: string;
  readonly size: number;
  /** Its bytes come in pieces, as fast as limits allow: they are sent as they come. */
  readonly paced?: boolean;
  /** Where a broken-off upload is remembered; absent = it begins anew with each attempt. */
  readonly memory?: UploadMemory;
  /**
   * The bytes from `start` on; perhaps called several times in one attempt. From 0 they are guarded by VerifiedStream; from
   * further on nobody here hashes the whole, and what the far side compares at the end decides.
   */
  readonly open: (start: number, signal: AbortSignal) => Promise<Readable>;
  /** Told of payload as it is sent, in bytes; what is sent once more is told once more. */
  readonly onPayload?: (bytes: number) => void;
  /** Told how many bytes the far side has acknowledged that a further attempt need not send. */
  readonly onAcknowledged?: (bytes: number) => void;
}

/**
 * What an upload's answer proves. `verified`: the far side compared sha256 itself, on bytes that it did not have before
 * (its `blob/check` said no then, and yes afterwards: only so did the "no" mean something).
 */
export type UploadProof = 'accepted' | 'verified';

/** A package at the far side. */
export interface TargetPackage {
  readonly key: string;
  readonly latest: string | null;
  readonly description: string | null;
  readonly versionTag: Readonly<Record<string, string>>;
  readonly extension: Readonly<Record<string, unknown>>;
}

export type TargetVersion = VersionContent;

/** `package/version/create`: it replaces what is left out and sets the package's latest (contract §2.6, §11). */
export interface VersionRequest {
  readonly package: Pick<SourcePackage, 'key' | 'name' | 'type' | 'description' | 'versionTag' | 'extension'>;
  readonly version: VersionContent;
  readonly overwrite: boolean;
  /** The version is there just so, and is sent once more for what its package shall be: its artifact paths stay. */
  readonly again?: boolean;
}

/** Packages at a far side. One attempt each, like `Target`. */
export interface PackageTarget {
  findPackage(
    repository: TargetRepository,
    packageKey: string,
    signal: AbortSignal,
  ): Promise<TargetPackage | undefined>;
  /** A name that is not in the answer is no version there. At most 500 names. */
  findVersions(
    repository: TargetRepository,
    packageKey: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, TargetVersion>>;
  /** `existed` = 251020 under overwrite=false: nothing was changed. Several artifact paths all arrive (`multiArtifact`). */
  createVersion(
    repository: TargetRepository,
    request: VersionRequest,
    signal: AbortSignal,
  ): Promise<'created' | 'existed'>;
  /**
   * The bytes of a stored blob of `size` bytes, checked against the digest; undefined = the far side says it has no such
   * blob. For documents: the caller bounds `size`.
   */
  readBlob(
    repository: TargetRepository,
    sha256: string,
    size: number,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
  /** Scheme, host and port of the far side, for documents that name addresses. */
  readonly origin: string;
}

/** One far side. Its methods make one attempt each (but for closing idle connections); the engine retries. */
export interface Target extends PackageTarget {
  /** Cluster `status.id`. */
  readonly id: string;
  /** Cluster `metadata.name`. */
  readonly name: string;
  prepareRepository(request: RepositoryRequest, signal: AbortSignal): Promise<TargetRepository>;
  /** Any number of paths, asked for in as many requests as it takes. A path not in the answer has no node there. */
  findNodes(
    repository: TargetRepository,
    fullPaths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, TargetNode>>;
  /** `blob/check`: true = stored under that name; false = perhaps absent (contract §11). */
  blobStored(repository: TargetRepository, sha256: string, signal: AbortSignal): Promise<boolean>;
  /** Pushes one blob, by chunks from 8 MiB on where the server has them. */
  pushBlob(repository: TargetRepository, blob: BlobUpload, signal: AbortSignal): Promise<UploadProof>;
  /** Reads a stored blob back and hashes it; undefined = the far side says it has no such blob (404, 251024). */
  readBack(
    repository: TargetRepository,
    sha256: string,
    size: number,
    signal: AbortSignal,
  ): Promise<{ readonly sha256: string; readonly size: number } | undefined>;
  /** `existed` = 251012 under overwrite=false: nothing was changed. */
  createNode(
    repository: TargetRepository,
    node: SourceNode,
    options: { readonly overwrite: boolean },
    signal: AbortSignal,
  ): Promise<'created' | 'existed'>;
  saveMetadata(
    repository: TargetRepository,
    fullPath: string,
    metadata: readonly MetadataEntry[],
    signal: AbortSignal,
  ): Promise<void>;
  deleteMetadata(
    repository: TargetRepository,
    fullPath: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Deletes one file, never a folder: the caller has just seen a file there. A path that is gone is no error.
   * @param deletedAt when the source deleted it: one that was written anew since then stays, where the far side can tell
   */
  deleteNode(repository: TargetRepository, fullPath: string, deletedAt: Date, signal: AbortSignal): Promise<void>;
  /**
   * Removes one version of a package, with the package when it was the last one; its files stay or go as the far side
   * does it. One that is gone is no error; a far side without this call fails with the unit error `VersionDeleteUnsupported`.
   */
  deleteVersion(
    repository: TargetRepository,
    packageKey: string,
    version: string,
    deletedAt: Date,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends idle connections. */
  close(): Promise<void>;
}
