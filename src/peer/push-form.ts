import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

import { Busboy, type BusboyInstance } from '@fastify/busboy';

import type { BlobStore, Received } from './blob-store.ts';
import { PeerError } from './errors.ts';

const LIMITS = {
  fieldNameSize: 100,
  fieldSize: 4096,
  fields: 32,
  files: 8,
  parts: 40,
  headerPairs: 32,
  headerSize: 16_384,
} as const;

export interface PushForm {
  /** The part `file`; undefined = the form has none. */
  readonly received: Received | undefined;
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * Reads a blob/push form, whose file comes before the fields that describe it, into a nameless file. Fails with 250106
 * for a form that is none or breaks off; then nothing of it stays.
 */
export async function readPushForm(request: IncomingMessage, blobs: BlobStore): Promise<PushForm> {
  const contentType = request.headers['content-type'] ?? '';
  const fields = new Map<string, string>();
  let receiving: Promise<Received> | undefined;
  let file: Readable | undefined;
  const form = openForm(request, contentType);
  form.on('file', (name, stream) => {
    if (name !== 'file' || receiving !== undefined) {
      stream.resume();
      return;
    }
    file = stream;
    // The connection may be lost before the store begins to read, which is told the error then.
    stream.on('error', () => undefined);
    receiving = blobs.receive(stream as AsyncIterable<Buffer>);
    // A failed store must end the form too: what the sender still has is of no use any more.
    receiving.catch((error: unknown) => form.destroy(error instanceof Error ? error : new Error(String(error))));
  });
  form.on('field', (name, value) => void fields.set(name, value));
  try {
    await parse(request, form);
    return { received: await receiving, fields };
  } catch (error) {
    request.unpipe(form);
    if (!request.destroyed) request.resume();
    // The parser does not end the stream of a file that it will never see the end of.
    file?.destroy(error instanceof Error ? error : new Error(String(error)));
    const [stored] = await Promise.allSettled([receiving]);
    if (stored.status === 'fulfilled' && stored.value !== undefined) await blobs.discard(stored.value);
    if (error instanceof PeerError) throw error;
    if (stored.status === 'rejected' && stored.reason instanceof PeerError) throw stored.reason;
    throw new PeerError('contentInvalid', '', { cause: error });
  }
}

/** Feeds the form; when that fails the request stays whole, so that it can still be answered. */
async function parse(request: IncomingMessage, form: BusboyInstance): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    form.once('finish', resolve);
    form.once('error', reject);
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Error('the request broke off'));
    });
    request.pipe(form);
  });
}

function openForm(request: IncomingMessage, contentType: string): BusboyInstance {
  try {
    return new Busboy({ headers: { ...request.headers, 'content-type': contentType }, limits: LIMITS });
  } catch (error) {
    throw new PeerError('contentInvalid', '', { cause: error });
  }
}
