/**
 * Which physical collection holds a document of bk-repo's sharded collections (contract §5.1). Pure.
 *
 * Guarantees the same answer as a bk-repo server configured with the same shard count, and nothing about whether the
 * collection exists: MongoDB creates collections with their first document.
 */

/** bk-repo's default number of shards (contract §5.1). */
export const DEFAULT_SHARD_COUNT = 256;

/** bk-repo's upper limit (contract §5.1). */
const MAX_SHARD_COUNT = 1024;

/** Java's `String.hashCode`: over UTF-16 code units, 32-bit signed overflow. */
export function javaStringHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

/**
 * The shard count bk-repo uses for a configured one: rounded up to a power of two, at most 1024 (contract §5.1).
 * Throws RangeError for anything that is not a positive integer.
 */
export function effectiveShardCount(configured: number): number {
  if (!Number.isInteger(configured) || configured < 1)
    throw new RangeError(`The shard count must be a positive integer, not ${configured}`);
  let count = 1;
  while (count < configured && count < MAX_SHARD_COUNT) count *= 2;
  return count;
}

/** The shard of a key. `shardCount` is a power of two, as {@link effectiveShardCount} gives it. */
export function shardIndex(key: string, shardCount: number): number {
  return javaStringHashCode(key) & (shardCount - 1);
}

/** Nodes are sharded by project. */
export function nodeCollectionName(projectId: string, shardCount: number = DEFAULT_SHARD_COUNT): string {
  return `node_${shardIndex(projectId, shardCount)}`;
}

/** Reference counts are sharded by digest. */
export function fileReferenceCollectionName(sha256: string, shardCount: number = DEFAULT_SHARD_COUNT): string {
  return `file_reference_${shardIndex(sha256, shardCount)}`;
}

/** Blocks are sharded by repository name. */
export function blockNodeCollectionName(repoName: string, shardCount: number = DEFAULT_SHARD_COUNT): string {
  return `block_node_${shardIndex(repoName, shardCount)}`;
}
