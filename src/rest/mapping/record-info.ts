/** Runs and artifacts as REST shows them (contract §1.10). Counts and totals are right, other than at bk-repo (§11). */
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { RunRecord, StoredDetail } from '../../journal/records.ts';
import type { LocalTime } from '../../lib/local-time.ts';
import type {
  DetailProgressInfo,
  ReplicaOverviewInfo,
  ReplicaRecordDetail,
  ReplicaRecordInfo,
  ReplicaTaskRecordInfo,
} from '../schemas/record-answers.ts';
import { objectTypeOf } from './task-info.ts';

/** What is known of a run that has not ended: its record has only zeros. */
export interface LiveRun {
  /** Details by outcome, as the journal counts them. */
  readonly counts: Readonly<Record<StoredDetail['status'], number>>;
  /** Of the task's progress. Bytes. */
  readonly replicatedBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
}

export function recordInfo(run: RunRecord, dates: LocalTime, live?: LiveRun): ReplicaRecordInfo {
  const running = run.status === 'RUNNING';
  return {
    id: run.id,
    taskKey: run.taskKey,
    status: run.status === 'ABORTED' ? 'FAILED' : run.status,
    startTime: dates.format(run.startTime),
    endTime: run.endTime === undefined ? null : dates.format(run.endTime),
    errorReason: run.errorReason ?? (running ? null : ''),
    replicatedBytes: (running ? live?.replicatedBytes : undefined) ?? run.replicatedBytes,
    totalBytes: (running ? live?.totalBytes : undefined) ?? run.totalBytes,
    replicaOverview: overviewOf(run, live),
  };
}

/** What is equal already is a success, as at bk-repo; a conflict is only that. What was not tried is a failure. */
export function overviewOf(run: RunRecord, live?: LiveRun): ReplicaOverviewInfo {
  const { replicaOverview: ended, status } = run;
  if (status !== 'RUNNING' || live === undefined)
    return {
      success: ended.success + ended.unchanged,
      failed: ended.failed + ended.notTried,
      conflict: ended.conflict,
      fileSuccess: ended.fileSuccess,
      fileFailed: ended.fileFailed,
    };
  const { SUCCESS, UNCHANGED, CONFLICT, FAILED, NOT_TRIED } = live.counts;
  return {
    success: SUCCESS + UNCHANGED,
    failed: FAILED + NOT_TRIED,
    conflict: CONFLICT,
    fileSuccess: SUCCESS,
    fileFailed: FAILED + NOT_TRIED,
  };
}

export function taskRecord({ spec }: ReplicaTask, record: ReplicaRecordInfo): ReplicaTaskRecordInfo {
  return { replicaObjectType: objectTypeOf(spec), replicaType: spec.replicaType, record };
}

/**
 * @param localCluster name of this side
 * @param executeType PARTIAL when the run tried again what an earlier one left
 */
export function recordDetail(
  detail: StoredDetail,
  localCluster: string,
  executeType: ReplicaRecordDetail['executeType'],
  dates: LocalTime,
): ReplicaRecordDetail {
  const { packageKey, version } = detail;
  const failed = detail.status === 'FAILED' || detail.status === 'NOT_TRIED';
  return {
    id: detail.id,
    recordId: detail.recordId,
    localCluster,
    remoteCluster: detail.clusterName,
    localRepoName: detail.localRepoName,
    repoType: detail.repoType,
    packageConstraint:
      packageKey === undefined ? null : { packageKey, versions: version === undefined ? null : [version] },
    pathConstraint: packageKey === undefined ? { path: detail.fullPath } : null,
    artifactName: detail.packageName ?? packageKey ?? detail.fullPath,
    version: version ?? null,
    conflictStrategy: detail.conflictStrategy,
    size: detail.size,
    sha256: detail.sha256,
    status: failed ? 'FAILED' : 'SUCCESS',
    progress: progressOf(detail, failed),
    startTime: dates.format(detail.startTime),
    endTime: dates.format(detail.endTime),
    errorReason: detail.errorReason ?? '',
    executeType,
  };
}

function progressOf({ status, size, files = 1 }: StoredDetail, failed: boolean): DetailProgressInfo {
  const success = status === 'SUCCESS';
  return {
    success: success ? 1 : 0,
    skip: status === 'UNCHANGED' || status === 'CONFLICT' ? 1 : 0,
    failed: failed ? 1 : 0,
    totalSize: size,
    conflict: status === 'CONFLICT' ? 1 : 0,
    fileSuccess: success ? files : 0,
    fileFailed: failed ? files : 0,
  };
}
