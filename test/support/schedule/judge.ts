/** Is a far side what the task says? Judged from databases and stores alone, by code that shares nothing with the program. */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { comparePackages, compareSides } from '../bkrepo/compare.ts';
import { blobPath } from '../bkrepo/layout.ts';
import type { MixedRepository } from '../bkrepo/packages/mixed.ts';
import { type ReadBackFile, readBack } from '../bkrepo/read-back.ts';
import { type ReadPackage, readPackages } from '../bkrepo/read-packages.ts';
import { isRewritten, isShared, namedIn } from './documents.ts';
import type { Expectations, ExpectedVersion } from './expectations.ts';
import { COPY, PROJECT, type Scene, type SceneSide, type Selection } from './scene.ts';

type Files = ReadonlyMap<string, ReadBackFile>;
type Packages = ReadonlyMap<string, ReadPackage>;

export interface Verdicts {
  readonly scene: Scene;
  readonly expectations: Expectations;
  readonly selection: Selection;
  /** What the source lost meanwhile: a far side may have it or not. */
  readonly removed: readonly ExpectedVersion[];
  /** Without OVERWRITE a package's description and extension stay at a far side, also when the source changes them later. */
  readonly keepsFields: boolean;
  /** Where a receiving process was killed its count of versions may be wrong: it counts after it has written. */
  readonly peersDied: boolean;
}

interface Sides {
  readonly here: Files;
  readonly there: Files;
  readonly ours: Packages;
  readonly theirs: Packages;
}

/** In words, what is not as it has to be at one far side. `seeds`: `repository path` of its own files. */
export async function differencesAt(
  side: SceneSide,
  seeds: ReadonlySet<string>,
  verdicts: Verdicts,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const repository of verdicts.scene.repositories) {
    const { name } = repository;
    const { builder } = verdicts.scene;
    const sides = {
      here: await readBack(builder.db, builder.storeDir, PROJECT, name),
      there: await readBack(side.db, side.storeDir, COPY, name),
      ours: await readPackages(builder.db, PROJECT, name),
      theirs: await readPackages(side.db, COPY, name),
    };
    const lines = [
      ...filesOf(repository, sides, seeds, verdicts),
      ...(await rewrittenOf(repository, sides, side, verdicts)),
      ...packagesOf(repository, sides, side, seeds, verdicts),
      ...(await documentsOf(repository, sides, side, verdicts)),
    ];
    found.push(...lines.map((line) => `${side.name} ${name}: ${line}`));
  }
  return found;
}

/** Versions of a repository that the task selects. */
function wanted({ name }: MixedRepository, { expectations, selection }: Verdicts): readonly ExpectedVersion[] {
  const chosen = selection.get(name);
  return expectations.all.filter(
    ({ repoName, packageKey, version }) =>
      repoName === name &&
      (chosen === undefined ||
        chosen.some((one) => one.packageKey === packageKey && one.versions?.includes(version) !== false)),
  );
}

function filesOf(
  repository: MixedRepository,
  { here, there }: Sides,
  seeds: ReadonlySet<string>,
  verdicts: Verdicts,
): string[] {
  const { name, type } = repository;
  const whole = !verdicts.selection.has(name);
  const paths = new Set(wanted(repository, verdicts).flatMap((version) => version.paths));
  const removed = new Set(verdicts.removed.filter(({ repoName }) => repoName === name).flatMap((one) => one.paths));
  const plain = (path: string): boolean => !isShared(type, path) && !isRewritten(type, path);
  const ours = new Map([...here].filter(([path]) => plain(path) && (whole || paths.has(path))));
  const theirs = new Map<string, ReadBackFile>();
  for (const [path, file] of there) {
    if (!plain(path) || (removed.has(path) && !ours.has(path))) continue;
    // Files of a version that was selected with another one (the child of an index) come with it.
    if (!ours.has(path) && !whole && here.get(path)?.sha256 === file.sha256) continue;
    if (!ours.has(path) && seeds.has(`${name} ${path}`)) continue;
    const metadata = file.metadata.filter(({ key }) => key !== 'far-note');
    theirs.set(path, { ...file, metadata });
  }
  // Who wrote a file that was there before, and when, stays as it was.
  const lines = compareSides(ours, theirs);
  return lines.filter((line) => !isAuditOfSeed(line, name, seeds));
}

function isAuditOfSeed(line: string, name: string, seeds: ReadonlySet<string>): boolean {
  const [path = '', field = ''] = line.split(': ');
  return seeds.has(`${name} ${path}`) && /^(?:created|lastModified)/.test(field);
}

/** Documents with addresses in them: the same but for those. */
async function rewrittenOf(
  repository: MixedRepository,
  { here, there }: Sides,
  side: SceneSide,
  verdicts: Verdicts,
): Promise<string[]> {
  const lines: string[] = [];
  const paths = wanted(repository, verdicts).flatMap((version) => version.paths);
  for (const path of paths.filter((one) => isRewritten(repository.type, one))) {
    const [ours, theirs] = [here.get(path), there.get(path)];
    if (ours === undefined) continue;
    if (theirs === undefined) lines.push(`${path}: only at source`);
    else {
      lines.push(...theirs.problems.map((problem) => `${path}: ${problem}`));
      const a = await withoutTarball(verdicts.scene.builder.storeDir, ours);
      const b = await withoutTarball(side.storeDir, theirs);
      if (!isDeepStrictEqual(a.rest, b.rest)) lines.push(`${path}: differs in more than its address`);
      if (a.tarball === b.tarball || b.tarball.includes(`/${PROJECT}/`))
        lines.push(`${path}: leads to the source: ${b.tarball}`);
    }
  }
  return lines;
}

/** An npm version document, and where it says its tarball is. */
export async function withoutTarball(
  storeDir: string,
  { sha256 }: ReadBackFile,
): Promise<{ readonly rest: unknown; readonly tarball: string }> {
  const { dist, ...rest } = JSON.parse(await readFile(blobPath(storeDir, sha256), 'utf8')) as {
    dist: Record<string, unknown>;
  };
  const { tarball, ...others } = dist;
  return { rest: { ...rest, dist: others }, tarball: String(tarball) };
}

function packagesOf(
  repository: MixedRepository,
  { ours, theirs }: Sides,
  side: SceneSide,
  seeds: ReadonlySet<string>,
  verdicts: Verdicts,
): string[] {
  const versions = wanted(repository, verdicts);
  const whole = !verdicts.selection.has(repository.name);
  const isWanted = (key: string, name: string): boolean =>
    versions.some(({ packageKey, version }) => packageKey === key && version === name);
  const only = (packages: Packages): Packages =>
    new Map(
      [...packages].flatMap(([key, item]): [string, ReadPackage][] => {
        const kept = new Map([...item.versions].filter(([name]) => isWanted(key, name)));
        const problems = verdicts.peersDied ? item.problems.filter((one) => !one.startsWith('counts')) : item.problems;
        return kept.size === 0 ? [] : [[key, { ...item, versions: kept, problems }]];
      }),
    );
  // A real server puts the version's extension in place of the package's.
  const ignoreFields = [
    ...(side.faithful ? ['extension'] : []),
    ...(whole ? [] : ['latest', 'versionTag']),
    ...(verdicts.keepsFields ? ['description', 'extension'] : []),
  ];
  const lines = comparePackages(only(ours), only(theirs), { ignoreFields });
  const missing = versions.filter(({ packageKey, version }) => theirs.get(packageKey)?.versions.has(version) !== true);
  const own = seeds.size === 0 ? [] : [...theirs].filter(([key, item]) => !item.versions.has('0.5.0') && hasSeed(key));
  return [
    ...lines,
    ...missing.map(({ packageKey, version }) => `${packageKey}@${version}: is not at the far side`),
    ...own.map(([key]) => `${key}@0.5.0: the far side's own version is gone`),
  ];

  function hasSeed(key: string): boolean {
    return verdicts.expectations.find(`${side.name} ${repository.name}`, key, '0.5.0') !== undefined;
  }
}

/** Index documents: whole, they name what is there, and nothing that is there and was named before is lost. */
async function documentsOf(
  { type, name }: MixedRepository,
  { here, there, theirs }: Sides,
  side: SceneSide,
  verdicts: Verdicts,
): Promise<string[]> {
  const lines: string[] = [];
  const { storeDir } = verdicts.scene.builder;
  for (const [path, file] of there) {
    if (!isShared(type, path)) continue;
    lines.push(...file.problems.map((problem) => `${path}: ${problem}`));
    const bytes = await readFile(blobPath(side.storeDir, file.sha256));
    const named = namedIn(type, path, bytes);
    for (const { packageKey, versions } of named) {
      for (const version of versions.filter((one) => theirs.get(packageKey)?.versions.has(one) !== true))
        lines.push(`${path}: names ${packageKey}@${version}, which is not there`);
    }
    const source = here.get(path);
    if (source === undefined) continue;
    const known = new Map(named.map(({ packageKey, versions }) => [packageKey, new Set(versions)]));
    for (const { packageKey, versions } of namedIn(type, path, await readFile(blobPath(storeDir, source.sha256)))) {
      const own = verdicts.expectations.find(`${side.name} ${name}`, packageKey, '0.5.0');
      for (const version of [...versions, ...(own === undefined ? [] : ['0.5.0'])]) {
        if (theirs.get(packageKey)?.versions.has(version) === true && known.get(packageKey)?.has(version) !== true)
          lines.push(`${path}: does not name ${packageKey}@${version}, which is there`);
      }
    }
  }
  const whole = !verdicts.selection.has(name);
  for (const path of here.keys())
    if (whole && isShared(type, path) && !there.has(path)) lines.push(`${path}: only at source`);
  return lines;
}
