/** Whole documents of the source, for those few that have to be understood: manifests and index documents. */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { ReplicationError } from '../domain/errors.ts';
import { backoffDelay } from '../lib/backoff.ts';
import { VerifiedStream } from '../lib/verified-stream.ts';
import type { ObjectContext } from './context.ts';
import type { SourceNode } from './ports/source.ts';
import { readingError } from './reading-error.ts';

/** Attempts to read one document before its unit fails. */
const READ_ATTEMPTS = 5;

/**
 * The bytes of a node, proved to be what they were declared to be. Fails with the unit errors `DocumentTooLarge` (more than
 * `limit` bytes), `BlobMissing` and `SourceBytesDiffer`.
 */
export async function readContent(
  { reader, repository, deps }: ObjectContext,
  node: SourceNode,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (node.size > limit) {
    const message = `${node.fullPath} has ${node.size} bytes: documents of more than ${limit} bytes are not read`;
    throw new ReplicationError('unit', 'DocumentTooLarge', message);
  }
  for (let attempt = 0; ; attempt += 1) {
    try {
      const bytes = await reader.open(repository, node, 0, signal);
      const verified = new VerifiedStream(node);
      bytes.once('error', (error) => verified.destroy(error));
      return await buffer(bytes.pipe(verified));
    } catch (cause) {
      signal.throwIfAborted();
      const error = readingError(cause, node);
      if (error.errorClass !== 'retryable' || attempt + 1 >= READ_ATTEMPTS) throw error;
      await deps.clock.sleep(backoffDelay(deps.limits.backoff, attempt, deps.random), signal);
    }
  }
}

/** The node that a document made by us is at the far side: everything but its bytes as at the source. */
export function nodeWithContent(node: SourceNode, content: Uint8Array): SourceNode {
  const digest = (algorithm: string): string => createHash(algorithm).update(content).digest('hex');
  const metadata = node.metadata.map((entry) =>
    DIGEST_KEYS.has(entry.key) && typeof entry.value === 'string' ? { ...entry, value: digest(entry.key) } : entry,
  );
  const made = { kind: 'file', size: content.length, sha256: digest('sha256'), md5: digest('md5') } as const;
  return { ...node, ...made, crc64ecma: null, metadata };
}

/** Metadata of Maven's files that repeats their digests (fixture of a real server). */
const DIGEST_KEYS: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha256', 'sha512']);
