/**
 * Which packages and versions of a task object a run works on, read from the source page by page: those that the object
 * selects, or, in a retry, those of them that failed before. What the object names and the source lacks is told once.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { ObjectContext } from '../context.ts';
import { follows } from '../ownership.ts';
import type { SourcePackage, SourceVersion } from '../ports/source.ts';
import type { RunPackage } from '../run-types.ts';
import { unitFailed } from '../unit-errors.ts';
import type { UnitSelection } from '../unit-selection.ts';
import { Claims } from './claims.ts';
import { versionKey } from './version-unit.ts';

export interface SelectedPackage {
  readonly source: SourcePackage;
  /** To be gone through once; those that are missing are recorded meanwhile. */
  readonly versions: AsyncIterable<readonly SourceVersion[]>;
}

/** Versions of one package read together. */
const VERSIONS_AT_ONCE = 50;

/** All packages of the repository when the object names none. */
export function selectedPackages(context: ObjectContext, run: AbortSignal): AsyncIterable<SelectedPackage> {
  const named = merged(context.object.packages ?? []);
  if (context.only !== undefined) return somePackages(context, context.only, named, run);
  return named.size === 0 ? allPackages(context, run) : namedPackages(context, named, run);
}

type Named = ReadonlyMap<string, readonly string[]>;

async function* allPackages(context: ObjectContext, run: AbortSignal): AsyncIterable<SelectedPackage> {
  const { reader, repository, deps } = context;
  for await (const page of reader.packages(repository, deps.limits.pageSize, run))
    for (const source of page) yield { source, versions: versionsOf(context, source, [], run) };
}

async function* namedPackages(context: ObjectContext, named: Named, run: AbortSignal): AsyncIterable<SelectedPackage> {
  const { reader, repository } = context;
  for (const [packageKey, versions] of named) {
    const source = await reader.findPackage(repository, packageKey, run);
    if (source === undefined) await missing(context, { key: packageKey }, undefined, run);
    else yield { source, versions: versionsOf(context, source, versions, run) };
  }
}

/** `names` empty = all. */
async function* versionsOf(
  context: ObjectContext,
  source: SourcePackage,
  names: readonly string[],
  run: AbortSignal,
): AsyncIterable<readonly SourceVersion[]> {
  if (names.length === 0) {
    yield* context.reader.versions(source.id, VERSIONS_AT_ONCE, run);
    return;
  }
  yield* namedVersions(context, source, names, () => true, run);
}

/** One that is missing is told when `isNamed`; else it has left the source, and there is nothing to say. */
async function* namedVersions(
  context: ObjectContext,
  source: SourcePackage,
  names: readonly string[],
  isNamed: (name: string) => boolean,
  run: AbortSignal,
): AsyncIterable<readonly SourceVersion[]> {
  for (let at = 0; at < names.length; at += VERSIONS_AT_ONCE) {
    const asked = names.slice(at, at + VERSIONS_AT_ONCE);
    const found = await context.reader.findVersions(source.id, asked, run);
    for (const name of asked) if (!found.has(name) && isNamed(name)) await missing(context, source, name, run);
    if (found.size > 0) yield [...found.values()];
  }
}

/**
 * Each package once, with the versions that failed: a package that was missing itself, or whose end failed, with all that
 * the object selects of it. Memory: 16 bytes for each package.
 */
async function* somePackages(
  context: ObjectContext,
  only: UnitSelection,
  named: Named,
  run: AbortSignal,
): AsyncIterable<SelectedPackage> {
  const { reader, repository, index } = context;
  const seen = new Claims();
  for await (const page of only.packages(index, run)) {
    for (const { packageKey: key, version } of page) {
      if (key === undefined || seen.has(claimOf(key))) continue;
      seen.add(claimOf(key));
      const names = named.get(key);
      const source = await reader.findPackage(repository, key, run);
      if (source === undefined) {
        if (names !== undefined && only.tellsMissing) await missing(context, { key }, undefined, run);
        continue;
      }
      const versions =
        version === undefined
          ? versionsOf(context, source, names ?? [], run)
          : someVersions(context, only, source, names ?? [], run);
      yield { source, versions };
    }
  }
}

async function* someVersions(
  context: ObjectContext,
  only: UnitSelection,
  source: SourcePackage,
  named: readonly string[],
  run: AbortSignal,
): AsyncIterable<readonly SourceVersion[]> {
  for await (const page of only.packages(context.index, run, source.key)) {
    const names = page.flatMap(({ packageKey, version }) =>
      packageKey === source.key && version !== undefined ? [version] : [],
    );
    yield* namedVersions(context, source, names, (name) => only.tellsMissing && named.includes(name), run);
  }
}

/** No folder of another key. */
function claimOf(packageKey: string): string {
  return packageKey.replaceAll('/', '\0');
}

/** Where the source is followed it may come. */
async function missing(
  context: ObjectContext,
  { key, name }: { readonly key: string; readonly name?: string },
  version: string | undefined,
  run: AbortSignal,
): Promise<void> {
  if (follows(context)) return;
  const where = `repository ${context.localProjectId}/${context.object.localRepoName} of the source`;
  const error =
    version === undefined
      ? new ReplicationError('unit', 'PackageNotFound', `${where} has no package ${key}`)
      : new ReplicationError('unit', 'VersionNotFound', `package ${key} in ${where} has no version ${version}`);
  const unit = version === undefined ? key : `${key}@${version}`;
  await unitFailed(context, unit, error, () => recordPackage(context, { key, name, version }, error, run), run);
}

/** A failed unit that is no version of the source: a package or version that is missing, or the end of a package's work. */
export function recordPackage(
  { index, object, recorder, deps }: ObjectContext,
  {
    key,
    name,
    version,
  }: { readonly key: string; readonly name?: string | undefined; readonly version?: string | undefined },
  error: ReplicationError,
  run: AbortSignal,
): Promise<void> {
  return recorder.record(
    {
      unitKey: version === undefined ? `${index}:${key}` : versionKey(index, key, version),
      object,
      node: { fullPath: '', size: 0, sha256: '' },
      artifact: {
        packageKey: key,
        packageName: name ?? key,
        ...(version === undefined ? {} : { version }),
      },
      status: 'FAILED',
      bytesSent: 0,
      startTime: new Date(deps.clock.now()),
      replaces: deps.resumed,
      reason: error.code,
      message: error.message,
    },
    run,
  );
}

/** One entry for each package: a package named twice is copied once, with all versions that were asked for. */
function merged(selected: readonly RunPackage[]): Named {
  const result = new Map<string, readonly string[]>();
  for (const { packageKey, versions } of selected) {
    const known = result.get(packageKey);
    const all = versions.length === 0 || known?.length === 0;
    result.set(packageKey, all ? [] : [...new Set([...(known ?? []), ...versions])]);
  }
  return result;
}
