/** When a task runs by itself, compiled from its `executionPlan`; the rules of its times are in `schedule/`. Pure. */
import type { ReplicaTaskSpec } from '../api/replica-task.gen.ts';
import type { Refusal } from './acceptance.ts';
import {
  checkTimeZone,
  countTicks,
  executeInstant,
  newestTick,
  nextTick,
  parseCron,
  ScheduleError,
} from './schedule/schedule.ts';
import { MAX_COUNTED, type Ticks } from './ticks.ts';

/** What holds for tasks that say nothing of their own (config `schedule`). */
export interface ScheduleDefaults {
  /** IANA name. */
  readonly timeZone: string;
  readonly startingDeadlineSeconds: number;
}

/**
 * `none`: by no clock: at once (`immediately`), or on request only. `cron`: `immediately` means now, and then by the
 * cron. `at`: a single run.
 */
export type Timetable =
  | { readonly kind: 'none'; readonly immediately: boolean }
  | { readonly kind: 'cron'; readonly immediately: boolean; readonly ticks: Ticks; readonly deadlineMs: number }
  /** `at`: milliseconds since the epoch. */
  | { readonly kind: 'at'; readonly at: number; readonly deadlineMs: number };

const PLAN = 'spec.setting.executionPlan';
const FIELDS: Readonly<Record<ScheduleError['code'], string>> = {
  InvalidCron: `${PLAN}.cronExpression`,
  UnknownTimeZone: `${PLAN}.timeZone`,
  InvalidExecuteTime: `${PLAN}.executeTime`,
};

/** The timetable, or why the plan cannot be honoured: `InvalidCron`, `UnknownTimeZone`, `InvalidExecuteTime`. */
export function timetableOf(spec: Pick<ReplicaTaskSpec, 'setting'>, defaults: ScheduleDefaults): Timetable | Refusal {
  const { executeImmediately, executeTime, cronExpression, timeZone, startingDeadlineSeconds } =
    spec.setting.executionPlan ?? {};
  const zone = timeZone ?? defaults.timeZone;
  const deadlineMs = (startingDeadlineSeconds ?? defaults.startingDeadlineSeconds) * 1_000;
  try {
    if (timeZone !== undefined) checkTimeZone(timeZone);
    if (executeTime !== undefined) return { kind: 'at', at: executeInstant(executeTime, zone).getTime(), deadlineMs };
    if (cronExpression !== undefined)
      return {
        kind: 'cron',
        immediately: executeImmediately === true,
        ticks: ticksOf(cronExpression, zone),
        deadlineMs,
      };
    // Immediately is assumed only where none of the three fields is given.
    return { kind: 'none', immediately: executeImmediately ?? true };
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    const field = FIELDS[error.code];
    return { reason: error.code, field, message: `${field}: ${error.message}` };
  }
}

/** @throws {ScheduleError} */
function ticksOf(expression: string, zone: string): Ticks {
  const cron = parseCron(expression, zone);
  return {
    next: (after) => nextTick(cron, new Date(after))?.getTime(),
    newest: (after, until) => newestTick(cron, new Date(after), new Date(until))?.getTime(),
    count: (after, until) => countTicks(cron, new Date(after), new Date(until), MAX_COUNTED),
  };
}
