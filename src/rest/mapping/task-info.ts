/** ReplicaTasks as REST shows them: the fields of both generations, nulls included (contract §1.9). */
import type { Cluster } from '../../api/cluster.gen.ts';
import type {
  ReplicaTask,
  ReplicaTaskSpec,
  ReplicaTaskSpecReplicaTaskObject,
  ReplicaTaskSpecSetting,
} from '../../api/replica-task.gen.ts';
import { isEnabled } from '../../domain/due.ts';
import { executeInstant, ScheduleError } from '../../domain/schedule/schedule.ts';
import type { LocalTime } from '../../lib/local-time.ts';
import type {
  RemoteClusterInfo,
  ReplicaObjectInfo,
  ReplicaTaskDetail,
  ReplicaTaskInfo,
  SettingInfo,
} from '../schemas/task-answers.ts';
import { authorship, dateText, idOf, keyOf, restName } from './identity.ts';

/** The Cluster that an entry of `remoteClusterIds` means. */
export type FindCluster = (namespace: string, entry: string) => Cluster | undefined;

export interface InfoTerms {
  readonly find: FindCluster;
  readonly dates: LocalTime;
  /** IANA name of the zone of tasks that name none. */
  readonly scheduleZone: string;
}

export function taskInfo(task: ReplicaTask, terms: InfoTerms): ReplicaTaskInfo {
  const { metadata, spec, status } = task;
  const { dates } = terms;
  const key = keyOf(task);
  return {
    id: key,
    key,
    name: restName(task),
    projectId: spec.localProjectId,
    replicaObjectType: objectTypeOf(spec),
    replicaType: spec.replicaType,
    setting: settingInfo(spec.setting, terms),
    remoteClusters: spec.remoteClusterIds.map((entry) => remoteClusterInfo(metadata.namespace, entry, terms.find)),
    description: spec.description ?? null,
    status: taskState(task),
    replicatedBytes: status.progress?.sentBytes ?? 0,
    totalBytes: status.progress?.totalBytes ?? -1,
    lastExecutionStatus: lastResult(task),
    lastExecutionTime: dateOrNull(status.lastExecutionTime, dates),
    nextExecutionTime: dateOrNull(status.nextExecutionTime, dates),
    executionTimes: status.executionTimes ?? 0,
    enabled: isEnabled(spec, metadata.annotations),
    record: spec.record,
    recordReserveDays: spec.recordReserveDays,
    ...authorship(metadata, dates),
  };
}

export function taskDetail(task: ReplicaTask, terms: InfoTerms): ReplicaTaskDetail {
  const { replicaTaskObjects, localProjectId } = task.spec;
  return {
    task: taskInfo(task, terms),
    objects: replicaTaskObjects.map((object) => objectInfo(object, localProjectId)),
  };
}

/** Whether bk-repo lets the task be changed: it waits, and has never run. */
export function canUpdate(task: ReplicaTask): boolean {
  return taskState(task) === 'WAITING' && !hasRun(task);
}

function hasRun({ status }: ReplicaTask): boolean {
  return status.lastExecutionStatus !== undefined || (status.executionTimes ?? 0) > 0;
}

export function taskState(task: ReplicaTask): ReplicaTaskInfo['status'] {
  const { metadata, spec, status } = task;
  if (status.activeRun !== undefined) return 'REPLICATING';
  if (spec.replicaType === 'REAL_TIME') return isEnabled(spec, metadata.annotations) ? 'REPLICATING' : 'WAITING';
  const once = spec.setting.executionPlan?.cronExpression === undefined;
  return once && hasRun(task) && status.nextExecutionTime === undefined ? 'COMPLETED' : 'WAITING';
}

export function lastResult({ status }: ReplicaTask): ReplicaTaskInfo['lastExecutionStatus'] {
  if (status.activeRun !== undefined) return 'RUNNING';
  const result = status.lastExecutionStatus;
  return result === 'ABORTED' ? 'FAILED' : (result ?? null);
}

function dateOrNull(instant: string | undefined, dates: LocalTime): string | null {
  return instant === undefined ? null : dateText(instant, dates);
}

/** What the objects select, where the task does not say it. */
export function objectTypeOf(
  spec: Pick<ReplicaTaskSpec, 'replicaTaskObjects' | 'replicaObjectType'>,
): NonNullable<ReplicaTaskSpec['replicaObjectType']> {
  if (spec.replicaObjectType !== undefined) return spec.replicaObjectType;
  if (spec.replicaTaskObjects.some(({ packageConstraints = [] }) => packageConstraints.length > 0)) return 'PACKAGE';
  if (spec.replicaTaskObjects.some(({ pathConstraints = [] }) => pathConstraints.length > 0)) return 'PATH';
  return 'REPOSITORY';
}

/** An entry that names no Cluster is shown as it is. */
export function remoteClusterInfo(namespace: string, entry: string, find: FindCluster): RemoteClusterInfo {
  const cluster = find(namespace, entry);
  return cluster === undefined ? { id: entry, name: entry } : { id: idOf(cluster), name: restName(cluster) };
}

export function objectInfo(object: ReplicaTaskSpecReplicaTaskObject, localProjectId: string): ReplicaObjectInfo {
  return {
    localRepoName: object.localRepoName,
    remoteProjectId: object.remoteProjectId ?? localProjectId,
    remoteRepoName: object.remoteRepoName ?? object.localRepoName,
    repoType: object.repoType,
    packageConstraints:
      object.packageConstraints?.map(({ packageKey, versions }) => ({ packageKey, versions: versions ?? null })) ??
      null,
    pathConstraints: object.pathConstraints?.map(({ path }) => ({ path })) ?? null,
    sourceFilter: null,
  };
}

function settingInfo(setting: ReplicaTaskSpecSetting, terms: InfoTerms): SettingInfo {
  return {
    rateLimit: setting.rateLimit,
    includeMetadata: setting.includeMetadata,
    conflictStrategy: setting.conflictStrategy,
    errorStrategy: setting.errorStrategy,
    ...planInfo(setting, terms),
    storageConsistencyCheck: setting.storageConsistencyCheck,
    automaticCreateRemoteRepo: setting.automaticCreateRemoteRepo,
  };
}

/** Strategy and plan; what the task leaves out is derived, as the controller does. */
export function planInfo(
  { executionStrategy, executionPlan = {} }: Pick<ReplicaTaskSpecSetting, 'executionStrategy' | 'executionPlan'>,
  terms: Omit<InfoTerms, 'find'>,
): Pick<SettingInfo, 'executionStrategy' | 'executionPlan'> {
  const { executeImmediately, executeTime, cronExpression, timeZone } = executionPlan;
  const byTime = executeTime !== undefined;
  const byCron = cronExpression !== undefined;
  return {
    executionStrategy: executionStrategy ?? (byTime ? 'SPECIFIED_TIME' : byCron ? 'CRON_EXPRESSION' : 'IMMEDIATELY'),
    executionPlan: {
      executeImmediately: executeImmediately ?? !(byTime || byCron),
      executeTime: byTime ? timeText(executeTime, timeZone ?? terms.scheduleZone, terms.dates) : null,
      cronExpression: cronExpression ?? null,
    },
  };
}

/** The local date-time; what is no time that there is, or of an unknown zone, is shown as it is. */
function timeText(executeTime: string, zone: string, dates: LocalTime): string {
  try {
    return dates.format(executeInstant(executeTime, zone));
  } catch (error) {
    if (error instanceof ScheduleError) return executeTime;
    throw error;
  }
}
