/** Runs in the words of the old generation (contract §1.6). */
import type { ReplicaTaskSpec } from '../../api/replica-task.gen.ts';
import type { RunRecord, RunStatus } from '../../journal/records.ts';
import type { LocalTime } from '../../lib/local-time.ts';
import type { ReplicationProgressInfo, ReplicationTaskLog } from '../schemas/record-answers.ts';
import { type LiveRun, overviewOf } from './record-info.ts';

const STATUSES: Readonly<Record<RunStatus, ReplicationTaskLog['status']>> = {
  RUNNING: 'REPLICATING',
  SUCCESS: 'SUCCESS',
  FAILED: 'FAILED',
  ABORTED: 'INTERRUPTED',
};

/** @param spec of the task, for the numbers of projects and repositories */
export function taskLog(
  run: RunRecord,
  spec: Pick<ReplicaTaskSpec, 'replicaTaskObjects'>,
  dates: LocalTime,
  live?: LiveRun,
): ReplicationTaskLog {
  return {
    taskKey: run.taskKey,
    taskLogKey: run.id,
    status: STATUSES[run.status],
    replicationProgress: progressOf(run, spec.replicaTaskObjects.length, live),
    startTime: dates.format(run.startTime),
    endTime: run.endTime === undefined ? null : dates.format(run.endTime),
    errorReason: run.errorReason ?? null,
  };
}

/** Which repository an artifact failed in is not counted, so a run that failed counts none of them as successful. */
function progressOf(run: RunRecord, repositories: number, live: LiveRun | undefined): ReplicationProgressInfo {
  const { success, failed, conflict } = overviewOf(run, live);
  const done = success + failed + conflict;
  const ended = run.status !== 'RUNNING';
  const good = run.status === 'SUCCESS';
  return {
    totalProject: 1,
    totalRepo: repositories,
    totalNode: done,
    replicatedProject: ended ? 1 : 0,
    successProject: good ? 1 : 0,
    failedProject: ended && !good ? 1 : 0,
    replicatedRepo: ended ? repositories : 0,
    successRepo: good ? repositories : 0,
    failedRepo: ended && !good ? repositories : 0,
    replicatedNode: done,
    successNode: success,
    conflictedNode: conflict,
    failedNode: failed,
  };
}
