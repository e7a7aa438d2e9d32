/**
 * Sessions of chunked uploads (contract §2.8). The state of a session is one file, `temp/upload-<uuid>`: its length is
 * what has arrived, so sessions outlive the process. Guaranteed: chunks of one session are handled one after another,
 * and a chunk that breaks off leaves no trace (but for a killed process: then the length tells).
 */
import type { Hash } from 'node:crypto';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { type BlobStore, hasCode, hashFile, modifiedAt, storeError, writeAll } from './blob-store.ts';
import { PeerError } from './errors.ts';
import { KeyedLock } from './keyed-lock.ts';
import { RunningDigests } from './running-digests.ts';

const PREFIX = 'upload-';

export interface UploadSessionsOptions {
  readonly randomHex: (bytes: number) => string;
  readonly createFile: (file: string) => Promise<FileHandle>;
  /** Sessions at a time. */
  readonly maxUploads: number;
}

/** What became of a chunk: `refused` = it does not continue what is stored. */
export interface ChunkResult {
  readonly refused: boolean;
  /** Bytes stored now. */
  readonly length: number;
}

export interface Chunk {
  /** Position of the first byte. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  readonly source: AsyncIterable<Buffer>;
}

export class UploadSessions {
  readonly #store: BlobStore;
  readonly #options: UploadSessionsOptions;
  readonly #locks = new KeyedLock();
  readonly #digests = new RunningDigests();

  constructor(store: BlobStore, options: UploadSessionsOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** A new session's id: 32 hex digits. Fails with 429 when there are too many. */
  async create(): Promise<string> {
    if ((await this.#names()).length >= this.#options.maxUploads)
      throw new PeerError('tooManyRequests', 'upload sessions');
    const id = this.#options.randomHex(16);
    try {
      const handle = await this.#options.createFile(this.#file(id));
      await handle.close();
    } catch (error) {
      throw storeError(error);
    }
    return id;
  }

  /** Bytes stored; undefined = no such session. */
  async length(id: string): Promise<number | undefined> {
    if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
    try {
      return (await stat(this.#file(id))).size;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /**
   * Appends a chunk. One that is stored already (it ends where the session ends) is taken for a repetition. Fails when
   * the source fails or has another length; then the session is as long as before. undefined = no such session.
   */
  async append(id: string, chunk: Chunk): Promise<ChunkResult | undefined> {
    return await this.#locks.run(id, async () => {
      const stored = await this.length(id);
      if (stored === undefined) return undefined;
      if (chunk.start < stored && chunk.start + chunk.length === stored) return { refused: false, length: stored };
      if (chunk.start !== stored) return { refused: true, length: stored };
      const handle = await open(this.#file(id), 'r+');
      try {
        const hash = this.#digests.at(id, stored);
        const length = await appendTo(handle, stored, chunk, hash);
        if (hash !== undefined) this.#digests.keep(id, hash, length);
        return { refused: false, length };
      } catch (error) {
        await handle.truncate(stored);
        throw storeError(error);
      } finally {
        await handle.close();
      }
    });
  }

  /**
   * Ends a session: `judge` sees length and digest (of the bytes as they arrived, or, for a session from before a restart,
   * as they lie there) and says whether its bytes may have the
   * name. `reject` removes the session, `wait` keeps it for more. undefined = no such session.
   */
  async finish(
    id: string,
    name: string,
    keepStored: boolean,
    judge: (length: number, sha256: () => Promise<string>) => Promise<'accept' | 'reject' | 'wait'>,
  ): Promise<'accept' | 'reject' | 'wait' | undefined> {
    return await this.#locks.run(id, async () => {
      const stored = await this.length(id);
      if (stored === undefined) return undefined;
      const file = this.#file(id);
      const verdict = await judge(
        stored,
        async () => this.#digests.at(id, stored)?.digest('hex') ?? (await hashFile(file)),
      );
      if (verdict !== 'wait') this.#digests.forget(id);
      if (verdict === 'reject') await rm(file, { force: true });
      if (verdict === 'accept') {
        await syncFile(file);
        await this.#store.commit(file, name, keepStored);
      }
      return verdict;
    });
  }

  /** Removes sessions without a chunk since `before` (milliseconds); says how many. */
  async sweep(before: number): Promise<number> {
    let swept = 0;
    for (const name of await this.#names()) {
      const file = join(this.#store.tempPath, name);
      if ((await modifiedAt(file)) >= before) continue;
      await rm(file, { force: true });
      swept += 1;
    }
    return swept;
  }

  async #names(): Promise<string[]> {
    return (await readdir(this.#store.tempPath)).filter((name) => name.startsWith(PREFIX));
  }

  #file(id: string): string {
    return join(this.#store.tempPath, PREFIX + id);
  }
}

/** Gives the length that the session has then; `hash` goes along. */
async function appendTo(handle: FileHandle, stored: number, chunk: Chunk, hash: Hash | undefined): Promise<number> {
  let length = stored;
  for await (const part of chunk.source) {
    if (length + part.length > stored + chunk.length) throw new PeerError('contentInvalid');
    await writeAll(handle, part, length);
    hash?.update(part);
    length += part.length;
  }
  if (length !== stored + chunk.length) throw new PeerError('contentInvalid');
  return length;
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } catch (error) {
    throw storeError(error);
  } finally {
    await handle.close();
  }
}
