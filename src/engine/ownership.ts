/**
 * What a task that follows its source may delete at a far side. Guarantees: it is put down before the far side is written
 * to, so that no crash leaves a file there that nobody owns; what turns out to be somebody else's is given up again.
 */
import type { ObjectContext } from './context.ts';
import type { OwnedFileState, OwnedNode } from './ports/journal.ts';
import type { SourceNode } from './ports/source.ts';

type Context = Pick<ObjectContext, 'setting' | 'deps' | 'link' | 'target'>;

export function follows({ setting }: Pick<Context, 'setting'>): boolean {
  return setting.following !== undefined;
}

/** What was found equal is the task's, too. */
export function adopts({ setting }: Pick<Context, 'setting'>): boolean {
  return setting.following === 'adopted';
}

export function stateOf(node: Pick<SourceNode, 'id' | 'sha256'>, partOf?: string): OwnedFileState {
  return { sha256: node.sha256, sourceId: node.id, ...(partOf === undefined ? {} : { partOf }) };
}

/** Does nothing for a task that does not follow its source. */
export async function own(context: Context, owned: readonly OwnedNode[], signal: AbortSignal): Promise<void> {
  const { deps, link, target } = context;
  if (follows(context) && owned.length > 0) await deps.journal.writeOwnedKeys(link.id, target, owned, signal);
}
