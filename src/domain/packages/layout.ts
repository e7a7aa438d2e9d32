/**
 * What the mappers of all types share: a type's layout tells where files of a version lie, these functions ask for them
 * and fail in words when they are not there.
 */

import { askFiles, askFolder, type FileFacts, type Inquiry } from './inquiry.ts';
import type { MappedFile, VersionFacts, VersionMapping } from './mapping.ts';
import { packageError, quoted } from './package-error.ts';
import { packagePath } from './package-path.ts';

/** Files of one version. */
export const MAX_FILES = 10_000;

/** A version whose key has been checked. */
export interface Subject {
  /** The name in the package's key. */
  readonly name: string;
  readonly version: VersionFacts;
}

/** A version as a path tells it. */
export interface Owner {
  /** The name in the package's key. */
  readonly name: string;
  readonly version: string;
}

/** The rules of one type. What they give may hold the same path twice; `mapper.ts` checks paths and drops doubles. */
export interface Layout {
  /** Besides the paths that the version records. Folders end with a slash. */
  readonly claims: (subject: Subject) => readonly string[];
  /**
   * Versions whose claims beyond what they record would hold this path, likelier ones first; a few at most. Absent where a
   * path says nothing of its package: such versions are heard of by themselves.
   */
  readonly owners?: (fullPath: string) => readonly Owner[];
  readonly map: (subject: Subject) => Inquiry<VersionMapping>;
}

/** All paths that a version records, its artifact first. */
export function recordedPaths(version: VersionFacts): readonly string[] {
  const paths = [version.artifactPath, ...version.artifactPaths, version.manifestPath];
  return [...new Set(paths.filter((path) => path !== null && path !== ''))] as string[];
}

/** The first of these places that holds a live file. */
export function* firstLive(places: readonly string[]): Inquiry<FileFacts | undefined> {
  const paths = places.map(packagePath);
  const found = yield* askFiles([...new Set(paths)]);
  return paths.map((path) => found.get(path)).find((file) => file !== undefined);
}

/**
 * The recorded artifacts; when at most one is recorded, it may lie at the layout's place as well. `places` gives for a
 * recorded path where its file may lie. Fails with `ArtifactMissing` naming the path that is gone.
 */
export function* artifacts(
  { version }: Subject,
  layout: readonly string[],
  places: (recorded: string) => readonly string[] = (path) => [path],
): Inquiry<readonly string[]> {
  const recorded = recordedPaths({ ...version, manifestPath: null });
  if (recorded.length === 0) {
    const found = yield* firstLive(layout);
    if (found !== undefined) return [found.fullPath];
    const looked = layout.length === 0 ? '' : `, and there is no file ${layout.map(quoted).join(' or ')}`;
    throw packageError('ArtifactMissing', `the version records no artifact${looked}`);
  }
  const result: string[] = [];
  for (const path of recorded) {
    const found = yield* firstLive(recorded.length === 1 ? [...places(path), ...layout] : places(path));
    if (found === undefined) throw artifactGone(path);
    result.push(found.fullPath);
  }
  return result;
}

export function artifactGone(path: string): Error {
  return packageError(
    'ArtifactMissing',
    `the artifact ${quoted(path)} that the version records is not in the repository`,
  );
}

/**
 * The document that the version records as its manifest, else one at the layout's place when there is one. A recorded
 * one that is neither there nor at the layout's place is `ManifestMissing`.
 */
export function* manifest({ version }: Subject, layout: readonly string[]): Inquiry<string | undefined> {
  const recorded = version.manifestPath === null || version.manifestPath === '' ? [] : [version.manifestPath];
  const found = yield* firstLive([...recorded, ...layout]);
  if (found === undefined && recorded.length > 0) throw manifestGone(recorded);
  return found?.fullPath;
}

export function manifestGone(places: readonly string[]): Error {
  return packageError('ManifestMissing', `the manifest ${places.map(quoted).join(' or ')} is not in the repository`);
}

/** All live files below a folder, in the order of their paths. */
export function* below(folder: string): Inquiry<readonly string[]> {
  const files = yield* askFolder(packagePath(folder), MAX_FILES);
  return files.map((file) => file.fullPath);
}

/** Stable: lower ranks first, paths of equal rank in the order given. */
export function byRank(paths: readonly string[], rank: (path: string) => number): readonly string[] {
  return paths
    .map((path, index) => ({ path, index, rank: rank(path) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ path }) => path);
}

/** Signatures and checksums: they lie there before the file that they belong to, so that whoever sees it can prove it. */
export function isSidecar(path: string): boolean {
  return /\.(?:asc|sig|prov|md5|sha1|sha224|sha256|sha384|sha512|metadata)$/.test(path);
}

/** Names between the slashes. */
export function segments(fullPath: string): readonly string[] {
  return fullPath.split('/').filter((segment) => segment !== '');
}

export function plain(paths: readonly string[]): readonly MappedFile[] {
  return paths.map((fullPath) => ({ fullPath }));
}
