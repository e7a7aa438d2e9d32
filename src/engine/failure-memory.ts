/**
 * What the journal knows of units that failed in earlier runs at one far side. Guarantees: a run that nobody asked for
 * learns which of its units are held back (domain/quarantine.ts); a failure is remembered, and forgotten when its unit
 * ends well. Where nothing ever failed this costs one question for the whole run. Not guaranteed: that what is remembered
 * of a unit that left the source goes.
 */
import { classify, ReplicationError } from '../domain/errors.ts';
import { type HeldBack, heldBack, nextFailure } from '../domain/quarantine.ts';
import type { Clock } from '../lib/clock.ts';
import type { FarSideContext } from './context.ts';
import type { RunJournal, UnitStatus } from './ports/journal.ts';

export interface FailureMemoryOptions {
  readonly journal: RunJournal;
  readonly clusterId: string;
  /** Somebody asked for this run: nothing is held back. */
  readonly requested: boolean;
  readonly clock: Pick<Clock, 'now'>;
}

export interface EndedUnit {
  readonly unitKey: string;
  readonly status: UnitStatus;
  /** Of a unit that failed on its own account. */
  readonly fingerprint?: string | undefined;
  readonly reason: string;
  readonly message: string;
  /** This record had a row of it already. */
  readonly replaces: boolean;
}

/** A unit about to be begun. `fingerprint` is asked for only where it failed before. */
export interface Candidate {
  readonly unitKey: string;
  readonly fingerprint: () => string | Promise<string>;
}

export class FailureMemory {
  readonly #options: FailureMemoryOptions;
  #known: Promise<boolean> | undefined;
  #remembers = false;

  constructor(options: FailureMemoryOptions) {
    this.#options = options;
  }

  async heldBack(units: readonly Candidate[], signal: AbortSignal): Promise<ReadonlyMap<string, HeldBack>> {
    const { journal, clusterId, requested, clock } = this.#options;
    const held = new Map<string, HeldBack>();
    if (requested || units.length === 0 || !(await this.#any(signal))) return held;
    const keys = units.map(({ unitKey }) => unitKey);
    const past = await journal.findFailures(clusterId, keys, signal);
    for (const { unitKey, fingerprint } of units) {
      const failure = past.get(unitKey);
      if (failure === undefined) continue;
      const why = heldBack(failure, await fingerprint(), new Date(clock.now()));
      if (why !== undefined) held.set(unitKey, why);
    }
    return held;
  }

  /** To be told of every unit that was tried or compared, when its record is safe. */
  async ended(units: readonly EndedUnit[], signal: AbortSignal): Promise<void> {
    const { journal, clusterId, clock } = this.#options;
    const failed = units.filter(isFailure);
    const well = units.filter(({ status }) => status !== 'FAILED' && status !== 'NOT_TRIED');
    const any = await this.#any(signal);
    if (!any && failed.length === 0) return;
    const keys = [...failed, ...well].map(({ unitKey }) => unitKey);
    const past = any ? await journal.findFailures(clusterId, keys, signal) : new Map();
    const now = new Date(clock.now());
    const next = failed.map((unit) => ({
      unitKey: unit.unitKey,
      ...nextFailure(past.get(unit.unitKey), unit, now, unit.replaces),
    }));
    if (next.length > 0) {
      this.#remembers = true;
      await journal.writeFailures(clusterId, next, signal);
    }
    const cured = well.map(({ unitKey }) => unitKey).filter((key) => past.has(key));
    if (cured.length > 0) await journal.deleteFailures(clusterId, cured, signal);
  }

  /** Whether {@link ended} has anything to do for units that end well. */
  async #any(signal: AbortSignal): Promise<boolean> {
    this.#known ??= this.#options.journal.hasFailures(this.#options.clusterId, signal);
    try {
      return (await this.#known) || this.#remembers;
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
  }
}

function isFailure(unit: EndedUnit): unit is EndedUnit & { readonly fingerprint: string } {
  return unit.status === 'FAILED' && unit.fingerprint !== undefined;
}

/**
 * What a failure is held against, for {@link EndedUnit}: undefined for the failure of a whole far side, and when the
 * source cannot be asked for its state now.
 */
export async function fingerprintOfFailure(
  error: ReplicationError,
  fingerprint: () => string | Promise<string>,
  run: AbortSignal,
): Promise<string | undefined> {
  if (error.errorClass !== 'unit' && error.errorClass !== 'retryable') return undefined;
  try {
    return await fingerprint();
  } catch (cause) {
    run.throwIfAborted();
    const { errorClass } = classify(cause);
    if (errorClass !== 'cluster' && errorClass !== 'retryable') throw cause;
    return undefined;
  }
}

/** How units of one kind are told apart, judged and recorded. */
export interface UnitKind<U> {
  readonly keyOf: (unit: U) => string;
  readonly fingerprint: (unit: U) => string | Promise<string>;
  readonly hold: (unit: U, why: ReplicationError) => Promise<void>;
}

/**
 * The units that may be tried. The others are recorded as failed without any other step, unless this record has said of
 * them, before a crash, what became of them: that stays said.
 */
export async function withoutHeldBack<U>(
  { failures, recorder, deps, link }: Pick<FarSideContext, 'failures' | 'recorder' | 'deps' | 'link'>,
  units: readonly U[],
  { keyOf, fingerprint, hold }: UnitKind<U>,
  run: AbortSignal,
): Promise<readonly U[]> {
  const candidates = units.map((unit) => ({ unitKey: keyOf(unit), fingerprint: () => fingerprint(unit) }));
  const held = await failures.heldBack(candidates, run);
  if (held.size === 0) return units;
  const said = deps.resumed ? await deps.journal.findDetails(link.id, [...held.keys()], run) : undefined;
  const free: U[] = [];
  for (const unit of units) {
    const why = held.get(keyOf(unit));
    const before = said?.get(keyOf(unit));
    if (why === undefined) free.push(unit);
    else if (before?.status === 'SUCCESS' || before?.status === 'FAILED') await recorder.countRecorded(before, run);
    else await hold(unit, new ReplicationError('unit', why.reason, why.message));
  }
  return free;
}
