/**
 * What a task that follows its source may delete at a far side. Guarantees: it is put down before the far side is written
 * to, so that no crash leaves a file there that nobody owns; what turns out to be somebody else's is given up again.
 */
import type { ObjectContext } from './context.ts';
import type { OwnedFileState, OwnedNode } from './ports/journal.ts';
import type { SourceNode } from './ports/source.ts';
import type { TargetNode } from './ports/target.ts';
import type { GoneUnit } from './run-types.ts';

type Context = Pick<ObjectContext, 'setting' | 'deps' | 'link' | 'target'>;

export function follows({ setting }: Pick<Context, 'setting'>): boolean {
  return setting.following !== undefined;
}

/** What was found equal is the task's, too. */
export function adopts({ setting }: Pick<Context, 'setting'>): boolean {
  return setting.following === 'adopted';
}

/** `formerly`: the digest that it is to replace. */
export function stateOf(
  { id: sourceId, sha256 }: Pick<SourceNode, 'id' | 'sha256'>,
  { partOf, formerly }: { readonly partOf?: string | undefined; readonly formerly?: string | undefined } = {},
): OwnedFileState {
  return {
    sha256,
    sourceId,
    ...(partOf === undefined ? {} : { partOf }),
    ...(formerly === undefined || formerly === sha256 ? {} : { formerly: [formerly] }),
  };
}

/** Whether what lies at the far side is as the task left it. */
export function isAsLeft(
  owned: Pick<OwnedFileState, 'sha256' | 'formerly'> | undefined,
  far: Pick<TargetNode, 'folder' | 'sha256'> | undefined,
): boolean {
  if (owned === undefined || far === undefined || far.folder || far.sha256 === null) return false;
  return far.sha256 === owned.sha256 || owned.formerly?.includes(far.sha256) === true;
}

/** The digest that the task left there, or was about to leave when it was cut off: what was under way may still arrive. */
export function leftThere(owned: OwnedFileState | undefined, far: TargetNode | undefined): string | undefined {
  if (far === undefined) return owned?.sha256 ?? undefined;
  return isAsLeft(owned, far) ? (far.sha256 ?? undefined) : undefined;
}

/** Whoever follows the source looks at it once more when he has written: what it has lost meanwhile is told. */
export function goneMeanwhile(
  { setting, deps, link, object }: Context & Pick<ObjectContext, 'object'>,
  units: readonly Omit<GoneUnit, 'localRepoName'>[],
): void {
  if (!follows({ setting })) return;
  for (const { fullPath, packageKey, version } of units)
    deps.onGone?.(link.id, {
      localRepoName: object.localRepoName,
      fullPath,
      ...(packageKey === undefined ? {} : { packageKey }),
      ...(version === undefined ? {} : { version }),
    });
}

/** What the task owns of these; asked only by tasks that follow their source. */
export async function ownedAmong(
  context: Context,
  fullPaths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, OwnedFileState>> {
  const { deps, link, target } = context;
  if (!follows(context) || fullPaths.length === 0) return new Map();
  return await deps.journal.findOwnedFiles(link.id, target, fullPaths, signal);
}

/** Does nothing for a task that does not follow its source. */
export async function own(context: Context, owned: readonly OwnedNode[], signal: AbortSignal): Promise<void> {
  const { deps, link, target } = context;
  if (follows(context) && owned.length > 0) await deps.journal.writeOwnedKeys(link.id, target, owned, signal);
}
