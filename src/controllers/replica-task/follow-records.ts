/**
 * Where a follower puts on record what it does: one rolling record per hour for what is converged, and a record of its own
 * for each compare. What an earlier process left open is gone on with. A rolling record ends when its hour is over and
 * nobody uses it; those who keep using it are held up for half a minute at most, then it goes on for a while.
 */
import { type AbortReason, runResult } from '../../domain/run-verdict.ts';
import type { FollowRecords } from '../../engine/follow/types.ts';
import type { RunJournal } from '../../engine/ports/journal.ts';
import type { FarSideOutcome, RunOutcome } from '../../engine/run-types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { RunPart, RunRecord, RunStart, RunTrigger } from '../../journal/records.ts';
import type { Clock } from '../../lib/clock.ts';
import { Semaphore } from '../../lib/semaphore.ts';

export interface FollowRecordsOptions {
  readonly journal: Journal;
  /** What every record says of the task. */
  readonly start: Omit<RunStart, 'claim' | 'trigger' | 'part'>;
  readonly farSides: readonly Pick<FarSideOutcome, 'clusterId' | 'clusterName'>[];
  readonly clock: Clock;
}

interface Rolling {
  readonly record: RunRecord;
  readonly journal: RunJournal;
  users: number;
  /** Resolved when the last user has left. */
  left: PromiseWithResolvers<void>;
  /** Monotonic milliseconds before which nobody is held up for its end. */
  notBefore: number;
}

const HOUR = 3_600_000;
/** How long those who want to use a record wait for it to end, and how long it then goes on. Milliseconds. */
const HOLD_UP_MS = 30_000;
const GO_ON_MS = 600_000;

export class TaskFollowRecords implements FollowRecords {
  readonly #options: FollowRecordsOptions;
  readonly #turn = new Semaphore(1);
  #rolling: Rolling | undefined;
  #compare: RunRecord | undefined;
  #claims = 0;

  constructor(options: FollowRecordsOptions) {
    this.#options = options;
  }

  async rolling<T>(use: (journal: RunJournal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const rolling = await this.#obtain(signal);
    try {
      return await use(rolling.journal);
    } finally {
      rolling.users -= 1;
      if (rolling.users === 0) rolling.left.resolve();
    }
  }

  async compare(
    trigger: 'backfill' | 'resync',
    perform: (journal: RunJournal, resumed: boolean) => Promise<RunOutcome>,
    signal: AbortSignal,
  ): Promise<RunOutcome> {
    const { journal } = this.#options;
    const open = await this.#openCompare(signal);
    const record = open ?? (await this.#begin(trigger, 'compare', signal));
    this.#compare = record;
    const outcome = await perform(journal.runJournal(record), open !== undefined);
    const { farSides } = outcome;
    await journal.finishRun(record, { status: runResult(farSides), farSides }, signal);
    this.#compare = undefined;
    return outcome;
  }

  /** Ends a record whose hour is over while nobody uses it; to be called now and then. */
  async tend(signal: AbortSignal): Promise<void> {
    const release = await this.#turn.acquire(signal);
    try {
      if (this.#rolling !== undefined && this.#rolling.users === 0 && this.#isOver(this.#rolling))
        await this.#finish(this.#rolling, signal);
    } finally {
      release();
    }
  }

  /** Nobody will go on with it: the compare that is open is broken off, the rolling record ends. */
  async close(
    { code, message }: { readonly code: AbortReason; readonly message: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { journal } = this.#options;
    const compare = this.#compare;
    if (compare !== undefined)
      await journal.finishRun(compare, { status: 'ABORTED', errorReason: `${code}: ${message}`, farSides: [] }, signal);
    if (this.#rolling !== undefined) await this.#finish(this.#rolling, signal);
  }

  /** The record that is open now, for whoever tells of it. */
  get compareRecord(): RunRecord | undefined {
    return this.#compare;
  }

  async #obtain(signal: AbortSignal): Promise<Rolling> {
    const release = await this.#turn.acquire(signal);
    try {
      if (this.#rolling !== undefined && this.#isOver(this.#rolling)) await this.#endIfFree(this.#rolling, signal);
      this.#rolling ??= await this.#openRolling(signal);
      const rolling = this.#rolling;
      if (rolling.users === 0) rolling.left = Promise.withResolvers();
      rolling.users += 1;
      return rolling;
    } finally {
      release();
    }
  }

  #isOver({ record }: Rolling): boolean {
    const { clock } = this.#options;
    return Math.floor(record.startTime.getTime() / HOUR) !== Math.floor(clock.now() / HOUR);
  }

  async #endIfFree(rolling: Rolling, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (rolling.users > 0) {
      if (clock.monotonic() < rolling.notBefore) return;
      const timer = new AbortController();
      const patience = clock.sleep(HOLD_UP_MS, AbortSignal.any([signal, timer.signal])).catch(() => undefined);
      await Promise.race([rolling.left.promise, patience]);
      timer.abort();
      signal.throwIfAborted();
    }
    if (rolling.users === 0) await this.#finish(rolling, signal);
    else rolling.notBefore = clock.monotonic() + GO_ON_MS;
  }

  async #finish({ record }: Rolling, signal: AbortSignal): Promise<void> {
    await this.#options.journal.finishRolling(record, this.#options.farSides, signal);
    this.#rolling = undefined;
  }

  async #openRolling(signal: AbortSignal): Promise<Rolling> {
    const { journal, start } = this.#options;
    const open = await journal.openRunOf(start.taskKey, start.taskUid, signal);
    const left = open === undefined ? undefined : await journal.adopt(open.id, signal);
    const adopted = left?.trigger === 'event' ? left : undefined;
    // A run by the schedule that the task had before.
    if (left !== undefined && adopted === undefined) await this.#breakOff(left, signal);
    const record = adopted ?? (await this.#begin('event', undefined, signal));
    return {
      record,
      journal: journal.runJournal(record),
      users: 0,
      left: Promise.withResolvers(),
      notBefore: Number.NEGATIVE_INFINITY,
    };
  }

  /** One of another spec is about something else. */
  async #openCompare(signal: AbortSignal): Promise<RunRecord | undefined> {
    const { journal, start } = this.#options;
    const open = await journal.openRunOf(start.taskKey, start.taskUid, signal, 'compare');
    const adopted = open === undefined ? undefined : await journal.adopt(open.id, signal);
    if (adopted === undefined || adopted.specHash === start.specHash) return adopted;
    await this.#breakOff(adopted, signal);
    return undefined;
  }

  async #breakOff(record: RunRecord, signal: AbortSignal): Promise<void> {
    const errorReason = 'SpecChanged: the task was changed while it ran';
    await this.#options.journal.finishRun(record, { status: 'ABORTED', errorReason, farSides: [] }, signal);
  }

  async #begin(trigger: RunTrigger, part: RunPart | undefined, signal: AbortSignal): Promise<RunRecord> {
    const { journal, start, clock } = this.#options;
    for (;;) {
      this.#claims += 1;
      const claim = `${trigger}:${new Date(clock.now()).toISOString()}:${this.#claims}`;
      const begun = await journal.beginRun({ ...start, claim, trigger, ...(part && { part }) }, signal);
      if (begun.outcome === 'started') return begun.record;
      // Left open by whoever followed before, in this very moment.
      const adopted = begun.record.status === 'RUNNING' ? await journal.adopt(begun.record.id, signal) : undefined;
      if (adopted !== undefined) return adopted;
    }
  }
}
