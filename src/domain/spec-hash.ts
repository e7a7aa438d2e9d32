import { createHash } from 'node:crypto';

import type { ReplicaTaskSpec } from '../api/replica-task.gen.ts';
import { isLocalTime } from '../api/schedule-text.ts';

/**
 * Identity of what a task copies: sha256 (hex) over the canonical JSON of its run-relevant fields. Names, descriptions,
 * `enabled`, record keeping, the schedule (but for the time of a single run) and how changes are heard of are not among
 * them; the order of far sides does not matter. Values that say "no" (false, 0, null, empty) are left out, so that a field that a later version adds
 * with such a default changes no hash.
 */
export function specHash(spec: ReplicaTaskSpec): string {
  const {
    executionPlan,
    executionStrategy: _strategy,
    feed: _feed,
    resyncInterval: _resync,
    maxLag: _lag,
    deleteProtection: _protection,
    ...setting
  } = spec.setting;
  const relevant = {
    localProjectId: spec.localProjectId,
    replicaTaskObjects: spec.replicaTaskObjects,
    replicaType: spec.replicaType,
    setting: { ...setting, executeTime: timeOf(executionPlan) },
    remoteClusterIds: spec.remoteClusterIds.toSorted(byCodeUnit),
  };
  return createHash('sha256').update(canonicalJson(relevant)).digest('hex');
}

/** The instant; a local time with its zone, as they are written: another default zone does not run old tasks again. */
function timeOf(plan: ReplicaTaskSpec['setting']['executionPlan']): string | undefined {
  const { executeTime, timeZone = '' } = plan ?? {};
  if (executeTime === undefined || isLocalTime(executeTime)) return executeTime && `${executeTime} ${timeZone}`;
  const instant = new Date(executeTime);
  return Number.isNaN(instant.getTime()) ? executeTime : instant.toISOString();
}

/** JSON with sorted keys and without white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => !saysNo(member))
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

function saysNo(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  return Array.isArray(value) && value.length === 0;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
