/** Facts about a far side → `status` of its Cluster (design §2). Pure. */
import type { Cluster, ClusterStatus } from '../api/cluster.gen.ts';
import { sanitiseText, timestamp } from '../api/conditions.ts';
import { clusterId } from '../api/names.ts';
import { type ReadyFact, summarise, type Trouble } from './summary.ts';

export interface ProbeFact {
  readonly at: Date;
  /** Absent when the probe failed. */
  readonly answer?: { readonly version: string | null; readonly latencyMs: number };
}

export interface ClusterFacts {
  readonly cluster: Cluster;
  readonly installationId: string;
  readonly verdict: Trouble | ReadyFact;
  /** The newest probe; absent while none was made, or none may be made. */
  readonly probe: ProbeFact | undefined;
}

/** Without a transition `lastProbeTime` and `latency` are written at most this often; the live values are metrics. */
export const PROBE_WRITE_INTERVAL_MS = 600_000;
const MAX_ERROR = 1_024;

export function clusterStatus({ cluster, installationId, verdict, probe }: ClusterFacts, now: Date): ClusterStatus {
  const before = cluster.status as ClusterStatus | undefined;
  const { namespace, name, generation } = cluster.metadata;
  const failed = 'kind' in verdict;
  const version = probe?.answer?.version ?? before?.version;
  const steady = {
    id: clusterId(namespace, name),
    conditions: summarise(before?.conditions, verdict, generation, now),
    health: failed ? ('UNHEALTHY' as const) : ('HEALTHY' as const),
    ...(failed ? { errorReason: sanitiseText(verdict.message, MAX_ERROR) } : {}),
    ...(version === undefined || version === null ? {} : { version }),
    servedBy: installationId,
    observedGeneration: generation,
  };
  const { latency: _latency, lastProbeTime: _lastProbeTime, ...steadyBefore } = before ?? { observedGeneration: -1 };
  const fresh = {
    ...latencyOf(probe?.answer?.latencyMs ?? before?.latency),
    ...(probe === undefined ? {} : { lastProbeTime: timestamp(probe.at) }),
  };
  if (before === undefined || probe === undefined || !equal(steady, steadyBefore)) return { ...steady, ...fresh };
  if (probeWriteDue(before.lastProbeTime, probe.at)) return { ...steady, ...fresh };
  return { ...steady, ...latencyOf(before.latency), ...lastProbeTimeOf(before.lastProbeTime) };
}

function probeWriteDue(written: string | undefined, at: Date): boolean {
  return written === undefined || at.getTime() - Date.parse(written) >= PROBE_WRITE_INTERVAL_MS;
}

function latencyOf(latencyMs: number | undefined): { readonly latency?: number } {
  return latencyMs === undefined ? {} : { latency: Math.max(0, Math.round(latencyMs)) };
}

function lastProbeTimeOf(lastProbeTime: string | undefined): { readonly lastProbeTime?: string } {
  return lastProbeTime === undefined ? {} : { lastProbeTime };
}

/** Equality of plain JSON values, whatever the order of keys. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.entries(a).filter(([, value]) => value !== undefined);
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined));
  return left.length === right.size && left.every(([key, value]) => right.has(key) && equal(value, right.get(key)));
}
