/**
 * Deletes at one far side what the source no longer has (design §6): files only, never folders; only what the task put
 * there or adopted, and only while it lies there as the task left it (deletions.ts). Guarantees: source and far side are
 * asked just before; a version goes before its files; a mass delete stops and asks, also one that begins while files are
 * being deleted. One departure after the other, or each would believe the cap its own.
 */
import type { DeleteProtection } from '../../domain/follow/delete-cap.ts';
import type { Clock } from '../../lib/clock.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { FarSideLink } from '../far-side-link.ts';
import type { DirtyKey, FollowJournal, OwnedFile, OwnedScope, Retry } from '../ports/follow-journal.ts';
import type { RunJournal } from '../ports/journal.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import type { SourceReader } from '../source-reader.ts';
import { DeleteGuard } from './delete-guard.ts';
import { Deletions } from './deletions.ts';
import { Departed, type Place } from './departed.ts';
import { documentsOf } from './documents-of.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import { splitOwnedName } from './owned-name.ts';
import { nextRetry } from './retries.ts';

export interface RemovalOptions {
  readonly plan: RunPlan;
  readonly protection: DeleteProtection;
  readonly journal: FollowJournal;
  readonly reader: SourceReader;
  readonly link: FarSideLink;
  readonly desk: FarSideDesk;
  readonly clock: Clock;
}

/** Something of one object that may have left the source. */
export interface Departure {
  readonly index: number;
  readonly scope: OwnedScope;
  /** When it left, as far as is known. */
  readonly at: Date;
  /** How often it was tried before. */
  readonly attempts: number;
}

/** `held`: too much at once; what is left of it was not deleted. */
export type Removed = 'done' | 'held';

/** Before documents are made anew: several versions often go together. Milliseconds. */
const DOCUMENTS_MS = 2_000;

export class Removal {
  readonly #options: RemovalOptions;
  readonly #turn = new Semaphore(1);
  readonly #guard: DeleteGuard;
  readonly #departed: Departed;
  readonly #deletions: Deletions;

  constructor(options: RemovalOptions) {
    this.#options = options;
    this.#guard = new DeleteGuard(options);
    this.#departed = new Departed({ ...options, clusterId: options.desk.id });
    this.#deletions = new Deletions({ ...options, deleted: () => this.#guard.deleted() });
  }

  /** See {@link DeleteGuard.approve}. */
  approve(): void {
    this.#guard.approve();
  }

  /** See {@link DeleteGuard.settle}. */
  settle(signal: AbortSignal): Promise<void> {
    return this.#guard.settle(signal);
  }

  /** The source has this file, again perhaps. */
  isThere({ repoName, name }: DirtyKey): void {
    const objects = this.#options.plan.objects.filter((object) => object.localRepoName === repoName);
    this.#guard.letGo(objects.map((object) => nameAt(object, name)));
  }

  /**
   * Fails when source or far side cannot be asked; what was deleted by then is on record. Tells `later` of the keys that
   * were put among the retries.
   */
  async execute(
    departure: Departure,
    later: (key: DirtyKey) => void,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<Removed> {
    // Its metadata is another server's.
    if (this.#options.desk.farSide.blobsOnly) return 'done';
    const release = await this.#turn.acquire(signal);
    try {
      return await this.#depart(departure, later, journal, signal);
    } finally {
      release();
    }
  }

  async #depart(
    departure: Departure,
    later: (key: DirtyKey) => void,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<Removed> {
    const { index, scope, at } = departure;
    const place = await this.#departed.place(index, signal);
    if (place === undefined) return 'done';
    if (!(await this.#mayGo(place, scope, signal))) return 'held';
    for await (const gone of this.#departed.gone(place, scope, signal)) {
      // Since they were counted the source may have lost everything.
      if (gone.length > (await this.#guard.room(signal))) {
        await this.#hold(place, scope, signal);
        return 'held';
      }
      const versions = gone.filter(({ sha256 }) => sha256 === null);
      const files = gone.filter(({ sha256 }) => sha256 !== null);
      await this.#documentsLater(place, gone, later, DOCUMENTS_MS, signal);
      const refused = [
        ...(await this.#deletions.versions(place, versions, at, journal, signal)),
        ...(await this.#deletions.files(place, files, at, journal, signal)),
      ];
      // Whoever has made them meanwhile may have found the versions, or their files, still there.
      await this.#documentsLater(place, gone, later, 0, signal);
      await this.#tryAgain(place, refused, departure, later, signal);
      await this.#lookAgain(place, gone, later, signal);
    }
    return 'done';
  }

  /** Counted first, so that a mass delete is stopped before its first file. */
  async #mayGo(place: Place, scope: OwnedScope, signal: AbortSignal): Promise<boolean> {
    if ('paths' in scope) this.#guard.letGo(scope.paths.map((fullPath) => nameAt(place.object, fullPath)));
    else this.#guard.letGoOf(departureText(place.index, scope));
    const room = await this.#guard.room(signal);
    let count = 0;
    for await (const page of this.#departed.gone(place, scope, signal)) {
      count += page.length;
      if (count <= room) continue;
      await this.#hold(place, scope, signal);
      return false;
    }
    return true;
  }

  #hold(place: Place, scope: OwnedScope, signal: AbortSignal): Promise<void> {
    const names = namesOf(place, this.#departed.gone(place, scope, signal));
    return this.#guard.hold(names, departureText(place.index, scope), signal);
  }

  /** Documents that name the versions are made anew when they and their files are gone: put down before, so that no crash forgets it. */
  async #documentsLater(
    { object }: Place,
    owned: readonly OwnedFile[],
    later: (key: DirtyKey) => void,
    delayMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { journal, desk, clock } = this.#options;
    const now = clock.now();
    const retries = documentsOf(object.repoType, owned).map(
      (name): Retry => ({
        key: { repoName: object.localRepoName, kind: 'path', name },
        at: new Date(now),
        attempts: 1,
        dueAt: new Date(now + delayMs),
      }),
    );
    if (retries.length > 0) await journal.saveRetries(desk.id, retries, signal);
    for (const { key } of retries) later(key);
  }

  /** What came back to the source while it was deleted may have been found equal just before: it is looked at again. */
  async #lookAgain(
    place: Place,
    gone: readonly OwnedFile[],
    later: (key: DirtyKey) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { journal, desk, clock } = this.#options;
    const there = await this.#departed.atSource(place, gone, signal);
    const now = new Date(clock.now());
    const retries = gone
      .filter(({ fullPath }) => there.has(fullPath))
      .map((owned): Retry => ({ key: keyOf(place, owned), at: now, attempts: 1, dueAt: now }));
    if (retries.length > 0) await journal.saveRetries(desk.id, retries, signal);
    for (const { key } of retries) later(key);
  }

  /** What the far side refuses to delete keeps nothing else from going. */
  async #tryAgain(
    place: Place,
    refused: readonly OwnedFile[],
    { at, attempts }: Departure,
    later: (key: DirtyKey) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { journal, desk, clock } = this.#options;
    const now = clock.now();
    const retries = refused.map((owned) => nextRetry({ key: keyOf(place, owned), at, attempts: attempts + 1 }, now));
    if (retries.length > 0) await journal.saveRetries(desk.id, retries, signal);
    for (const { key } of retries) later(key);
  }
}

async function* namesOf(
  { object }: Place,
  pages: AsyncIterable<readonly OwnedFile[]>,
): AsyncGenerator<readonly string[]> {
  for await (const page of pages) yield page.map(({ fullPath }) => nameAt(object, fullPath));
}

function departureText(index: number, scope: OwnedScope): string {
  return 'paths' in scope ? '' : JSON.stringify([index, scope]);
}

function nameAt({ remoteProjectId, remoteRepoName }: RunObject, fullPath: string): string {
  return `${remoteProjectId}/${remoteRepoName}:${fullPath}`;
}

function keyOf({ object }: Place, { fullPath, sha256 }: OwnedFile): DirtyKey {
  const { localRepoName: repoName } = object;
  if (sha256 !== null) return { repoName, kind: 'path', name: fullPath };
  const { packageKey: name, version } = splitOwnedName(fullPath);
  return { repoName, kind: 'package', name, version };
}
