/** Documents of `replica_record_detail` and their translation. */
import type { ObjectId } from 'mongodb';

import type { UnitDetail, UnitStatus } from '../engine/ports/journal.ts';
import { checked, clip, type Stamped } from './documents.ts';
import type { StoredDetail } from './records.ts';

/** `progress` of a detail: one unit, hence ones and zeros. */
interface DetailProgress {
  readonly success: number;
  readonly skip: number;
  readonly failed: number;
  readonly conflict: number;
  readonly totalSize: number;
}

export interface DetailDocument extends Stamped {
  readonly _id: ObjectId;
  readonly recordId: string;
  readonly epoch: number;
  readonly clusterId: string;
  readonly unitKey: string;
  /** The outcome in our terms; `status` says it in bk-repo's. */
  readonly unitStatus: UnitStatus;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly remoteCluster: string;
  readonly localRepoName: string;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
  readonly repoType: string;
  /** Of a package version; of a package that was not found, without `versions`. */
  readonly packageConstraint: { readonly packageKey: string; readonly versions: readonly string[] | null } | null;
  /** Of a file. */
  readonly pathConstraint: { readonly path: string } | null;
  /** Path of the file; of a version its artifact or manifest, or "". */
  readonly fullPath: string;
  /** Path of the file, or name of the package. */
  readonly artifactName: string;
  readonly version: string | null;
  readonly conflictStrategy: string;
  /** Of a version; null or absent = one, or not known. */
  readonly files?: number | null;
  readonly size: number;
  readonly bytesSent: number;
  readonly sha256: string;
  readonly progress: DetailProgress;
  readonly reason: string | null;
  readonly errorReason: string | null;
  readonly startTime: Date;
  readonly endTime: Date;
}

/** Everything of a detail that a later write of the same unit replaces. */
export function detailFields(
  detail: UnitDetail,
): Omit<DetailDocument, '_id' | 'schema' | 'installationId' | 'recordId' | 'epoch' | 'clusterId' | 'unitKey'> {
  const good = detail.status === 'SUCCESS' || detail.status === 'UNCHANGED' || detail.status === 'CONFLICT';
  return {
    unitStatus: detail.status,
    status: good ? 'SUCCESS' : 'FAILED',
    remoteCluster: detail.clusterName,
    localRepoName: detail.localRepoName,
    remoteProjectId: detail.remoteProjectId,
    remoteRepoName: detail.remoteRepoName,
    repoType: detail.repoType,
    packageConstraint:
      detail.packageKey === undefined
        ? null
        : { packageKey: detail.packageKey, versions: detail.version === undefined ? null : [detail.version] },
    pathConstraint: detail.packageKey === undefined ? { path: detail.fullPath } : null,
    fullPath: detail.fullPath,
    artifactName: detail.packageName ?? detail.packageKey ?? detail.fullPath,
    version: detail.version ?? null,
    files: detail.files ?? null,
    conflictStrategy: detail.conflictStrategy,
    size: detail.size,
    bytesSent: detail.bytesSent,
    sha256: detail.sha256,
    progress: {
      success: detail.status === 'SUCCESS' ? 1 : 0,
      skip: detail.status === 'UNCHANGED' || detail.status === 'CONFLICT' ? 1 : 0,
      failed: good ? 0 : 1,
      conflict: detail.status === 'CONFLICT' ? 1 : 0,
      totalSize: detail.size,
    },
    reason: detail.reason ?? null,
    errorReason: detail.errorReason === undefined ? null : clip(detail.errorReason),
    startTime: detail.startTime,
    endTime: detail.endTime,
  };
}

export function toUnitDetail(document: DetailDocument): UnitDetail {
  const known = checked('replica_record_detail', document);
  return {
    clusterId: known.clusterId,
    clusterName: known.remoteCluster,
    localRepoName: known.localRepoName,
    remoteProjectId: known.remoteProjectId,
    remoteRepoName: known.remoteRepoName,
    repoType: known.repoType,
    unitKey: known.unitKey,
    fullPath: known.fullPath,
    ...(known.packageConstraint === null
      ? {}
      : { packageKey: known.packageConstraint.packageKey, packageName: known.artifactName }),
    ...(known.version === null ? {} : { version: known.version }),
    ...(known.files === null || known.files === undefined ? {} : { files: known.files }),
    status: known.unitStatus,
    size: known.size,
    bytesSent: known.bytesSent,
    sha256: known.sha256,
    conflictStrategy: known.conflictStrategy,
    ...(known.reason === null ? {} : { reason: known.reason }),
    ...(known.errorReason === null ? {} : { errorReason: known.errorReason }),
    startTime: known.startTime,
    endTime: known.endTime,
  };
}

export function toStoredDetail(document: DetailDocument): StoredDetail {
  return { ...toUnitDetail(document), id: document._id.toHexString(), recordId: document.recordId };
}
