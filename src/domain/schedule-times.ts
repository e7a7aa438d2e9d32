/** What `status` remembers of a cron, so that each of its times is dealt with once (design §5). Pure. */
import type { ReplicaTaskStatus } from '../api/replica-task.gen.ts';
import type { TickVerdict } from './ticks.ts';

/** Instants are milliseconds since the epoch. */
export interface ScheduleTimes {
  readonly scheduledSince: number;
  readonly lastScheduleTime: number | undefined;
  readonly skippedRuns: number;
  readonly missedRuns: number;
}

export interface TimesFacts {
  readonly status: Partial<ReplicaTaskStatus> | undefined;
  /** `scheduleText` of the spec: what the schedule is. */
  readonly text: string;
  readonly enabled: boolean;
  /** `metadata.creationTimestamp`. */
  readonly createdAt: number;
  readonly now: number;
}

/**
 * A task that is seen for the first time is scheduled since it was created; another schedule, and one that was suspended,
 * since now, and nothing of before is made up for. Never since an instant to come, which only another clock, or this one
 * before it was set, can have told: times until then would be lost. Counts go on.
 */
export function timesOf({ status, text, enabled, createdAt, now }: TimesFacts): ScheduleTimes {
  const { skippedRuns = 0, missedRuns = 0, schedule, suspendedSince, scheduledSince } = status ?? {};
  const counts = { skippedRuns, missedRuns };
  if (schedule === undefined)
    return { ...counts, scheduledSince: Math.min(createdAt, now), lastScheduleTime: undefined };
  const resumed = enabled && suspendedSince !== undefined;
  if (schedule !== text || resumed || scheduledSince === undefined)
    return { ...counts, scheduledSince: now, lastScheduleTime: undefined };
  const last = status?.lastScheduleTime;
  return {
    ...counts,
    scheduledSince: Math.min(Date.parse(scheduledSince), now),
    lastScheduleTime: last === undefined ? undefined : Date.parse(last),
  };
}

/** No time at or before it is looked at again. */
export function markOf({ scheduledSince, lastScheduleTime }: ScheduleTimes): number {
  return Math.max(scheduledSince, lastScheduleTime ?? Number.NEGATIVE_INFINITY);
}

/** Notes that times up to `until` were dealt with. */
export function dealtWith(
  times: ScheduleTimes,
  until: number | undefined,
  { skipped, missed }: Pick<TickVerdict, 'skipped' | 'missed'>,
): ScheduleTimes {
  return {
    ...times,
    lastScheduleTime: until ?? times.lastScheduleTime,
    skippedRuns: times.skippedRuns + skipped,
    missedRuns: times.missedRuns + missed,
  };
}
