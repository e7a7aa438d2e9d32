import type { Readable } from 'node:stream';

import type { BlobUpload } from '../../engine/ports/target.ts';

/** The far side hashes and moves what it got before it answers: one more second for each 10 MB. */
export function digestMs(size: number): number {
  return Math.ceil(size / 10_000);
}

/** Opens a blob at the byte `start`, gives it to `use`, and closes it whatever happens. */
export async function withSource<T>(
  blob: BlobUpload,
  start: number,
  use: (source: Readable) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const source = await blob.open(start, signal);
  // Whoever reads it meets the error; a stream that nobody reads any more must not end the process with it.
  source.on('error', () => {});
  try {
    return await use(source);
  } finally {
    source.destroy();
  }
}

/** Payload on its way out: the blob is told of each piece as it is taken to be sent. */
export async function* counted(
  payload: AsyncIterable<Buffer>,
  { onPayload }: Pick<BlobUpload, 'onPayload'>,
): AsyncGenerator<Buffer> {
  for await (const piece of payload) {
    onPayload?.(piece.length);
    yield piece;
  }
}
