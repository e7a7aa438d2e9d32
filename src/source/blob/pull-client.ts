import { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import { ReplicationError } from '../../domain/errors.ts';
import type { PullOptions } from '../options.ts';
import { exactStream } from './exact-stream.ts';
import type { BlobAnswer, BlobPlace, BlobRequest } from './place.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 60_000;
/** Without a byte. */
const BODY_TIMEOUT_MS = 60_000;
/** Bytes of an error answer that are read. */
const ERROR_BODY_LIMIT = 64 * 1024;

/** bk-repo's code for "no such blob" (contract §2.7). */
const BLOB_NOT_FOUND = 251024;

/** Reads blobs through the source's own replication service: `POST /replica/blob/pull` (contract §2.7, §11). */
export class PullClient {
  readonly #url: string;
  readonly #authorization: string;
  readonly #agent: Agent;

  constructor(options: PullOptions) {
    this.#url = `${options.url.replace(/\/+$/, '')}/replica/blob/pull`;
    const account = Buffer.from(`${options.username}:${options.password}`).toString('base64');
    this.#authorization = `Basic ${account}`;
    this.#agent = new Agent({
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
    });
  }

  /** The place of one credentials key; null = the default storage. */
  place(storageKey: string | null): BlobPlace {
    const name = `${this.#url} (storage key ${storageKey ?? 'default'})`;
    return { name, open: (blob, signal) => this.#pull(name, storageKey, blob, signal) };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #pull(name: string, storageKey: string | null, blob: BlobRequest, signal: AbortSignal): Promise<BlobAnswer> {
    // A range behind the end has no form that servers agree on, so nothing is asked for when nothing is left.
    if (blob.start > 0 && blob.start === blob.size) return { kind: 'found', stream: Readable.from([]) };
    const response = await this.#request(name, storageKey, blob, signal);
    if (response.statusCode !== 200) return reached(name, signal, () => refused(name, response));
    const what = `blob ${blob.sha256} from ${name}`;
    const expected = blob.size - blob.start;
    return { kind: 'found', stream: exactStream(response.body, { expected, what, transient: true }, signal) };
  }

  #request(
    name: string,
    storageKey: string | null,
    blob: BlobRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    return reached(name, signal, () =>
      request(this.#url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { authorization: this.#authorization, 'content-type': 'application/json' },
        body: JSON.stringify({
          sha256: blob.sha256,
          range: rangeOf(blob),
          ...(storageKey === null ? {} : { storageKey }),
        }),
        signal,
      }),
    );
  }
}

async function reached<T>(name: string, signal: AbortSignal, exchange: () => Promise<T>): Promise<T> {
  try {
    return await exchange();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ReplicationError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new ReplicationError('retryable', 'SourceUnavailable', `${name} cannot be reached: ${words}`, {
      cause: error,
    });
  }
}

/** Both pairs of names, since servers differ in which they read; a total of null asks for the whole blob. */
function rangeOf({ start, size }: BlobRequest): Readonly<Record<string, number | null>> {
  if (start === 0) return { startPosition: 0, endPosition: null, total: null };
  return { start, end: size - 1, length: size - start, startPosition: start, endPosition: size - 1, total: size };
}

async function refused(name: string, response: Dispatcher.ResponseData): Promise<BlobAnswer> {
  const { code, message } = await envelope(response);
  const status = response.statusCode;
  if (status === 404 && (code === BLOB_NOT_FOUND || code === undefined)) return { kind: 'missing' };
  const words = `${name} answered ${status}${code === undefined ? '' : ` (code ${code})`}${message === '' ? '' : `: ${message}`}`;
  const passing = status >= 500 || status === 408 || status === 429;
  throw new ReplicationError(
    passing ? 'retryable' : 'unit',
    passing ? 'SourceUnavailable' : status === 401 || status === 403 ? 'SourceUnauthorized' : 'BlobUnreadable',
    words,
    { status, ...(code === undefined ? {} : { remoteCode: code }) },
  );
}

async function envelope(
  response: Dispatcher.ResponseData,
): Promise<{ readonly code: number | undefined; readonly message: string }> {
  let text = '';
  for await (const chunk of response.body) {
    text += String(chunk);
    if (text.length > ERROR_BODY_LIMIT) break;
  }
  try {
    const parsed = JSON.parse(text) as { readonly code?: unknown; readonly message?: unknown } | null;
    return {
      code: typeof parsed?.code === 'number' ? parsed.code : undefined,
      message: typeof parsed?.message === 'string' ? parsed.message.slice(0, 500) : '',
    };
  } catch {
    return { code: undefined, message: '' };
  }
}
