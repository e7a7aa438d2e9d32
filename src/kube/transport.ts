/**
 * Everything this program says to the API server goes through here. Guaranteed: one pool of HTTP/1.1 connections;
 * every request has a deadline and a bounded answer; credentials are read again as they rotate, and once more after a
 * 401; every failure is a `KubeError`. Not done here: repeating a request (a caller knows whether it may).
 */
import type { Readable } from 'node:stream';

import {
  type Configuration,
  createConfiguration,
  type RequestContext,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import { type Dispatcher, request as undiciRequest } from 'undici';

import { type Clock, systemClock } from '../lib/clock.ts';
import type { KubeConfigLoader } from './config.ts';
import { Credentials, type Prepared } from './credentials.ts';
import { errorFromAnswer, KubeError } from './errors.ts';
import { type LinkedSignal, linkSignal } from './signal.ts';

export interface TransportOptions {
  readonly load: KubeConfigLoader;
  /** Sent as User-Agent; default `bkrepo-replicator`. */
  readonly userAgent?: string;
  /** Deadline of one request in ms, answer included; default 30,000. Not for streams. */
  readonly timeoutMs?: number;
  /** Largest answer in bytes; default 64 MiB. */
  readonly maxBodyBytes?: number;
  readonly clock?: Clock;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Beginning with a slash, parts encoded; see `resourcePath`. */
  readonly path: string;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

interface RawRequest {
  readonly what: string;
  readonly method: Dispatcher.HttpMethod;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly bodyTimeoutMs: number | undefined;
}

type Answer = Dispatcher.ResponseData;

const ERROR_BODY_BYTES = 64 * 1024;
/** Stands in for the server in the generated classes; the real one is read for each request. */
const PLACEHOLDER = 'https://kubernetes.invalid';

export class Transport {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #timeoutMs: number;
  readonly #maxBodyBytes: number;

  /** Fails with `ConfigUnusable` when the configuration cannot be loaded; asks nothing of the server. */
  constructor(options: TransportOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#credentials = new Credentials(options.load, this.#clock);
    this.#userAgent = options.userAgent ?? 'bkrepo-replicator';
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#maxBodyBytes = options.maxBodyBytes ?? 64 * 1024 * 1024;
  }

  /** The API server's address, e.g. to refuse it as a far side. */
  serverUrl(): URL {
    return new URL(this.#credentials.server());
  }

  /** Sends one request and parses the JSON answer; an empty answer is `undefined`. */
  async request<T>(request: KubeRequest, signal: AbortSignal): Promise<T> {
    const raw = this.#raw(request, undefined);
    const link = this.#deadline(raw.what, request.timeoutMs ?? this.#timeoutMs, signal);
    try {
      const answer = await this.#send(raw, link.signal);
      const text = (await this.#read(raw.what, answer, this.#maxBodyBytes)).toString('utf8');
      return parseJson<T>(raw.what, text);
    } catch (error) {
      throw this.#asKubeError(raw.what, error, signal, link);
    } finally {
      link.release();
    }
  }

  /**
   * Opens a stream and hands out its bytes once the server has answered 2xx. `bodyTimeoutMs` bounds the silence between
   * two chunks. The stream fails when the signal is aborted; whoever reads it maps errors with `streamError`.
   */
  async stream(request: KubeRequest, bodyTimeoutMs: number, signal: AbortSignal): Promise<Readable> {
    const raw = this.#raw(request, bodyTimeoutMs);
    try {
      return (await this.#send(raw, signal)).body;
    } catch (error) {
      throw this.#asKubeError(raw.what, error, signal, undefined);
    }
  }

  /** The error of a stream in our class; the signal's own reason when it was aborted. */
  streamError(what: string, error: unknown, signal: AbortSignal): unknown {
    return this.#asKubeError(what, error, signal, undefined);
  }

  /** For client-node's generated classes: `new CoreV1Api(transport.configuration(signal))`. */
  configuration(signal: AbortSignal): Configuration {
    return createConfiguration({
      baseServer: new ServerConfiguration(PLACEHOLDER, {}),
      httpApi: wrapHttpLibrary({ send: (context) => this.#sendGenerated(context, signal) }),
      authMethods: {},
    });
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    await this.#credentials.close();
  }

  #raw(request: KubeRequest, bodyTimeoutMs: number | undefined): RawRequest {
    const query = Object.entries(request.query ?? {}).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      query.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return {
      what: `${request.method} ${request.path}`,
      method: request.method,
      target: search ? `${request.path}?${search}` : request.path,
      headers: {
        Accept: 'application/json',
        ...(request.body === undefined ? {} : { 'Content-Type': request.contentType ?? 'application/json' }),
      },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      bodyTimeoutMs,
    };
  }

  #deadline(what: string, ms: number, signal: AbortSignal): LinkedSignal {
    return linkSignal(signal, {
      ms,
      reason: () => new KubeError(0, 'Timeout', `${what}: the API server did not answer within ${ms} ms`),
    });
  }

  /** Sends, repeats once after a 401 with credentials loaded anew, and turns any other refusal into an error. */
  async #send(raw: RawRequest, signal: AbortSignal): Promise<Answer> {
    const prepared = await this.#credentials.prepare();
    let answer = await this.#once(raw, prepared, signal);
    if (answer.statusCode === 401) {
      await answer.body.dump();
      this.#credentials.reload(prepared.generation);
      answer = await this.#once(raw, await this.#credentials.prepare(), signal);
    }
    if (answer.statusCode < 300) return answer;
    const body = await this.#read(raw.what, answer, ERROR_BODY_BYTES);
    const retryAfter = answer.headers['retry-after'];
    const header = typeof retryAfter === 'string' ? retryAfter : undefined;
    throw errorFromAnswer(raw.what, answer.statusCode, body.toString('utf8'), header, this.#clock.now());
  }

  async #once(raw: RawRequest, prepared: Prepared, signal: AbortSignal): Promise<Answer> {
    return undiciRequest(`${prepared.server}${raw.target}`, {
      dispatcher: prepared.dispatcher,
      method: raw.method,
      headers: { ...raw.headers, 'User-Agent': this.#userAgent, ...prepared.headers },
      ...(raw.body === undefined ? {} : { body: raw.body }),
      ...(raw.bodyTimeoutMs === undefined ? {} : { bodyTimeout: raw.bodyTimeoutMs }),
      signal,
    });
  }

  async #read(what: string, answer: Answer, limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += (chunk as Buffer).length;
      if (size > limit && answer.statusCode >= 300) break;
      if (size > limit) throw new KubeError(0, 'AnswerTooLarge', `${what}: the answer is larger than ${limit} bytes`);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }

  async #sendGenerated(context: RequestContext, signal: AbortSignal): Promise<ResponseContext> {
    const url = new URL(context.getUrl());
    const body = context.getBody();
    const what = `${context.getHttpMethod()} ${url.pathname}`;
    if (body !== undefined && typeof body !== 'string')
      throw new KubeError(0, 'BadRequest', `${what}: only JSON bodies can be sent`);
    const raw: RawRequest = {
      what,
      method: context.getHttpMethod(),
      target: url.pathname + url.search,
      headers: context.getHeaders(),
      body,
      bodyTimeoutMs: undefined,
    };
    const link = this.#deadline(what, this.#timeoutMs, signal);
    try {
      const answer = await this.#send(raw, link.signal);
      const bytes = await this.#read(what, answer, this.#maxBodyBytes);
      return new ResponseContext(answer.statusCode, headersOf(answer), {
        text: async () => bytes.toString('utf8'),
        binary: async () => bytes,
        stream: () => null,
      });
    } catch (error) {
      throw this.#asKubeError(what, error, signal, link);
    } finally {
      link.release();
    }
  }

  #asKubeError(what: string, error: unknown, signal: AbortSignal, link: LinkedSignal | undefined): unknown {
    if (signal.aborted) return signal.reason;
    if (link?.signal.aborted) return link.signal.reason;
    if (error instanceof KubeError) return error;
    // A rotated CA shows itself as a connection error: read the files again next time.
    this.#credentials.forget();
    const code = (error as { readonly code?: string }).code;
    const timeout = code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT';
    const words = error instanceof Error ? error.message : String(error);
    return new KubeError(0, timeout ? 'Timeout' : 'Unreachable', `${what}: no answer: ${words}`, { cause: error });
  }
}

function parseJson<T>(what: string, text: string): T {
  if (text === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new KubeError(0, 'BadAnswer', `${what}: the answer is not JSON`, { cause: error });
  }
}

function headersOf(answer: Answer): Record<string, string> {
  return Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
}
