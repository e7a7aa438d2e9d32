/** blob/check, blob/push, blob/pull (contract §2.7, §11 "Who checks bytes"). */
import type { Readable } from 'node:stream';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isSha256 } from '../source/schema/store-layout.ts';
import { isBlobName } from './blob-store.ts';
import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import type { Fields } from './fields.ts';
import { bodyFields, optionalQuery, queryText, success } from './http.ts';
import { withStallLimit } from './incoming.ts';
import { type PushForm, readPushForm } from './push-form.ts';

export function blobRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'blob' } as const;

  app.get('/blob/check', { config }, async (request) => {
    const sha256 = digestName(context, queryText(request, 'sha256'));
    const store = await context.stores.forKey(optionalQuery(request, 'storageKey'));
    const size = sha256 === undefined ? undefined : await store.blobs.size(sha256);
    return success(request, size !== undefined && !context.settings.defects.checkMayDeny);
  });

  app.post('/blob/push', { config }, async (request) => {
    await push(context, request);
    return success(request);
  });

  app.post('/blob/pull', { config }, async (request, reply) => await pull(context, request, reply));
}

/** The name under which a digest is stored; undefined = nothing can be stored under it. */
export function digestName(context: PeerContext, text: string): string | undefined {
  const name = context.settings.defects.storesWrongBytes ? text : text.toLowerCase();
  return isBlobName(name) ? name : undefined;
}

async function push(context: PeerContext, request: FastifyRequest): Promise<void> {
  const { defects, stallTimeoutMs } = context.settings;
  const inQuery = optionalQuery(request, 'storageKey');
  // The store is known only after the file, whose fields follow it: the bytes wait in the default one.
  const form = await withStallLimit(request.raw, stallTimeoutMs, () =>
    readPushForm(request.raw, context.stores.default.blobs),
  );
  try {
    const sha256 = form.fields.get('sha256') ?? queryText(request, 'sha256');
    if (form.received === undefined)
      throw defects.missingFileIsServerError ? new PeerError('system') : new PeerError('parameterMissing', 'file');
    const name = digestName(context, sha256);
    if (name === undefined) throw new PeerError('parameterInvalid', 'sha256');
    checkReceived(context, form, form.received, name);
    await store(context, form.received, name, form.fields.get('storageKey') ?? inQuery);
  } catch (error) {
    if (form.received !== undefined) await context.stores.default.blobs.discard(form.received);
    throw error;
  }
}

type Received = NonNullable<PushForm['received']>;

function checkReceived(context: PeerContext, form: PushForm, received: Received, name: string): void {
  const declared = form.fields.get('size') ?? '';
  if (declared !== '' && Number(declared) !== received.size) throw new PeerError('sizeMismatch', String(received.size));
  if (context.settings.defects.storesWrongBytes) return;
  if (!isSha256(name)) throw new PeerError('parameterInvalid', 'sha256');
  if (received.sha256 !== name) throw new PeerError('digestMismatch', 'sha256');
}

async function store(context: PeerContext, received: Received, name: string, key: string | undefined): Promise<void> {
  const keepStored = context.settings.defects.skipsStoredName;
  const target = await context.stores.forKey(key);
  const staging = context.stores.default;
  if (target === staging) {
    await staging.blobs.commit(received.file, name, keepStored);
    return;
  }
  const moved = await target.blobs.receive(staging.blobs.readFile(received.file));
  await staging.blobs.discard(received);
  await target.blobs.commit(moved.file, name, keepStored);
}

async function pull(context: PeerContext, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = bodyFields(request);
  const name = digestName(context, body.text('sha256'));
  const range = body.record('range');
  if (range === undefined) throw new PeerError('contentInvalid');
  const found = name === undefined ? undefined : await context.stores.find(body.optionalText('storageKey'), name);
  if (name === undefined || found === undefined) throw new PeerError('dataNotFound');
  const { start, end } = pullRange(body.fields('range'), found.size);
  reply.type('application/json');
  reply.header('Content-Length', end - start + 1);
  if (end < start) return await reply.send('');
  return await reply.send(found.store.blobs.read(name, start, end) satisfies Readable);
}

/**
 * Positions of the first and last byte (contract §11 "Protocol details"): `{startPosition, endPosition, total}` or
 * `{start, end, total, length}`; `total: null` is the whole file, and `start` without `length` one byte.
 */
function pullRange(range: Fields, size: number): { readonly start: number; readonly end: number } {
  const total = range.integer('total');
  if (total === undefined) return { start: 0, end: size - 1 };
  const byPosition = range.has('startPosition') || range.has('endPosition');
  const length = range.integer('length');
  const start = (byPosition ? range.integer('startPosition') : range.integer('start')) ?? 0;
  const end = byPosition
    ? (range.integer('endPosition') ?? size - 1)
    : length === undefined
      ? start
      : start + length - 1;
  if (start < 0 || start > size || end < start - 1) throw new PeerError('contentInvalid');
  return { start, end: Math.min(end, size - 1) };
}
