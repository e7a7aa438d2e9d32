/**
 * A file-system store of bk-repo (contract §6.1). Guaranteed: a blob appears under its name whole or not at all, after
 * its bytes and its directory entry are on the disk; what a crash leaves behind lies in `temp` and is swept. Not
 * guaranteed: that the bytes of a blob that somebody else wrote are the ones its name says.
 */
import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { blobFile, isSha256 } from '../source/schema/store-layout.ts';
import { DurableDirectories, syncDirectory } from './durable-directories.ts';
import { PeerError } from './errors.ts';

/** Prefix of files that one request fills; upload sessions have their own. */
const RECEIVED_PREFIX = 'received-';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Bytes that have arrived and have no name yet. */
export interface Received {
  readonly file: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface BlobStoreOptions {
  readonly randomHex: (bytes: number) => string;
  /** Opens a new file for writing. */
  readonly createFile: (file: string) => Promise<FileHandle>;
}

export class BlobStore {
  readonly root: string;
  readonly #options: BlobStoreOptions;
  readonly #directories: DurableDirectories;

  constructor(root: string, options: BlobStoreOptions) {
    this.root = root;
    this.#directories = new DurableDirectories(root);
    this.#options = options;
  }

  get tempPath(): string {
    return join(this.root, 'temp');
  }

  async prepare(): Promise<void> {
    await mkdir(this.tempPath, { recursive: true });
  }

  /** Streams bytes to a nameless file, hashing them. Whatever goes wrong, nothing of it stays. */
  async receive(source: AsyncIterable<Buffer>): Promise<Received> {
    const file = join(this.tempPath, `${RECEIVED_PREFIX}${this.#options.randomHex(16)}`);
    try {
      const handle = await this.#options.createFile(file);
      try {
        return { file, ...(await write(handle, source)) };
      } finally {
        await handle.close();
      }
    } catch (error) {
      await rm(file, { force: true });
      throw storeError(error);
    }
  }

  /**
   * Gives a received file its name. With `keepStored` a blob of that name stays as it is and the received one is
   * dropped; otherwise it is replaced, which heals one that was damaged.
   */
  async commit(file: string, name: string, keepStored: boolean): Promise<void> {
    if (keepStored && (await this.size(name)) !== undefined) {
      await rm(file, { force: true });
      return;
    }
    const target = blobFile(this.root, name);
    try {
      const { made, durable } = this.#directories.make(dirname(target));
      const renamed = made.then(async () => {
        await rename(file, target);
        await syncDirectory(dirname(target));
      });
      await Promise.all([durable, renamed]);
    } catch (error) {
      throw storeError(error);
    }
  }

  async discard(received: Received): Promise<void> {
    await rm(received.file, { force: true });
  }

  /** Bytes of a stored blob; undefined = there is none of that name. */
  async size(name: string): Promise<number | undefined> {
    if (!isBlobName(name)) return undefined;
    try {
      const found = await stat(blobFile(this.root, name));
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** Bytes `start` to `end`, both included, of a stored blob. */
  read(name: string, start: number, end: number): ReadStream {
    return createReadStream(blobFile(this.root, name), { start, end });
  }

  /** Digest of the bytes that a stored blob really has. */
  async hash(name: string): Promise<string> {
    return await hashFile(blobFile(this.root, name));
  }

  /** The bytes of a received file, to bring them to another store. */
  readFile(file: string): ReadStream {
    return createReadStream(file);
  }

  /** Removes received files that nobody has touched since `before` (milliseconds); says how many. */
  async sweep(before: number): Promise<number> {
    let swept = 0;
    for (const name of await readdir(this.tempPath)) {
      if (!name.startsWith(RECEIVED_PREFIX)) continue;
      const file = join(this.tempPath, name);
      if ((await modifiedAt(file)) >= before) continue;
      await rm(file, { force: true });
      swept += 1;
    }
    return swept;
  }
}

async function write(handle: FileHandle, source: AsyncIterable<Buffer>): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    await writeAll(handle, chunk, size);
    size += chunk.length;
  }
  await handle.sync();
  return { sha256: hash.digest('hex'), size };
}

export async function writeAll(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

/** sha256 of a file, lower-case hex. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A digest, or what a real server takes for one; never anything that could leave the store. */
export function isBlobName(name: string): boolean {
  return isSha256(name) || /^[0-9A-Za-z]{5,128}$/.test(name);
}

/** Milliseconds; Infinity for a file that has gone in the meantime. */
export async function modifiedAt(file: string): Promise<number> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return Infinity;
    throw error;
  }
}

/** A full disk gets its own answer (507); an error of the sender stays what it is. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (FULL.has(error.code)) return new PeerError('storeFull', '', { cause: error });
  if (['EACCES', 'EIO', 'EROFS', 'EMFILE', 'ENOENT'].includes(error.code))
    return new PeerError('storeFailed', '', { cause: error });
  return error;
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
