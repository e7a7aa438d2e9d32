/**
 * Deletes versions and files of one object at one far side: only what lies there as the task left it; what somebody has
 * changed stays and is told as a conflict. Guarantees: what was deleted is looked for afterwards; what was put down lately
 * and is not there yet stays the task's; a far side that cannot be asked ends it, with all that was deleted on record.
 */
import { classify, ReplicationError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { FarSideLink } from '../far-side-link.ts';
import { isAsLeft } from '../ownership.ts';
import type { FollowJournal, OwnedFile } from '../ports/follow-journal.ts';
import type { RunJournal, UnitDetail } from '../ports/journal.ts';
import type { RunPlan } from '../run-types.ts';
import { unitKey } from '../unit-key.ts';
import { PAGE, type Place } from './departed.ts';
import type { FarSideDesk } from './far-side-desk.ts';
import { splitOwnedName } from './owned-name.ts';

export interface DeletionsOptions {
  readonly plan: RunPlan;
  readonly journal: FollowJournal;
  readonly link: FarSideLink;
  readonly desk: FarSideDesk;
  readonly clock: Clock;
  /** Called once for each file and version that was deleted. */
  readonly deleted: () => void;
}

/** As long as what was begun may take until it is at the far side, with all its attempts. Milliseconds. */
const ON_THE_WAY_MS = 600_000;
/** Requests to delete side by side. */
const AT_ONCE = 8;

export class Deletions {
  readonly #options: DeletionsOptions;

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  /** Those that the far side refused to delete. */
  async versions(
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
      this.#options.deleted();
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
  async files(
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
        this.#options.deleted();
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
