/** What a far side has of the versions of one package, asked for many versions at once. */
import { judge } from '../../domain/compare.ts';
import { differingFields, isUnfinished, type VersionComparison } from '../../domain/versions.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { ObjectContext } from '../context.ts';
import { hasOtherKeys } from '../node-writing.ts';
import { isAsLeft, ownedAmong } from '../ownership.ts';
import type { BlobProof, OwnedFileState } from '../ports/journal.ts';
import type { TargetNode, TargetVersion } from '../ports/target.ts';
import { goodProofs } from '../proofs.ts';
import { withDocumentsThere } from './documents-there.ts';
import type { VersionFile, VersionPlan, VersionUnit } from './version-unit.ts';

export interface PlannedVersion {
  readonly unit: VersionUnit;
  readonly plan: VersionPlan;
}

export interface FarFile {
  readonly far: TargetNode | undefined;
  /** Metadata keys there that this task wrote. */
  readonly ownedKeys: readonly string[];
}

export interface ComparedVersion extends PlannedVersion, VersionComparison {
  readonly farVersion: TargetVersion | undefined;
  readonly farFiles: ReadonlyMap<string, FarFile>;
  /** Metadata keys of the far side's version that this task wrote. */
  readonly ownedKeys: readonly string[];
  /** Files that lie there as this task left them in an earlier run, and whether the version is its own. */
  readonly ownFiles: ReadonlySet<string>;
  readonly ownsVersion: boolean;
  /** By path and {@link ownedName}: what was put down as this task's before, perhaps without getting there. */
  readonly owned: ReadonlyMap<string, OwnedFileState>;
  readonly proofs: ReadonlyMap<string, BlobProof>;
}

/** Under this name the journal keeps which metadata keys of a version this task wrote; no path begins so. */
export function ownedName({ unit }: PlannedVersion): string {
  return `${unit.package.key}@${unit.version.name}`;
}

/** All of one package. At most 500 versions. */
export async function compareVersions(
  context: ObjectContext,
  asPlanned: readonly PlannedVersion[],
  signal: AbortSignal,
): Promise<readonly ComparedVersion[]> {
  const [first] = asPlanned;
  if (first === undefined) return [];
  const { link, target } = context;
  const names = asPlanned.map(({ unit }) => unit.version.name);
  const versions = await link.call((t) => t.findVersions(target, first.unit.package.key, names, signal), signal);
  const nodes = await link.call(
    (t) =>
      t.findNodes(
        target,
        asPlanned.flatMap(({ plan }) => plan.files.map(({ node }) => node.fullPath)),
        signal,
      ),
    signal,
  );
  const own = await ownedThings(context, asPlanned, signal);
  const planned = await settledAll(
    asPlanned.map(async (item) => ({
      ...item,
      plan: await withDocumentsThere(context, item.plan, nodes, own, signal),
    })),
  );
  const digests = planned.flatMap(({ plan }) => plan.files.map(({ node }) => node.sha256));
  const proofs = await goodProofs(context, digests, signal);
  const owned = await ownedKeys(context, planned, nodes, versions, signal);
  return planned.map((item) => {
    const farVersion = versions.get(item.unit.version.name);
    const ownKeys = owned.get(ownedName(item)) ?? [];
    const farFiles = new Map(
      item.plan.files.map(({ node: { fullPath } }): [string, FarFile] => [
        fullPath,
        { far: nodes.get(fullPath), ownedKeys: owned.get(fullPath) ?? [] },
      ]),
    );
    const { version } = item.unit;
    const differing = farVersion && differingFields(version, farVersion, ownKeys);
    return {
      ...item,
      files: item.plan.files.map((file) => ({ fullPath: file.node.fullPath, verdict: verdict(file, farFiles) })),
      differing,
      unfinished: farVersion !== undefined && isUnfinished(version, farVersion, differing ?? []),
      farVersion,
      farFiles,
      ownedKeys: ownKeys,
      ownFiles: new Set(
        item.plan.files
          .map(({ node }) => node.fullPath)
          .filter((fullPath) => isAsLeft(own.get(fullPath), nodes.get(fullPath))),
      ),
      ownsVersion: farVersion !== undefined && own.has(ownedName(item)),
      owned: own,
      proofs,
    };
  });
}

function verdict({ node }: VersionFile, farFiles: ReadonlyMap<string, FarFile>): ReturnType<typeof judge> {
  const there = farFiles.get(node.fullPath);
  return judge(node, there?.far, there?.ownedKeys ?? []);
}

/** Asked only for files and versions that have keys at the far side which the source lacks. */
async function ownedKeys(
  { deps, link, target }: ObjectContext,
  planned: readonly PlannedVersion[],
  nodes: ReadonlyMap<string, TargetNode>,
  versions: ReadonlyMap<string, TargetVersion>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = planned.flatMap((item) => {
    const { version } = item.unit;
    const files = item.plan.files.filter(({ node }) => hasOtherKeys(nodes.get(node.fullPath), node));
    const own = hasOtherKeys(versions.get(version.name), version) ? [ownedName(item)] : [];
    return [...files.map(({ node }) => node.fullPath), ...own];
  });
  if (names.length === 0) return new Map();
  return await deps.journal.findOwnedKeys(link.id, target, names, signal);
}

/** What the task may replace at the far side, also when it is not there yet. */
async function ownedThings(
  context: ObjectContext,
  planned: readonly PlannedVersion[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, OwnedFileState>> {
  const names = planned.flatMap((item) => [...item.plan.files.map(({ node }) => node.fullPath), ownedName(item)]);
  return await ownedAmong(context, [...new Set(names)], signal);
}
