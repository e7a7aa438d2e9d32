/**
 * Deletes at one far side what the source no longer has (design §6): files only, never folders; only what the task put
 * there or adopted, and only while it lies there as the task left it. Guarantees: source and far side are asked just
 * before; a version goes before its files; what was deleted is looked for afterwards; a mass delete stops and asks, also
 * one that begins while files are being deleted. One departure after the other, or each would believe the cap its own.
 */
import { classify, ReplicationError } from '../../domain/errors.ts';
import type { DeleteProtection } from '../../domain/follow/delete-cap.ts';
import type { Clock } from '../../lib/clock.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { FarSideLink } from '../far-side-link.ts';
import { isAsLeft } from '../ownership.ts';
import type { DirtyKey, FollowJournal, OwnedFile, OwnedScope, Retry } from '../ports/follow-journal.ts';
import type { RunJournal, UnitDetail } from '../ports/journal.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import type { SourceReader } from '../source-reader.ts';
import { unitKey } from '../unit-key.ts';
import { DeleteGuard } from './delete-guard.ts';
import { Departed, PAGE, type Place } from './departed.ts';
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
/** As long as what was begun may take until it is at the far side, with all its attempts. Milliseconds. */
const ON_THE_WAY_MS = 600_000;
/** Requests to delete side by side. */
const AT_ONCE = 8;

export class Removal {
  readonly #options: RemovalOptions;
  readonly #turn = new Semaphore(1);
  readonly #guard: DeleteGuard;
  readonly #departed: Departed;

  constructor(options: RemovalOptions) {
    this.#options = options;
    this.#guard = new DeleteGuard(options);
    this.#departed = new Departed({ ...options, clusterId: options.desk.id });
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
        ...(await this.#versions(place, versions, at, journal, signal)),
        ...(await this.#files(place, files, at, journal, signal)),
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

  /** Those that the far side refused to delete. */
  async #versions(
    place: Place,
    owned: readonly OwnedFile[],
    at: Date,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<readonly OwnedFile[]> {
    const { link } = this.#options;
    const refused: OwnedFile[] = [];
    for (const one of owned) {
      const { fullPath } = one;
      const { packageKey, version } = splitOwnedName(fullPath);
      const artifact = { packageKey, packageName: packageKey, version };
      const far = await link.call((t) => t.findVersions(place.target, packageKey, [version], signal), signal);
      if (!far.has(version)) {
        if (!this.#mayArrive(one, undefined)) await this.#disown(place, [one], signal);
        continue;
      }
      if (await this.#isChanged(place, packageKey, version, signal)) {
        const stays = this.#detail(place, { fullPath: '', artifact, key: fullPath }, 'CONFLICT', VERSION_CHANGED);
        await journal.writeDetails([stays], signal);
        await this.#disown(place, [one], signal);
        continue;
      }
      try {
        await link.call((t) => t.deleteVersion(place.target, packageKey, version, at, signal), signal);
      } catch (cause) {
        signal.throwIfAborted();
        const error = classify(cause);
        if (error.errorClass !== 'unit') throw error;
        const failed = this.#detail(place, { fullPath: '', artifact, key: fullPath }, 'FAILED', error);
        await journal.writeDetails([failed], signal);
        refused.push(one);
        continue;
      }
      this.#guard.deleted();
      await this.#disown(place, [one], signal);
      await journal.writeDetails([this.#detail(place, { fullPath: '', artifact, key: fullPath }, 'SUCCESS')], signal);
    }
    return refused;
  }

  /** Somebody has published it anew there: one of its files is not as the task left it. */
  async #isChanged(place: Place, packageKey: string, version: string, signal: AbortSignal): Promise<boolean> {
    const { journal, desk, link } = this.#options;
    for (let after: string | undefined; ; ) {
      const page = await journal.owned(desk.id, place.target, { package: packageKey, version }, after, PAGE, signal);
      const files = page.filter(({ sha256 }) => sha256 !== null);
      const paths = files.map(({ fullPath }) => fullPath);
      const far = await link.call((t) => t.findNodes(place.target, paths, signal), signal);
      if (files.some((file) => far.get(file.fullPath)?.folder === false && !isAsLeft(file, far.get(file.fullPath))))
        return true;
      after = page.at(-1)?.fullPath;
      if (after === undefined) return false;
    }
  }

  /** Those that the far side refused to delete. */
  async #files(
    place: Place,
    owned: readonly OwnedFile[],
    at: Date,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<readonly OwnedFile[]> {
    if (owned.length === 0) return [];
    const { link } = this.#options;
    const look = async (): Promise<ReadonlyMap<string, { readonly folder: boolean; readonly sha256: string | null }>> =>
      await link.call(
        (t) =>
          t.findNodes(
            place.target,
            owned.map(({ fullPath }) => fullPath),
            signal,
          ),
        signal,
      );
    const far = await look();
    const ours = owned.filter((file) => isAsLeft(file, far.get(file.fullPath)));
    const foreign = owned.filter((file) => !ours.includes(file) && far.get(file.fullPath)?.folder === false);
    const refusals = new Map<OwnedFile, ReplicationError>();
    const remove = async (file: OwnedFile): Promise<void> => {
      try {
        await link.call((t) => t.deleteNode(place.target, file.fullPath, at, signal), signal);
        this.#guard.deleted();
      } catch (cause) {
        signal.throwIfAborted();
        const error = classify(cause);
        if (error.errorClass !== 'unit') throw error;
        refusals.set(file, error);
      }
    };
    for (let start = 0; start < ours.length; start += AT_ONCE)
      await settledAll(ours.slice(start, start + AT_ONCE).map(remove));
    const after = await look();
    const left = ours.filter((file) => isAsLeft(file, after.get(file.fullPath)));
    const details = [
      ...foreign.map(({ fullPath }) => this.#detail(place, { fullPath, key: fullPath }, 'CONFLICT', CHANGED)),
      ...left.map((file) => {
        const { fullPath } = file;
        return this.#detail(place, { fullPath, key: fullPath }, 'FAILED', refusals.get(file) ?? NOT_DELETED);
      }),
      ...ours
        .filter((file) => !left.includes(file))
        .map(({ fullPath }) => this.#detail(place, { fullPath, key: fullPath }, 'SUCCESS')),
    ];
    if (details.length > 0) await journal.writeDetails(details, signal);
    const expected = owned.filter((file) => !foreign.includes(file) && this.#mayArrive(file, far.get(file.fullPath)));
    const settled = owned.filter((file) => !left.includes(file) && !expected.includes(file));
    await this.#disown(place, settled, signal);
    return left;
  }

  /** It was put down lately, and has not been seen there: whoever puts it there may still be on the way. */
  #mayArrive({ sha256, updatedAt }: OwnedFile, far: { readonly sha256: string | null } | undefined): boolean {
    const isThere = far !== undefined && far.sha256 === sha256;
    return !isThere && this.#options.clock.now() - updatedAt.getTime() < ON_THE_WAY_MS;
  }

  #disown({ target }: Place, owned: readonly OwnedFile[], signal: AbortSignal): Promise<void> {
    const { journal, desk } = this.#options;
    return journal.disown(desk.id, target, owned, signal);
  }

  #detail(
    { index, object }: Place,
    unit: Pick<UnitDetail, 'fullPath'> & {
      readonly key: string;
      readonly artifact?: Pick<UnitDetail, 'packageKey' | 'packageName' | 'version'>;
    },
    status: 'SUCCESS' | 'CONFLICT' | 'FAILED',
    error?: ReplicationError,
  ): UnitDetail {
    const { plan, desk, clock } = this.#options;
    const now = new Date(clock.now());
    return {
      clusterId: desk.id,
      clusterName: desk.name,
      localRepoName: object.localRepoName,
      remoteProjectId: object.remoteProjectId,
      remoteRepoName: object.remoteRepoName,
      repoType: object.repoType,
      unitKey: unitKey(index, unit.key),
      fullPath: unit.fullPath,
      ...unit.artifact,
      status,
      size: 0,
      bytesSent: 0,
      sha256: '',
      conflictStrategy: plan.setting.conflictStrategy,
      reason: error?.code ?? 'Deleted',
      ...(error === undefined ? {} : { errorReason: error.message }),
      startTime: now,
      endTime: now,
    };
  }
}

const CHANGED = new ReplicationError(
  'unit',
  'ChangedAtFarSide',
  'the source deleted this file, and somebody has changed it at the far side since the task put it there: it stays',
);

const VERSION_CHANGED = new ReplicationError(
  'unit',
  'ChangedAtFarSide',
  'the source deleted this version, and somebody has published it anew at the far side: it stays',
);

const NOT_DELETED = new ReplicationError(
  'unit',
  'NotDeleted',
  'the far side accepted the deletion, but the file is still there',
);

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
