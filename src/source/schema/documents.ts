/**
 * bk-repo's documents as they are stored (contract §5.2, corrected by what was measured on a running server).
 *
 * An absent field and null mean the same everywhere: live documents have no `deleted`. Fields are optional here
 * whenever a real document was seen without them. 64-bit integers come out of the driver as numbers while they are
 * safe integers; when a document is written they must be given as `Long`, or the driver stores int32 or double.
 */
import type { Long, ObjectId } from 'mongodb';

/** A 64-bit integer: a number when read, a `Long` when written. */
type Int64 = number | Long;

/** Digest that marks a node whose bytes are not one blob: a file of blocks, or a link (contract §5.2). */
export const NO_BLOB_SHA256 = '0'.repeat(64);

/** Metadata key of file-system attributes; a node of {@link NO_BLOB_SHA256} that has it is a file of blocks. */
export const FS_ATTRIBUTES_KEY = 'fs:attr';

interface AuditFields {
  readonly createdBy: string;
  readonly createdDate: Date;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: Date;
}

export interface MetadataDoc {
  readonly key: string;
  readonly value?: unknown;
  readonly system?: boolean | null;
  readonly description?: string | null;
  readonly link?: string | null;
  readonly color?: string | null;
}

export interface ProjectDoc extends AuditFields {
  readonly _id: ObjectId;
  readonly name: string;
  readonly displayName: string;
  readonly description?: string | null;
  readonly metadata?: readonly MetadataDoc[] | null;
  readonly credentialsKey?: string | null;
}

export interface RepositoryDoc extends AuditFields {
  readonly _id: ObjectId;
  readonly projectId: string;
  readonly name: string;
  readonly type: string;
  readonly category: string;
  readonly public: boolean;
  readonly description?: string | null;
  /** JSON text. */
  readonly configuration?: string | null;
  /** Key into `storage_credentials`; absent = default storage. */
  readonly credentialsKey?: string | null;
  readonly oldCredentialsKey?: string | null;
  readonly display?: boolean;
  readonly displayName?: string | null;
  readonly used?: Int64;
  readonly visibility?: string;
  readonly deleted?: Date | null;
}

export interface NodeDoc extends AuditFields {
  readonly _id: ObjectId;
  readonly projectId: string;
  readonly repoName: string;
  readonly folder: boolean;
  /** Of the parent, with a slash at both ends: `/a/b/`. */
  readonly path: string;
  readonly name: string;
  readonly fullPath: string;
  /** Bytes. Of a folder: filled in later by a job of bk-repo. */
  readonly size: Int64;
  /** Absent on folders. */
  readonly sha256?: string | null;
  readonly md5?: string | null;
  /** Decimal text; absent on nodes that the OCI service makes itself. */
  readonly crc64ecma?: string | null;
  readonly metadata?: readonly MetadataDoc[] | null;
  readonly lastAccessDate?: Date | null;
  readonly expireDate?: Date | null;
  readonly deleted?: Date | null;
  readonly copyFromCredentialsKey?: string | null;
  readonly copyIntoCredentialsKey?: string | null;
  readonly nodeNum?: Int64 | null;
  readonly archived?: boolean | null;
  readonly compressed?: boolean | null;
  readonly clusterNames?: readonly string[] | null;
}

/** One block of a file made of blocks. `endPos` is inclusive. Blocks of an unfinished upload have an `uploadId`. */
export interface BlockNodeDoc {
  readonly _id: ObjectId;
  readonly createdBy: string;
  readonly createdDate: Date;
  readonly projectId: string;
  readonly repoName: string;
  readonly nodeFullPath: string;
  readonly startPos: Int64;
  readonly endPos: Int64;
  readonly size: Int64;
  readonly sha256: string;
  readonly crc64ecma?: string | null;
  readonly deleted?: Date | null;
  readonly uploadId?: string | null;
  readonly expireDate?: Date | null;
}

/** `count` = node documents that name the digest, soft-deleted ones included, over all projects. */
export interface FileReferenceDoc {
  readonly _id: ObjectId;
  readonly sha256: string;
  readonly credentialsKey: string | null;
  readonly count: Int64;
}

export interface StorageCredentialsDoc extends AuditFields {
  /** The credentials key. */
  readonly _id: string;
  /** JSON text, contract §6.2. */
  readonly credentials: string;
  readonly region?: string | null;
}

export interface PackageDoc extends AuditFields {
  readonly _id: ObjectId;
  readonly projectId: string;
  readonly repoName: string;
  readonly name: string;
  /** Contract §6.5. */
  readonly key: string;
  readonly type: string;
  readonly latest?: string | null;
  readonly downloads?: Int64;
  /** Number of versions. */
  readonly versions?: Int64;
  readonly description?: string | null;
  /** Keys with a dot hold `#dot#`. */
  readonly versionTag?: Readonly<Record<string, string>> | null;
  readonly extension?: Readonly<Record<string, unknown>> | null;
  readonly historyVersion?: readonly string[] | null;
}

export interface PackageVersionDoc extends AuditFields {
  readonly _id: ObjectId;
  /** Hex text of `package._id`. */
  readonly packageId: string;
  readonly name: string;
  readonly size: Int64;
  readonly ordinal: Int64;
  readonly downloads?: Int64;
  readonly manifestPath?: string | null;
  readonly artifactPath?: string | null;
  readonly artifactPaths?: readonly string[] | null;
  readonly stageTag?: readonly string[] | null;
  readonly metadata?: readonly MetadataDoc[] | null;
  readonly tags?: readonly string[] | null;
  readonly extension?: Readonly<Record<string, unknown>> | null;
}
