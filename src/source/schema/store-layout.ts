import { join } from 'node:path';

/** Where a store or cache on a file system keeps a blob: `<root>/aa/bb/<sha256>` (contract §6.1). */
export function blobFile(root: string, sha256: string): string {
  return join(root, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
}

/** A digest as bk-repo writes it; anything else must never become part of a file name. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
