/** Keys as text, and what of a task's objects they are about. */
import { mapperFor } from '../../domain/packages/mapper.ts';
import type { DirtyKey } from '../ports/follow-journal.ts';
import type { GoneUnit, RunObject } from '../run-types.ts';

/** The same text for the same key. */
export function keyText({ repoName, kind, name, version }: DirtyKey): string {
  return JSON.stringify([repoName, kind, name, version ?? null]);
}

/** What is tried again when this unit has failed. */
export function keyOfUnit({ localRepoName: repoName, fullPath, packageKey, version }: GoneUnit): DirtyKey {
  if (packageKey === undefined) return { repoName, kind: fullPath === '/' ? 'folder' : 'path', name: fullPath };
  return { repoName, kind: 'package', name: packageKey, ...(version === undefined ? {} : { version }) };
}

/** Whether a path lies below a folder; everything lies below `/`. */
export function isBelow(folder: string, fullPath: string): boolean {
  return folder === '/' || fullPath.startsWith(`${folder}/`);
}

/** Whether what becomes of `unit` is part of what becomes of `key`. */
export function covers(key: DirtyKey, unit: DirtyKey): boolean {
  if (key.repoName !== unit.repoName) return false;
  if (key.kind === 'folder')
    return key.name === '/' || (unit.kind !== 'package' && (unit.name === key.name || isBelow(key.name, unit.name)));
  if (key.kind !== unit.kind || key.name !== unit.name) return false;
  return key.kind === 'path' || key.version === undefined || key.version === unit.version;
}

/** Answers, of a file, the texts of the keys of packages and versions whose it may be. */
export function packagesOf(
  objects: readonly Pick<RunObject, 'localRepoName' | 'repoType'>[],
): (key: DirtyKey) => readonly string[] {
  const types = new Map(objects.map(({ localRepoName, repoType }) => [localRepoName, repoType]));
  return ({ repoName, kind, name }) => {
    const type = types.get(repoName);
    if (kind !== 'path' || type === undefined || type === 'GENERIC') return [];
    const owners = mapperFor(type).owners(name);
    return owners.flatMap(({ packageKey, version }) => {
      const whole = { repoName, kind: 'package', name: packageKey } as const;
      return [whole, ...(version === undefined ? [] : [{ ...whole, version }])].map(keyText);
    });
  };
}
