/**
 * Which files a package version consists of, by the type of its repository. Pure: a mapper asks through an `Inquiry`.
 *
 * Guarantees: every type has a mapper; a version whose key or paths are not what they should be, or of which a part is
 * gone at the source, fails in words instead of being copied in half; a path is named once, and lies in the repository.
 * Does not know: whether the far side has the files, and index documents that name other versions (`indexes/`).
 */
import { CARGO } from './cargo.ts';
import { COMPOSER } from './composer.ts';
import { CONAN } from './conan.ts';
import { GENERAL, HUGGINGFACE } from './general.ts';
import { HELM } from './helm.ts';
import { IMAGE } from './image.ts';
import { type Layout, MAX_FILES, recordedPaths, type Subject } from './layout.ts';
import type { MappedFile, Mapper, MapperInput } from './mapping.ts';
import { MAVEN } from './maven.ts';
import { NPM } from './npm.ts';
import { NUGET } from './nuget.ts';
import { OHPM } from './ohpm.ts';
import { packageError, quoted } from './package-error.ts';
import { parsePackageKey, tryKeyOf, tryPackageKey } from './package-key.ts';
import { packagePath, tryPackagePath } from './package-path.ts';
import { PYPI } from './pypi.ts';
import { RPM } from './rpm.ts';

/** Types that are not here have the general layout. */
const LAYOUTS: ReadonlyMap<string, Layout> = new Map([
  ['MAVEN', MAVEN],
  ['NPM', NPM],
  ['DOCKER', IMAGE],
  ['OCI', IMAGE],
  ['HELM', HELM],
  ['PYPI', PYPI],
  ['NUGET', NUGET],
  ['RPM', RPM],
  ['COMPOSER', COMPOSER],
  ['CONAN', CONAN],
  ['CARGO', CARGO],
  ['OHPM', OHPM],
  ['HUGGINGFACE', HUGGINGFACE],
]);

/** @param repoType RepositoryType (contract §6.4), known to us or not */
export function mapperFor(repoType: string): Mapper {
  const layout = LAYOUTS.get(repoType) ?? GENERAL;
  return {
    owners: (fullPath) =>
      (layout.owners?.(fullPath) ?? []).flatMap(({ name, version }) => {
        const packageKey = tryKeyOf(repoType, name);
        return packageKey === undefined || version.trim() === '' ? [] : [{ packageKey, version }];
      }),
    claims(input) {
      const key = tryPackageKey(repoType, input.package.key);
      const own = key === undefined ? [] : layout.claims({ name: key.name, version: input.version });
      return [...new Set([...recordedPaths(input.version), ...own].flatMap(claim))];
    },
    *map(input) {
      const mapping = yield* layout.map(subjectOf(repoType, input));
      const files = new Map<string, MappedFile>();
      for (const file of mapping.files) {
        const fullPath = packagePath(file.fullPath);
        files.set(fullPath, { ...file, fullPath });
      }
      if (files.size > MAX_FILES)
        throw packageError('TooManyFiles', `the version consists of more than ${MAX_FILES} files`);
      return { files: [...files.values()], indexes: mapping.indexes };
    },
  };
}

function subjectOf(repoType: string, { package: { key }, version }: MapperInput): Subject {
  const { name } = parsePackageKey(repoType, key);
  if (version.name.trim() === '') throw packageError('PackagePathInvalid', `a version of ${quoted(key)} has no name`);
  for (const path of recordedPaths(version)) packagePath(path);
  return { name, version };
}

/** Without a trailing slash unless it is a folder; what is no path of the repository can claim nothing there. */
function claim(path: string): readonly string[] {
  const checked = tryPackagePath(path);
  if (checked === undefined) return [];
  return [path.endsWith('/') ? `${checked}/` : checked];
}
