import type { Readable } from 'node:stream';

import type { BlobUpload } from '../../engine/ports.ts';

/** The far side hashes and moves what it got before it answers: one more second for each 10 MB. */
export function digestMs(size: number): number {
  return Math.ceil(size / 10_000);
}

/** Opens a blob of which `sent` bytes need not be sent again, gives it to `use`, and closes it whatever happens. */
export async function withSource<T>(
  blob: BlobUpload,
  sent: number,
  use: (source: Readable) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const source = await blob.open(sent, signal);
  // Whoever reads it meets the error; a stream that nobody reads any more must not end the process with it.
  source.on('error', () => {});
  try {
    return await use(source);
  } finally {
    source.destroy();
  }
}
