import type { ReplicaTaskSpec } from './replica-task.gen.ts';

/**
 * When a task runs, in words, for `status.schedule`: `Once`, `Once, at <time>`, `Now, then <cron> (<zone>)`, `On request`,
 * … It is also the identity of the schedule, so it names the zone wherever times depend on it.
 *
 * @param defaultZone the installation's zone, for tasks that name none
 */
export function scheduleText(spec: Pick<ReplicaTaskSpec, 'replicaType' | 'setting'>, defaultZone: string): string {
  if (spec.replicaType === 'REAL_TIME') return 'Continuously';
  const { executeImmediately, executeTime, cronExpression, timeZone } = spec.setting.executionPlan ?? {};
  const zone = ` (${timeZone ?? defaultZone})`;
  if (executeTime !== undefined) return `Once, at ${executeTime}${isLocalTime(executeTime) ? zone : ''}`;
  if (cronExpression !== undefined) return `${executeImmediately === true ? 'Now, then ' : ''}${cronExpression}${zone}`;
  return executeImmediately === false ? 'On request' : 'Once';
}

/** Whether an `executeTime` has no offset, so that a zone decides which instant it is. */
export function isLocalTime(executeTime: string): boolean {
  return !/(Z|[+-]\d\d:\d\d)$/.test(executeTime);
}
