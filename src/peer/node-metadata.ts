/** metadata/save and metadata/delete (contract §2.6). They do not move lastModifiedDate (fixture). */
import type { MetadataEntry } from '../engine/ports/source.ts';
import type { NodeDoc } from '../source/schema/documents.ts';
import { encodeMetadata } from '../source/schema/metadata.ts';
import type { PeerContext } from './context.ts';

/** Adds or replaces entries by key, in one step; with `replace` the node has these entries alone. */
export async function mergeMetadata(
  context: PeerContext,
  node: NodeDoc,
  entries: readonly MetadataEntry[],
  replace: boolean,
): Promise<void> {
  const nodes = await context.database.nodes(node.projectId);
  const added = encodeMetadata(uniqueByKey(entries));
  if (replace) {
    await nodes.updateOne({ _id: node._id }, { $set: { metadata: added } });
    return;
  }
  const kept = {
    $filter: {
      input: { $ifNull: ['$metadata', []] },
      cond: { $not: { $in: ['$$this.key', { $literal: added.map((entry) => entry.key) }] } },
    },
  };
  await nodes.updateOne({ _id: node._id }, [{ $set: { metadata: { $concatArrays: [kept, { $literal: added }] } } }]);
}

export async function removeMetadata(context: PeerContext, node: NodeDoc, keys: readonly string[]): Promise<void> {
  const nodes = await context.database.nodes(node.projectId);
  await nodes.updateOne({ _id: node._id }, { $pull: { metadata: { key: { $in: [...keys] } } } });
}

function uniqueByKey(entries: readonly MetadataEntry[]): readonly MetadataEntry[] {
  return [...new Map(entries.map((entry) => [entry.key, entry])).values()];
}
