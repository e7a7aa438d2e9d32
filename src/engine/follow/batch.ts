/**
 * Makes one far side equal to the source's present state for one batch of keys: an ordinary run of what they stand for,
 * then what the source no longer has is removed. Guarantees: what failed or was held is among the retries when it answers;
 * a far side or a source that cannot be asked gives back exactly what was not dealt with.
 */
import { classify, ReplicationError } from '../../domain/errors.ts';
import type { DirtyKey, Retry } from '../ports/follow-journal.ts';
import type { RunJournal } from '../ports/journal.ts';
import type { UnitEnd } from '../recorder.ts';
import { executeRun } from '../run.ts';
import type { FarSideOutcome } from '../run-types.ts';
import { isJournalError } from '../unit-errors.ts';
import type { Item } from './backlog.ts';
import { departuresOf } from './departures.ts';
import { keyOfUnit, keyText } from './dirty-keys.ts';
import { DirtyUnits } from './dirty-units.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import { type Fate, fatesOf } from './fates.ts';
import type { Removal } from './removal.ts';
import { nextRetry } from './retries.ts';
import type { FollowDeps, FollowPlan } from './types.ts';

export interface BatchOptions {
  readonly plan: FollowPlan;
  readonly desk: FarSideDesk;
  readonly deps: FollowDeps;
  readonly removal: Removal;
}

/** What became of the keys of one batch. */
export interface BatchResult {
  readonly done: readonly Item[];
  readonly back: readonly Item[];
  readonly trouble: ReplicationError | undefined;
}

/** What could not be removed, and why. */
interface NotRemoved {
  readonly error: ReplicationError;
  readonly items: ReadonlySet<Item>;
}

/** Deletions that are held are looked at again; a person's word comes sooner. Milliseconds. */
const HELD_MS = 600_000;

export class Batch {
  readonly #options: BatchOptions;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Tells `early` of items that are done before the others. @throws {ReplicationError} when the journal is lost, or the source cannot be read */
  async converge(
    items: readonly Item[],
    early: (item: Item) => void,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<BatchResult> {
    const { plan, desk, deps } = this.#options;
    const { source, limits, locks, clock, random, drain } = deps;
    const ends: UnitEnd[] = [];
    const gone: DirtyKey[] = [];
    const paths = new Map(items.filter((item) => this.#isOneFile(item)).map((item) => [item.text, item]));
    const keys = items.map(({ key }) => key);
    const only = new DirtyUnits({ plan: plan.run, keys, source, pageSize: limits.pageSize });
    const { farSides } = await executeRun(
      { ...plan.run, only },
      [desk.farSide],
      {
        source,
        journal,
        resumed: false,
        requested: true,
        limits,
        locks,
        clock,
        random,
        drain,
        onGone: (_, unit) => void gone.push(keyOfUnit(unit)),
        onUnit: (_, end) => {
          ends.push(end);
          // A file that is there does not wait for the others of its batch.
          const item = isThere(end) ? paths.get(keyText(keyOfUnit(end))) : undefined;
          if (item !== undefined && !gone.some((key) => keyText(key) === item.text)) early(item);
        },
        onProgress: () => undefined,
      },
      signal,
    );
    const givenUp = farSides[0]?.error;
    const fates = fatesOf(items, ends);
    const kept = await this.#remember(fates, gone, signal);
    const back = fates.filter(({ fate }) => fate === 'back').map(({ item }) => item);
    const done = items.filter((item) => !back.includes(item));
    const trouble = back.length === 0 ? undefined : notTried(givenUp, desk.name);
    const notRemoved = await this.remove(fates, kept, journal, signal);
    const left: ReadonlySet<Item> = notRemoved?.items ?? new Set();
    await this.#forgetCured(fates, kept, left, signal);
    if (notRemoved === undefined) return { done, back, trouble };
    const { error } = notRemoved;
    return { done: done.filter((item) => !left.has(item)), back: [...back, ...left], trouble: trouble ?? error };
  }

  /** It stands for one unit at most, and nobody has to be told when that is done. */
  #isOneFile({ key: { kind, repoName }, attempts }: Item): boolean {
    const { objects } = this.#options.plan.run;
    return (
      kind === 'path' && attempts === 0 && objects.filter((object) => object.localRepoName === repoName).length === 1
    );
  }

  /** What failed, or left the source while it was written, is tried again by itself: the texts of its keys. */
  async #remember(fates: readonly Fate[], gone: readonly DirtyKey[], signal: AbortSignal): Promise<Set<string>> {
    const { desk, deps } = this.#options;
    const { journal, clock } = deps;
    const failed = fates.flatMap(({ item, fate, failures }) => {
      const keys = fate === 'failed' ? [item.key] : fate === 'done' ? failures.map(keyOfUnit) : [];
      return keys.map((key) => ({ key, at: new Date(item.at), attempts: item.attempts + 1 }));
    });
    const now = new Date(clock.now());
    const again = gone.map((key): Retry => ({ key, at: now, attempts: 1, dueAt: now }));
    const retries = [...failed.map((retry) => nextRetry(retry, clock.now())), ...again];
    if (retries.length > 0) await journal.saveRetries(desk.id, retries, signal);
    return new Set(retries.map(({ key }) => keyText(key)));
  }

  /** Only when also what had to be removed is: a retry has no mark that would bring it back. */
  async #forgetCured(
    fates: readonly Fate[],
    kept: ReadonlySet<string>,
    left: ReadonlySet<Item>,
    signal: AbortSignal,
  ): Promise<void> {
    const { desk, deps } = this.#options;
    const cured = fates.filter(
      ({ item, fate }) => item.attempts > 0 && fate !== 'back' && !left.has(item) && !kept.has(item.text),
    );
    const retries = cured.flatMap(({ item: { key, dueAt } }) => (dueAt === undefined ? [] : [{ key, dueAt }]));
    if (retries.length > 0) await deps.journal.dropRetries(desk.id, retries, signal);
  }

  /** What could not be removed, and why; undefined = all is dealt with. What is to be tried again is added to `kept`. */
  async remove(
    fates: readonly Fate[],
    kept: Set<string>,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<NotRemoved | undefined> {
    const { plan, desk, deps } = this.#options;
    const held: DirtyKey[] = [];
    for (const { item, fate } of fates) if (fate === 'done') this.#options.removal.isThere(item.key);
    const left = departuresOf(plan.run.objects, fates);
    let failed: NotRemoved | undefined;
    for (const [position, { departure, items }] of left.entries()) {
      try {
        const later = (key: DirtyKey): unknown => kept.add(keyText(key));
        const removed = await this.#options.removal.execute(departure, later, journal, signal);
        if (removed === 'held') held.push(...items.map(({ key }) => key));
      } catch (cause) {
        signal.throwIfAborted();
        const error = classify(cause);
        if (isJournalError(error)) throw error;
        failed = { error, items: new Set(left.slice(position).flatMap(({ items: rest }) => rest)) };
        break;
      }
    }
    const now = deps.clock.now();
    const retries = held.map((key) => ({ key, at: new Date(now), attempts: 1, dueAt: new Date(now + HELD_MS) }));
    if (retries.length > 0) await deps.journal.saveRetries(desk.id, retries, signal);
    for (const key of held) kept.add(keyText(key));
    return failed;
  }
}

/** What keeps the far side, in the words of the run that has found out. */
function notTried(error: FarSideOutcome['error'], name: string): ReplicationError {
  const { reason = 'FarSideUnavailable', message = `far side ${name} was given up` } = error ?? {};
  return new ReplicationError('retryable', reason, message);
}

function isThere({ status }: UnitEnd): boolean {
  return status === 'SUCCESS' || status === 'UNCHANGED' || status === 'CONFLICT';
}
