import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ReplicationError } from '../../domain/errors.ts';
import type { SourceNode, SourceRepository } from '../../engine/ports/source.ts';
import { ContentMismatchError, VerifiedStream } from '../../lib/verified-stream.ts';
import { type Block, listBlocks } from '../database/block-listing.ts';
import type { SourceDatabase } from '../database/database.ts';
import type { BlobReader } from './blob-reader.ts';

/** Files that are kept as a list of blocks, each a blob of its own, read as the one file they are. */
export class BlockFiles {
  readonly #database: SourceDatabase;
  readonly #reader: BlobReader;

  constructor(database: SourceDatabase, reader: BlobReader) {
    this.#database = database;
    this.#reader = reader;
  }

  /**
   * Reads all blocks once, each against its own digest, and gives the node the digests of the whole. A block whose bytes
   * are not its own is the unit error `BlockFileBroken`: a digest made of wrong bytes would make them true everywhere.
   */
  async resolve(repository: SourceRepository, node: SourceNode, signal: AbortSignal): Promise<SourceNode> {
    const sha256 = createHash('sha256');
    const md5 = createHash('md5');
    for await (const block of listBlocks(this.#database, repository, node, signal)) {
      const bytes = await this.#openBlock(repository, node, block, 0, signal);
      try {
        for await (const chunk of guarded(bytes, block)) {
          sha256.update(chunk);
          md5.update(chunk);
        }
      } catch (error) {
        if (!(error instanceof ContentMismatchError)) throw error;
        const message = `${node.fullPath} is a file of blocks and broken: the block at byte ${block.start}: ${error.message}`;
        throw new ReplicationError('unit', 'BlockFileBroken', message, { cause: error });
      }
    }
    return { ...node, sha256: sha256.digest('hex'), md5: md5.digest('hex'), crc64ecma: null };
  }

  /** Blocks are opened one after another, each when the one before it has been read. */
  open(repository: SourceRepository, node: SourceNode, start: number, signal: AbortSignal): Readable {
    return Readable.from(this.#chunks(repository, node, start, signal), { objectMode: false });
  }

  async *#chunks(
    repository: SourceRepository,
    node: SourceNode,
    start: number,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    for await (const block of listBlocks(this.#database, repository, node, signal)) {
      if (block.start + block.size <= start) continue;
      yield* await this.#openBlock(repository, node, block, Math.max(0, start - block.start), signal);
    }
  }

  #openBlock(
    repository: SourceRepository,
    node: SourceNode,
    block: Block,
    start: number,
    signal: AbortSignal,
  ): Promise<Readable> {
    return this.#reader.open(repository, node, { sha256: block.sha256, size: block.size, start }, signal);
  }
}

/** Failures of `bytes` reach whoever reads; giving up reading ends `bytes`. */
function guarded(bytes: Readable, block: Block): AsyncIterable<Buffer> {
  const verified = new VerifiedStream(block);
  bytes.on('error', (error) => verified.destroy(error));
  verified.on('close', () => bytes.destroy());
  return bytes.pipe(verified);
}
