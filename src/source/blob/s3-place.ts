import { Readable } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../domain/errors.ts';
import type { S3Storage } from '../options.ts';
import { exactStream } from './exact-stream.ts';
import type { BlobAnswer, BlobPlace, BlobRequest } from './place.ts';

const CONNECTION_TIMEOUT_MS = 10_000;
/** Without progress on a socket. */
const SOCKET_TIMEOUT_MS = 60_000;

/** An S3 bucket whose object keys are the bare digests (contract §6.1). The SDK is loaded with the first blob asked for. */
export interface S3Place extends BlobPlace {
  close(): Promise<void>;
}

export function s3Place(storage: S3Storage): S3Place {
  const name = `bucket ${storage.bucket} at ${storage.endpoint}`;
  let client: Promise<S3Client> | undefined;
  return {
    name,
    async open(request, signal) {
      signal.throwIfAborted();
      // A range behind the end is refused, so nothing is asked for when nothing is left.
      if (request.start > 0 && request.start === request.size) return { kind: 'found', stream: Readable.from([]) };
      const { GetObjectCommand } = await import('@aws-sdk/client-s3');
      client ??= createClient(storage);
      const command = new GetObjectCommand({
        Bucket: storage.bucket,
        Key: request.sha256,
        ...(request.start > 0 ? { Range: `bytes=${request.start}-` } : {}),
      });
      const sdk = await client;
      try {
        return answer(name, request, await sdk.send(command, { abortSignal: signal }), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return { kind: 'missing' };
        throw classifyS3Error(name, error);
      }
    },
    async close() {
      (await client)?.destroy();
    },
  };
}

function answer(name: string, request: BlobRequest, output: GetObjectCommandOutput, signal: AbortSignal): BlobAnswer {
  const body = output.Body;
  if (!(body instanceof Readable)) return { kind: 'unusable', reason: 'the answer has no body' };
  const expected = request.size - request.start;
  if (output.ContentLength !== undefined && output.ContentLength !== expected) {
    body.destroy();
    const stored = output.ContentLength + request.start;
    return { kind: 'unusable', reason: `${stored} bytes instead of ${request.size} (damaged or encrypted)` };
  }
  const what = `blob ${request.sha256} in ${name}`;
  return { kind: 'found', stream: exactStream(body, { expected, what, transient: true }, signal) };
}

async function createClient(storage: S3Storage): Promise<S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  return new S3Client({
    endpoint: /^https?:\/\//.test(storage.endpoint) ? storage.endpoint : `https://${storage.endpoint}`,
    region: storage.region,
    credentials: { accessKeyId: storage.accessKey, secretAccessKey: storage.secretKey },
    forcePathStyle: true,
    maxAttempts: 2,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, socketTimeout: SOCKET_TIMEOUT_MS },
  });
}

function classifyS3Error(name: string, error: unknown): ReplicationError {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const status = statusOf(error);
  const message = `${name}: ${words}`;
  const options = { cause: error, ...(status === undefined ? {} : { status }) };
  const final = status !== undefined && status < 500 && status !== 408 && status !== 429;
  return final
    ? new ReplicationError('unit', 'BlobUnreadable', message, options)
    : new ReplicationError('retryable', 'SourceUnavailable', message, options);
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata;
  return metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
