/** What answers say of runs and artifacts (contract §1.10; the logs of the old generation: §1.6). */
import type { PackageConstraintInfo, PathConstraintInfo } from './task-answers.ts';

export interface ReplicaOverviewInfo {
  readonly success: number;
  readonly failed: number;
  readonly conflict: number;
  readonly fileSuccess: number;
  readonly fileFailed: number;
}

export interface ReplicaRecordInfo {
  readonly id: string;
  readonly taskKey: string;
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED';
  readonly startTime: string;
  readonly endTime: string | null;
  readonly errorReason: string | null;
  /** Bytes. */
  readonly replicatedBytes: number;
  readonly totalBytes: number;
  readonly replicaOverview: ReplicaOverviewInfo;
}

/** Answer of `GET /api/task/record/{recordId}`. */
export interface ReplicaTaskRecordInfo {
  readonly replicaObjectType: string;
  readonly replicaType: string;
  readonly record: ReplicaRecordInfo;
}

export interface DetailProgressInfo {
  readonly success: number;
  readonly skip: number;
  readonly failed: number;
  readonly totalSize: number;
  readonly conflict: number;
  readonly fileSuccess: number;
  readonly fileFailed: number;
}

export interface ReplicaRecordDetail {
  readonly id: string;
  readonly recordId: string;
  readonly localCluster: string;
  readonly remoteCluster: string;
  readonly localRepoName: string;
  readonly repoType: string;
  readonly packageConstraint: PackageConstraintInfo | null;
  readonly pathConstraint: PathConstraintInfo | null;
  readonly artifactName: string;
  readonly version: string | null;
  readonly conflictStrategy: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly status: 'SUCCESS' | 'FAILED';
  readonly progress: DetailProgressInfo;
  readonly startTime: string;
  readonly endTime: string;
  readonly errorReason: string | null;
  readonly executeType: 'FULL' | 'PARTIAL';
}

/** Counts of the old generation. */
export interface ReplicationProgressInfo {
  readonly totalProject: number;
  readonly totalRepo: number;
  readonly totalNode: number;
  readonly replicatedProject: number;
  readonly successProject: number;
  readonly failedProject: number;
  readonly replicatedRepo: number;
  readonly successRepo: number;
  readonly failedRepo: number;
  readonly replicatedNode: number;
  readonly successNode: number;
  readonly conflictedNode: number;
  readonly failedNode: number;
}

export interface ReplicationTaskLog {
  readonly taskKey: string;
  readonly taskLogKey: string;
  readonly status: 'REPLICATING' | 'SUCCESS' | 'FAILED' | 'INTERRUPTED';
  readonly replicationProgress: ReplicationProgressInfo;
  readonly startTime: string;
  readonly endTime: string | null;
  readonly errorReason: string | null;
}
