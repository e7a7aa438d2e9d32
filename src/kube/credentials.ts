import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

import type { Clock } from '../lib/clock.ts';
import type { KubeConfigLoader } from './config.ts';
import { KubeError } from './errors.ts';

/** Credentials are read from their files at most this often; `KubeConfig` itself re-reads a token every minute. */
const MAX_AGE_MS = 5_000;

/** What one request needs of the configuration. */
export interface Prepared {
  /** Server address without a slash at its end; may hold a path. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** Grows with every reload after a 401. */
  readonly generation: number;
}

interface TlsOptions {
  readonly ca?: RequestOptions['ca'];
  readonly cert?: RequestOptions['cert'];
  readonly key?: RequestOptions['key'];
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/**
 * Keeps credentials current and owns the one connection pool. A pool is replaced only when what TLS sees has changed
 * (CA bundle, client certificate, proxy); requests under way on the old one end in their own time.
 *
 * HTTP/2 is off on purpose: undici opens a new h2 session for every sequential request to a Go server, and a PATCH
 * behind a young watch hangs until the watch ends.
 */
export class Credentials {
  readonly #load: KubeConfigLoader;
  readonly #clock: Clock;
  #config: KubeConfig;
  #generation = 0;
  #pool: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;
  #current: { readonly value: Promise<Prepared>; readonly since: number } | undefined;
  #closed = false;

  constructor(load: KubeConfigLoader, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
    this.#config = load();
  }

  /** The address in use; fails with `ConfigUnusable` when the configuration names none. */
  server(): string {
    const server = this.#config.getCurrentCluster()?.server;
    if (!server) throw new KubeError(0, 'ConfigUnusable', 'the Kubernetes configuration has no current cluster');
    return server.replace(/\/+$/, '');
  }

  prepare(): Promise<Prepared> {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || now - this.#current.since > MAX_AGE_MS) {
      const value = this.#prepare();
      this.#current = { value, since: now };
      value.catch(() => this.forget());
    }
    return this.#current.value;
  }

  /** Reads files again at the next request; for connection errors, which a rotated CA causes too. */
  forget(): void {
    this.#current = undefined;
  }

  /** After a 401: builds the configuration anew, once for all requests that had used `generation`. */
  reload(generation: number): void {
    if (generation !== this.#generation) return;
    this.#config = this.#load();
    this.#generation += 1;
    this.forget();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.dispatcher.destroy();
  }

  async #prepare(): Promise<Prepared> {
    const generation = this.#generation;
    const options: RequestOptions = {};
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new KubeError(0, 'ConfigUnusable', 'cannot read the Kubernetes credentials', { cause: error });
    }
    const headers = Object.fromEntries(
      // A token read from a file keeps its line end, which undici refuses in a header.
      Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]),
    );
    if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    return { server: this.server(), headers, dispatcher: this.#dispatcher(options), generation };
  }

  #dispatcher(options: RequestOptions): Dispatcher {
    if (this.#closed) throw new KubeError(0, 'Unreachable', 'the connection to the API server was closed by us');
    const tls = tlsOptions(options);
    const proxy = this.#config.getCurrentCluster()?.proxyUrl;
    const key = fingerprint([proxy, tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]);
    if (this.#pool?.key === key) return this.#pool.dispatcher;
    const old = this.#pool?.dispatcher;
    this.#pool = { key, dispatcher: createDispatcher(tls, proxy) };
    old?.close().catch(() => {});
    return this.#pool.dispatcher;
  }
}

function createDispatcher(tls: TlsOptions, proxy: string | undefined): Dispatcher {
  const pool = {
    allowH2: false,
    headersTimeout: 30_000,
    bodyTimeout: 60_000,
    keepAliveTimeout: 30_000,
  };
  if (proxy?.startsWith('socks'))
    throw new KubeError(0, 'ConfigUnusable', 'a SOCKS proxy to the API server is not supported; use an HTTP proxy');
  if (proxy) return new ProxyAgent({ ...pool, uri: proxy, requestTls: tls });
  // A peer that vanished is noticed after about 25 s: 15 s idle, then ten probes a second apart.
  return new Agent({ ...pool, connect: { ...tls, timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 15_000 } });
}

function tlsOptions(options: RequestOptions): TlsOptions {
  return {
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

/** Each part goes in with its length, so that no two lists of parts look alike. */
function fingerprint(parts: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const text = String(part);
    hash.update(`${text.length}:${text}`);
  }
  return hash.digest('hex');
}
