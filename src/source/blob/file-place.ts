import { type FileHandle, open, stat } from 'node:fs/promises';
import { ReplicationError } from '../../domain/errors.ts';
import { blobFile } from '../schema/store-layout.ts';
import { exactStream } from './exact-stream.ts';
import type { BlobAnswer, BlobPlace, BlobRequest } from './place.ts';

const CHUNK_BYTES = 256 * 1024;

/** Errors of a file system that may pass: a network mount that went away, too many open files. */
const PASSING = new Set(['EIO', 'ESTALE', 'ETIMEDOUT', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EHOSTDOWN', 'ENOTCONN']);

/** A store or cache on a file system. The root of a store must be there, or an unmounted volume would look empty. */
export function filePlace(kind: 'cache' | 'store', root: string): BlobPlace {
  const name = `${kind} ${root}`;
  return {
    name,
    async open(request, signal) {
      signal.throwIfAborted();
      const handle = await openFile(name, blobFile(root, request.sha256));
      if (handle === undefined) {
        if (kind === 'store') await assertMounted(root);
        return { kind: 'missing' };
      }
      return readFrom(handle, name, request, signal);
    },
  };
}

async function readFrom(
  handle: FileHandle,
  name: string,
  request: BlobRequest,
  signal: AbortSignal,
): Promise<BlobAnswer> {
  let handedOver = false;
  try {
    const { size } = await handle.stat();
    if (size !== request.size)
      return {
        kind: 'unusable',
        reason: `${size} bytes instead of ${request.size} (damaged, encrypted or half written)`,
      };
    // With an end, a small blob takes a buffer of its own size and no second read to see the end.
    const end = Math.max(request.start, size - 1);
    const file = handle.createReadStream({ start: request.start, end, highWaterMark: CHUNK_BYTES });
    handedOver = true;
    const what = `blob ${request.sha256} in ${name}`;
    return {
      kind: 'found',
      stream: exactStream(file, { expected: size - request.start, what, transient: false }, signal),
    };
  } catch (error) {
    throw classifyFileError(name, error);
  } finally {
    if (!handedOver) await handle.close();
  }
}

async function openFile(name: string, file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw classifyFileError(name, error);
  }
}

async function assertMounted(root: string): Promise<void> {
  try {
    await stat(root);
  } catch (error) {
    const message = `the directory ${root} of the source's store is not there: mount it, map it with pathMap, or configure pull`;
    throw new ReplicationError('retryable', 'SourceUnavailable', message, { cause: error });
  }
}

function classifyFileError(name: string, error: unknown): ReplicationError {
  if (error instanceof ReplicationError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return PASSING.has(codeOf(error) ?? '')
    ? new ReplicationError('retryable', 'SourceUnavailable', `${name}: ${words}`, { cause: error })
    : new ReplicationError('unit', 'BlobUnreadable', `${name}: ${words}`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
