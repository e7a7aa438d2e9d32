/**
 * What the engine needs of the local bk-repo, in its own words; `source` implements it. Every call takes an AbortSignal last
 * and fails with a classified `ReplicationError` (domain/errors.ts). An error is never folded into "not there".
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
  /** `_id` of its document, hex. */
  readonly id: string;
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
  /** `package_version._id`, hex. */
  readonly id: string;
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
