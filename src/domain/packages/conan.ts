/**
 * CONAN: all revisions of the recipe and their binary packages: the folder `/{user}/{name}/{version}/{channel}`.
 *
 * Order: files, then `conanmanifest.txt` (what a client of the first protocol begins with). The lists of revisions
 * `index.json` (what one of the second begins with) are index documents of the version, those of packages first.
 */
import { CONAN_RULES } from '../indexes/conan-rules.ts';
import { artifactGone, below, byRank, type Layout, plain, recordedPaths, type Subject, segments } from './layout.ts';
import { packageError, quoted } from './package-error.ts';
import { fileName, packagePath, tryPackagePath } from './package-path.ts';

export const CONAN: Layout = {
  claims: (subject) => {
    const folder = recipeFolder(subject, tryPackagePath);
    return folder === undefined ? [] : [`${folder}/`];
  },
  owners: (fullPath) => {
    const [user, recipe, version, channel, file] = segments(fullPath);
    if (user === undefined || recipe === undefined || version === undefined || file === undefined) return [];
    return [`${user}@${recipe}/${channel}`, recipe].map((name) => ({ name, version }));
  },
  *map(subject) {
    const folder = recipeFolder(subject, packagePath);
    if (folder === undefined)
      throw packageError(
        'ArtifactMissing',
        `neither the package key nor a recorded path says where the recipe ${quoted(subject.name)} lies`,
      );
    const files = yield* below(folder);
    if (files.length === 0) throw packageError('ArtifactMissing', `there are no files in the folder ${quoted(folder)}`);
    const gone = recordedPaths(subject.version)
      .map(packagePath)
      .find((path) => !files.includes(path));
    if (gone !== undefined) throw artifactGone(gone);
    const indexes = files.filter(CONAN_RULES.isIndex);
    const rest = files.filter((path) => !CONAN_RULES.isIndex(path));
    if (rest.length === 0) throw packageError('ArtifactMissing', `there is no recipe in the folder ${quoted(folder)}`);
    return { files: plain(byRank(rest, rank)), indexes: byRank(indexes, (path) => -path.split('/').length) };
  },
};

/** Keys are `user@name/channel`; older ones have only the name: then the recorded path says the rest. */
function recipeFolder({ name, version }: Subject, check: (path: string) => string | undefined): string | undefined {
  const key = /^([^@/]+)@([^/]+)\/([^/]+)$/.exec(name);
  if (key !== null) return check(`/${key[1]}/${key[2]}/${version.name}/${key[3]}`);
  for (const recorded of recordedPaths(version)) {
    const [, user, recipe, release, channel, ...rest] = check(recorded)?.split('/') ?? [];
    if (recipe === name && release === version.name && rest.length > 0)
      return `/${user}/${recipe}/${release}/${channel}`;
  }
  return undefined;
}

function rank(path: string): number {
  return fileName(path) === 'conanmanifest.txt' ? 1 : 0;
}
