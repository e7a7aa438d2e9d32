/**
 * What a task owns at one far side and its source no longer has. Guarantees: an outage, or a database without the project,
 * makes nothing gone; nor is gone what another object of the task brings to the same place.
 */
import { selects } from '../../domain/paths.ts';
import type { FollowJournal, OwnedFile, OwnedScope } from '../ports/follow-journal.ts';
import type { SourceRepository } from '../ports/source.ts';
import type { TargetRepository } from '../ports/target.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import type { SourceReader } from '../source-reader.ts';
import { splitOwnedName } from './owned-name.ts';

export interface DepartedOptions {
  readonly plan: RunPlan;
  readonly clusterId: string;
  readonly journal: Pick<FollowJournal, 'owned'>;
  readonly reader: SourceReader;
}

export interface Place {
  readonly index: number;
  readonly object: RunObject;
  readonly target: TargetRepository;
  /** Undefined = the source has no such repository any more. */
  readonly repository: SourceRepository | undefined;
  /** Of other objects that go to the same repository of the far side: what they hold is not gone. */
  readonly others: readonly { readonly object: RunObject; readonly repository: SourceRepository }[];
}

/** Owned things looked at together. */
export const PAGE = 500;

export class Departed {
  readonly #options: DepartedOptions;

  constructor(options: DepartedOptions) {
    this.#options = options;
  }

  /** Undefined = nothing can be said of it. */
  async place(index: number, signal: AbortSignal): Promise<Place | undefined> {
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

  /** What of the scope is owned, and no longer at the source. */
  async *gone(place: Place, scope: OwnedScope, signal: AbortSignal): AsyncGenerator<readonly OwnedFile[]> {
    const { journal, clusterId } = this.#options;
    for (let after: string | undefined; ; ) {
      const page = await journal.owned(clusterId, place.target, scope, after, PAGE, signal);
      const there = await this.atSource(place, page, signal);
      const gone = page.filter(({ fullPath }) => !there.has(fullPath));
      if (gone.length > 0) yield gone;
      after = page.at(-1)?.fullPath;
      if (after === undefined) return;
    }
  }

  /** Full paths and names of those that the source has. */
  async atSource(
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
}

function byPackage(names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const packages = new Map<string, string[]>();
  for (const name of names) {
    const { packageKey, version } = splitOwnedName(name);
    packages.set(packageKey, [...(packages.get(packageKey) ?? []), version]);
  }
  return packages;
}
