/** The requests that change a node at a far side, as files and files of versions make them. */
import { metadataDifference } from '../domain/compare.ts';
import type { ObjectContext } from './context.ts';
import type { SourceNode } from './ports/source.ts';
import type { TargetNode } from './ports/target.ts';

/** A lost answer makes the next try say "existed": more than one of `tries` tells that it may have been our own create. */
export async function createNode(
  { link, target }: ObjectContext,
  node: SourceNode,
  overwrite: boolean,
  signal: AbortSignal,
): Promise<{ readonly result: 'created' | 'existed'; readonly tries: number }> {
  let tries = 0;
  const result = await link.call((t) => {
    tries += 1;
    return t.createNode(target, node, { overwrite }, signal);
  }, signal);
  return { result, tries };
}

/** Saves what differs, and deletes keys that this task wrote and the source has dropped; never a new node. */
export async function repairMetadata(
  { link, target }: ObjectContext,
  { fullPath, metadata }: SourceNode,
  far: TargetNode | undefined,
  ownedKeys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { save, remove } = metadataDifference(metadata, far?.metadata ?? [], ownedKeys);
  if (save.length > 0) await link.call((t) => t.saveMetadata(target, fullPath, save, signal), signal);
  if (remove.length > 0) await link.call((t) => t.deleteMetadata(target, fullPath, remove, signal), signal);
}

export function keysOf({ metadata }: Pick<SourceNode, 'metadata'>): readonly string[] {
  return metadata.map(({ key }) => key);
}

/** Whether the far side has metadata keys that the source lacks. */
export function hasOtherKeys(
  far: Pick<TargetNode, 'metadata'> | undefined,
  source: Pick<SourceNode, 'metadata'>,
): boolean {
  const wanted = new Set(keysOf(source));
  return far?.metadata.some(({ key }) => !wanted.has(key)) === true;
}
