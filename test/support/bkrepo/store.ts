/** What an administrator does by hand in a store of blobs. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { blobPath } from './layout.ts';

/** Bytes that were altered on their way stay in a real server's store for good: its administrator removes them. */
export async function removeWrongBlobs(storeDir: string): Promise<void> {
  const names = await readdir(storeDir, { recursive: true }).catch(() => []);
  for (const name of names) {
    const sha256 = /^..\/..\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (sha256 === undefined) continue;
    const file = blobPath(storeDir, sha256);
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes !== undefined && createHash('sha256').update(bytes).digest('hex') !== sha256) await rm(file);
  }
}
