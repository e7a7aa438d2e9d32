/** Chunked uploads (contract §2.8, §11): POST starts a session, PATCH appends, PUT ends it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { optionalQuery, pathParameter, queryInteger, queryText } from './http.ts';
import { withStallLimit } from './incoming.ts';
import { digestName } from './routes-blob.ts';
import type { Store } from './stores.ts';

const SESSIONS = '/:projectId/:repoName/blobs/uploads';

export function uploadRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'blob' } as const;

  app.post(SESSIONS, { config }, async (request, reply) => {
    queryText(request, 'sha256');
    const store = await storeOf(context, request);
    const id = await store.uploads.create();
    return await sessionAnswer(context, request, reply.code(202), id);
  });

  app.patch(`${SESSIONS}/:uuid`, { config }, async (request, reply) => await append(context, request, reply));

  app.put(`${SESSIONS}/:uuid`, { config }, async (request, reply) => {
    await finish(context, request);
    reply.header('Location', location(context, request, pathParameter(request, 'uuid')));
    return await reply.code(201).send();
  });
}

/** The bytes of a chunk. When storing them fails the request stays whole, so that it can still be answered. */
function chunkOf(request: FastifyRequest): AsyncIterable<Buffer> {
  return request.raw.iterator({ destroyOnReturn: false });
}

async function storeOf(context: PeerContext, request: FastifyRequest): Promise<Store> {
  return await context.stores.forKey(optionalQuery(request, 'storageKey'));
}

function location(context: PeerContext, request: FastifyRequest, id: string): string {
  const { applicationName, defects } = context.settings;
  const projectId = encodeURIComponent(pathParameter(request, 'projectId'));
  const repoName = encodeURIComponent(pathParameter(request, 'repoName'));
  const path = `replica/${projectId}/${repoName}/blobs/uploads/${id}`;
  if (defects.relativeLocation) return `${applicationName}/${path}`;
  return `http://${request.headers.host ?? `${context.settings.host}`}/replication/${path}`;
}

async function sessionAnswer(
  context: PeerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
): Promise<FastifyReply> {
  reply.header('Location', location(context, request, id));
  reply.header('Push-Session-ID', id);
  return await reply.send();
}

async function append(context: PeerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const id = pathParameter(request, 'uuid');
  const store = await storeOf(context, request);
  const length = Number(request.headers['content-length'] ?? -1);
  const range = chunkRange(request.headers['content-range']);
  const { stallTimeoutMs } = context.settings;
  const result =
    range === undefined || length < 0 || range.end - range.start !== length - 1
      ? await refused(store, id)
      : await withStallLimit(request.raw, stallTimeoutMs, () =>
          store.uploads.append(id, { start: range.start, length, source: chunkOf(request) }),
        );
  if (result === undefined) throw unknownUpload(context);
  // A real server writes its range whatever comes of it: `0--1` for a chunk without bytes.
  if (result.refused && context.settings.defects.rangeOfRefusedChunk) reply.header('Range', `0-${length - 1}`);
  else if (result.length > 0) reply.header('Range', `0-${result.length - 1}`);
  if (!request.raw.readableEnded) request.raw.resume();
  return await sessionAnswer(context, request, reply.code(result.refused ? 416 : 202), id);
}

async function refused(store: Store, id: string): Promise<{ refused: true; length: number } | undefined> {
  const length = await store.uploads.length(id);
  return length === undefined ? undefined : { refused: true, length };
}

/**
 * `<start>-<endInclusive>`, for a chunk without bytes the end is before the start; the unit and total of RFC 9110 are
 * accepted too.
 */
function chunkRange(header: string | undefined): { readonly start: number; readonly end: number } | undefined {
  const match = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/(?:\d{1,15}|\*))?$/.exec(header ?? '');
  return match === null ? undefined : { start: Number(match[1]), end: Number(match[2]) };
}

async function finish(context: PeerContext, request: FastifyRequest): Promise<void> {
  const { defects, stallTimeoutMs } = context.settings;
  const id = pathParameter(request, 'uuid');
  const sha256 = queryText(request, 'sha256');
  const name = digestName(context, sha256);
  if (name === undefined) throw new PeerError('parameterInvalid', 'sha256');
  const size = queryInteger(request, 'size');
  const store = await storeOf(context, request);
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > 0) {
    const start = (await store.uploads.length(id)) ?? 0;
    await withStallLimit(request.raw, stallTimeoutMs, () =>
      store.uploads.append(id, { start, length, source: chunkOf(request) }),
    );
  }
  const verdict = await store.uploads.finish(id, name, defects.skipsStoredName, async (stored, hash) => {
    if (size !== undefined && size !== stored) return stored < size ? 'wait' : 'reject';
    if (size !== undefined && defects.chunkedSizeReplacesDigest) return 'accept';
    return (await hash()) === name ? 'accept' : 'reject';
  });
  if (verdict === undefined && (await endedBefore(context, store, name))) return;
  if (verdict === undefined) throw unknownUpload(context);
  if (verdict !== 'accept') throw new PeerError('artifactBroken', sha256);
}

/** A client that lost the answer ends its session again: the session is gone then, and the blob is there. */
async function endedBefore(context: PeerContext, store: Store, name: string): Promise<boolean> {
  if (context.settings.defects.unknownUploadIsServerError) return false;
  const size = await store.blobs.size(name);
  return size !== undefined && (await store.blobs.hash(name)) === name;
}

function unknownUpload(context: PeerContext): PeerError {
  return new PeerError(context.settings.defects.unknownUploadIsServerError ? 'storeFailed' : 'uploadUnknown');
}
