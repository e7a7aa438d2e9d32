import type { Source } from '../ports/source.ts';
import type { UnitEnd } from '../recorder.ts';

/** The first of these that the source says it has changed since; undefined = none, or the source cannot be asked. */
export async function changedSince(
  since: Date,
  ends: readonly UnitEnd[],
  projectId: string,
  source: Source,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    for (const end of ends) {
      const changed = await lastChange(end, projectId, source, signal);
      if (changed !== undefined && changed >= since) return nameOf(end);
    }
  } catch {
    // The next compare asks again.
    signal.throwIfAborted();
  }
  return undefined;
}

async function lastChange(
  { localRepoName, fullPath, packageKey, version }: UnitEnd,
  projectId: string,
  source: Source,
  signal: AbortSignal,
): Promise<Date | undefined> {
  const repository = await source.repository(projectId, localRepoName, signal);
  if (repository === undefined) return undefined;
  if (packageKey === undefined)
    return (await source.findNodes(repository, [fullPath], signal)).get(fullPath)?.lastModifiedDate;
  const found = version === undefined ? undefined : await source.findPackage(repository, packageKey, signal);
  if (found === undefined || version === undefined) return undefined;
  return (await source.findVersions(found.id, [version], signal)).get(version)?.lastModifiedDate;
}

function nameOf({ fullPath, packageKey, version }: UnitEnd): string {
  return packageKey === undefined ? fullPath : `${packageKey}@${version}`;
}
