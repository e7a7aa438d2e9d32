import { createHash } from 'node:crypto';
import type { StoredMetadata } from '../repository-builder.ts';

export type Algorithm = 'md5' | 'sha1' | 'sha256' | 'sha512';

export function hashOf(algorithm: Algorithm, content: string | Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash(algorithm).update(content).digest(encoding);
}

/** Metadata entries of a map; those that are undefined are left out. */
export function entriesOf(values: Readonly<Record<string, StoredMetadata['value']>>, system = false): StoredMetadata[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, value, system }));
}
