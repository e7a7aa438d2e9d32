/**
 * One far side over HTTP. Guaranteed: a request starts only when `mayStart` allows it; hosts and addresses are guarded;
 * no redirect is followed; every wait is bounded by lack of progress; the answer's body is consumed or its connection
 * closed; every failure is a classified `ReplicationError` without secrets, the caller's abort its own reason, and an
 * error of the upload's source that error itself. Not guaranteed: that a failed request had no effect. One attempt is
 * made; only a request without streamed body, lost in a connection that the server was just closing, is sent again.
 */
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';

import { ReplicationError } from '../../domain/errors.ts';
import { type Resolve, systemResolve } from './connector.ts';
import { createDispatcher } from './dispatcher.ts';
import { ExchangeRun } from './exchange-run.ts';
import { HostGuard } from './host-guard.ts';
import type { HttpAnswer } from './http-answer.ts';
import { DEFAULT_TIMEOUTS, type HttpOptions } from './options.ts';
import { tlsSettings } from './tls.ts';
import { transportError } from './transport-errors.ts';
import { basicToken, farSideUrl, proxyUrlOf } from './urls.ts';

/** A body of exactly `length` bytes; the chunks are pulled as fast as the far side takes them. */
export interface UploadBody {
  readonly length: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** Absolute path with its query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | UploadBody;
  /** Milliseconds the far side may take beyond `answerMs` (it hashes what it got). */
  readonly extraAnswerMs?: number;
}

/** Longest text of the far side that goes into a message. */
const MAX_WORDS = 300;

export class HttpClient {
  readonly url: URL;
  readonly #label: string;
  readonly #options: HttpOptions;
  readonly #timeouts: typeof DEFAULT_TIMEOUTS;
  readonly #dispatcher: Dispatcher;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];
  /** Errors of connections that had answered before, and the failures made of them. */
  readonly #stale = new WeakSet<object>();
  #closing: Promise<void> | undefined;
  #requests = 0;

  /**
   * Opens no connection. Fails with spec errors `InvalidUrl`, `InvalidCertificate`, `InvalidCredentials` and
   * `HostNotAllowed`.
   */
  constructor(label: string, options: HttpOptions, resolve: Resolve = systemResolve) {
    this.#label = label;
    this.#options = options;
    this.#timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
    this.url = farSideUrl(options.url);
    const guard = new HostGuard(options.hostPolicy);
    const proxyUrl = proxyUrlOf(options.proxyUrl);
    if (proxyUrl !== undefined) guard.assertProxy(proxyUrl);
    guard.assertHost(this.url, proxyUrl !== undefined);
    const token = basicToken(options.username, options.password);
    this.#secrets = [token, options.password].filter(({ length }) => length > 3);
    this.#headers = {
      authorization: `Basic ${token}`,
      accept: '*/*',
      'accept-language': 'en',
      'user-agent': options.userAgent,
    };
    this.#dispatcher = createDispatcher({
      url: this.url,
      proxyUrl,
      guard,
      resolve,
      tls: tlsSettings(options.ca, options.clientCertificate),
      connectMs: this.#timeouts.connectMs,
      onSocket: (socket) => this.#watchSocket(socket),
    });
  }

  /** Sent since the client was made, whatever came of them. */
  get requests(): number {
    return this.#requests;
  }

  /** Sends one request and gives its answer to `use`, whatever its status; a redirect is an error. */
  async exchange<T>(request: HttpRequest, use: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await this.#attempt(request, use, signal);
    } catch (error) {
      const repeatable = request.body === undefined || Buffer.isBuffer(request.body);
      if (!repeatable || !(error instanceof ReplicationError) || !this.#stale.has(error)) throw error;
      this.#options.logger.debug('idle connection was closed by the far side, sending again', { farSide: this.#label });
      return await this.#attempt(request, use, signal);
    }
  }

  /** What a message calls this exchange; the query is left out. */
  describe(request: Pick<HttpRequest, 'method' | 'path'>): string {
    return `far side ${this.#label} (${this.url.host}), ${request.method} ${request.path.split('?')[0]}`;
  }

  /** Bounds words that the far side chose, and takes our own credentials out of them. */
  clean(words: string): string {
    const printable = words.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
    const safe = this.#secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), printable);
    return safe.length > MAX_WORDS ? `${safe.slice(0, MAX_WORDS)}…` : safe;
  }

  /** Waits for what is under way, then closes all connections. */
  close(): Promise<void> {
    this.#closing ??= this.#dispatcher.close();
    return this.#closing;
  }

  async #attempt<T>(request: HttpRequest, use: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    this.#options.mayStart();
    this.#requests += 1;
    const what = this.describe(request);
    const aborter = new AbortController();
    const onAbort = (): void => aborter.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const run = new ExchangeRun(what, request, this.#timeouts, (reason) => aborter.abort(reason));
    try {
      const response = await this.#dispatcher.request({
        origin: this.url.origin,
        path: request.path,
        method: request.method,
        headers: { ...this.#headers, ...request.headers, ...run.bodyHeaders },
        body: run.body,
        signal: aborter.signal,
      });
      const answer = run.answer(response, this.#options.clock.now());
      if (answer.status >= 300 && answer.status < 400) throw redirectError(what, answer, this.url);
      return await use(answer);
    } catch (error) {
      signal.throwIfAborted();
      if (run.failure !== undefined) throw run.failure;
      const failure = transportError(what, error);
      if (!run.answered && this.#isStale(error)) this.#stale.add(failure);
      throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
      run.end();
    }
  }

  #watchSocket(socket: Socket): void {
    socket.prependListener('error', (error) => {
      if (socket.bytesRead > 0) this.#stale.add(error);
    });
  }

  /** The connection had carried an answer before this request was lost in it. */
  #isStale(error: unknown): boolean {
    if (typeof error !== 'object' || error === null) return false;
    return this.#stale.has(error) || bytesReadBefore(error) > 0;
  }
}

/** undici's SocketError tells what its connection had carried. */
function bytesReadBefore(error: object): number {
  const socket: unknown = 'socket' in error ? error.socket : undefined;
  if (typeof socket !== 'object' || socket === null || !('bytesRead' in socket)) return 0;
  return typeof socket.bytesRead === 'number' ? socket.bytesRead : 0;
}

/** Credentials would follow a redirect to wherever it points, and writes would lose their body. */
function redirectError(what: string, answer: HttpAnswer, base: URL): ReplicationError {
  const location = answer.header('location') ?? '';
  const target = URL.canParse(location, base.href) ? new URL(location, base.href).origin : 'nowhere';
  const words = `${what}: answered ${answer.status}, a redirect to ${target}; redirects are not followed, so the url of the Cluster must name the far side itself`;
  return new ReplicationError('cluster', 'RedirectRefused', words, { status: answer.status });
}
