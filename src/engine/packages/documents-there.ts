/**
 * Documents that were rewritten for a far side whose address has changed since, or that somebody else brought there: they
 * say the same in other addresses. Under SKIP and FAST_FAIL such a document is no difference, and stays; OVERWRITE puts
 * the far side's present address in it. So does a task that follows its source, where it has copied the source's bytes
 * itself: that was before it knew of the version, and leads back to the source.
 */
import { classify } from '../../domain/errors.ts';
import type { ObjectContext } from '../context.ts';
import { isAsLeft } from '../ownership.ts';
import type { OwnedFileState } from '../ports/journal.ts';
import type { TargetNode } from '../ports/target.ts';
import { nodeWithContent } from '../source-content.ts';
import { DOCUMENT_LIMIT } from './version-plan.ts';
import type { VersionFile, VersionPlan } from './version-unit.ts';

/** The plan with such documents as they are there. `owned`: what of them is the task's. */
export async function withDocumentsThere(
  context: ObjectContext,
  plan: VersionPlan,
  nodes: ReadonlyMap<string, TargetNode>,
  owned: ReadonlyMap<string, OwnedFileState>,
  signal: AbortSignal,
): Promise<VersionPlan> {
  if (context.setting.conflictStrategy === 'OVERWRITE' || plan.files.every(({ rewrite }) => rewrite === undefined))
    return plan;
  const files: VersionFile[] = [];
  for (const file of plan.files) {
    const { fullPath } = file.node;
    const far = nodes.get(fullPath);
    const isOwnCopy = far?.sha256 === file.origin && isAsLeft(owned.get(fullPath), far);
    files.push(isOwnCopy ? file : await asThere(context, file, far, signal));
  }
  return { ...plan, files };
}

async function asThere(
  { link, target }: ObjectContext,
  file: VersionFile,
  far: TargetNode | undefined,
  signal: AbortSignal,
): Promise<VersionFile> {
  const { node, rewrite } = file;
  if (rewrite === undefined || far === undefined || far.folder || far.sha256 === null) return file;
  const { sha256, size } = far;
  if (sha256 === node.sha256 || size > DOCUMENT_LIMIT) return file;
  const there = await link.call((t) => t.readBlob(target, sha256, size, signal), signal);
  if (there === undefined) return file;
  const wanted = nodeWithContent(node, rewritten(rewrite, there));
  return wanted.sha256 === node.sha256 ? { ...file, node: nodeWithContent(node, there), content: there } : file;
}

/** A damaged document there is another document. */
function rewritten(rewrite: (content: Uint8Array) => Uint8Array, there: Uint8Array): Uint8Array {
  try {
    return rewrite(there);
  } catch (cause) {
    if (classify(cause).errorClass !== 'unit') throw cause;
    return there;
  }
}
