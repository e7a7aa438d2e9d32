/**
 * Deletes at one far side what the source no longer has (design §6): files only, never folders; only what the task put
 * there or adopted, and only while it lies there as the task left it. Guarantees: source and far side are asked just
 * before; a version goes before its files; what was deleted is looked for afterwards; a mass delete stops and asks, also
 * one that begins while files are being deleted. One departure after the other, or each would believe the cap its own.
 */
import { classify, ReplicationError } from '../../domain/errors.ts';
import { allowedDeletes, type DeleteProtection, DeleteWindow } from '../../domain/follow/delete-cap.ts';
import { indexRulesFor } from '../../domain/indexes/rules.ts';
import { selects } from '../../domain/paths.ts';
import type { Clock } from '../../lib/clock.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { FarSideLink } from '../far-side-link.ts';
import { isAsLeft } from '../ownership.ts';
import type { DirtyKey, FollowJournal, OwnedFile, OwnedScope, Retry } from '../ports/follow-journal.ts';
import type { RunJournal, UnitDetail } from '../ports/journal.ts';
import type { SourceRepository } from '../ports/source.ts';
import type { TargetRepository } from '../ports/target.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import type { SourceReader } from '../source-reader.ts';
import { unitKey } from '../unit-key.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import { splitOwnedName } from './owned-name.ts';

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
}

/** `held`: too much at once; what is left of it was not deleted. */
export type Removed = 'done' | 'held';

interface Place {
  readonly index: number;
  readonly object: RunObject;
  readonly target: TargetRepository;
  /** Undefined = the source has no such repository any more. */
  readonly repository: SourceRepository | undefined;
  /** Of other objects that go to the same repository of the far side: what they hold is not gone. */
  readonly others: readonly { readonly object: RunObject; readonly repository: SourceRepository }[];
}

/** Owned things looked at together. */
const PAGE = 500;
/** Before documents are made anew: several versions often go together. Milliseconds. */
const DOCUMENTS_MS = 2_000;
/** Requests to delete side by side. */
const AT_ONCE = 8;

export class Removal {
  readonly #options: RemovalOptions;
  readonly #turn = new Semaphore(1);
  readonly #window = new DeleteWindow();
  /** What is held, with the departure by which it was found, while it is. */
  readonly #held = new Map<string, string>();
  /** How many more a person has agreed to. */
  #approved = 0;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /** A person has agreed to what is held. */
  approve(): void {
    this.#approved = this.#options.desk.held?.files ?? 0;
    this.#held.clear();
    this.#window.clear();
  }

  /** The source has this file, again perhaps. */
  isThere({ repoName, name }: DirtyKey): void {
    if (this.#held.size === 0) return;
    for (const object of this.#options.plan.objects)
      if (object.localRepoName === repoName) this.#held.delete(nameAt(object, name));
  }

  /** All that was held was looked at again: what comes from now on is judged anew. */
  async settle(signal: AbortSignal): Promise<void> {
    const { desk } = this.#options;
    this.#approved = 0;
    if (desk.state.heldSince !== undefined && this.#held.size === 0) await desk.forgetHeld(signal);
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
    { index, scope, at }: Departure,
    later: (key: DirtyKey) => void,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<Removed> {
    const place = await this.#place(index, signal);
    if (place === undefined) return 'done';
    if (!(await this.#mayGo(place, scope, signal))) return 'held';
    for await (const gone of this.#gone(place, scope, signal)) {
      // Since they were counted the source may have lost everything.
      if (gone.length > (await this.#room(signal))) {
        await this.#hold(place, scope, signal);
        return 'held';
      }
      const versions = gone.filter(({ sha256 }) => sha256 === null);
      const files = gone.filter(({ sha256 }) => sha256 !== null);
      await this.#documentsLater(place, versions, later, signal);
      await this.#versions(place, versions, at, journal, signal);
      await this.#files(place, files, at, journal, signal);
      await this.#lookAgain(place, gone, later, signal);
    }
    return 'done';
  }

  async #place(index: number, signal: AbortSignal): Promise<Place | undefined> {
    const { plan, reader } = this.#options;
    const object = plan.objects[index];
    if (object === undefined) return undefined;
    // Without its project nothing is known of it: that is an outage, or a wrong database, and no deletion.
    if ((await reader.project(plan.localProjectId, signal)) === undefined) return undefined;
    const repository = await reader.repository(plan.localProjectId, object.localRepoName, signal);
    const target = {
      projectId: object.remoteProjectId,
      name: object.remoteRepoName,
      repoType: object.repoType,
      storageKey: repository?.credentialsKey ?? null,
    };
    return { index, object, target, repository, others: await this.#others(object, signal) };
  }

  async #others(object: RunObject, signal: AbortSignal): Promise<Place['others']> {
    const { plan, reader } = this.#options;
    const others: { object: RunObject; repository: SourceRepository }[] = [];
    for (const other of plan.objects) {
      const isSamePlace =
        other.remoteProjectId === object.remoteProjectId && other.remoteRepoName === object.remoteRepoName;
      if (!isSamePlace || other.localRepoName === object.localRepoName) continue;
      const repository = await reader.repository(plan.localProjectId, other.localRepoName, signal);
      if (repository !== undefined) others.push({ object: other, repository });
    }
    return others;
  }

  /** Counted first, so that a mass delete is stopped before its first file. */
  async #mayGo(place: Place, scope: OwnedScope, signal: AbortSignal): Promise<boolean> {
    this.#letGo(place, scope);
    const room = await this.#room(signal);
    let count = 0;
    for await (const page of this.#gone(place, scope, signal)) {
      count += page.length;
      if (count <= room) continue;
      await this.#hold(place, scope, signal);
      return false;
    }
    return true;
  }

  /** How many may go now. */
  async #room(signal: AbortSignal): Promise<number> {
    const { desk, clock } = this.#options;
    if (desk.state.heldSince !== undefined) return 0;
    const { allowed } = await this.#cap(signal);
    return this.#approved + Math.max(0, allowed - this.#window.recent(clock.monotonic()));
  }

  async #cap(signal: AbortSignal): Promise<{ readonly owned: number; readonly allowed: number }> {
    const { journal, protection, desk, clock } = this.#options;
    const owned = await journal.countOwned(desk.id, signal);
    return { owned, allowed: allowedDeletes(protection, owned + this.#window.recent(clock.monotonic())) };
  }

  async #hold(place: Place, scope: OwnedScope, signal: AbortSignal): Promise<void> {
    const { desk, clock } = this.#options;
    this.#letGo(place, scope);
    // Several changes may tell of the same file.
    const by = departureText(place.index, scope);
    for await (const page of this.#gone(place, scope, signal))
      for (const { fullPath } of page) this.#held.set(nameAt(place.object, fullPath), by);
    const held = { files: this.#held.size, ...(await this.#cap(signal)) };
    await desk.save({ heldSince: desk.state.heldSince ?? new Date(clock.now()), held }, signal);
  }

  /** It is looked at again. */
  #letGo({ index, object }: Place, scope: OwnedScope): void {
    if (this.#held.size === 0) return;
    if ('paths' in scope) {
      for (const fullPath of scope.paths) this.#held.delete(nameAt(object, fullPath));
      return;
    }
    const by = departureText(index, scope);
    for (const [name, other] of this.#held) if (other === by) this.#held.delete(name);
  }

  #deleted(): void {
    if (this.#approved > 0) this.#approved -= 1;
    else this.#window.add(this.#options.clock.monotonic(), 1);
  }

  /** What of the scope is owned, and no longer at the source. */
  async *#gone(place: Place, scope: OwnedScope, signal: AbortSignal): AsyncGenerator<readonly OwnedFile[]> {
    const { journal, desk } = this.#options;
    for (let after: string | undefined; ; ) {
      const page = await journal.owned(desk.id, place.target, scope, after, PAGE, signal);
      const there = await this.#atSource(place, page, signal);
      const gone = page.filter(({ fullPath }) => !there.has(fullPath));
      if (gone.length > 0) yield gone;
      after = page.at(-1)?.fullPath;
      if (after === undefined) return;
    }
  }

  async #atSource(
    { repository, others }: Place,
    owned: readonly OwnedFile[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const there = new Set(repository === undefined ? [] : await this.#inRepository(repository, owned, signal));
    for (const { object, repository: other } of others) {
      const { paths } = object;
      for (const name of await this.#inRepository(other, owned, signal))
        if (paths.length === 0 || paths.some((path) => selects(path, name))) there.add(name);
    }
    return there;
  }

  async #inRepository(
    repository: SourceRepository,
    owned: readonly OwnedFile[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    if (owned.length === 0) return new Set();
    const { reader } = this.#options;
    const paths = owned.filter(({ sha256 }) => sha256 !== null).map(({ fullPath }) => fullPath);
    const there = new Set(paths.length === 0 ? [] : (await reader.findNodes(repository, paths, signal)).keys());
    const names = owned.filter(({ sha256 }) => sha256 === null).map(({ fullPath }) => fullPath);
    for (const [packageKey, versions] of byPackage(names)) {
      const found = await reader.findPackage(repository, packageKey, signal);
      if (found === undefined) continue;
      const present = await reader.findVersions(found.id, versions, signal);
      for (const version of present.keys()) there.add(`${packageKey}@${version}`);
    }
    return there;
  }

  /** Documents that name the versions are made anew when these are gone: put down before, so that no crash forgets it. */
  async #documentsLater(
    { object }: Place,
    owned: readonly OwnedFile[],
    later: (key: DirtyKey) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { journal, desk, clock } = this.#options;
    const { ofPackage, sharedWith, ofRepository } = indexRulesFor(object.repoType);
    const paths = owned.flatMap(({ fullPath }) => {
      const { packageKey: key } = splitOwnedName(fullPath);
      const facts = { key, name: key.slice(key.indexOf('://') + 3) };
      return [...ofPackage(facts), ...sharedWith(facts), ...ofRepository];
    });
    const now = clock.now();
    const retries = [...new Set(paths)].map(
      (name): Retry => ({
        key: { repoName: object.localRepoName, kind: 'path', name },
        at: new Date(now),
        attempts: 1,
        dueAt: new Date(now + DOCUMENTS_MS),
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
    const there = await this.#atSource(place, gone, signal);
    const now = new Date(clock.now());
    const retries = gone
      .filter(({ fullPath }) => there.has(fullPath))
      .map((owned): Retry => ({ key: keyOf(place, owned), at: now, attempts: 1, dueAt: now }));
    if (retries.length > 0) await journal.saveRetries(desk.id, retries, signal);
    for (const { key } of retries) later(key);
  }

  async #versions(
    place: Place,
    owned: readonly OwnedFile[],
    at: Date,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<void> {
    const { link } = this.#options;
    for (const one of owned) {
      const { fullPath } = one;
      const { packageKey, version } = splitOwnedName(fullPath);
      const artifact = { packageKey, packageName: packageKey, version };
      const far = await link.call((t) => t.findVersions(place.target, packageKey, [version], signal), signal);
      if (!far.has(version)) {
        await this.#disown(place, [one], signal);
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
        continue;
      }
      this.#deleted();
      await this.#disown(place, [one], signal);
      await journal.writeDetails([this.#detail(place, { fullPath: '', artifact, key: fullPath }, 'SUCCESS')], signal);
    }
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

  async #files(
    place: Place,
    owned: readonly OwnedFile[],
    at: Date,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<void> {
    if (owned.length === 0) return;
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
    for (let start = 0; start < ours.length; start += AT_ONCE)
      await settledAll(
        ours.slice(start, start + AT_ONCE).map(async ({ fullPath }) => {
          await link.call((t) => t.deleteNode(place.target, fullPath, at, signal), signal);
          this.#deleted();
        }),
      );
    const after = await look();
    const left = ours.filter((file) => isAsLeft(file, after.get(file.fullPath)));
    const details = [
      ...foreign.map(({ fullPath }) => this.#detail(place, { fullPath, key: fullPath }, 'CONFLICT', CHANGED)),
      ...left.map(({ fullPath }) => this.#detail(place, { fullPath, key: fullPath }, 'FAILED', NOT_DELETED)),
      ...ours
        .filter((file) => !left.includes(file))
        .map(({ fullPath }) => this.#detail(place, { fullPath, key: fullPath }, 'SUCCESS')),
    ];
    if (details.length > 0) await journal.writeDetails(details, signal);
    const settled = owned.filter((file) => !left.includes(file));
    await this.#disown(place, settled, signal);
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

function byPackage(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const packages = new Map<string, string[]>();
  for (const name of names) {
    const { packageKey, version } = splitOwnedName(name);
    packages.set(packageKey, [...(packages.get(packageKey) ?? []), version]);
  }
  return packages;
}
