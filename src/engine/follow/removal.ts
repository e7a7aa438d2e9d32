/**
 * Deletes at one far side what the source no longer has (design §6): files only, never folders; only what the task put
 * there or adopted, and only while it lies there as the task left it. Guarantees: source and far side are asked just
 * before; a version goes before its files; what was deleted is looked for afterwards; a mass delete stops and asks.
 */
import { classify, ReplicationError } from '../../domain/errors.ts';
import { allowedDeletes, type DeleteProtection, DeleteWindow } from '../../domain/follow/delete-cap.ts';
import { indexRulesFor } from '../../domain/indexes/rules.ts';
import type { Clock } from '../../lib/clock.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { FarSideLink } from '../far-side-link.ts';
import { isAsLeft } from '../ownership.ts';
import type { FollowJournal, OwnedFile, OwnedScope } from '../ports/follow-journal.ts';
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

/** `held`: too much at once; nothing of it was deleted. */
export type Removed = 'done' | 'held';

interface Place {
  readonly index: number;
  readonly object: RunObject;
  readonly target: TargetRepository;
  /** Undefined = the source has no such repository any more. */
  readonly repository: SourceRepository | undefined;
}

/** Owned things looked at together. */
const PAGE = 500;
/** Before documents are made anew: several versions often go together. Milliseconds. */
const DOCUMENTS_MS = 2_000;
/** Requests to delete side by side. */
const AT_ONCE = 8;

export class Removal {
  readonly #options: RemovalOptions;
  readonly #window = new DeleteWindow();
  /** What is held, while it is. */
  readonly #held = new Set<string>();
  #approved = false;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /** A person has agreed to what is held. */
  approve(): void {
    this.#approved = true;
    this.#held.clear();
    this.#window.clear();
  }

  /** What was approved is done; what comes from now on is judged anew. */
  endApproval(): void {
    this.#approved = false;
  }

  /** Fails when source or far side cannot be asked; what was deleted by then is on record. */
  async execute({ index, scope, at }: Departure, journal: RunJournal, signal: AbortSignal): Promise<Removed> {
    const place = await this.#place(index, signal);
    if (place === undefined) return 'done';
    if (!(await this.#mayGo(place, scope, signal))) return 'held';
    for await (const gone of this.#gone(place, scope, signal)) {
      const versions = gone.filter(({ sha256 }) => sha256 === null);
      const files = gone.filter(({ sha256 }) => sha256 !== null);
      await this.#documentsLater(place, versions, signal);
      await this.#versions(place, versions, at, journal, signal);
      await this.#files(place, files, at, journal, signal);
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
    return { index, object, target, repository };
  }

  /** Counted first, so that a mass delete is stopped before its first file. */
  async #mayGo(place: Place, scope: OwnedScope, signal: AbortSignal): Promise<boolean> {
    const { journal, protection, desk, clock } = this.#options;
    if (this.#approved) return true;
    const gone: string[] = [];
    for await (const page of this.#gone(place, scope, signal)) gone.push(...page.map(({ fullPath }) => fullPath));
    if (gone.length === 0) return true;
    const owned = await journal.countOwned(desk.id, signal);
    const recent = this.#window.recent(clock.monotonic());
    const allowed = allowedDeletes(protection, owned + recent);
    if (desk.state.heldSince === undefined && recent + gone.length <= allowed) return true;
    // Several changes may tell of the same file.
    const { projectId, name } = place.target;
    for (const fullPath of gone) this.#held.add(`${projectId}/${name}:${fullPath}`);
    desk.held = { files: this.#held.size, owned, allowed };
    if (desk.state.heldSince === undefined) await desk.save({ heldSince: new Date(clock.now()) }, signal);
    return false;
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
    { repository }: Place,
    owned: readonly OwnedFile[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    if (repository === undefined || owned.length === 0) return new Set();
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
  async #documentsLater({ object }: Place, owned: readonly OwnedFile[], signal: AbortSignal): Promise<void> {
    const { journal, desk, clock } = this.#options;
    const { ofPackage, sharedWith, ofRepository } = indexRulesFor(object.repoType);
    const paths = owned.flatMap(({ fullPath }) => {
      const { packageKey: key } = splitOwnedName(fullPath);
      const facts = { key, name: key.slice(key.indexOf('://') + 3) };
      return [...ofPackage(facts), ...sharedWith(facts), ...ofRepository];
    });
    const now = clock.now();
    const retries = [...new Set(paths)].map((name) => ({
      key: { repoName: object.localRepoName, kind: 'path' as const, name },
      at: new Date(now),
      attempts: 1,
      dueAt: new Date(now + DOCUMENTS_MS),
    }));
    if (retries.length > 0) await journal.saveRetries(desk.id, retries, signal);
  }

  async #versions(
    place: Place,
    owned: readonly OwnedFile[],
    at: Date,
    journal: RunJournal,
    signal: AbortSignal,
  ): Promise<void> {
    const { link } = this.#options;
    for (const { fullPath } of owned) {
      const { packageKey, version } = splitOwnedName(fullPath);
      const artifact = { packageKey, packageName: packageKey, version };
      const far = await link.call((t) => t.findVersions(place.target, packageKey, [version], signal), signal);
      if (!far.has(version)) {
        await this.#disown(place, [fullPath], signal);
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
      await this.#disown(place, [fullPath], signal);
      await journal.writeDetails([this.#detail(place, { fullPath: '', artifact, key: fullPath }, 'SUCCESS')], signal);
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
    const { link, clock } = this.#options;
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
        ours
          .slice(start, start + AT_ONCE)
          .map(({ fullPath }) => link.call((t) => t.deleteNode(place.target, fullPath, at, signal), signal)),
      );
    this.#window.add(clock.monotonic(), ours.length);
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
    const settled = owned.filter((file) => !left.includes(file)).map(({ fullPath }) => fullPath);
    await this.#disown(place, settled, signal);
  }

  #disown({ target }: Place, fullPaths: readonly string[], signal: AbortSignal): Promise<void> {
    const { journal, desk } = this.#options;
    return journal.disown(desk.id, target, fullPaths, signal);
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

const NOT_DELETED = new ReplicationError(
  'unit',
  'NotDeleted',
  'the far side accepted the deletion, but the file is still there',
);

function byPackage(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const packages = new Map<string, string[]>();
  for (const name of names) {
    const { packageKey, version } = splitOwnedName(name);
    packages.set(packageKey, [...(packages.get(packageKey) ?? []), version]);
  }
  return packages;
}
