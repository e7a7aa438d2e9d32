/**
 * What the engine needs of the outside, in its own words. `source`, `target` and `journal` implement these; `compose`
 * wires them. Every call takes an AbortSignal last and fails with a classified `ReplicationError` (domain/errors.ts).
 * An error is never folded into "not there".
 */
import type { Readable } from 'node:stream';

export type MetadataValue = string | number | boolean | null | readonly MetadataValue[];

export interface MetadataEntry {
  readonly key: string;
  readonly value: MetadataValue;
  readonly system: boolean;
  readonly description?: string;
  readonly link?: string;
  readonly color?: string;
}

export interface SourceProject {
  readonly name: string;
  readonly displayName: string;
  readonly description: string | null;
}

export interface SourceRepository {
  readonly projectId: string;
  readonly name: string;
  /** RepositoryType, contract §6.4: GENERIC, MAVEN, … */
  readonly type: string;
  /** LOCAL, REMOTE, VIRTUAL, COMPOSITE, PROXY. */
  readonly category: string;
  readonly description: string | null;
  /** Parsed `configuration`; the target sends only an allow-listed part of it. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Key into `storage_credentials`; null = default storage. */
  readonly credentialsKey: string | null;
}

/** How the bytes of a node are kept (design §3, "Nodes that are not plain files"). */
export type NodeKind = 'file' | 'block' | 'link' | 'archived' | 'compressed';

/** A live, not expired, non-folder node. */
export interface SourceNode {
  readonly fullPath: string;
  readonly kind: NodeKind;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex; 64 zeros for kinds other than `file` until resolved. */
  readonly sha256: string;
  readonly md5: string;
  readonly crc64ecma: string | null;
  readonly metadata: readonly MetadataEntry[];
  readonly createdBy: string;
  readonly createdDate: Date;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: Date;
  readonly expireDate: Date | null;
  readonly copyFromCredentialsKey: string | null;
}

/** Which nodes of a repository: all, one file, everything below a folder, or names by `*` in the last segment. */
export interface NodeScope {
  /** A normalised path, or undefined for the whole repository. */
  readonly path?: string;
  /** Only nodes behind this fullPath in the order of the listing: where an interrupted listing goes on. */
  readonly after?: string;
}

export interface Source extends PackageSource {
  project(projectId: string, signal: AbortSignal): Promise<SourceProject | undefined>;
  repository(projectId: string, name: string, signal: AbortSignal): Promise<SourceRepository | undefined>;
  /** Pages of at most `pageSize` nodes by keyset over fullPath; yields nothing at all when the path does not exist. */
  nodes(
    repository: SourceRepository,
    scope: NodeScope,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourceNode[]>;
  /** The present state of the named nodes; a path that is not in the answer has no live node. */
  findNodes(
    repository: SourceRepository,
    fullPaths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceNode>>;
  /**
   * Gives a node of kind `block` its real size, sha256 and md5 by reading its blocks; returns a `file` unchanged; fails
   * with unit error `UnsupportedNode` naming the kind for the others.
   */
  resolve(repository: SourceRepository, node: SourceNode, signal: AbortSignal): Promise<SourceNode>;
  /**
   * The bytes of a (resolved) node from `start`. Not verified here. Fails with `BlobMissing` (retryable for a node
   * younger than ten minutes, else unit) naming the digest and the places looked at.
   */
  open(repository: SourceRepository, node: SourceNode, start: number, signal: AbortSignal): Promise<Readable>;
  /**
   * How much a selection holds now, for telling how far a run is; holds nothing in memory. Fails, rather than burdening
   * the database, when counting takes too long.
   */
  count(repository: SourceRepository, selection: SourceSelection, signal: AbortSignal): Promise<SelectionCount>;
}

/** Empty lists = all of the repository. Of files: normalised paths, as in {@link NodeScope}. */
export type SourceSelection =
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  | {
      readonly kind: 'versions';
      readonly packages: readonly { readonly packageKey: string; readonly versions: readonly string[] }[];
    };

/** What several paths or packages select is counted once; a package or version that is not there is one unit. */
export interface SelectionCount {
  readonly units: number;
  /** Sizes of files, or of versions as bk-repo has them. */
  readonly bytes: number;
}

/** A package of a source repository (contract §5.2). */
export interface SourcePackage {
  /** `package._id` as hex text. */
  readonly id: string;
  /** Contract §6.5, e.g. `npm://@scope/name`. */
  readonly key: string;
  readonly name: string;
  /** PackageType, e.g. `NPM`. */
  readonly type: string;
  /** Name of the version that the source calls the latest. */
  readonly latest: string | null;
  readonly description: string | null;
  /** Tag → version. */
  readonly versionTag: Readonly<Record<string, string>>;
  readonly extension: Readonly<Record<string, unknown>>;
}

/** What of a version travels and can be read back. */
export interface VersionContent {
  readonly name: string;
  /** Bytes, as bk-repo counts them for this type. */
  readonly size: number;
  readonly manifestPath: string | null;
  readonly artifactPath: string | null;
  /** All artifact paths, `artifactPath` among them. */
  readonly artifactPaths: readonly string[];
  readonly stageTag: readonly string[];
  readonly tags: readonly string[];
  readonly metadata: readonly MetadataEntry[];
  readonly extension: Readonly<Record<string, unknown>>;
  readonly createdBy: string;
}

export interface SourceVersion extends VersionContent {
  readonly createdDate: Date;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: Date;
}

/** The packages of a source. Packages and versions are removed from MongoDB, never soft-deleted. */
export interface PackageSource {
  /** Pages of at most `pageSize` by keyset over the key, behind `after`. */
  packages(
    repository: SourceRepository,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourcePackage[]>;
  findPackage(repository: SourceRepository, key: string, signal: AbortSignal): Promise<SourcePackage | undefined>;
  /** Pages of at most `pageSize` by keyset over the name, behind `after`. */
  versions(
    packageId: string,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourceVersion[]>;
  /** A name that is not in the answer is no version. */
  findVersions(
    packageId: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceVersion>>;
}

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
  /** Ends idle connections. */
  close(): Promise<void>;
}

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
  writeOwnedKeys(
    clusterId: string,
    repository: TargetRepository,
    owned: readonly { readonly fullPath: string; readonly keys: readonly string[] }[],
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
