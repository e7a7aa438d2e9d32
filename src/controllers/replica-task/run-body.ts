/**
 * One run from its open record to its closed one, apart from any reconcile. Guarantees: the record is closed exactly when
 * the run came to an end that means something (an outcome, or an abort that a person or a change of the task asked for);
 * when the process stops, the lease is lost or the journal is out of reach, the record stays open and whoever leads next
 * goes on with it.
 */
import type { AbortReason } from '../../domain/run-verdict.ts';
import { runResult, sumCounts } from '../../domain/run-verdict.ts';
import { EndpointHealth } from '../../engine/endpoint-health.ts';
import type { Source } from '../../engine/ports/source.ts';
import { executeRun } from '../../engine/run.ts';
import type { FarSideOutcome, FarSideProgress, RunFarSide, RunLimits, RunPlan } from '../../engine/run-types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { RunRecord, RunResult } from '../../journal/records.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KeyedLock } from '../../lib/keyed-lock.ts';
import type { RunBody, RunContext } from '../../runtime/run-registry.ts';
import { withLogFields } from '../../telemetry/log-context.ts';
import { RunProgress, type SideProgress } from './run-progress.ts';

export interface RunMeans {
  readonly source: Source;
  readonly journal: Pick<Journal, 'runJournal' | 'finishRun'>;
  readonly limits: RunLimits;
  /** One for the installation. */
  readonly locks: KeyedLock;
  /** Milliseconds that transfers in flight get to finish when a run is told to stop. */
  readonly drainMs: number;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
}

export interface RunOrder {
  readonly record: RunRecord;
  /** The record was adopted: details in it may be final already. */
  readonly resumed: boolean;
  readonly plan: RunPlan;
  readonly farSides: readonly RunFarSide[];
}

export type Progress = readonly SideProgress[];

/** Told to stop for good: the record is closed as ABORTED. */
export class RunAbort extends Error {
  readonly code: AbortReason;

  constructor(code: AbortReason, message: string) {
    super(message);
    this.name = 'RunAbort';
    this.code = code;
  }
}

/** Time in which a record is closed after an abort. Milliseconds. */
const CLOSE_MS = 20_000;
/** Most that transfers in flight get when a person, or a change of the task, stops the run. Milliseconds. */
const ABORT_GRACE_MS = 3_000;

export function runBody(means: RunMeans, order: RunOrder): RunBody<Progress, RunRecord> {
  return async (context) => await withLogFields({ recordId: order.record.id }, () => perform(means, order, context));
}

async function perform(means: RunMeans, order: RunOrder, context: RunContext<Progress>): Promise<RunRecord> {
  const progress = new RunProgress(means.clock, context.report);
  try {
    return await close(means, order, await execute(means, order, context, progress), unlimited());
  } catch (error) {
    const { reason } = context.signal;
    if (!(context.signal.aborted && reason instanceof RunAbort)) throw error;
    const farSides = order.farSides.map(({ target }) => brokenOff(target, progress.latest(target.id), reason));
    const result: RunResult = { status: 'ABORTED', errorReason: abortText(reason), farSides };
    return await close(means, order, result, AbortSignal.timeout(CLOSE_MS));
  } finally {
    progress.end();
    await closeFarSides(order.farSides);
  }
}

/** Ends what a run held of its far sides; a connection that does not close in good order is no matter of the run. */
export async function closeFarSides(farSides: readonly RunFarSide[]): Promise<void> {
  for (const { lane } of farSides) lane.close();
  await Promise.allSettled(farSides.map(({ target }) => target.close()));
}

export function abortText(reason: RunAbort): string {
  return `${reason.code}: ${reason.message}`;
}

async function execute(
  means: RunMeans,
  { record, resumed, plan, farSides }: RunOrder,
  context: RunContext<Progress>,
  progress: RunProgress,
): Promise<RunResult> {
  const { source, journal, limits, locks, clock, random } = means;
  const hard = hardSignal(context.signal, means);
  try {
    const outcome = await executeRun(
      plan,
      farSides,
      {
        source,
        journal: journal.runJournal(record),
        resumed,
        requested: record.trigger !== 'tick',
        limits,
        locks,
        clock,
        random,
        drain: context.signal,
        onProgress: (side) => progress.take(side),
      },
      hard.signal,
    );
    return { status: runResult(outcome.farSides), farSides: outcome.farSides };
  } finally {
    hard.release();
  }
}

/** Follows a stop with its grace; whatever is not a stop in good order (a lost lease) aborts at once. */
export function hardSignal(
  soft: AbortSignal,
  { clock, drainMs }: Pick<RunMeans, 'clock' | 'drainMs'>,
): { readonly signal: AbortSignal; release(): void } {
  const hard = new AbortController();
  const timer = new AbortController();
  const onAbort = (): void => {
    const { reason } = soft;
    if (!isOrderly(reason)) {
      hard.abort(reason);
      return;
    }
    const grace = reason instanceof RunAbort ? Math.min(ABORT_GRACE_MS, drainMs) : drainMs;
    clock.sleep(grace, timer.signal).then(
      () => hard.abort(reason),
      () => {},
    );
  };
  soft.addEventListener('abort', onAbort, { once: true });
  if (soft.aborted) onAbort();
  return {
    signal: hard.signal,
    release: () => {
      soft.removeEventListener('abort', onAbort);
      timer.abort();
    },
  };
}

function isOrderly(reason: unknown): boolean {
  return reason instanceof RunAbort || (reason as { readonly code?: unknown } | undefined)?.code === 'Shutdown';
}

/** A journal out of reach is waited for as long as a far side would be; then the record stays open. */
async function close(
  { journal, limits, clock, random }: RunMeans,
  { record }: RunOrder,
  result: RunResult,
  signal: AbortSignal,
): Promise<RunRecord> {
  const { patience, attempts, backoff } = limits;
  const health = new EndpointHealth({
    what: 'the journal',
    unavailable: 'JournalUnavailable',
    patience,
    attempts,
    backoff,
    clock,
    random,
  });
  return await health.run(() => journal.finishRun(record, result, signal), signal);
}

function brokenOff(
  { id, name }: { readonly id: string; readonly name: string },
  progress: FarSideProgress | undefined,
  reason: RunAbort,
): FarSideOutcome {
  return {
    clusterId: id,
    clusterName: name,
    tally: progress?.tally ?? { ...sumCounts([]), quarantined: 0 },
    error: { reason: reason.code, message: reason.message },
    examples: [],
  };
}

function unlimited(): AbortSignal {
  return new AbortController().signal;
}
