/** Which packages and versions a task object selects, read from the source page by page; what is missing is told once. */
import { ReplicationError } from '../../domain/errors.ts';
import type { ObjectContext } from '../context.ts';
import type { SourcePackage, SourceVersion } from '../ports.ts';
import type { RunPackage } from '../run-types.ts';
import { unitFailed } from '../unit-errors.ts';
import { versionKey } from './version-unit.ts';

export interface SelectedPackage {
  readonly source: SourcePackage;
  /** Empty = all. */
  readonly versions: readonly string[];
}

/** Versions of one package read together. */
const VERSIONS_AT_ONCE = 50;

/** All packages of the repository when `selected` is empty. A missing one becomes a failed unit. */
export async function* selectedPackages(
  context: ObjectContext,
  selected: readonly RunPackage[],
  run: AbortSignal,
): AsyncIterable<SelectedPackage> {
  const { reader, repository, deps } = context;
  if (selected.length === 0) {
    for await (const page of reader.packages(repository, deps.limits.pageSize, run))
      for (const source of page) yield { source, versions: [] };
    return;
  }
  for (const [packageKey, versions] of merged(selected)) {
    const source = await reader.findPackage(repository, packageKey, run);
    if (source === undefined) await missing(context, { key: packageKey }, undefined, run);
    else yield { source, versions };
  }
}

export async function* selectedVersions(
  context: ObjectContext,
  { source, versions: names }: SelectedPackage,
  run: AbortSignal,
): AsyncIterable<readonly SourceVersion[]> {
  const { reader } = context;
  if (names.length === 0) {
    yield* reader.versions(source.id, VERSIONS_AT_ONCE, run);
    return;
  }
  for (let at = 0; at < names.length; at += VERSIONS_AT_ONCE) {
    const asked = names.slice(at, at + VERSIONS_AT_ONCE);
    const found = await reader.findVersions(source.id, asked, run);
    for (const name of asked) if (!found.has(name)) await missing(context, source, name, run);
    if (found.size > 0) yield [...found.values()];
  }
}

async function missing(
  context: ObjectContext,
  { key, name }: { readonly key: string; readonly name?: string },
  version: string | undefined,
  run: AbortSignal,
): Promise<void> {
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
function merged(selected: readonly RunPackage[]): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  for (const { packageKey, versions } of selected) {
    const known = result.get(packageKey);
    const all = versions.length === 0 || known?.length === 0;
    result.set(packageKey, all ? [] : [...new Set([...(known ?? []), ...versions])]);
  }
  return result;
}
