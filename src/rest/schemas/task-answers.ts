/** What answers say of tasks: the fields of both generations, nulls included (contract §1.9). */

export interface RemoteClusterInfo {
  readonly id: string;
  readonly name: string;
}

export interface ExecutionPlanInfo {
  readonly executeImmediately: boolean;
  readonly executeTime: string | null;
  readonly cronExpression: string | null;
}

export interface SettingInfo {
  readonly rateLimit: number;
  readonly includeMetadata: boolean;
  readonly conflictStrategy: string;
  readonly errorStrategy: string;
  readonly executionStrategy: string;
  readonly executionPlan: ExecutionPlanInfo;
  readonly storageConsistencyCheck: boolean;
  readonly automaticCreateRemoteRepo: boolean;
}

export interface ReplicaTaskInfo {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly projectId: string;
  readonly replicaObjectType: string;
  readonly replicaType: string;
  readonly setting: SettingInfo;
  readonly remoteClusters: readonly RemoteClusterInfo[];
  readonly description: string | null;
  readonly status: 'WAITING' | 'REPLICATING' | 'COMPLETED';
  readonly replicatedBytes: number;
  readonly totalBytes: number;
  readonly lastExecutionStatus: 'RUNNING' | 'SUCCESS' | 'FAILED' | null;
  readonly lastExecutionTime: string | null;
  readonly nextExecutionTime: string | null;
  readonly executionTimes: number;
  readonly enabled: boolean;
  readonly record: boolean;
  readonly recordReserveDays: number;
  readonly createdBy: string;
  readonly createdDate: string;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: string;
}

export interface PackageConstraintInfo {
  readonly packageKey: string;
  readonly versions: readonly string[] | null;
}

export interface PathConstraintInfo {
  readonly path: string;
}

export interface ReplicaObjectInfo {
  readonly localRepoName: string;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
  readonly repoType: string;
  readonly packageConstraints: readonly PackageConstraintInfo[] | null;
  readonly pathConstraints: readonly PathConstraintInfo[] | null;
  readonly sourceFilter: null;
}

export interface ReplicaTaskDetail {
  readonly task: ReplicaTaskInfo;
  readonly objects: readonly ReplicaObjectInfo[];
}
