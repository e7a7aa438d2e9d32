import type { Readable } from 'node:stream';

import { ReplicationError } from '../../domain/errors.ts';

/** Cuts one stream into parts of given lengths without holding more than one of its pieces. */
export class ChunkReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#iterator = source.iterator({ destroyOnReturn: false });
  }

  /** The next `length` bytes. Fails with unit error `ContentMismatch` when the stream ends before. */
  async *take(length: number): AsyncGenerator<Buffer> {
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) this.#rest = await this.#next(missing);
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  async #next(missing: number): Promise<Buffer> {
    const { done, value } = await this.#iterator.next();
    if (!done) return value;
    throw new ReplicationError('unit', 'ContentMismatch', `the source ended ${missing} bytes before its declared size`);
  }
}
