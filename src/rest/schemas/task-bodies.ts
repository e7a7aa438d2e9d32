/**
 * Types of the bodies that make and change tasks, of both generations (contract §1.6–§1.8), as they are after the schemas were
 * checked. A field that is null counts as absent; fields that no schema names are ignored.
 */
import type {
  ReplicaTaskSpec,
  ReplicaTaskSpecReplicaTaskObject,
  ReplicaTaskSpecSetting,
} from '../../api/replica-task.gen.ts';

type RepoType = ReplicaTaskSpecReplicaTaskObject['repoType'];
type ObjectType = NonNullable<ReplicaTaskSpec['replicaObjectType']>;

export interface PackageConstraintBody {
  readonly packageKey?: string | null;
  readonly versions?: readonly string[] | null;
  readonly targetVersions?: readonly string[] | null;
  readonly packageRegex?: readonly string[] | null;
  readonly versionRegex?: readonly string[] | null;
  readonly deletedDate?: string | null;
}

export interface PathConstraintBody {
  readonly path?: string | null;
  readonly pathRegex?: readonly string[] | null;
  readonly deletedDate?: string | null;
}

export interface TaskObjectBody {
  readonly localRepoName: string;
  readonly remoteProjectId?: string | null;
  readonly remoteRepoName?: string | null;
  readonly repoType: RepoType;
  readonly packageConstraints?: readonly PackageConstraintBody[] | null;
  readonly pathConstraints?: readonly PathConstraintBody[] | null;
  readonly sourceFilter?: readonly string[] | null;
}

export interface ExecutionPlanBody {
  readonly executeImmediately?: boolean | null;
  /** A local date-time. */
  readonly executeTime?: string | null;
  readonly cronExpression?: string | null;
}

export interface SettingBody {
  /** Bytes per second; 0 or less is unlimited. */
  readonly rateLimit?: number | null;
  readonly includeMetadata?: boolean | null;
  readonly conflictStrategy?: ReplicaTaskSpecSetting['conflictStrategy'] | null;
  readonly errorStrategy?: ReplicaTaskSpecSetting['errorStrategy'] | null;
  readonly executionStrategy?: NonNullable<ReplicaTaskSpecSetting['executionStrategy']> | null;
  readonly executionPlan?: ExecutionPlanBody | null;
  readonly storageConsistencyCheck?: boolean | null;
  readonly automaticCreateRemoteRepo?: boolean | null;
}

/** What create and update of the present generation have in common. */
export interface TaskContentBody {
  readonly name: string;
  readonly localProjectId: string;
  readonly replicaObjectType?: ObjectType | null;
  readonly replicaTaskObjects: readonly TaskObjectBody[];
  readonly setting: SettingBody;
  readonly remoteClusterIds: readonly string[];
  readonly description?: string | null;
  readonly record?: boolean | null;
  /** Days. */
  readonly recordReserveDays?: number | null;
}

/** The last three are bk-repo's, and refused here. */
export type ReplicaTypeName = ReplicaTaskSpec['replicaType'] | 'RUN_ONCE' | 'EDGE_PULL' | 'FEDERATION';

export interface TaskCreateBody extends TaskContentBody {
  readonly replicaType?: ReplicaTypeName | null;
  readonly enabled?: boolean | null;
}

export interface TaskUpdateBody extends TaskContentBody {
  readonly key: string;
}

/** Update of the old generation, which names repositories and packages per far side. */
export interface OldTaskUpdateBody {
  readonly name: string;
  readonly taskKey: string;
  readonly setting: SettingBody;
  readonly replicationInfo: readonly OldReplicationInfoBody[];
  readonly validateConnectivity?: boolean | null;
  readonly description?: string | null;
}

export interface OldReplicationInfoBody {
  readonly remoteClusterName: readonly string[];
  readonly repoInfo: readonly OldRepoInfoBody[];
}

export interface OldRepoInfoBody {
  readonly localRepoName: string;
  readonly type: RepoType;
  readonly packageInfo: readonly OldPackageInfoBody[];
}

export interface OldPackageInfoBody {
  readonly name?: string | null;
  readonly packageKey: string;
  readonly version: string;
}

export interface TaskCopyBody {
  readonly key: string;
  readonly name: string;
  readonly description?: string | null;
}

/** `connect/test` of the old generation: a far side that need not be stored. */
export interface ConnectTestBody {
  readonly name?: string | null;
  readonly url?: string | null;
  readonly username?: string | null;
  readonly password?: string | null;
  readonly certificate?: string | null;
}
