/** Whether we answer as Quartz does, and where not, whether that is deliberate. */
import { nextTick, parseCron, ScheduleError } from '../../../src/domain/schedule/schedule.ts';
import { zoneOf } from '../../../src/lib/local-time.ts';
import { REFUSALS } from './differences.ts';
import type { Answer, Question } from './quartz.ts';

export interface Comparison {
  /** Next times that are the same. */
  same: number;
  /** Expressions that both refuse. */
  refusedByBoth: number;
  /** Next times that differ on a day of clock change. */
  clockChanges: number;
  /** Expressions that only we refuse, by the reason's place in {@link REFUSALS}. */
  readonly refusedByUs: number[];
  /** Anything else, in words. */
  readonly wrong: string[];
}

export function compareWithQuartz(
  asked: readonly { readonly question: Question; readonly answer: Answer }[],
): Comparison {
  const comparison: Comparison = {
    same: 0,
    refusedByBoth: 0,
    clockChanges: 0,
    refusedByUs: REFUSALS.map(() => 0),
    wrong: [],
  };
  // Five fields are another dialect with us.
  const quartz = asked.filter(({ question }) => question.expression.trim().split(/\s+/).length !== 5);
  for (const { question, answer } of quartz) compareOne(question, answer, comparison);
  return comparison;
}

function compareOne(question: Question, answer: Answer, comparison: Comparison): void {
  const { expression, zone } = question;
  const ours = oursOf(question);
  if ('refused' in answer) {
    if ('refused' in ours) comparison.refusedByBoth++;
    else comparison.wrong.push(`${expression}: Quartz refuses it: ${answer.refused}`);
    return;
  }
  if ('refused' in ours) {
    const reason = REFUSALS.findIndex(({ why }) => why.test(ours.refused));
    if (reason < 0) comparison.wrong.push(`Quartz takes it: ${ours.refused}`);
    else comparison.refusedByUs[reason] = (comparison.refusedByUs[reason] ?? 0) + 1;
    return;
  }
  for (const [index, theirs] of answer.next.entries()) {
    const own = ours.next[index];
    if (own === theirs || (own === null && isPastOurLastYear(theirs))) comparison.same++;
    else if (isNearClockChange(zone, own, theirs)) comparison.clockChanges++;
    else comparison.wrong.push(`${expression} in ${zone} after ${question.after[index]}: ${own}, Quartz ${theirs}`);
  }
}

function oursOf({ expression, zone, after }: Question): { next: (number | null)[] } | { refused: string } {
  try {
    const schedule = parseCron(expression, zone);
    return { next: after.map((second) => secondsOf(nextTick(schedule, new Date(second * 1_000)))) };
  } catch (error) {
    if (error instanceof ScheduleError) return { refused: error.message };
    throw error;
  }
}

function secondsOf(instant: Date | undefined): number | null {
  return instant === undefined ? null : instant.getTime() / 1_000;
}

const DAY = 86_400;

/** We end with 2099, Quartz a hundred years from now. */
function isPastOurLastYear(theirs: number | null | 'failed' | undefined): boolean {
  return typeof theirs === 'number' && theirs > Date.UTC(2100, 0, 1) / 1_000 - DAY;
}

/** The earlier of two is the time that one has and the other has not. */
function isNearClockChange(zoneName: string, ...times: readonly unknown[]): boolean {
  const zone = zoneOf(zoneName);
  const earlier = Math.min(...times.filter((time) => typeof time === 'number'));
  return zone.offsetAt((earlier - DAY) * 1_000) !== zone.offsetAt((earlier + DAY) * 1_000);
}
