import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

/** What a stream of bytes was declared to be. */
export interface DeclaredContent {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export class ContentMismatchError extends Error {
  readonly code = 'ContentMismatch';
  readonly actual: DeclaredContent;

  constructor(declared: DeclaredContent, actual: DeclaredContent) {
    super(
      `the bytes read are not the declared ones: declared sha256 ${declared.sha256} (${declared.size} bytes), ` +
        `read sha256 ${actual.sha256} (${actual.size} bytes)`,
    );
    this.name = 'ContentMismatchError';
    this.actual = actual;
  }
}

/**
 * Passes bytes through while hashing them, and holds the last chunk back until the whole content has proved to be the
 * declared one. A consumer with a known length therefore never completes on wrong bytes: it sees the error instead of
 * the end. Fails with {@link ContentMismatchError}.
 */
export class VerifiedStream extends Transform {
  readonly #declared: DeclaredContent;
  readonly #hash = createHash('sha256');
  #size = 0;
  #held: Buffer | undefined;

  constructor(declared: DeclaredContent) {
    super();
    this.#declared = declared;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    if (chunk.length === 0) {
      callback();
      return;
    }
    this.#hash.update(chunk);
    this.#size += chunk.length;
    const ready = this.#held;
    this.#held = chunk;
    callback(null, ready);
  }

  override _flush(callback: TransformCallback): void {
    const actual = { sha256: this.#hash.digest('hex'), size: this.#size };
    if (actual.sha256 !== this.#declared.sha256 || actual.size !== this.#declared.size) {
      callback(new ContentMismatchError(this.#declared, actual));
      return;
    }
    callback(null, this.#held);
  }
}
