/** The step that looks at the clock: which time of the cron is due, and which passed without a run and why. */
import { isTimePast } from '../../domain/due.ts';
import { dealtWith, markOf, timesOf } from '../../domain/schedule-times.ts';
import { countedTimes, judgeTicks, newestClaimed } from '../../domain/ticks.ts';
import type { RunRecord } from '../../journal/records.ts';
import { event } from '../transition-events.ts';
import { againAt, isBusy, openRecord, type Step, type Worksheet } from './worksheet.ts';

const ACTION = 'Schedule';

export const lookAtTheClock: Step = (sheet) => {
  const { task, timetable, text, enabled, now, records, memory } = sheet;
  if (timetable.kind === 'at') wakeAtTime(sheet, timetable);
  if (timetable.kind !== 'cron') return;
  const createdAt = Date.parse(task.metadata.creationTimestamp);
  const { status } = task;
  const { unwritten } = memory;
  const known = enabled && unwritten?.text === text ? unwritten.times : undefined;
  sheet.times = known ?? timesOf({ status, text, enabled, createdAt, now });
  if (!enabled) return;
  if (records !== undefined) {
    noteClaimed(sheet, records);
    judge(sheet, records, timetable);
  }
  const { tick, times } = sheet;
  const next = timetable.ticks.next(Math.max(now, markOf(times)));
  if (next !== undefined) againAt(sheet, next);
  if (tick !== undefined) againAt(sheet, tick.at + timetable.deadlineMs + 1);
};

function wakeAtTime(sheet: Worksheet, { at, deadlineMs }: { readonly at: number; readonly deadlineMs: number }): void {
  if (sheet.now < at) againAt(sheet, at);
  else if (sheet.now <= at + deadlineMs) againAt(sheet, at + deadlineMs + 1);
}

/** A time whose run was begun before the status could say so, as when the process was killed in between. */
function noteClaimed(sheet: Worksheet, records: readonly RunRecord[]): void {
  const { times, now } = sheet;
  const claimed = newestClaimed(records, now);
  if (times !== undefined && claimed !== undefined && claimed > markOf(times))
    sheet.times = dealtWith(times, claimed, { skipped: 0, missed: 0 });
}

function judge(
  sheet: Worksheet,
  records: readonly RunRecord[],
  { ticks, deadlineMs }: Extract<Worksheet['timetable'], { readonly kind: 'cron' }>,
): void {
  const { times, now, events } = sheet;
  if (times === undefined) return;
  const busy = isBusy(sheet);
  const last = newestOf(sheet, records);
  const ended = last?.endTime?.getTime() ?? Number.POSITIVE_INFINITY;
  // An end to come was told by a clock that was ahead.
  const busyUntil = busy ? now : ended <= now ? ended : undefined;
  const { due, skipped, missed, dealtUntil } = judgeTicks({ ticks, mark: markOf(times), now, deadlineMs, busyUntil });
  if (skipped > 0) {
    const note = `${countedTimes(skipped)} skipped, because run ${last?.id ?? '(unknown)'} ${busy ? 'is' : 'was'} still active`;
    events.push(event('Normal', 'TickSkipped', ACTION, note));
  }
  sheet.times = dealtWith(times, dealtUntil, { skipped, missed: due === undefined ? missed : 0 });
  if (due === undefined) tellMissed(sheet, missed);
  else sheet.tick = { at: due, missed };
}

/** The run that keeps others from being begun, or the last one that did. */
function newestOf(sheet: Worksheet, records: readonly RunRecord[]): RunRecord | undefined {
  const { uid } = sheet.task.metadata;
  return sheet.memory.active ?? openRecord(sheet) ?? records.find(({ taskUid }) => taskUid === uid);
}

/** The due time has its run: it and those before it are not looked at again. */
export function tickDealtWith(sheet: Worksheet): void {
  const { tick, times } = sheet;
  if (tick === undefined || times === undefined) return;
  sheet.tick = undefined;
  sheet.times = dealtWith(times, tick.at, { skipped: 0, missed: tick.missed });
  tellMissed(sheet, tick.missed);
}

function tellMissed({ events }: Worksheet, missed: number): void {
  if (missed === 0) return;
  const note = `${countedTimes(missed)} passed without a run and will not be made up for`;
  events.push(event('Warning', 'MissedRuns', ACTION, note));
}

/** When the schedule begins a run next; undefined = not by itself. Milliseconds since the epoch. */
export function nextExecution(sheet: Worksheet): number | undefined {
  const { timetable, enabled, trouble, now, times } = sheet;
  if (!enabled || trouble?.kind === 'refused') return undefined;
  if (timetable.kind === 'cron') return times && timetable.ticks.next(Math.max(now, markOf(times)));
  if (timetable.kind !== 'at' || now > timetable.at + timetable.deadlineMs) return undefined;
  return now < timetable.at || (!isBusy(sheet) && !ran(sheet)) ? timetable.at : undefined;
}

function ran({ records, specHash }: Worksheet): boolean {
  return records?.some((record) => record.specHash === specHash && record.trigger === 'one-shot') ?? false;
}

/** In words, that the single time of a task was left to pass. */
export function timePast(sheet: Worksheet): string | undefined {
  const { task, specHash, timetable, records, now, enabled } = sheet;
  const { uid } = task.metadata;
  if (!enabled || records === undefined || timetable.kind !== 'at' || isBusy(sheet)) return undefined;
  if (!isTimePast({ uid, specHash, timetable, runs: records, now })) return undefined;
  const { executeTime } = task.spec.setting.executionPlan ?? {};
  const instant = new Date(timetable.at).toISOString().replace('.000Z', 'Z');
  const written = executeTime === instant ? '' : ` (${instant})`;
  return (
    `spec.setting.executionPlan.executeTime: ${executeTime}${written} is past by more than the starting deadline of ` +
    `${timetable.deadlineMs / 1_000} s, and no run was begun for it; give a later time, or run the task now by a new ` +
    'value of the annotation replication.bkrepo.io/run-requested'
  );
}
