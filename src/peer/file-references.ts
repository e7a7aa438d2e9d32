import { createHash } from 'node:crypto';

import { ObjectId } from 'mongodb';

import type { PeerContext } from './context.ts';
import { EARLIER_WRITE, isDuplicateKey } from './database.ts';

/**
 * One more node document names the digest. `file_reference_N` has no unique index over the digest: the `_id` of a new
 * document is derived from it, so that two first references at once still make one document. Does not wait until the
 * count is durable: the insertion of the node, which follows, does.
 */
export async function addReference(context: PeerContext, sha256: string, credentialsKey: string | null): Promise<void> {
  const references = await context.database.references(sha256);
  const increment = (): Promise<unknown> =>
    references.updateOne(
      { sha256, credentialsKey },
      { $inc: { count: 1 }, $setOnInsert: { _id: referenceId(sha256, credentialsKey) } },
      { upsert: true, ...EARLIER_WRITE },
    );
  try {
    await increment();
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    await increment();
  }
}

/** Takes back what `addReference` counted. Lost in a crash it leaves a count that is too high, which keeps the blob. */
export async function releaseReference(
  context: PeerContext,
  sha256: string,
  credentialsKey: string | null,
): Promise<void> {
  const references = await context.database.references(sha256);
  await references.updateOne({ sha256, credentialsKey, count: { $gt: 0 } }, { $inc: { count: -1 } }, EARLIER_WRITE);
}

function referenceId(sha256: string, credentialsKey: string | null): ObjectId {
  const digest = createHash('sha256')
    .update(`${sha256} ${credentialsKey ?? ''}`)
    .digest();
  return new ObjectId(digest.subarray(0, 12));
}
