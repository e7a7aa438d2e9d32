/**
 * Makes one far side equal to the source's present state, key by key, for as long as it is followed. Guarantees: a mark is
 * dealt with, or its key is among the retries, before the cursor passes it; a far side that does not answer keeps its
 * marks and is tried again; one large file holds up one batch, not the others. Ends only by its signal, or when the
 * journal is lost.
 */
import { classify } from '../../domain/errors.ts';
import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import { EndpointHealth } from '../endpoint-health.ts';
import { FarSideLink } from '../far-side-link.ts';
import { SourceReader } from '../source-reader.ts';
import { isJournalError } from '../unit-errors.ts';
import { Backlog, type Item } from './backlog.ts';
import { Batch, type BatchResult } from './batch.ts';
import { keyText, packagesOf } from './dirty-keys.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import type { Fate } from './fates.ts';
import type { Marker } from './marker.ts';
import { Removal } from './removal.ts';
import type { FollowDeps, FollowPlan } from './types.ts';

export interface ConvergerOptions {
  readonly plan: FollowPlan;
  readonly desk: FarSideDesk;
  readonly marker: Marker;
  readonly deps: FollowDeps;
}

/** Keys taken by one far side and not finished. */
const WINDOW = 4_000;
/** Keys converged together, and how many such batches go on side by side. */
const BATCH = 500;
const BATCHES = 4;
/** Longest time without a look at what is due, and between two writes of the cursor. Milliseconds. */
const LOOK_MS = 1_000;
const SAVE_MS = 500;
/** Before a far side that did not answer is tried again. */
const TROUBLE: BackoffPolicy = { base: 1_000, cap: 30_000 };

export class Converger {
  readonly #options: ConvergerOptions;
  readonly #backlog: Backlog;
  readonly #running = new Set<Promise<void>>();
  readonly #link: FarSideLink;
  readonly #reader: SourceReader;
  readonly #removal: Removal;
  readonly #batches: Batch;
  #failure: { readonly error: unknown } | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;
  #retriesAt = Number.NEGATIVE_INFINITY;
  /** Consecutive batches that the far side did not take. */
  #refusals = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #retrying = 0;
  #approvals = 0;
  #awake = false;
  #wake: () => void = () => undefined;

  constructor(options: ConvergerOptions) {
    this.#options = options;
    const { desk, deps, plan } = options;
    const { limits, clock, random } = deps;
    this.#backlog = new Backlog(desk.state.cursor, packagesOf(plan.run.objects));
    const health = { ...limits, clock, random };
    this.#reader = new SourceReader(
      deps.source,
      new EndpointHealth({ ...health, what: 'the source database', unavailable: 'SourceUnavailable' }),
    );
    this.#link = new FarSideLink(
      desk.farSide.target,
      new EndpointHealth({ ...health, what: `far side ${desk.name}`, unavailable: 'FarSideUnavailable' }),
      desk.farSide.lane,
    );
    this.#removal = new Removal({
      plan: plan.run,
      protection: plan.deleteProtection,
      journal: deps.journal,
      reader: this.#reader,
      link: this.#link,
      desk,
      clock,
    });
    this.#batches = new Batch({ plan, desk, deps, removal: this.#removal });
    options.marker.onNext(() => {
      if (!this.isFull) this.#awaken();
    });
  }

  /** Marks taken and not finished. */
  get pending(): number {
    return this.#backlog.size;
  }

  get retrying(): number {
    return this.#retrying;
  }

  /** Milliseconds since the epoch, by the clock of the source; undefined = nothing waits. */
  get oldest(): number | undefined {
    return this.#backlog.oldest;
  }

  /** Whether there may be marks that were not even taken. */
  get isFull(): boolean {
    return this.#backlog.size >= WINDOW;
  }

  /** Tries at once what waits to be tried again; deletions that are held go on when a person has approved them. */
  async tryAgain(approved: boolean, signal: AbortSignal): Promise<void> {
    const { desk, deps } = this.#options;
    await deps.journal.retryNow(desk.id, new Date(deps.clock.now()), signal);
    if (approved) {
      // Behind the retries that it is about: an approval ends when there are none due.
      this.#approvals += 1;
      this.#removal.approve();
      await desk.forgetHeld(signal);
    }
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#retriesAt = Number.NEGATIVE_INFINITY;
    this.#awaken();
  }

  /** Deletes what the source has lost of all that is owned; false = source or far side could not be asked. */
  async prune(at: Date, signal: AbortSignal): Promise<boolean> {
    const { plan, deps } = this.#options;
    const items = plan.run.objects.map(({ localRepoName: repoName }): Item => {
      const key = { repoName, kind: 'folder', name: '/' } as const;
      return { key, text: keyText(key), at: at.getTime(), seqs: [], attempts: 0 };
    });
    const fates = items.map((item): Fate => ({ item, fate: 'done', failures: [] }));
    const left = await deps.records.rolling(
      (journal) => this.#batches.remove(fates, new Set(), journal, signal),
      signal,
    );
    return left === undefined;
  }

  /** `soft` ends it when the batches under way have come to a safe point, `end` at once. */
  async run(end: AbortSignal, soft: AbortSignal): Promise<void> {
    try {
      await this.#lookAtHeld(soft);
      for (;;) {
        soft.throwIfAborted();
        if (this.#failure !== undefined) throw this.#failure.error;
        await this.#fill(soft);
        this.#start(end);
        await this.#save(soft);
        await this.#pause(soft);
      }
    } finally {
      await Promise.all(this.#running);
    }
  }

  /** What an earlier process held may be back at the source, or be told of anew. */
  async #lookAtHeld(signal: AbortSignal): Promise<void> {
    const { desk, deps } = this.#options;
    if (desk.state.heldSince !== undefined) await deps.journal.retryNow(desk.id, new Date(deps.clock.now()), signal);
  }

  async #fill(signal: AbortSignal): Promise<void> {
    const { marker, deps } = this.#options;
    const { clock, journal } = deps;
    while (this.#backlog.size < WINDOW && this.#backlog.readUpTo < marker.durable) {
      const { durable } = marker;
      const limit = WINDOW - this.#backlog.size;
      const page = await journal.marks(this.#backlog.readUpTo, limit, signal);
      this.#backlog.add(page.filter(({ seq }) => seq <= durable));
      if (page.length < limit) this.#backlog.skipTo(durable);
      marker.taken(this.#backlog.readUpTo);
    }
    if (clock.monotonic() < this.#retriesAt) return;
    this.#retriesAt = clock.monotonic() + LOOK_MS;
    await this.#takeRetries(signal);
  }

  async #takeRetries(signal: AbortSignal): Promise<void> {
    const { desk, deps } = this.#options;
    const { journal, clock } = deps;
    const approvals = this.#approvals;
    this.#retrying = await journal.countRetries(desk.id, signal);
    const due = this.#retrying === 0 ? [] : await journal.dueRetries(desk.id, new Date(clock.now()), BATCH, signal);
    this.#backlog.addRetries(due);
    const isQuiet = due.length === 0 && !this.#backlog.hasRetries && approvals === this.#approvals;
    if (isQuiet) await this.#removal.settle(signal);
  }

  #start(signal: AbortSignal): void {
    const { clock, drain } = this.#options.deps;
    // While a far side is out of reach one batch finds out whether it is back.
    const most = this.#refusals > 0 ? 1 : BATCHES;
    while (this.#running.size < most && !drain.aborted && clock.monotonic() >= this.#notBefore) {
      const items = this.#backlog.take(BATCH);
      if (items.length === 0) return;
      const running = this.#batch(items, signal)
        .catch((error: unknown) => {
          this.#backlog.putBack(items);
          this.#failure ??= { error };
        })
        .finally(() => {
          this.#running.delete(running);
          this.#awaken();
        });
      this.#running.add(running);
    }
  }

  async #batch(items: readonly Item[], signal: AbortSignal): Promise<void> {
    const { records, clock, random, drain } = this.#options.deps;
    const { desk } = this.#options;
    let result: BatchResult;
    try {
      const early = (item: Item): void => this.#backlog.done([item]);
      result = await records.rolling((journal) => this.#batches.converge(items, early, journal, signal), signal);
    } catch (cause) {
      signal.throwIfAborted();
      drain.throwIfAborted();
      const error = classify(cause);
      if (isJournalError(error)) throw error;
      result = { done: [], back: items, trouble: error };
    }
    this.#backlog.done(result.done);
    this.#backlog.putBack(result.back);
    const { trouble } = result;
    if (trouble === undefined) {
      this.#refusals = 0;
      desk.trouble = undefined;
      return;
    }
    desk.trouble = { reason: trouble.code, message: trouble.message };
    this.#notBefore = clock.monotonic() + backoffDelay(TROUBLE, this.#refusals, random);
    this.#refusals += 1;
  }

  async #save(signal: AbortSignal): Promise<void> {
    const { desk, deps } = this.#options;
    const { cursor } = this.#backlog;
    if (cursor <= desk.state.cursor || deps.clock.monotonic() < this.#savedAt + SAVE_MS) return;
    this.#savedAt = deps.clock.monotonic();
    await desk.save({ cursor }, signal);
  }

  /** Until something may have changed. Nothing is left waiting that lives longer than the pause: there are many. */
  async #pause(signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#awake) this.#wake();
    const sleep = this.#options.deps.clock.sleep(LOOK_MS, AbortSignal.any([signal, timer.signal]));
    await Promise.race([sleep.catch(() => undefined), woken]);
    this.#awake = false;
    timer.abort();
  }

  #awaken(): void {
    this.#awake = true;
    this.#wake();
  }
}
