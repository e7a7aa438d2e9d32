/**
 * Dirty keys as the selection of a run: each object of the task gets those of them that it selects, folders gone through
 * as the source has them now. Memory: the keys, and the packages that they touch.
 */
import { mapperFor } from '../../domain/packages/mapper.ts';
import { selects } from '../../domain/paths.ts';
import type { DirtyKey } from '../ports/follow-journal.ts';
import type { Source, SourceNode, SourceRepository } from '../ports/source.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import type { SelectedScope, SelectedUnit, UnitSelection } from '../unit-selection.ts';
import { isBelow } from './dirty-keys.ts';

export interface DirtyUnitsOptions {
  readonly plan: Pick<RunPlan, 'localProjectId' | 'objects'>;
  readonly keys: readonly DirtyKey[];
  readonly source: Pick<Source, 'repository' | 'nodes'>;
  readonly pageSize: number;
}

export class DirtyUnits implements UnitSelection {
  readonly tellsMissing = false;
  readonly #options: DirtyUnitsOptions;
  readonly #touched = new Map<number, Promise<readonly SelectedUnit[]>>();

  constructor(options: DirtyUnitsOptions) {
    this.#options = options;
  }

  async scope(index: number): Promise<SelectedScope> {
    const keys = this.#keys(index);
    if (keys.some(({ kind, name }) => kind === 'folder' && name === '/')) return 'whole';
    return keys.length === 0 ? 'nothing' : 'units';
  }

  async *packages(index: number, signal: AbortSignal, packageKey?: string): AsyncGenerator<readonly SelectedUnit[]> {
    this.#touched.set(index, this.#touched.get(index) ?? this.#packages(index, signal));
    const units = (await this.#touched.get(index)) ?? [];
    const wanted = packageKey === undefined ? units : units.filter((unit) => unit.packageKey === packageKey);
    if (wanted.length > 0) yield wanted;
  }

  async *paths(index: number, signal: AbortSignal): AsyncGenerator<readonly string[]> {
    const { pageSize } = this.#options;
    const keys = this.#keys(index);
    const folders = topmost(keys.filter(({ kind }) => kind === 'folder').map(({ name }) => name));
    const single = keys
      .filter(({ kind, name }) => kind === 'path' && !folders.some((folder) => isBelow(folder, name)))
      .map(({ name }) => name);
    for (let at = 0; at < single.length; at += pageSize) yield single.slice(at, at + pageSize);
    const object = this.#options.plan.objects[index];
    if (object === undefined) return;
    for await (const page of this.#below(folders, object, signal)) {
      const paths = page.map(({ fullPath }) => fullPath).filter((fullPath) => isSelected(object, fullPath));
      if (paths.length > 0) yield paths;
    }
  }

  /** A path that the object names is dirty, or not, like any other. */
  async named(): Promise<readonly string[]> {
    return [];
  }

  #keys(index: number): readonly DirtyKey[] {
    const { plan, keys } = this.#options;
    const object = plan.objects[index];
    if (object === undefined) return [];
    return keys.filter(({ repoName, kind, name, version }) => {
      if (repoName !== object.localRepoName) return false;
      if (kind === 'package') return object.paths.length === 0 && hasPackage(object, name, version);
      if ((object.packages ?? []).length > 0) return kind === 'folder';
      return kind === 'folder' || isSelected(object, name);
    });
  }

  /** Those whose key is dirty, and those with files below a dirty folder; each once, those of one package together. */
  async #packages(index: number, signal: AbortSignal): Promise<readonly SelectedUnit[]> {
    const object = this.#options.plan.objects[index];
    if (object === undefined || object.paths.length > 0) return [];
    const keys = this.#keys(index);
    const touched = new Map<string, Set<string | undefined>>();
    const touch = (packageKey: string, version: string | undefined): void => {
      touched.set(packageKey, (touched.get(packageKey) ?? new Set()).add(version));
    };
    for (const { kind, name, version } of keys) if (kind === 'package') touch(name, version);
    if (object.repoType !== 'GENERIC') {
      const folders = topmost(keys.filter(({ kind }) => kind === 'folder').map(({ name }) => name));
      const { owners } = mapperFor(object.repoType);
      for await (const page of this.#below(folders, object, signal))
        for (const { fullPath } of page)
          for (const { packageKey, version } of owners(fullPath))
            if (hasPackage(object, packageKey, version)) touch(packageKey, version);
    }
    return [...touched].flatMap(([packageKey, versions]) =>
      versions.has(undefined)
        ? [{ fullPath: '', packageKey }]
        : [...versions].map((version) => ({ fullPath: '', packageKey, ...(version === undefined ? {} : { version }) })),
    );
  }

  async *#below(
    folders: readonly string[],
    object: RunObject,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourceNode[]> {
    if (folders.length === 0) return;
    const { source, plan, pageSize } = this.#options;
    const repository: SourceRepository | undefined = await source.repository(
      plan.localProjectId,
      object.localRepoName,
      signal,
    );
    if (repository === undefined) return;
    for (const path of folders) yield* source.nodes(repository, { path }, pageSize, signal);
  }
}

/** Without those that lie below another one. */
function topmost(folders: readonly string[]): readonly string[] {
  const sorted = [...new Set(folders)].sort();
  return sorted.filter((folder) => !sorted.some((other) => other !== folder && isBelow(other, folder)));
}

function isSelected({ paths, packages = [] }: RunObject, fullPath: string): boolean {
  if (packages.length > 0) return false;
  return paths.length === 0 || paths.some((path) => selects(path, fullPath));
}

function hasPackage({ packages = [] }: RunObject, packageKey: string, version: string | undefined): boolean {
  if (packages.length === 0) return true;
  return packages.some(
    (one) =>
      one.packageKey === packageKey &&
      (version === undefined || one.versions.length === 0 || one.versions.includes(version)),
  );
}
