/**
 * `blob/push`: one multipart request of known length, streamed. The server stores whatever comes under the given name;
 * only the size is compared (contract §11), so its success proves nothing about the bytes.
 */
import type { BlobUpload, TargetRepository } from '../../engine/ports/target.ts';
import type { HttpRequest, UploadBody } from '../http/http-client.ts';
import type { BkRepoClient } from './client.ts';
import { counted, digestMs, withSource } from './upload-source.ts';

/** Up to so many bytes a blob is read before it is sent: one write, and a request that can be sent again. */
const WHOLE_BYTES = 64 * 1024;

export async function pushPlain(
  client: BkRepoClient,
  repository: TargetRepository,
  blob: BlobUpload,
  signal: AbortSignal,
): Promise<void> {
  await withSource(
    blob,
    0,
    async (source) => {
      const { head, tail, contentType } = multipart(blob, repository.storageKey);
      const streamed = blob.size > WHOLE_BYTES || blob.paced === true;
      const request: HttpRequest = {
        method: 'POST',
        // SEED's server reads the digest from the query string (contract §2.7).
        path: client.endpoints.replica(['blob', 'push'], { sha256: blob.sha256 }),
        headers: { 'content-type': contentType },
        body: streamed ? framed(head, counted(source, blob), blob.size, tail) : await whole(head, source, tail),
        extraAnswerMs: digestMs(blob.size),
      };
      if (!streamed) blob.onPayload?.(blob.size);
      await client.exchange(request, (answer) => client.expectSuccess(request, answer), signal);
    },
    signal,
  );
}

function framed(head: Buffer, source: AsyncIterable<Buffer>, size: number, tail: Buffer): UploadBody {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* source;
    yield tail;
  }
  return { length: head.length + size + tail.length, chunks: chunks() };
}

/** The source is guarded: it ends in an error where it has more or fewer bytes than declared. */
async function whole(head: Buffer, source: AsyncIterable<Buffer>, tail: Buffer): Promise<Buffer> {
  const pieces = [head];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat([...pieces, tail]);
}

/** What stands before and after the bytes. Parts in bk-repo's own order: file, size, sha256, storageKey. */
export function multipart(
  blob: Pick<BlobUpload, 'sha256' | 'size'>,
  storageKey: string | null,
): { readonly head: Buffer; readonly tail: Buffer; readonly contentType: string } {
  // A digest of 64 hex digits between dashes cannot be guessed into content that has that same digest.
  const boundary = `blob-${blob.sha256}`;
  const field = (name: string, value: string): string =>
    `\r\n--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Length: ${Buffer.byteLength(value)}\r\n\r\n${value}`;
  const fields = [
    field('size', String(blob.size)),
    field('sha256', blob.sha256),
    ...(storageKey === null ? [] : [field('storageKey', storageKey)]),
  ];
  const file =
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${blob.sha256}"\r\n` +
    `Content-Type: application/octet-stream\r\nContent-Length: ${blob.size}\r\n\r\n`;
  return {
    head: Buffer.from(file),
    tail: Buffer.from(`${fields.join('')}\r\n--${boundary}--\r\n`),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}
