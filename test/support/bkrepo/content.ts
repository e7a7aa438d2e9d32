/** Bytes for test files, and how they get into a store. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { Crc64 } from './crc64.ts';
import { blobPath } from './layout.ts';

/** Whole content, or chunks of it that are made while it is written. */
export type Content = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface Digests {
  readonly size: number;
  readonly sha256: string;
  readonly md5: string;
  readonly crc64ecma: string;
}

/** Puts content into a store under its own digest. The file appears whole or not at all. */
export async function writeBlob(storeDir: string, content: Content): Promise<Digests> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  const crc = new Crc64();
  let size = 0;
  const temporary = path.join(storeDir, 'temp', randomUUID());
  await mkdir(path.dirname(temporary), { recursive: true });
  const file = await open(temporary, 'wx');
  try {
    for await (const chunk of chunksOf(content)) {
      sha256.update(chunk);
      md5.update(chunk);
      crc.update(chunk);
      size += chunk.length;
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  const digests = { size, sha256: sha256.digest('hex'), md5: md5.digest('hex'), crc64ecma: crc.digest() };
  const target = blobPath(storeDir, digests.sha256);
  await mkdir(path.dirname(target), { recursive: true });
  await rename(temporary, target);
  return digests;
}

/** All of it at once. */
export async function contentBytes(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(content)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function chunksOf(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [Buffer.from(content)];
  if (content instanceof Uint8Array) return [content];
  return content;
}

/**
 * `size` bytes that look random but follow from `seed`, in chunks of up to 1 MiB. Chunks differ within a file, so a lost
 * or repeated one changes the digest.
 */
export function* seededBytes(size: number, seed: number): Generator<Uint8Array> {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  for (let left = size; left > 0; left -= 1 << 20) {
    const words = new Uint32Array(Math.ceil(Math.min(left, 1 << 20) / 4));
    for (let index = 0; index < words.length; index += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[index] = state;
    }
    yield new Uint8Array(words.buffer, 0, Math.min(left, 1 << 20));
  }
}
