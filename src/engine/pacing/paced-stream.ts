import { Readable } from 'node:stream';
import type { Ask, Pacer, PayloadShare } from './pacer.ts';

/**
 * The bytes of a source at the pace of a share. Holds no more than one chunk of the source and one piece of it; asks for
 * a piece only when it is wanted. Destroyed together with its source, errors pass on.
 */
export class PacedStream extends Readable {
  readonly #source: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #pacer: Pacer;
  readonly #share: PayloadShare;
  #rest: Buffer = Buffer.alloc(0);
  #ask: Ask | undefined;

  constructor(source: Readable, pacer: Pacer, share: PayloadShare) {
    // One piece ahead of the reader at most.
    super({ highWaterMark: 1 });
    this.#source = source;
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#pacer = pacer;
    this.#share = share;
  }

  override _read(): void {
    if (this.#rest.length > 0) {
      this.#next();
      return;
    }
    this.#chunks.next().then(
      ({ done, value }) => {
        if (done === true) this.push(null);
        else {
          this.#rest = value;
          if (value.length === 0) this._read();
          else this.#next();
        }
      },
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error), { cause: error })),
    );
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (this.#ask !== undefined) this.#pacer.withdraw(this.#share, this.#ask);
    this.#source.destroy();
    callback(error);
  }

  #next(): void {
    if (this.destroyed) return;
    const piece = this.#take(this.#pacer.pieceBytes(this.#share));
    const grant = (): void => {
      this.#ask = undefined;
      this.push(piece);
    };
    this.#ask = { bytes: piece.length, grant };
    this.#pacer.ask(this.#share, this.#ask);
  }

  #take(most: number): Buffer {
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
