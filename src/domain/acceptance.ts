/**
 * What this version does not perform. The schema accepts more than is built: whatever of it would change what a run does
 * is refused by name here, so that nothing is silently ignored. Pure.
 */
import type { ClusterSpec } from '../api/cluster.gen.ts';
import type { ReplicaTaskSpec } from '../api/replica-task.gen.ts';

export interface Refusal {
  /** Reason of the condition: `NotSupported` or `ClusterTypeNotSupported`. */
  readonly reason: string;
  /** E.g. `spec.setting.adoptExisting`. */
  readonly field: string;
  readonly message: string;
}

const DEFAULT_RESERVE_DAYS = 30;

/** The first field that asks for what is not built; undefined = all that the spec asks for is performed. */
export function refuseTask(spec: ReplicaTaskSpec): Refusal | undefined {
  if (spec.replicaType !== 'SCHEDULED')
    return notSupported('spec.replicaType', `${spec.replicaType} tasks are not supported yet; use SCHEDULED`);
  if (!spec.record)
    return notSupported(
      'spec.record',
      'keeping no detail records is not supported yet; leave it out or set it to true',
    );
  if (spec.recordReserveDays !== DEFAULT_RESERVE_DAYS)
    return notSupported('spec.recordReserveDays', 'expiry of records is not supported yet; leave it out');
  return refuseSetting(spec.setting);
}

function refuseSetting(setting: ReplicaTaskSpec['setting']): Refusal | undefined {
  const plan = setting.executionPlan;
  if (plan?.cronExpression !== undefined)
    return notSupported('spec.setting.executionPlan.cronExpression', 'runs by a cron are not supported yet');
  if (plan?.executeTime !== undefined)
    return notSupported('spec.setting.executionPlan.executeTime', 'a run at a given time is not supported yet');
  if (plan?.startingDeadlineSeconds !== undefined)
    return notSupported(
      'spec.setting.executionPlan.startingDeadlineSeconds',
      'runs at given times are not supported yet',
    );
  if (setting.storageConsistencyCheck)
    return notSupported(
      'spec.setting.storageConsistencyCheck',
      'a second check after the run is not supported yet; uploads are verified as Cluster.spec.uploadVerification says',
    );
  if (setting.adoptExisting)
    return notSupported('spec.setting.adoptExisting', 'owning files found equal is not supported yet');
  return undefined;
}

export function refuseCluster(spec: ClusterSpec): Refusal | undefined {
  if (spec.type !== 'STANDALONE' && spec.type !== 'EDGE')
    return {
      reason: 'ClusterTypeNotSupported',
      field: 'spec.type',
      message: `spec.type: far sides of type ${spec.type} are not supported; only STANDALONE and EDGE are`,
    };
  return undefined;
}

function notSupported(field: string, why: string): Refusal {
  return { reason: 'NotSupported', field, message: `${field}: ${why}` };
}
