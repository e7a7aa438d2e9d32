/**
 * Compares all that the task selects with its far sides: at the start, after a gap (`backfill`), and now and then, because
 * no feed tells everything (`resync`). Guarantees: it begins after the position from which the feed is read, so that no
 * change is lost in between; what failed is among the retries before a far side counts as compared; what the source has
 * lost in the gap is deleted under the rules of every deletion. Ends only by its signal, or when the journal is lost.
 */
import { classify } from '../../domain/errors.ts';
import { isHeldBack } from '../../domain/quarantine.ts';
import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import type { UnitEnd } from '../recorder.ts';
import { executeRun } from '../run.ts';
import type { FarSideOutcome, RunOutcome } from '../run-types.ts';
import { isJournalError } from '../unit-errors.ts';
import type { Converger } from './converger.ts';
import { keyOfUnit } from './dirty-keys.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import type { Intake } from './intake.ts';
import { nextRetry } from './retries.ts';
import { changedSince } from './source-changes.ts';
import type { FollowDeps, FollowPlan } from './types.ts';

export interface Side {
  readonly desk: FarSideDesk;
  readonly converger: Converger;
}

export interface ComparerOptions {
  readonly plan: FollowPlan;
  readonly sides: readonly Side[];
  readonly intake: Intake;
  readonly deps: FollowDeps;
}

const HOUR = 3_600_000;
/** Before a compare that a far side did not take is tried again. */
const AGAIN: BackoffPolicy = { base: 5_000, cap: 300_000 };
/** Longest sleep: clocks may be set. Milliseconds. */
const LOOK_MS = 30_000;
/** A feed is given so long to tell of what a compare has found. Milliseconds. */
const SILENCE_MS = 10_000;
/** Artifacts that a compare had to change, looked at again when the feed told of none. */
const SAMPLES = 20;
/** Retries written together. */
const RETRIES = 500;

export class Comparer {
  readonly #options: ComparerOptions;
  #ordered = false;
  #wake = Promise.withResolvers<void>();
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** When the last compare began, and how many changes the feed had told of by then. */
  #before: { readonly begun: Date; readonly heard: number } | undefined;

  constructor(options: ComparerOptions) {
    this.#options = options;
  }

  /** Somebody wants everything compared now. */
  order(): void {
    this.#ordered = true;
    this.awaken();
  }

  awaken(): void {
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  /** `soft` ends it when the compare under way has come to a safe point, `end` at once. */
  async run(end: AbortSignal, soft: AbortSignal): Promise<void> {
    const { intake, deps, sides } = this.#options;
    await Promise.race([intake.begun, deps.clock.sleep(LOOK_MS, soft)]);
    for (;;) {
      soft.throwIfAborted();
      const wait = this.#notBefore - deps.clock.monotonic();
      const fresh = sides.filter(({ desk }) => desk.comparedAt === undefined);
      if (wait > 0) await this.#sleep(wait, soft);
      else if (fresh.length > 0) await this.#compare('backfill', fresh, end);
      else if (this.#ordered || this.#dueIn() <= 0) await this.#compare('resync', sides, end);
      else await this.#sleep(this.#dueIn(), soft);
    }
  }

  /** Milliseconds until everything is to be compared again. */
  #dueIn(): number {
    const { sides, plan, intake, deps } = this.#options;
    const interval = plan.resyncMs ?? (intake.report?.kind === 'changeStream' ? 24 * HOUR : HOUR);
    const last = Math.min(...sides.map(({ desk }) => desk.comparedAt?.getTime() ?? 0));
    return last + interval - deps.clock.now();
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const { clock } = this.#options.deps;
    const sleep = clock.sleep(Math.min(ms, LOOK_MS), AbortSignal.any([signal, timer.signal])).catch(() => undefined);
    await Promise.race([sleep, this.#wake.promise]);
    timer.abort();
  }

  async #compare(trigger: 'backfill' | 'resync', sides: readonly Side[], signal: AbortSignal): Promise<void> {
    const { deps, intake } = this.#options;
    this.#ordered = false;
    const begun = new Date(deps.clock.now());
    const { changes: heard, gaps } = intake;
    const failed = new Map<string, UnitEnd[]>();
    const changed: UnitEnd[] = [];
    let outcome: RunOutcome;
    try {
      outcome = await this.#perform(trigger, sides, { failed, changed }, signal);
    } catch (cause) {
      signal.throwIfAborted();
      deps.drain.throwIfAborted();
      const error = classify(cause);
      if (isJournalError(error)) throw error;
      for (const { desk } of sides) desk.trouble = { reason: error.code, message: error.message };
      this.#failed();
      return;
    } finally {
      for (const { desk } of sides) desk.compare = undefined;
    }
    let all = true;
    // What was compared before the position of the feed may have changed before it, too.
    const isVoid = (): boolean => intake.gaps !== gaps;
    for (const side of sides) {
      const told = outcome.farSides.find(({ clusterId }) => clusterId === side.desk.id);
      const ends = failed.get(side.desk.id) ?? [];
      if (isVoid()) return;
      if (!(await this.#conclude(side, told, ends, begun, isVoid, signal))) all = false;
    }
    if (all) this.#failures = 0;
    else this.#failed();
    if (trigger === 'resync') await this.#listen(changed, heard, signal);
    this.#before = { begun, heard };
  }

  #failed(): void {
    const { clock, random } = this.#options.deps;
    this.#notBefore = clock.monotonic() + backoffDelay(AGAIN, this.#failures, random);
    this.#failures += 1;
  }

  #perform(
    trigger: 'backfill' | 'resync',
    sides: readonly Side[],
    { failed, changed }: { readonly failed: Map<string, UnitEnd[]>; readonly changed: UnitEnd[] },
    signal: AbortSignal,
  ): Promise<RunOutcome> {
    const { plan, deps } = this.#options;
    const { source, limits, locks, clock, random, drain } = deps;
    const onUnit = (clusterId: string, end: UnitEnd): void => {
      if (end.status === 'SUCCESS' && changed.length < SAMPLES) changed.push(end);
      if (end.status !== 'FAILED' || isHeldBack(end.reason ?? '')) return;
      const ends = failed.get(clusterId) ?? [];
      ends.push(end);
      failed.set(clusterId, ends);
    };
    return deps.records.compare(
      trigger,
      (journal, resumed) =>
        executeRun(
          plan.run,
          sides.map(({ desk }) => desk.farSide),
          {
            source,
            journal,
            resumed,
            requested: trigger === 'backfill',
            limits,
            locks,
            clock,
            random,
            drain,
            onUnit,
            onProgress: (progress) => {
              const side = sides.find(({ desk }) => desk.id === progress.clusterId);
              if (side !== undefined) side.desk.compare = { ...progress, trigger };
            },
          },
          signal,
        ),
      signal,
    );
  }

  /** False = this far side has to be compared again. */
  async #conclude(
    { desk, converger }: Side,
    outcome: FarSideOutcome | undefined,
    failed: readonly UnitEnd[],
    at: Date,
    isVoid: () => boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { deps } = this.#options;
    desk.lastCompare = outcome;
    if (outcome === undefined) return false;
    if (outcome.error !== undefined && !isOfObject(outcome, failed)) {
      desk.trouble = outcome.error;
      return false;
    }
    const now = deps.clock.now();
    const retries = failed.map((end) => nextRetry({ key: keyOfUnit(end), at, attempts: 1 }, now));
    for (let start = 0; start < retries.length; start += RETRIES)
      await deps.journal.saveRetries(desk.id, retries.slice(start, start + RETRIES), signal);
    if (!(await converger.prune(at, signal))) return false;
    if (isVoid()) return true;
    await desk.saveCompare(at, signal);
    // What kept it from being compared does not keep it any more.
    desk.trouble = undefined;
    return true;
  }

  /**
   * A feed that told of nothing while the source changed is not to be relied on. What a compare has put right at a far
   * side says nothing by itself: somebody may have deleted it there.
   */
  async #listen(changed: readonly UnitEnd[], heard: number, signal: AbortSignal): Promise<void> {
    const { intake, deps, plan } = this.#options;
    const before = this.#before;
    if (changed.length === 0 || before === undefined || heard > before.heard) return;
    const found = await changedSince(before.begun, changed, plan.run.localProjectId, deps.source, signal);
    if (found === undefined) return;
    await deps.clock.sleep(SILENCE_MS, signal);
    if (intake.changes > heard) return;
    intake.wasSilent(
      `the feed told of no change since the last compare, but the source has changed ${found} meanwhile; ` +
        'another feed is looked for, and compares go on',
    );
  }
}

/** Of objects that could not be begun by their own fault the rest is compared, and they are among the retries. */
function isOfObject({ tally, error }: FarSideOutcome, failed: readonly UnitEnd[]): boolean {
  const objects = failed.filter(({ fullPath, packageKey }) => fullPath === '/' && packageKey === undefined);
  return tally.notTried === 0 && objects.some(({ reason }) => reason === error?.reason);
}
