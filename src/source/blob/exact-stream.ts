import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { ReplicationError } from '../../domain/errors.ts';

interface ExactStreamOptions {
  /** Bytes that must come. */
  readonly expected: number;
  /** For people: which blob, where from. */
  readonly what: string;
  /** Whether trouble may pass by itself (network), or is a fact about the stored bytes. */
  readonly transient: boolean;
}

/**
 * Passes on exactly the expected number of bytes. A source that ends early, gives more, or fails makes it fail with a
 * classified error; destroying it destroys the source, so nothing stays open.
 */
export function exactStream(source: Readable, options: ExactStreamOptions, signal: AbortSignal): Readable {
  const stream = new ExactStream(options);
  const onAbort = (): void => {
    stream.destroy(abortError(signal));
  };
  source.on('error', (error) => stream.destroy(signal.aborted ? abortError(signal) : classifyRead(error, options)));
  source.on('close', () => {
    if (!source.readableEnded && !stream.destroyed)
      stream.destroy(classifyRead(new Error('the connection was closed'), options));
  });
  stream.on('close', () => {
    signal.removeEventListener('abort', onAbort);
    source.destroy();
  });
  // Whoever reads it gets the error, also one that came before; without a listener it would end the process first.
  stream.on('error', () => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return source.pipe(stream);
}

class ExactStream extends Transform {
  readonly #options: ExactStreamOptions;
  #seen = 0;

  constructor(options: ExactStreamOptions) {
    super();
    this.#options = options;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#seen += chunk.length;
    if (this.#seen > this.#options.expected) callback(this.#wrongSize(`at least ${this.#seen}`));
    else callback(null, chunk);
  }

  override _flush(callback: TransformCallback): void {
    callback(this.#seen === this.#options.expected ? null : this.#wrongSize(String(this.#seen)));
  }

  #wrongSize(seen: string): ReplicationError {
    const { expected, what, transient } = this.#options;
    const message = `${what}: ${expected} bytes were expected and ${seen} came`;
    return new ReplicationError(transient ? 'retryable' : 'unit', 'BlobSizeMismatch', message);
  }
}

function classifyRead(error: Error, { what, transient }: ExactStreamOptions): ReplicationError {
  if (error instanceof ReplicationError) return error;
  const message = `${what}: reading failed: ${error.message}`;
  return transient
    ? new ReplicationError('retryable', 'SourceUnavailable', message, { cause: error })
    : new ReplicationError('unit', 'BlobUnreadable', message, { cause: error });
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
}
