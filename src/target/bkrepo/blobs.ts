/** Asking for blobs, and reading them back: hashed, or as a document. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

import { ReplicationError } from '../../domain/errors.ts';
import type { TargetRepository } from '../../engine/ports/target.ts';
import type { HttpAnswer } from '../http/http-answer.ts';
import type { HttpRequest } from '../http/http-client.ts';
import { REMOTE } from './answer-errors.ts';
import type { BkRepoClient } from './client.ts';

interface ReadBack {
  readonly sha256: string;
  /** Bytes; one piece more than asked for at most, when the far side has more. */
  readonly size: number;
}

/** `blob/check`: false means *perhaps absent* (contract §11); no `data` means false (§10). */
export async function blobStored(
  client: BkRepoClient,
  repository: TargetRepository,
  sha256: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { storageKey, repoType } = repository;
  const path = client.endpoints.replica(['blob', 'check'], { sha256, storageKey, repoType: repoType ?? null });
  return (await client.call({ method: 'GET', path, data: z.boolean().nullable() }, signal)) ?? false;
}

/**
 * Reads the whole stored blob, so that bytes after its declared end are seen too. Undefined = the far side has no such
 * blob.
 */
export async function readBack(
  client: BkRepoClient,
  repository: TargetRepository,
  sha256: string,
  size: number,
  signal: AbortSignal,
): Promise<ReadBack | undefined> {
  return await pullWhole(client, repository, { sha256, size, keep: () => {} }, signal);
}

/**
 * The bytes of a stored blob of `size` bytes, which are held in memory. Fails with retryable `DigestMismatch` when what
 * came is something else; undefined = the far side has no such blob.
 */
export async function readBlob(
  client: BkRepoClient,
  repository: TargetRepository,
  sha256: string,
  size: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  let pieces: Buffer[] = [];
  const keep = (piece: Buffer, at: number): void => {
    if (at === 0) pieces = [];
    pieces.push(piece);
  };
  const read = await pullWhole(client, repository, { sha256, size, keep }, signal);
  if (read === undefined) return undefined;
  if (read.sha256 === sha256 && read.size === size) return Buffer.concat(pieces);
  const came = `${read.size > size ? 'more than ' : ''}${Math.min(read.size, size)} bytes of digest ${read.sha256}`;
  throw new ReplicationError(
    'retryable',
    'DigestMismatch',
    `blob ${sha256} of ${size} bytes at far side ${client.options.name}: ${came} came back`,
  );
}

interface Pull {
  readonly sha256: string;
  readonly size: number;
  /** Takes the pieces, with the position of each; a second attempt begins at 0 again. */
  readonly keep: (piece: Buffer, at: number) => void;
}

/** A server that does not know the form of `range` for a whole blob (all null, contract §11) is asked for the declared bytes. */
async function pullWhole(
  client: BkRepoClient,
  repository: TargetRepository,
  asked: Pull,
  signal: AbortSignal,
): Promise<ReadBack | undefined> {
  try {
    return await pull(client, repository, asked, wholeBlob(), signal);
  } catch (error) {
    const refused = error instanceof ReplicationError && (error.status === 400 || error.status === 416);
    if (!refused || asked.size === 0) throw error;
    return pull(client, repository, asked, declaredRange(asked.size), signal);
  }
}

function wholeBlob(): Readonly<Record<string, number | null>> {
  return { startPosition: 0, endPosition: null, total: null };
}

/** Both pairs of names: which one a server reads depends on its version (contract §2.7). */
function declaredRange(size: number): Readonly<Record<string, number>> {
  return { start: 0, end: size - 1, startPosition: 0, endPosition: size - 1, total: size, length: size };
}

async function pull(
  client: BkRepoClient,
  { storageKey }: TargetRepository,
  asked: Pull,
  range: Readonly<Record<string, number | null>>,
  signal: AbortSignal,
): Promise<ReadBack | undefined> {
  const body = { sha256: asked.sha256, range, ...(storageKey === null ? {} : { storageKey }) };
  const request: HttpRequest = {
    method: 'POST',
    path: client.endpoints.replica(['blob', 'pull']),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  };
  try {
    return await client.exchange(
      request,
      async (answer) => {
        if (answer.status !== 200) await client.expectStatus(request, answer, [200]);
        return digest(answer, asked);
      },
      signal,
    );
  } catch (error) {
    if (error instanceof ReplicationError && error.remoteCode === REMOTE.blobNotFound) return undefined;
    throw error;
  }
}

/** Stops reading as soon as there is more than `size`. */
async function digest(answer: HttpAnswer, { size, keep }: Pull): Promise<ReadBack> {
  const hash = createHash('sha256');
  let read = 0;
  for await (const piece of answer.body) {
    hash.update(piece);
    keep(piece, read);
    read += piece.length;
    if (read > size) break;
  }
  return { sha256: hash.digest('hex'), size: read };
}
