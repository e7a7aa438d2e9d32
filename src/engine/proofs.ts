import type { ObjectContext } from './context.ts';
import type { BlobProof } from './ports/journal.ts';

/** What the journal knows of these digests at this far side and is not older than `setting.verifyInterval`. */
export async function goodProofs(
  { deps, link, target, setting }: ObjectContext,
  digests: Iterable<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BlobProof>> {
  const found = await deps.journal.findProofs(link.id, target.storageKey, [...new Set(digests)], signal);
  const longest = setting.verifyIntervalMs;
  if (longest === null) return found;
  const now = deps.clock.now();
  return new Map([...found].filter(([, { provedAt }]) => now - provedAt.getTime() <= longest));
}
