/**
 * Which keys of a task a change of its source makes dirty. Guarantees: a change of whatever the task selects gives at least
 * one key that covers it; one of what it does not select gives none, but for folders above what it selects. Pure.
 */
import { indexRulesFor } from '../indexes/rules.ts';
import { mapperFor } from '../packages/mapper.ts';
import { selects } from '../paths.ts';

interface Key {
  readonly repoName: string;
  readonly kind: 'path' | 'folder' | 'package';
  readonly name: string;
  readonly version?: string;
}

interface Selection {
  readonly localRepoName: string;
  readonly repoType: string;
  readonly paths: readonly string[];
  readonly packages?: readonly { readonly packageKey: string; readonly versions: readonly string[] }[];
}

interface NodeChange {
  readonly kind: 'node';
  readonly projectId: string;
  readonly repoName: string;
  readonly fullPath: string;
  readonly below: boolean;
}

interface PackageChange {
  readonly kind: 'package';
  readonly projectId: string;
  readonly repoName: string;
  readonly packageKey: string;
  readonly version?: string;
}

interface RepositoryChange {
  readonly kind: 'repository';
  readonly projectId: string;
  readonly repoName: string;
}

/** Each key once. */
export function marksOf(
  change: NodeChange | PackageChange | RepositoryChange,
  objects: readonly Selection[],
  localProjectId: string,
): readonly Key[] {
  const { projectId, repoName } = change;
  if (projectId !== localProjectId) return [];
  const keys = new Map<string, Key>();
  for (const object of objects) {
    if (object.localRepoName !== repoName) continue;
    for (const key of keysOf(change, object))
      keys.set(JSON.stringify([key.kind, key.name, key.version]), { repoName, ...key });
  }
  return [...keys.values()];
}

type OwnKey = Omit<Key, 'repoName'>;

function keysOf(change: NodeChange | PackageChange | RepositoryChange, object: Selection): readonly OwnKey[] {
  switch (change.kind) {
    case 'repository':
      // Its files are told of by themselves: it only has to be there.
      return [{ kind: 'path', name: '/' }];
    case 'package': {
      const { packageKey, version } = change;
      return object.paths.length === 0 && hasPackage(object, packageKey, version)
        ? [packageOf(packageKey, version)]
        : [];
    }
    case 'node':
      return change.below ? folderKeys(change, object) : fileKeys(change.fullPath, object);
  }
}

/** What lies below is looked up when it is dealt with. */
function folderKeys({ fullPath }: NodeChange, { paths }: Selection): readonly OwnKey[] {
  const touches = paths.length === 0 || paths.some((path) => selects(path, fullPath) || isAbove(fullPath, path));
  return touches ? [{ kind: 'folder', name: fullPath }] : [];
}

function fileKeys(fullPath: string, object: Selection): readonly OwnKey[] {
  const { repoType, paths, packages = [] } = object;
  const file: readonly OwnKey[] = [{ kind: 'path', name: fullPath }];
  if (paths.length > 0) return paths.some((path) => selects(path, fullPath)) ? file : [];
  if (repoType === 'GENERIC') return file;
  const rules = indexRulesFor(repoType);
  if (rules.isIndex(fullPath))
    return packages.length === 0 ? file : packages.filter(namedIn(fullPath, repoType)).map(whole);
  const owners = mapperFor(repoType)
    .owners(fullPath)
    .filter(({ packageKey, version }) => hasPackage(object, packageKey, version))
    .map(({ packageKey, version }) => packageOf(packageKey, version));
  // A file that turns out to belong to no version travels by itself.
  return packages.length === 0 ? [...owners, ...file] : owners;
}

/** Packages that have this index document. */
function namedIn(fullPath: string, repoType: string): (selected: { readonly packageKey: string }) => boolean {
  const rules = indexRulesFor(repoType);
  return ({ packageKey: key }) => {
    const facts = { key, name: key.slice(key.indexOf('://') + 3) };
    return [...rules.ofPackage(facts), ...rules.sharedWith(facts), ...rules.ofRepository].includes(fullPath);
  };
}

function whole({ packageKey }: { readonly packageKey: string }): OwnKey {
  return packageOf(packageKey, undefined);
}

function packageOf(name: string, version: string | undefined): OwnKey {
  return { kind: 'package', name, ...(version === undefined ? {} : { version }) };
}

function hasPackage({ packages = [] }: Selection, packageKey: string, version: string | undefined): boolean {
  if (packages.length === 0) return true;
  return packages.some(
    (one) =>
      one.packageKey === packageKey &&
      (version === undefined || one.versions.length === 0 || one.versions.includes(version)),
  );
}

/** Whether a folder lies above what a constraint selects. */
function isAbove(folder: string, constraint: string): boolean {
  return folder === '/' || constraint.startsWith(`${folder}/`);
}
