/** In what a far side is not what a task that follows has to make of it, read from databases and stores alone. */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { comparePackages, compareSides } from '../../support/bkrepo/compare.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { type ReadBackFile, readBack } from '../../support/bkrepo/read-back.ts';
import { type ReadPackage, readPackages } from '../../support/bkrepo/read-packages.ts';
import { isRewritten, isShared, namedIn } from '../../support/schedule/documents.ts';
import { withoutTarball } from '../../support/schedule/judge.ts';
import { type FollowedObject, type FollowingSite, type FollowingTask, PROJECT } from './site.ts';

type Files = ReadonlyMap<string, ReadBackFile>;
type Packages = ReadonlyMap<string, ReadPackage>;

/** In words; empty = the task's far sides have what the source has, and nothing else. */
export async function differences(site: FollowingSite, task: FollowingTask): Promise<readonly string[]> {
  const { builder, farSides } = site.replication;
  const found: string[] = [];
  for (const object of task.objects) {
    const { name, type } = object.repository;
    const all = await readBack(builder.db, builder.storeDir, PROJECT, name);
    const here = selected(all, object);
    const ours = await readPackages(builder.db, PROJECT, name);
    for (const side of farSides) {
      const there = await readBack(side.db, side.storeDir, task.remoteProject, name);
      const theirs = await readPackages(side.db, task.remoteProject, name);
      const lines = [
        // The same bytes put once more are equal already: then the far side keeps the older dates.
        ...compareSides(plain(type, here), plain(type, there), { audit: false }),
        ...packagesOf(ours, theirs),
        ...(await rewrittenOf(type, { here, there }, builder.storeDir, side.storeDir)),
        ...(await indexesOf(type, { here, there }, { ours, theirs }, [builder.storeDir, side.storeDir])),
      ];
      found.push(...lines.map((line) => `${task.name} ${side.name} ${name}: ${line}`));
    }
  }
  return found;
}

function selected(files: Files, { folders }: FollowedObject): Files {
  if (folders === undefined) return files;
  return new Map([...files].filter(([path]) => folders.some((folder) => path.startsWith(`${folder}/`))));
}

/** Files that are the same everywhere. */
function plain(type: string, files: Files): Files {
  return new Map([...files].filter(([path]) => !isShared(type, path) && !isRewritten(type, path)));
}

function packagesOf(ours: Packages, theirs: Packages): readonly string[] {
  // A server that was killed has counted wrongly.
  const sound = (packages: Packages): Packages =>
    new Map([...packages].map(([key, item]) => [key, { ...item, problems: uncounted(item.problems) }]));
  // A real server puts the version's extension in place of the package's: a difference in it alone moves nothing.
  return comparePackages(sound(ours), sound(theirs), { ignorePackageFields: ['extension'], audit: false });
}

function uncounted(problems: readonly string[]): readonly string[] {
  return problems.filter((problem) => !problem.startsWith('counts'));
}

/** Documents with the far side's address in them: the same but for that. */
async function rewrittenOf(
  type: string,
  { here, there }: { readonly here: Files; readonly there: Files },
  storeDir: string,
  farStoreDir: string,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const path of new Set([...here.keys(), ...there.keys()])) {
    if (!isRewritten(type, path)) continue;
    const [ours, theirs] = [here.get(path), there.get(path)];
    if (ours === undefined) lines.push(`${path}: only at far side`);
    else if (theirs === undefined) lines.push(`${path}: only at source`);
    else {
      const a = await withoutTarball(storeDir, ours);
      const b = await withoutTarball(farStoreDir, theirs);
      if (!isDeepStrictEqual(a.rest, b.rest)) lines.push(`${path}: differs in more than its address`);
    }
  }
  return lines;
}

/** Documents that versions share name the versions that are there, as the source's do, and no others. */
async function indexesOf(
  type: string,
  { here, there }: { readonly here: Files; readonly there: Files },
  { ours, theirs }: { readonly ours: Packages; readonly theirs: Packages },
  [storeDir, farStoreDir]: readonly [string, string],
): Promise<readonly string[]> {
  const lines: string[] = [];
  const names = async (files: Files, store: string, path: string, packages: Packages): Promise<ReadonlySet<string>> => {
    const file = files.get(path);
    if (file === undefined) return new Set();
    const named = namedIn(type, path, await readFile(blobPath(store, file.sha256)));
    const all = named.flatMap(({ packageKey, versions }) => versions.map((version) => ({ packageKey, version })));
    const there = all.filter(({ packageKey, version }) => packages.get(packageKey)?.versions.has(version) === true);
    if (files === here) return new Set(there.map(({ packageKey, version }) => `${packageKey}@${version}`));
    return new Set(all.map(({ packageKey, version }) => `${packageKey}@${version}`));
  };
  for (const path of new Set([...here.keys(), ...there.keys()])) {
    if (!isShared(type, path)) continue;
    lines.push(...(there.get(path)?.problems ?? []).map((problem) => `${path}: ${problem}`));
    const wanted = await names(here, storeDir, path, ours);
    const named = await names(there, farStoreDir, path, theirs);
    if (wanted.size > 0 && !there.has(path)) lines.push(`${path}: only at source`);
    for (const one of wanted) if (there.has(path) && !named.has(one)) lines.push(`${path}: does not name ${one}`);
    for (const one of named) if (!wanted.has(one)) lines.push(`${path}: names ${one}, which the source does not`);
  }
  return lines;
}
