import type { ReplicaTaskSpec } from './replica-task.gen.ts';

/** When a task runs, in words, for `status.schedule`: `Once`, `Once, at <time>`, `Now, then <cron>`, `On request`, … */
export function scheduleText(spec: Pick<ReplicaTaskSpec, 'replicaType' | 'setting'>): string {
  if (spec.replicaType === 'REAL_TIME') return 'Continuously';
  const { executeImmediately, executeTime, cronExpression, timeZone } = spec.setting.executionPlan ?? {};
  const zone = timeZone === undefined ? '' : ` (${timeZone})`;
  if (executeTime !== undefined) return `Once, at ${executeTime}${zone}`;
  if (cronExpression !== undefined) return `${executeImmediately === true ? 'Now, then ' : ''}${cronExpression}${zone}`;
  return executeImmediately === false ? 'On request' : 'Once';
}
