/**
 * The documents of the journal's collections and their translation; details and what is followed have files of their own.
 * `replica_record` and `replica_record_detail` carry bk-repo's field names and values (contract §1.10, §3.5) and ours
 * beside them; dates are BSON dates.
 */
import { type Collection, type Db, ObjectId } from 'mongodb';

import { ReplicationError } from '../domain/errors.ts';
import type { ProofMethod } from '../engine/ports/journal.ts';
import type { FarSideOutcome } from '../engine/run-types.ts';
import type { DetailDocument } from './detail-documents.ts';
import type { FollowDocument, MarkDocument, RetryDocument } from './follow-documents.ts';
import type { ReplicaOverview, RunPart, RunRecord, RunStatus, RunTrigger } from './records.ts';

/** Schema number written into every document; this program reads it and the one before. */
export const SCHEMA = 1;

/** For records of releases that did not say. */
export const USUAL_RESERVE_DAYS = 30;

/** Longest text kept from an error, in characters. */
const MAX_TEXT = 4_096;

export interface Stamped {
  /** Always {@link SCHEMA} or SCHEMA − 1 in what was read. */
  readonly schema: number;
  readonly installationId: string;
}

export interface RecordDocument extends Stamped {
  readonly _id: ObjectId;
  readonly taskKey: string;
  readonly taskUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly claim: string;
  readonly trigger: RunTrigger;
  readonly specHash: string;
  readonly generation: number;
  readonly executionNumber: number;
  readonly epoch: number;
  readonly status: RunStatus;
  readonly startTime: Date;
  readonly endTime: Date | null;
  readonly errorReason: string | null;
  readonly replicaOverview: ReplicaOverview;
  readonly replicatedBytes: number;
  readonly totalBytes: number;
  readonly farSides: readonly FarSideOutcome[];
  readonly retryOf?: string;
  readonly part?: RunPart;
  /** These two are absent in records of earlier releases. */
  readonly reserveDays?: number;
  readonly keepDetails?: boolean;
  /** The run has ended and its details are to go. */
  readonly detailsUnwanted?: true;
  /** It had details once, perhaps; they are removed, or on their way out while `detailsUnwanted`. */
  readonly detailsGone?: true;
  /** When the owner last wrote anything of this run. */
  readonly touchedAt: Date;
}

/** What is known to lie, whole, in a far side's store. */
export interface ProofDocument extends Stamped {
  readonly _id: ObjectId;
  readonly clusterId: string;
  readonly storageKey: string | null;
  readonly sha256: string;
  readonly method: ProofMethod;
  readonly provedAt: Date;
  readonly recordId: string;
}

/** What one task put on one far-side node, or what it put there. */
export interface OwnedDocument extends Stamped {
  readonly _id: ObjectId;
  readonly taskKey: string;
  readonly taskUid: string;
  readonly clusterId: string;
  readonly projectId: string;
  readonly repoName: string;
  readonly fullPath: string;
  /** Metadata keys. */
  readonly keys: readonly string[];
  /** These two are there when the task may delete it; null = a package version. */
  readonly sha256?: string | null;
  readonly sourceId?: string;
  /** Digests that may lie there still, or again: meant lately, the newest first. */
  readonly formerly?: readonly string[];
  /** Of a file of a package version: `<key>@<version>`. */
  readonly partOf?: string;
  /** Of a package version and of its files. */
  readonly packageKey?: string;
  readonly version?: string;
  readonly updatedAt: Date;
}

/** A unit that failed in earlier runs of one task and spec. */
export interface FailureDocument extends Stamped {
  readonly _id: ObjectId;
  readonly taskKey: string;
  readonly taskUid: string;
  readonly specHash: string;
  readonly clusterId: string;
  readonly unitKey: string;
  readonly fingerprint: string;
  readonly failures: number;
  readonly lastFailedAt: Date;
  readonly reason: string;
  readonly message: string;
  readonly updatedAt: Date;
}

/** A chunked upload that a far side holds in part. */
export interface UploadDocument extends Stamped {
  readonly _id: ObjectId;
  readonly taskKey: string;
  readonly taskUid: string;
  /** The run that wrote it last. */
  readonly recordId: string;
  readonly clusterId: string;
  readonly projectId: string;
  readonly repoName: string;
  readonly storageKey: string | null;
  readonly sha256: string;
  readonly sessionId: string;
  readonly acknowledged: number;
  readonly absentBefore: boolean;
  readonly setbacks: number;
  readonly updatedAt: Date;
}

export interface Collections {
  readonly records: Collection<RecordDocument>;
  readonly details: Collection<DetailDocument>;
  readonly proofs: Collection<ProofDocument>;
  readonly owned: Collection<OwnedDocument>;
  readonly failures: Collection<FailureDocument>;
  readonly uploads: Collection<UploadDocument>;
  readonly follows: Collection<FollowDocument>;
  readonly marks: Collection<MarkDocument>;
  readonly retries: Collection<RetryDocument>;
}

export function collectionsOf(db: Db): Collections {
  return {
    records: db.collection<RecordDocument>('replica_record'),
    details: db.collection<DetailDocument>('replica_record_detail'),
    proofs: db.collection<ProofDocument>('blob_proof'),
    owned: db.collection<OwnedDocument>('owned_metadata'),
    failures: db.collection<FailureDocument>('unit_failure'),
    uploads: db.collection<UploadDocument>('upload_session'),
    follows: db.collection<FollowDocument>('follow_state'),
    marks: db.collection<MarkDocument>('follow_mark'),
    retries: db.collection<RetryDocument>('follow_retry'),
  };
}

/** Passes a document of a known schema; fails with `JournalSchemaNewer` or, without a number, `JournalFailed`. */
export function checked<T extends { readonly _id: unknown; readonly schema: number }>(
  collection: string,
  document: T,
): T {
  if (document.schema === SCHEMA || document.schema === SCHEMA - 1) return document;
  if (Number.isInteger(document.schema) && document.schema > SCHEMA) throw schemaNewer(collection, document.schema);
  throw new ReplicationError(
    'spec',
    'JournalFailed',
    `the journal's collection ${collection} holds document ${String(document._id)} with schema number ` +
      `${String(document.schema)}, which no release of this program writes or reads: remove or repair it`,
  );
}

export function schemaNewer(collection: string, found: number): ReplicationError {
  return new ReplicationError(
    'spec',
    'JournalSchemaNewer',
    `the journal's collection ${collection} was written by a newer release (schema ${found}; this program reads up to ` +
      `${SCHEMA}): start that release again, or give this one another journal database`,
  );
}

export function clip(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

/** A record id as users hold it; undefined when it is none. */
export function recordIdOf(id: string): ObjectId | undefined {
  return /^[0-9a-f]{24}$/.test(id) ? new ObjectId(id) : undefined;
}

export function toRunRecord(document: RecordDocument): RunRecord {
  const known = checked('replica_record', document);
  return {
    id: known._id.toHexString(),
    taskKey: known.taskKey,
    taskUid: known.taskUid,
    namespace: known.namespace,
    name: known.name,
    claim: known.claim,
    trigger: known.trigger,
    specHash: known.specHash,
    generation: known.generation,
    executionNumber: known.executionNumber,
    epoch: known.epoch,
    status: known.status,
    startTime: known.startTime,
    ...(known.endTime === null ? {} : { endTime: known.endTime }),
    ...(known.errorReason === null ? {} : { errorReason: known.errorReason }),
    ...(known.retryOf === undefined ? {} : { retryOf: known.retryOf }),
    ...(known.part === undefined ? {} : { part: known.part }),
    reserveDays: known.reserveDays ?? USUAL_RESERVE_DAYS,
    keepDetails: known.keepDetails ?? true,
    ...(known.detailsGone === undefined ? {} : { detailsGone: known.detailsGone }),
    replicaOverview: known.replicaOverview,
    replicatedBytes: known.replicatedBytes,
    totalBytes: known.totalBytes,
    farSides: known.farSides,
  };
}
