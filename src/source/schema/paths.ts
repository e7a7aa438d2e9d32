/** bk-repo's paths (contract §5.2): a fullPath is `/a/b/c.txt`, its path `/a/b/`, its name `c.txt`; the root is `/`. */

import { normalisePath, pathRefusal } from '../../domain/paths.ts';

/** A path that bk-repo itself would refuse (its code 251011). */
export class InvalidPathError extends Error {
  readonly code = 'InvalidPath';

  constructor(reason: string) {
    super(`the path is not valid: ${reason}`);
    this.name = 'InvalidPathError';
  }
}

/** A fullPath from what a person or a record wrote. Fails with {@link InvalidPathError} where bk-repo refuses it. */
export function normalizeFullPath(input: string): string {
  const fullPath = normalisePath(input);
  const reason = pathRefusal(fullPath);
  if (reason !== undefined) throw new InvalidPathError(reason);
  return fullPath;
}

/** The stored `path` and `name` of a normalised fullPath. The root has path `/` and an empty name. */
export function splitFullPath(fullPath: string): { readonly path: string; readonly name: string } {
  const cut = fullPath.lastIndexOf('/') + 1;
  return { path: fullPath.slice(0, cut), name: fullPath.slice(cut) };
}

/** The fullPaths of all folders above a normalised fullPath, outermost first, without the root: `/a`, `/a/b`. */
export function ancestorFolders(fullPath: string): readonly string[] {
  const folders: string[] = [];
  for (let slash = fullPath.indexOf('/', 1); slash > 0; slash = fullPath.indexOf('/', slash + 1)) {
    folders.push(fullPath.slice(0, slash));
  }
  return folders;
}

/** Some fullPaths in MongoDB's own order (bytes of UTF-8, so code points): `from` ≤ fullPath < `before`. */
export interface PathRange {
  readonly from: string;
  readonly before: string;
}

/**
 * All fullPaths that begin with `prefix`, which begins with a slash: up to the same text with its last character
 * replaced by the next code point. No regular expression is involved, so no name needs escaping.
 */
export function withPrefix(prefix: string): PathRange {
  const characters = Array.from(prefix);
  for (;;) {
    const last = characters.pop()?.codePointAt(0) ?? 0;
    if (last === MAX_CODE_POINT) continue;
    const next = last === BEFORE_SURROGATES ? BEHIND_SURROGATES : last + 1;
    return { from: prefix, before: characters.join('') + String.fromCodePoint(next) };
  }
}

const MAX_CODE_POINT = 0x10ffff;
const BEFORE_SURROGATES = 0xd7ff;
const BEHIND_SURROGATES = 0xe000;

/** Everything below a folder, without the folder itself. */
export function belowFolder(folder: string): PathRange {
  return withPrefix(folder === '/' ? '/' : `${folder}/`);
}
