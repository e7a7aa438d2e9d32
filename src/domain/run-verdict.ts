/** What the end of a run means: result, reason and words, per far side and for the whole. Pure. */
import type { ConditionStatus } from '../api/conditions.ts';

/** Why a run was told to stop and closed as ABORTED; `errorReason` of its record begins with it. */
export type AbortReason = 'SpecChanged' | 'Suspended' | 'Cancelled' | 'TaskDeleted';

export interface Counts {
  readonly success: number;
  readonly unchanged: number;
  readonly conflict: number;
  readonly failed: number;
  /** Of the failed: those held back until their source changes or a person asks. */
  readonly quarantined?: number;
  readonly notTried: number;
  readonly totalBytes: number;
  readonly sentBytes: number;
}

export interface SideResult {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly tally: Counts;
  readonly error?: { readonly reason: string; readonly message: string };
  readonly examples: readonly { readonly unit: string; readonly reason: string; readonly message: string }[];
}

export interface Verdict {
  readonly reason: string;
  readonly message: string;
}

const NO_COUNTS: Counts = {
  success: 0,
  unchanged: 0,
  conflict: 0,
  failed: 0,
  notTried: 0,
  totalBytes: 0,
  sentBytes: 0,
};

/** Examples quoted per far side. */
const MAX_QUOTED = 3;
/** Longest quoted example, in characters. */
const MAX_EXAMPLE = 300;

export function sumCounts(sides: readonly { readonly tally: Counts }[]): Counts {
  return sides.reduce<Counts>(
    (sum, { tally }) => ({
      success: sum.success + tally.success,
      unchanged: sum.unchanged + tally.unchanged,
      conflict: sum.conflict + tally.conflict,
      failed: sum.failed + tally.failed,
      ...quarantinedOf(sum, tally),
      notTried: sum.notTried + tally.notTried,
      totalBytes: sum.totalBytes + tally.totalBytes,
      sentBytes: sum.sentBytes + tally.sentBytes,
    }),
    NO_COUNTS,
  );
}

function quarantinedOf(...tallies: readonly Counts[]): Pick<Counts, 'quarantined'> {
  const quarantined = tallies.reduce((sum, tally) => sum + (tally.quarantined ?? 0), 0);
  return quarantined === 0 ? {} : { quarantined };
}

export function doneCount(counts: Counts): number {
  return counts.success + counts.unchanged + counts.conflict + counts.failed + counts.notTried;
}

/** A conflict that SKIP left alone is what the task asked for: the run succeeded, although the sides differ. */
export function sideResult(side: SideResult): 'SUCCESS' | 'FAILED' {
  const { failed, notTried } = side.tally;
  return side.error === undefined && failed === 0 && notTried === 0 ? 'SUCCESS' : 'FAILED';
}

export function runResult(sides: readonly SideResult[]): 'SUCCESS' | 'FAILED' {
  return sides.every((side) => sideResult(side) === 'SUCCESS') ? 'SUCCESS' : 'FAILED';
}

/** Why this far side is not equal after the run; undefined = it is. */
export function sideTrouble(side: SideResult): Verdict | undefined {
  const { error, tally, clusterName } = side;
  const numbers = [
    failedText(tally),
    counted(tally.conflict, 'left alone by conflict'),
    counted(tally.notTried, 'not tried'),
  ].filter((text) => text !== '');
  if (error === undefined && numbers.length === 0) return undefined;
  const what = [
    ...(error === undefined ? [] : [error.message]),
    ...(numbers.length === 0 ? [] : [`${numbers.join(', ')} of ${doneCount(tally)} artifacts`]),
    ...side.examples.slice(0, MAX_QUOTED).map(quoteExample),
  ];
  return { reason: troubleReason(side), message: `${clusterName}: ${what.join('; ')}` };
}

function troubleReason({ error, tally }: SideResult): string {
  if (error !== undefined) return error.reason;
  if (tally.failed > 0) return 'UnitsFailed';
  return tally.notTried > 0 ? 'UnitsNotTried' : 'Conflicts';
}

function quoteExample({ unit, reason, message }: SideResult['examples'][number]): string {
  const text = message.includes(unit) ? message : `${unit}: ${message}`;
  const clipped = text.length <= MAX_EXAMPLE ? text : `${text.slice(0, MAX_EXAMPLE - 1)}…`;
  return `${clipped} (${reason})`;
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}`;
}

function failedText(tally: Counts): string {
  const { quarantined = 0 } = tally;
  return counted(tally.failed, quarantined === 0 ? 'failed' : `failed (${quarantined} of them quarantined)`);
}

export interface FinishedRun {
  readonly id: string;
  /** It tried only what had failed in that run. */
  readonly retryOf?: string;
  readonly status: 'SUCCESS' | 'FAILED' | 'ABORTED';
  readonly endTime: string;
  readonly errorReason?: string;
  readonly farSides: readonly SideResult[];
  /** Where they are known better than by `farSides`. */
  readonly counts?: Counts;
}

/** The verdict about a finished run: what `history` and the Event about it say. */
export function runVerdict(run: FinishedRun): Verdict {
  const numbers = numbersOf(run);
  if (run.status === 'ABORTED') {
    const { reason, message } = splitReason(run.errorReason, 'Aborted');
    return { reason, message: `${message} (${numbers})` };
  }
  const troubles = run.farSides.flatMap((side) => sideTrouble(side) ?? []);
  const [first] = troubles;
  if (run.status === 'FAILED' && first === undefined) return splitReason(run.errorReason, 'RunFailed');
  if (first === undefined) return equalVerdict(run, numbers);
  return { reason: first.reason, message: `${troubles.map(({ message }) => message).join(' | ')} (${numbers})` };
}

function numbersOf({ farSides, counts = sumCounts(farSides) }: FinishedRun): string {
  return `${counts.success} copied, ${counts.unchanged} unchanged, ${counts.conflict} conflicts, ${failedText(counts) || '0 failed'}, ${counts.notTried} not tried; ${counts.sentBytes} bytes sent`;
}

function equalVerdict({ retryOf }: FinishedRun, numbers: string): Verdict {
  if (retryOf === undefined) return { reason: 'AllEqual', message: numbers };
  return { reason: 'RetrySucceeded', message: `what had failed in run ${retryOf} is equal now: ${numbers}` };
}

/** Of a retry: the whole that it stands for (retried.ts). */
export function syncedOf(run: FinishedRun | undefined): Verdict & { readonly status: ConditionStatus } {
  if (run === undefined)
    return { status: 'Unknown', reason: 'NoRunYet', message: 'no run of the present spec has finished yet' };
  const { reason, message } = runVerdict(run);
  const equal = run.status === 'SUCCESS' && run.farSides.every((side) => sideTrouble(side) === undefined);
  const retried = run.retryOf === undefined ? '' : `, which tried again what had failed in run ${run.retryOf}`;
  const which = `run ${run.id}${retried}, as of ${run.endTime}`;
  return equal
    ? {
        status: 'True',
        reason: 'AllEqual',
        message: `every artifact is equal at every far side (${which}): ${numbersOf(run)}`,
      }
    : { status: 'False', reason, message: `${which}: ${message}` };
}

/** `SpecChanged: why` → reason and message. */
function splitReason(errorReason: string | undefined, otherwise: string): Verdict {
  const match = /^([A-Z][A-Za-z]{2,63}): (.*)$/su.exec(errorReason ?? '');
  const [, reason, message] = match ?? [];
  if (reason !== undefined && message !== undefined) return { reason, message };
  return { reason: otherwise, message: errorReason ?? 'no reason was recorded' };
}

/** Ends of a run that no repetition cures before a person changes the task or an installation: the task is Stalled. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set([
  'RemoteRepoMissing',
  'RepositoryTypeMismatch',
  'SourceRepositoryNotFound',
  'SourceRepositoryTypeMismatch',
  'SourceRepositoryUnsupported',
  'HostNotAllowed',
]);

export function stallingVerdict(run: FinishedRun | undefined): Verdict | undefined {
  if (run?.status !== 'FAILED') return undefined;
  for (const side of run.farSides) {
    if (side.error !== undefined && NEEDS_A_PERSON.has(side.error.reason)) return sideTrouble(side);
  }
  return undefined;
}
