/**
 * Where bk-repo keeps things, written down a second time on purpose: what reads back and what builds test data must not
 * share a mistake with the code under test.
 */
import path from 'node:path';

/** The shard of a key among `count` (contract §5.1), by arithmetic on big integers. */
export function shardOf(key: string, count = 256): number {
  let hash = 0n;
  for (const unit of utf16Units(key)) hash = BigInt.asUintN(32, hash * 31n + BigInt(unit));
  return Number(hash % BigInt(count));
}

/** The file of a blob below the root of a store or cache (contract §6.1). */
export function blobPath(storeDir: string, sha256: string): string {
  return path.join(storeDir, sha256.substring(0, 2), sha256.substring(2, 4), sha256);
}

/** The parent folders of a fullPath, outermost first, without the root. */
export function parentFolders(fullPath: string): string[] {
  const names = fullPath.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

/** The `path` and `name` fields of a node. */
export function pathAndName(fullPath: string): { path: string; name: string } {
  const names = fullPath.split('/');
  const name = names.pop() ?? '';
  return { path: `${names.join('/')}/`, name };
}

function utf16Units(text: string): number[] {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}
