/**
 * Reads the feed and marks what it tells of. Guarantees: the position is saved after the marks are durable; a gap in the
 * feed makes every far side compared anew, from before the new position; what keeps the feed from being read is told, and
 * tried again. Ends only by its signal, or when the journal is lost.
 */
import { classify, type ReplicationError } from '../../domain/errors.ts';
import { marksOf } from '../../domain/follow/marks.ts';
import { backoffDelay } from '../../lib/backoff.ts';
import type { ChangeFeed, FeedBatch, FeedKind, FeedPosition, FeedVerdict } from '../ports/feed.ts';
import type { DirtyKey } from '../ports/follow-journal.ts';
import { isJournalError } from '../unit-errors.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import type { Marker } from './marker.ts';
import { splitOwnedName } from './owned-name.ts';
import type { FollowDeps, FollowPlan, FollowReport } from './types.ts';

export interface IntakeOptions {
  readonly plan: FollowPlan;
  readonly desks: readonly FarSideDesk[];
  readonly marker: Marker;
  readonly deps: FollowDeps;
  /** Every far side is to be compared anew. */
  readonly onGap: () => void;
}

type FeedReport = NonNullable<FollowReport['feed']>;

/** Before a source without a feed is looked at again. Milliseconds. */
const LOOK_AGAIN_MS = 10_000;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #silent = new Set<FeedKind>();
  /** Resolved once it is known where changes are heard of, or that they are not. */
  readonly #begun = Promise.withResolvers<void>();
  #position: FeedPosition | undefined;
  #report: FeedReport | undefined;
  #trouble: FollowReport['feedTrouble'];
  #changes = 0;
  #gaps = 0;
  #failures = 0;
  #reading = new AbortController();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#position = options.deps.journal.state.position;
  }

  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get report(): FeedReport | undefined {
    return this.#report;
  }

  get trouble(): FollowReport['feedTrouble'] {
    return this.#trouble;
  }

  /** How often the feed was begun anew: a compare counts when it began after the last time. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Changes that were read so far. */
  get changes(): number {
    return this.#changes;
  }

  /** The feed said nothing while the source changed: another one is looked for. */
  wasSilent(message: string): void {
    const { report } = this;
    if (report === undefined) return;
    this.#silent.add(report.kind);
    this.#trouble = { reason: 'FeedSilent', message };
    this.#reading.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      this.#reading = new AbortController();
      try {
        await this.#follow(AbortSignal.any([signal, this.#reading.signal]));
      } catch (cause) {
        signal.throwIfAborted();
        if (this.#reading.signal.aborted) continue;
        const error = classify(cause);
        if (isJournalError(error)) throw error;
        await this.#failed(error, signal);
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { plan, deps } = this.#options;
    const verdict = await deps.finder.find({ ...plan.feed, silent: [...this.#silent] }, signal);
    const { feed } = verdict;
    if (feed === undefined) {
      this.#report = undefined;
      this.#trouble = { reason: verdict.reason, message: verdict.message };
      this.#begun.resolve();
      await deps.clock.sleep(LOOK_AGAIN_MS, signal);
      return;
    }
    const position = await this.#positionIn(feed, signal);
    this.#report = reportOf(feed, verdict);
    this.#begun.resolve();
    for await (const batch of feed.read(position, signal)) {
      await this.#take(batch, signal);
      this.#failures = 0;
      if (this.#trouble?.reason !== 'FeedSilent' || batch.changes.length > 0) this.#trouble = undefined;
    }
  }

  /** Where it was left; a feed that was not read before begins at its end, and everything is compared. */
  async #positionIn(feed: ChangeFeed, signal: AbortSignal): Promise<FeedPosition> {
    const known = this.#position;
    if (known?.kind === feed.kind) return known;
    return await this.#begin(feed, signal);
  }

  async #begin(feed: ChangeFeed, signal: AbortSignal): Promise<FeedPosition> {
    const { desks, deps, onGap } = this.#options;
    // A compare that ends meanwhile does not count, nor does one that begins before the position is known.
    this.#gaps += 1;
    // In this order: a crash in between leads to a compare too many.
    for (const desk of desks) await desk.forgetCompare(signal);
    const position = await feed.end(signal);
    await deps.journal.savePosition(position, signal);
    this.#position = position;
    this.#gaps += 1;
    onGap();
    return position;
  }

  async #take({ changes, position, unknown }: FeedBatch, signal: AbortSignal): Promise<void> {
    const { plan, marker, deps } = this.#options;
    const { objects, localProjectId } = plan.run;
    const marks: { key: DirtyKey; at: Date }[] = [];
    const ids = new Map<string, Date>();
    for (const { change, at } of changes) {
      if (change.kind === 'document') ids.set(change.id, at);
      else for (const key of marksOf(change, objects, localProjectId)) marks.push({ key, at });
    }
    marks.push(...(await this.#known(ids, signal)));
    await marker.mark(marks, signal);
    await deps.journal.savePosition(position, signal);
    this.#position = position;
    this.#changes += marks.length;
    this.#tell(changes.at(-1)?.at, unknown);
  }

  /** What came from documents of which only the `_id` is told. */
  async #known(
    ids: ReadonlyMap<string, Date>,
    signal: AbortSignal,
  ): Promise<readonly { readonly key: DirtyKey; readonly at: Date }[]> {
    const { plan, deps } = this.#options;
    if (ids.size === 0) return [];
    const at = new Date(Math.max(...[...ids.values()].map((date) => date.getTime())));
    const found = await deps.journal.ownedFrom([...ids.keys()], signal);
    return found.flatMap(({ projectId, repoName, fullPath }) =>
      plan.run.objects
        .filter((object) => object.remoteProjectId === projectId && object.remoteRepoName === repoName)
        .map(({ localRepoName }) => ({ key: keyOfOwned(localRepoName, fullPath), at })),
    );
  }

  #tell(lastChange: Date | undefined, unknown: number): void {
    if (this.#report === undefined) return;
    this.#report = {
      ...this.#report,
      ...(lastChange === undefined ? {} : { lastChange }),
      unknown: this.#report.unknown + unknown,
    };
  }

  async #failed(error: ReplicationError, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options.deps;
    if (error.code === 'FeedPositionLost') {
      this.#position = undefined;
      this.#trouble = { reason: error.code, message: error.message };
      if (this.#failures === 0) {
        this.#failures = 1;
        return;
      }
    }
    this.#trouble = { reason: error.code, message: error.message };
    const delay = backoffDelay({ base: 500, cap: 30_000 }, this.#failures, random);
    this.#failures += 1;
    await clock.sleep(delay, signal);
  }
}

function reportOf({ kind, name }: ChangeFeed, { reason, message, warning }: FeedVerdict): FeedReport {
  return { kind, name, reason, message, unknown: 0, ...(warning === undefined ? {} : { warning }) };
}

function keyOfOwned(repoName: string, fullPath: string): DirtyKey {
  if (fullPath.startsWith('/')) return { repoName, kind: 'path', name: fullPath };
  const { packageKey, version } = splitOwnedName(fullPath);
  return { repoName, kind: 'package', name: packageKey, version };
}
