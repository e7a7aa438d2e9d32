/**
 * What this version does not perform. The schema accepts more than is built: whatever of it would change what a run does
 * is refused by name here, so that nothing is silently ignored. Pure.
 */
import type { ClusterSpec } from '../api/cluster.gen.ts';

export interface Refusal {
  /** Reason of the condition: `ClusterTypeNotSupported`, or what is wrong with a schedule. */
  readonly reason: string;
  /** E.g. `spec.replicaType`. */
  readonly field: string;
  readonly message: string;
}

/** The first field that asks for what is not built; undefined = all that the spec asks for is performed. */
export function refuseCluster(spec: ClusterSpec): Refusal | undefined {
  if (spec.type !== 'STANDALONE' && spec.type !== 'EDGE')
    return {
      reason: 'ClusterTypeNotSupported',
      field: 'spec.type',
      message: `spec.type: far sides of type ${spec.type} are not supported; only STANDALONE and EDGE are`,
    };
  return undefined;
}
