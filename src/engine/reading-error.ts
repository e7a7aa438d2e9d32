import { ReplicationError } from '../domain/errors.ts';
import { ContentMismatchError } from '../lib/verified-stream.ts';
import type { SourceNode } from './ports/source.ts';

/** Why the bytes of a node could not be read, in words and classified. */
export function readingError(error: unknown, node: SourceNode): ReplicationError {
  if (error instanceof ReplicationError) return error;
  if (error instanceof ContentMismatchError) {
    return new ReplicationError(
      'unit',
      'SourceBytesDiffer',
      `the source's blob of ${node.fullPath} is damaged: ${error.message}; nothing was published`,
      { cause: error },
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ReplicationError(
    'retryable',
    'SourceReadFailed',
    `reading ${node.fullPath} at the source failed: ${message}`,
    {
      cause: error,
    },
  );
}
