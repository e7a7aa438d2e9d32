/** When a task runs: the plan of a body as that of a spec (contract §1.8, design §5). */
import type { ReplicaTaskSpecSetting, ReplicaTaskSpecSettingExecutionPlan } from '../../api/replica-task.gen.ts';
import { parseCron, ScheduleError } from '../../domain/schedule/schedule.ts';
import type { LocalTime } from '../../lib/local-time.ts';
import type { Complaint } from '../codes.ts';
import type { ExecutionPlanBody, SettingBody } from '../schemas/task-bodies.ts';
import { isGiven, isSaid, note, noteUnlessSaid } from './complaints.ts';

/** What a body is read by. */
export interface RequestTerms {
  /** How the request's dates are read. */
  readonly dates: LocalTime;
  readonly now: Date;
  /** IANA name of the zone of tasks that name none. */
  readonly scheduleZone: string;
}

export interface PlanDraft {
  readonly executionStrategy?: NonNullable<ReplicaTaskSpecSetting['executionStrategy']>;
  readonly executionPlan?: ReplicaTaskSpecSettingExecutionPlan;
}

/** A date that cannot be read is a defect of the JSON to bk-repo, so it comes before all checks. */
export function noteUnreadableDate(complaints: Complaint[], { executionPlan }: SettingBody, dates: LocalTime): void {
  const executeTime = executionPlan?.executeTime;
  if (isSaid(executeTime) && dates.parse(executeTime ?? '') === undefined)
    note(complaints, 'contentInvalid', 'setting.executionPlan.executeTime', 'is not a local date-time');
}

/**
 * With executionStrategy, the part it names; without, `executeImmediately` true, else executeTime, else cronExpression,
 * else immediately unless that is expressly false. What else the plan holds is dropped. Nothing is written that was not
 * said, because the CRD gives these fields no default.
 */
export function planDraft(setting: SettingBody, terms: RequestTerms, complaints: Complaint[]): PlanDraft {
  const plan = setting.executionPlan ?? {};
  const strategy = setting.executionStrategy ?? undefined;
  const said = strategy === undefined ? {} : { executionStrategy: strategy };
  switch (strategy ?? derivedStrategy(plan)) {
    case 'IMMEDIATELY':
      if (plan.executeImmediately === false)
        note(complaints, 'parameterInvalid', 'executeImmediately', 'executionStrategy is IMMEDIATELY');
      return {
        ...said,
        ...(plan.executeImmediately === true ? { executionPlan: { executeImmediately: true } } : {}),
      };
    case 'SPECIFIED_TIME':
      return { ...said, executionPlan: { executeTime: futureTime(plan, terms, complaints) } };
    case 'CRON_EXPRESSION':
      return { ...said, executionPlan: { cronExpression: validCron(plan, terms, complaints) } };
  }
}

function derivedStrategy(plan: ExecutionPlanBody): NonNullable<ReplicaTaskSpecSetting['executionStrategy']> {
  const { executeImmediately, executeTime, cronExpression } = plan;
  if (executeImmediately === true) return 'IMMEDIATELY';
  if (isSaid(executeTime)) return 'SPECIFIED_TIME';
  if (isSaid(cronExpression) || executeImmediately === false) return 'CRON_EXPRESSION';
  return 'IMMEDIATELY';
}

/** RFC 3339 with the offset of the zone the date was written in. */
function futureTime({ executeTime }: ExecutionPlanBody, { dates, now }: RequestTerms, complaints: Complaint[]): string {
  // bk-repo reads an empty text as no date at all.
  if (!isGiven(executeTime) || !isSaid(executeTime)) {
    note(complaints, 'parameterMissing', 'executeTime');
    return '';
  }
  const instant = dates.parse(executeTime);
  if (instant === undefined) return '';
  if (instant.getTime() <= now.getTime()) note(complaints, 'parameterInvalid', 'executeTime', 'is not in the future');
  const offset = dates.offset(instant);
  return `${dates.format(instant)}${offset.slice(0, 3)}:${offset.slice(3)}`;
}

function validCron(
  { cronExpression }: ExecutionPlanBody,
  { scheduleZone }: RequestTerms,
  complaints: Complaint[],
): string {
  if (!noteUnlessSaid(complaints, 'cronExpression', cronExpression) || !isGiven(cronExpression)) return '';
  try {
    parseCron(cronExpression, scheduleZone);
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    note(complaints, 'parameterInvalid', 'cronExpression', error.message);
  }
  return cronExpression;
}
