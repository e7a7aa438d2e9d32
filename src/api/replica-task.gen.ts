// Generated from crds/*.yaml by `npm run generate`. Do not edit.
import type { Condition } from './conditions.ts';
import type { ObjectMeta } from './object.ts';

/**
 * ReplicaTask says which artifacts of the local bk-repo are copied to which far sides, when, and what happens on
 * conflicts and errors. The operator makes the far sides equal to what the task says and reports in status. A new
 * value of the annotation `replication.bkrepo.io/run-requested` starts a run, of
 * `replication.bkrepo.io/cancel-requested` stops the active one, of `replication.bkrepo.io/retry-requested` tries
 * again what failed in the last one; the annotation `replication.bkrepo.io/suspended` keeps the task from running,
 * and `replication.bkrepo.io/legacy-id` keeps the key that an older bk-repo gave this task. For a REAL_TIME task a
 * requested run compares all that the task selects, a requested retry tries at once what waits to be tried again, a
 * new value of `replication.bkrepo.io/deletes-approved` lets deletions go on that deleteProtection holds back, and
 * `replication.bkrepo.io/convert-operate-log` with the value `true` lets the operator make the operation log
 * capped.
 */
export interface ReplicaTask {
  readonly apiVersion: 'replication.bkrepo.io/v1alpha1';
  readonly kind: 'ReplicaTask';
  readonly metadata: ObjectMeta;
  readonly spec: ReplicaTaskSpec;
  readonly status: ReplicaTaskStatus;
}

/** What is copied, where to, when and how. The fields are those of bk-repo's REST API. */
export interface ReplicaTaskSpec {
  /**
   * Name that the REST API shows for this task, 2 to 256 characters. Default: the object's `metadata.name`.
   * Example: `nightly backup of tools`.
   */
  readonly name?: string;
  /**
   * Id of the project in the local bk-repo, perhaps with a tenant before a dot. The operator's configuration says
   * which namespaces may use it. Required, no default. Example: `tools`.
   */
  readonly localProjectId: string;
  /**
   * What the task objects select: whole repositories, packages or paths. It only checks that the objects have the
   * matching constraints. Default: none, each object is taken as it is. Example: `REPOSITORY`.
   */
  readonly replicaObjectType?: 'REPOSITORY' | 'PACKAGE' | 'PATH';
  /**
   * Repositories, or parts of them, to be copied; 1 to 64. Required, no default. Example: `[{localRepoName:
   * generic-local, repoType: GENERIC}]`.
   */
  readonly replicaTaskObjects: readonly ReplicaTaskSpecReplicaTaskObject[];
  /**
   * SCHEDULED runs at the times that `setting.executionPlan` says. REAL_TIME follows the changes of the source.
   * Default: `SCHEDULED`. Example: `SCHEDULED`.
   */
  readonly replicaType: 'SCHEDULED' | 'REAL_TIME';
  /**
   * When the task runs and how it copies. Default: run once, immediately, keeping what the far side has on
   * conflicts. Example: `{conflictStrategy: OVERWRITE, executionPlan: {cronExpression: "0 2 * * *"}}`.
   */
  readonly setting: ReplicaTaskSpecSetting;
  /**
   * Far sides, 1 to 64. Each entry names a Cluster of the same namespace by its `metadata.name`, its `status.id` or
   * its annotation `replication.bkrepo.io/legacy-id`. Required, no default. Example: `[shanghai]`.
   */
  readonly remoteClusterIds: readonly string[];
  /**
   * Whether the task may run; false stops it at a safe point and keeps it from running, also on request. What its
   * schedule leaves out meanwhile is not made up for. Default: true. Example: `false`.
   */
  readonly enabled: boolean;
  /**
   * Text for people, at most 2048 characters. Changing it never starts a run. Default: none. Example: `Copy of the
   * tools for the office in Shanghai.`
   */
  readonly description?: string;
  /** Whether detail records of single artifacts are kept; runs are always recorded. Default: true. Example: `false`. */
  readonly record: boolean;
  /** Days, 1 to 60, for which records are kept. Default: 30. Example: `7`. */
  readonly recordReserveDays: number;
}

/** One repository, or a part of it, and where it goes. */
export interface ReplicaTaskSpecReplicaTaskObject {
  /** Name of the repository in the local project. Required, no default. Example: `generic-local`. */
  readonly localRepoName: string;
  /** Id of the project at the far sides. Default: the `localProjectId` of the task. Example: `tools-backup`. */
  readonly remoteProjectId?: string;
  /**
   * Name of the repository at the far sides. Default: the `localRepoName` of this object. Example:
   * `generic-backup`.
   */
  readonly remoteRepoName?: string;
  /**
   * Type of the repository; it must be the local repository's, and an existing repository at the far side must have
   * it too. Required, no default. Example: `GENERIC`.
   */
  readonly repoType: 'GENERIC' | 'DOCKER' | 'MAVEN' | 'PYPI' | 'NPM' | 'HELM' | 'COMPOSER' | 'RPM' | 'NUGET' | 'GIT' | 'RDS' | 'OCI' | 'CONAN' | 'LFS' | 'DDC' | 'SVN' | 'S3' | 'MEDIA' | 'OHPM' | 'CARGO' | 'HUGGINGFACE' | 'DRIVE' | 'SKILL';
  /**
   * Packages to be copied, at most 256; excludes `pathConstraints`. Default: none, the whole repository is copied.
   * Example: `[{packageKey: "npm://lodash"}]`.
   */
  readonly packageConstraints?: readonly ReplicaTaskSpecReplicaTaskObjectPackageConstraint[];
  /**
   * Files and folders to be copied, at most 256; excludes `packageConstraints`. Default: none, the whole repository
   * is copied. Example: `[{path: /releases}]`.
   */
  readonly pathConstraints?: readonly ReplicaTaskSpecReplicaTaskObjectPathConstraint[];
}

/** One package, or some of its versions. */
export interface ReplicaTaskSpecReplicaTaskObjectPackageConstraint {
  /**
   * Key of the package, which starts with the scheme of its type. Required, no default. Example:
   * `gav://org.example:library`.
   */
  readonly packageKey: string;
  /** Versions to be copied, 1 to 256. Default: absent, all versions of the package. Example: `["1.0.0", "1.1.0"]`. */
  readonly versions?: readonly string[];
}

/** One file or folder. */
export interface ReplicaTaskSpecReplicaTaskObjectPathConstraint {
  /**
   * Path of a file, of a folder with all that is below it, or of several by `*` in the last segment. It starts with
   * `/`, without empty, `.` or `..` segments and without control characters. Required, no default. Example:
   * `/releases/2026/*.tar.gz`.
   */
  readonly path: string;
}

/**
 * When the task runs and how it copies. Default: run once, immediately, keeping what the far side has on conflicts.
 * Example: `{conflictStrategy: OVERWRITE, executionPlan: {cronExpression: "0 2 * * *"}}`.
 */
export interface ReplicaTaskSpecSetting {
  /**
   * Bytes per second of artifact content that this task sends to one far side, over all its streams together,
   * retries included; 0 is unlimited. The far side's own `limits.bandwidth` holds as well. Default: 0. Example:
   * `10485760`, which is 10 MiB per second.
   */
  readonly rateLimit: number;
  /**
   * Whether metadata of files travels. If false, only system metadata and bans travel, because artifacts do not
   * work without them. Default: true. Example: `false`.
   */
  readonly includeMetadata: boolean;
  /**
   * What happens when the far side has something else at the same place. SKIP keeps the far side's and counts a
   * conflict, OVERWRITE replaces it, FAST_FAIL fails that artifact. What is equal is never a conflict. Default:
   * `SKIP`. Example: `OVERWRITE`.
   */
  readonly conflictStrategy: 'SKIP' | 'OVERWRITE' | 'FAST_FAIL';
  /**
   * What happens when an artifact fails. CONTINUE records it and goes on; FAST_FAIL stops the task for this far
   * side and records the rest as not tried, while other far sides go on. Default: `CONTINUE`. Example: `FAST_FAIL`.
   */
  readonly errorStrategy: 'CONTINUE' | 'FAST_FAIL';
  /**
   * Which part of `executionPlan` the writer means, as bk-repo's REST API has it; it only checks that the plan
   * agrees. Default: none, the plan decides. Example: `CRON_EXPRESSION`.
   */
  readonly executionStrategy?: 'IMMEDIATELY' | 'SPECIFIED_TIME' | 'CRON_EXPRESSION';
  /**
   * When the task runs. Default: none, the task runs once, immediately. Example: `{cronExpression: "0 2 * * *",
   * timeZone: Asia/Shanghai}`.
   */
  readonly executionPlan?: ReplicaTaskSpecSettingExecutionPlan;
  /**
   * Whether, after an artifact was committed and read back, the far side is asked once more for each blob that was
   * sent for it. Its "no" may be wrong (a server in one process always says so): then the blob is read back, which
   * costs its size, and one that is not there makes the artifact failed with reason BlobNotStored. Default: false.
   * Example: `true`.
   */
  readonly storageConsistencyCheck: boolean;
  /**
   * Whether a project or repository that the far side lacks is created there. If false, its absence makes the task
   * Stalled with reason RemoteRepoMissing. Default: true. Example: `false`.
   */
  readonly automaticCreateRemoteRepo: boolean;
  /**
   * Whether artifacts that were equal already get a detail record of their own; they are counted in any case.
   * Default: false. Example: `true`.
   */
  readonly recordUnchanged: boolean;
  /**
   * Whether the task owns, and so may delete, files that it found equal at the far side, and not only those that it
   * put there. Used by REAL_TIME; a SCHEDULED task deletes nothing, and it has no effect there. Default: false.
   * Example: `true`.
   */
  readonly adoptExisting: boolean;
  /**
   * Age, as a duration of hours, minutes and seconds of at least 1s, from which the proof that a far side stores a
   * blob is made again although the file looks equal. Default: none, one proof is enough. Example: `168h`.
   */
  readonly verifyInterval?: string;
  /**
   * Where a REAL_TIME task learns of changes at the source: bk-repo's capped operation log, its monthly event logs,
   * or MongoDB's change stream; `auto` takes the best that is there and alive. It has no effect on SCHEDULED tasks.
   * Default: `auto`. Example: `changeStream`.
   */
  readonly feed?: 'auto' | 'oplog' | 'eventlog' | 'changeStream';
  /**
   * How often a REAL_TIME task compares all that it selects, because feeds do not tell everything; a duration of
   * hours, minutes and seconds of at least 10s. Default: 1h with a log, 24h with a change stream. Example: `6h`.
   */
  readonly resyncInterval?: string;
  /**
   * How far behind the source a far side of a REAL_TIME task may be before the condition Fresh is False; a duration
   * of at least 1s. Default: none, Fresh only tells the lag. Example: `30s`.
   */
  readonly maxLag?: string;
  /**
   * When a REAL_TIME task stops and asks before it deletes on: more than `percent` of the files that it owns at a
   * far side, and more than `files`, within ten minutes. Default: 10 percent and 100 files. Example: `{percent: 25,
   * files: 1000}`.
   */
  readonly deleteProtection?: ReplicaTaskSpecSettingDeleteProtection;
}

/**
 * When the task runs. Default: none, the task runs once, immediately. Example: `{cronExpression: "0 2 * * *",
 * timeZone: Asia/Shanghai}`.
 */
export interface ReplicaTaskSpecSettingExecutionPlan {
  /**
   * Whether the task runs as soon as it is accepted, once for each spec; true beside a `cronExpression` means now,
   * and then by the cron; false without the two others means on request only. It is never filled in. Default: true
   * when `executeTime` and `cronExpression` are absent too, else false. Example: `true`.
   */
  readonly executeImmediately?: boolean;
  /**
   * Instant of a single run, RFC 3339, or without offset as local time in `timeZone`; excludes `cronExpression` and
   * `executeImmediately: true`. One that is past by more than the starting deadline makes the task Stalled.
   * Default: none. Example: `2026-12-01T02:00:00+08:00`.
   */
  readonly executeTime?: string;
  /**
   * Times of repeated runs. Five fields are Unix cron; six or seven are Quartz cron, with seconds first and an
   * optional year. What cannot be honoured exactly makes the task Stalled, with the reason. Excludes `executeTime`.
   * Default: none. Example: `0 0 2 * * ?`.
   */
  readonly cronExpression?: string;
  /**
   * IANA name of the time zone of `cronExpression` and of an `executeTime` without offset. Default: the operator's
   * default time zone. Example: `Asia/Shanghai`.
   */
  readonly timeZone?: string;
  /**
   * Seconds, 10 to 31536000, within which a missed run is made up for; of several only the newest runs, and older
   * ones are counted in `status.missedRuns`. Default: the operator's configured deadline. Example: `3600`.
   */
  readonly startingDeadlineSeconds?: number;
}

/**
 * When a REAL_TIME task stops and asks before it deletes on: more than `percent` of the files that it owns at a far
 * side, and more than `files`, within ten minutes. Default: 10 percent and 100 files. Example: `{percent: 25,
 * files: 1000}`.
 */
export interface ReplicaTaskSpecSettingDeleteProtection {
  /** Percent, 0 to 100, of the files that the task owns at a far side. Default: 10. Example: `25`. */
  readonly percent?: number;
  /** Number of files that may go in any case. Default: 100. Example: `1000`. */
  readonly files?: number;
}

/** What the operator did and found out. Written by the operator only. */
export interface ReplicaTaskStatus {
  /**
   * Stable key of this task: the first 32 hexadecimal digits of the sha256 of
   * `replication.bkrepo.io/ReplicaTask/<namespace>/<name>`. It is the same after a restore. Example:
   * `0c9f8e7d5f1a8c0e9b7d4c3f8a6e2d1b`.
   */
  readonly key?: string;
  /**
   * State of the task. Ready is True when the spec is accepted, its references are there, its far sides are
   * reachable and it is scheduled. Running is present while a run is active. Synced tells whether the last finished
   * run left every artifact equal at every far side. Reconciling and Stalled are present only while True. Of a
   * REAL_TIME task FeedReady tells whether changes are heard of, Fresh whether all far sides are within
   * `setting.maxLag`, and Backfilling (while all is compared) and DeletesHeld (while deletions wait to be approved)
   * are present only while True.
   */
  readonly conditions?: readonly Condition[];
  /** When the task runs, in words. Example: `0 0 2 * * ? (Asia/Shanghai)`. */
  readonly schedule?: string;
  /** State of the newest run; absent before the first one. Example: `SUCCESS`. */
  readonly lastExecutionStatus?: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  /** Instant at which the newest run began. Example: `2026-11-22T02:00:00Z`. */
  readonly lastExecutionTime?: string;
  /** Instant of the next scheduled run; absent if there is none. Example: `2026-11-23T02:00:00Z`. */
  readonly nextExecutionTime?: string;
  /** Number of runs begun so far. Example: `42`. */
  readonly executionTimes?: number;
  /**
   * Instant since which the present schedule holds: a changed schedule, or one that was suspended, begins anew, and
   * times before it are not made up for. Example: `2026-11-22T08:30:00Z`.
   */
  readonly scheduledSince?: string;
  /**
   * Newest time of the schedule that was dealt with: it ran, was skipped or was missed. Example:
   * `2026-11-22T02:00:00Z`.
   */
  readonly lastScheduleTime?: string;
  /** Times of the schedule that were skipped because the run before was still active. Example: `2`. */
  readonly skippedRuns?: number;
  /**
   * Times of the schedule that were neither run nor skipped: older than the newest one to make up for, or than the
   * starting deadline. Example: `3`.
   */
  readonly missedRuns?: number;
  /**
   * Instant since which the task is kept from running by `spec.enabled` or by annotation; absent while it may run.
   * Example: `2026-11-22T08:30:00Z`.
   */
  readonly suspendedSince?: string;
  /** The run that is active now; absent if there is none. */
  readonly activeRun?: ReplicaTaskStatusActiveRun;
  /** Progress of the active run, or the sums of the last one, over all far sides. */
  readonly progress?: ReplicaTaskStatusProgress;
  /** Where a REAL_TIME task learns of changes; absent while it follows nothing. */
  readonly feed?: ReplicaTaskStatusFeed;
  /**
   * How far the far side that is furthest behind is behind the source, in short; only for REAL_TIME. Example:
   * `0.4s`.
   */
  readonly lag?: string;
  /** State per far side, in the order of `spec.remoteClusterIds`. */
  readonly remoteClusters?: readonly ReplicaTaskStatusRemoteCluster[];
  /** The last runs, at most 10, newest first; older ones are in the records. */
  readonly history?: readonly ReplicaTaskStatusHistoryEntry[];
  /**
   * Last value of the annotation `replication.bkrepo.io/run-requested` that was answered. Example:
   * `2026-11-22T08:30:00Z`.
   */
  readonly lastHandledRunRequest?: string;
  /**
   * Last value of the annotation `replication.bkrepo.io/cancel-requested` that was answered. Example:
   * `2026-11-22T08:30:00Z`.
   */
  readonly lastHandledCancelRequest?: string;
  /**
   * Last value of the annotation `replication.bkrepo.io/retry-requested` that was answered. Example:
   * `2026-11-22T08:30:00Z`.
   */
  readonly lastHandledRetryRequest?: string;
  /**
   * Last value of the annotation `replication.bkrepo.io/deletes-approved` that was answered. Example:
   * `2026-11-22T08:30:00Z`.
   */
  readonly lastHandledDeletesApproval?: string;
  /** Id of the installation that looks after this object; another one leaves it alone. Example: `production`. */
  readonly servedBy?: string;
  /** Generation of the spec that this status is about; -1 before the first one. Example: `3`. */
  readonly observedGeneration: number;
}

/** The run that is active now; absent if there is none. */
export interface ReplicaTaskStatusActiveRun {
  /** Id of the run's record. Example: `6740a1b2c3d4e5f60718293a`. */
  readonly recordId: string;
  /** Instant at which the run began. Example: `2026-11-22T02:00:00Z`. */
  readonly startTime: string;
  /** What started the run: `one-shot`, `request`, `retry`, `tick`, `event`, `backfill` or `resync`. Example: `tick`. */
  readonly trigger?: string;
  /** Generation of the spec that the run performs. Example: `3`. */
  readonly generation?: number;
  /**
   * Id of the record whose failed artifacts this run tries again; absent in a whole run. Example:
   * `6740a1b2c3d4e5f60718293a`.
   */
  readonly retryOf?: string;
}

/** Progress of the active run, or the sums of the last one, over all far sides. */
export interface ReplicaTaskStatusProgress {
  /**
   * Artifacts of the run at all far sides together, as far as is known by now; absent until the source was counted.
   * Example: `1200`.
   */
  readonly total?: number;
  /** Artifacts that are finished, whatever their result. Example: `800`. */
  readonly done?: number;
  /** Artifacts that were copied or repaired. Example: `40`. */
  readonly success?: number;
  /** Artifacts that were equal already. Example: `750`. */
  readonly unchanged?: number;
  /** Artifacts left alone because the far side has something else. Example: `4`. */
  readonly conflict?: number;
  /** Artifacts that failed. Example: `6`. */
  readonly failed?: number;
  /**
   * Artifacts among the failed that are not tried any more until they change at the source or a run is requested.
   * Example: `1`.
   */
  readonly quarantined?: number;
  /** Artifacts that were not tried because the far side was given up. Example: `0`. */
  readonly notTried?: number;
  /** Bytes of all artifacts counted so far. Example: `73400320`. */
  readonly totalBytes?: number;
  /** Bytes of artifact content sent to far sides. Example: `10485760`. */
  readonly sentBytes?: number;
  /** Bytes of artifact content sent per second, lately. Example: `5242880`. */
  readonly bytesPerSecond?: number;
  /** The same in short, for people. Example: `800/1200, 5.0 MiB/s, 1m30s left`. */
  readonly summary?: string;
  /** Seconds that the run will still take, as far as can be told. Example: `90`. */
  readonly remainingSeconds?: number;
}

/** Where a REAL_TIME task learns of changes; absent while it follows nothing. */
export interface ReplicaTaskStatusFeed {
  /** Kind of the feed. Example: `changeStream`. */
  readonly kind: 'oplog' | 'eventlog' | 'changeStream';
  /** Collection or database that is read. Example: `operate_log`. */
  readonly name?: string;
  /** Why this feed was taken, in words. Example: `the source is a replica set`. */
  readonly reason?: string;
  /** Instant of the newest change that was read, by the clock of the source. Example: `2026-11-22T02:03:04Z`. */
  readonly lastChange?: string;
  /** Entries that were not understood and passed over. Example: `0`. */
  readonly unknown?: number;
}

/** State of one far side. */
export interface ReplicaTaskStatusRemoteCluster {
  /** Name of the Cluster, or the entry of `remoteClusterIds` while it names none. Example: `shanghai`. */
  readonly name: string;
  /** The Cluster's `status.id`; absent while it was not found. Example: `5f1a8c0e9b7d4c3f8a6e2d1b0c9f8e7d`. */
  readonly id?: string;
  /** Id of the record that the counts below come from. Example: `6740a1b2c3d4e5f60718293a`. */
  readonly recordId?: string;
  /** Result of the newest run for this far side. Example: `SUCCESS`. */
  readonly lastResult?: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  /** Instant at which this far side was last proved equal. Example: `2026-11-22T02:03:04Z`. */
  readonly lastSuccess?: string;
  /** Milliseconds by which this far side is behind the source; only for REAL_TIME. Example: `850`. */
  readonly lag?: number;
  /** Changes that this far side does not have yet; only for REAL_TIME. Example: `12`. */
  readonly pending?: number;
  /** Changes that failed at this far side and are tried again; only for REAL_TIME. Example: `1`. */
  readonly retrying?: number;
  /**
   * Instant as of which all that the task selects was compared last with this far side; only for REAL_TIME.
   * Example: `2026-11-22T02:00:00Z`.
   */
  readonly comparedAt?: string;
  /** Why this far side was given up, in one word. Example: `Unauthorized`. */
  readonly reason?: string;
  /** The same in words, or the first failures. Example: `The far side answered 401.` */
  readonly message?: string;
  /** Artifacts that are finished, whatever their result. Example: `800`. */
  readonly done?: number;
  /** Artifacts that were copied or repaired. Example: `40`. */
  readonly success?: number;
  /** Artifacts that were equal already. Example: `750`. */
  readonly unchanged?: number;
  /** Artifacts left alone because the far side has something else. Example: `4`. */
  readonly conflict?: number;
  /** Artifacts that failed. Example: `6`. */
  readonly failed?: number;
  /**
   * Artifacts among the failed that are not tried any more until they change at the source or a run is requested.
   * Example: `1`.
   */
  readonly quarantined?: number;
  /** Artifacts that were not tried because the far side was given up. Example: `0`. */
  readonly notTried?: number;
  /** Bytes of all artifacts counted so far. Example: `73400320`. */
  readonly totalBytes?: number;
  /** Bytes of artifact content sent to far sides. Example: `10485760`. */
  readonly sentBytes?: number;
}

/** One run. */
export interface ReplicaTaskStatusHistoryEntry {
  /** Id of the run's record. Example: `6740a1b2c3d4e5f60718293a`. */
  readonly recordId: string;
  /** What started the run: `one-shot`, `request`, `retry`, `tick`, `event`, `backfill` or `resync`. Example: `tick`. */
  readonly trigger?: string;
  /** Generation of the spec that the run performed. Example: `3`. */
  readonly generation?: number;
  /**
   * Id of the record whose failed artifacts this run tried again; absent after a whole run. Example:
   * `6740a1b2c3d4e5f60718293a`.
   */
  readonly retryOf?: string;
  /** Instant at which the run began. Example: `2026-11-22T02:00:00Z`. */
  readonly startTime: string;
  /** Instant at which the run ended. Example: `2026-11-22T02:03:04Z`. */
  readonly endTime?: string;
  /** Result of the run. Example: `SUCCESS`. */
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  /** Why the run ended so, in one word. Example: `UnitsFailed`. */
  readonly reason?: string;
  /** The same in words. Example: `2 of 1200 artifacts failed at shanghai.` */
  readonly message?: string;
  /** Artifacts that were copied or repaired. Example: `40`. */
  readonly success?: number;
  /** Artifacts that were equal already. Example: `750`. */
  readonly unchanged?: number;
  /** Artifacts left alone because the far side has something else. Example: `4`. */
  readonly conflict?: number;
  /** Artifacts that failed. Example: `6`. */
  readonly failed?: number;
  /**
   * Artifacts among the failed that are not tried any more until they change at the source or a run is requested.
   * Example: `1`.
   */
  readonly quarantined?: number;
  /** Artifacts that were not tried because the far side was given up. Example: `0`. */
  readonly notTried?: number;
  /** Bytes of all artifacts counted so far. Example: `73400320`. */
  readonly totalBytes?: number;
  /** Bytes of artifact content sent to far sides. Example: `10485760`. */
  readonly sentBytes?: number;
}
