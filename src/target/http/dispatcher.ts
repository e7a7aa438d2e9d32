/**
 * The pool of connections to one far side: HTTP/1.1 only (one HTTP/2 connection would be shared by all uploads),
 * verified TLS, addresses guarded at connect time. No proxy is taken from the environment.
 */
import type { Socket } from 'node:net';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';

import { guardedConnector, type Resolve } from './connector.ts';
import { type HostGuard, portOf } from './host-guard.ts';
import type { TlsSettings } from './tls.ts';

/** Shorter than the idle limit of usual servers (Tomcat 20 s, nginx 75 s), so that it is we who close. */
const KEEP_ALIVE_MS = 15_000;
/** A server may announce a longer idle limit; never believed beyond this. */
const KEEP_ALIVE_MAX_MS = 120_000;
/** More requests than this wait for a connection. The engine's limits are far below. */
const MAX_CONNECTIONS = 64;

interface DispatcherOptions {
  readonly url: URL;
  /** Already accepted by the guard. */
  readonly proxyUrl: URL | undefined;
  readonly guard: HostGuard;
  readonly resolve: Resolve;
  readonly tls: TlsSettings;
  readonly connectMs: number;
  /** Told of each direct connection that is open. */
  readonly onSocket: (socket: Socket) => void;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const pool = {
    allowH2: false,
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    // The watchdog of each request does it, by phase.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (options.proxyUrl === undefined)
    return new Agent({ ...pool, connect: guardedConnector({ ...options, port: portOf(options.url) }) });
  return new ProxyAgent({
    ...pool,
    uri: options.proxyUrl.href,
    connectTimeout: options.connectMs,
    requestTls: { ...options.tls, allowH2: false },
    proxyTls: { allowH2: false },
  });
}
