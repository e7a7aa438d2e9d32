/** The connections of the shim: bounded in number, in time and in what they may send ahead of a request's body. */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { TLS_OPTIONS, type TlsPair } from './tls.ts';

/** Bytes of request line and headers. */
const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 1_024;
/** A connection without a request. Milliseconds. */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADERS_MS = 60_000;
/** How often Node looks for requests that are late. Milliseconds. */
const MAX_CHECK_MS = 5_000;
/** Beyond the time for arrival and answer: a caller that does not read. Milliseconds. */
const SILENCE_SLACK_MS = 5_000;

/** Speaks HTTPS when there is a certificate; a request must have arrived within `requestTimeoutMs`. */
export function socketServer(handler: RequestListener, requestTimeoutMs: number, tls: TlsPair | undefined): Server {
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(requestTimeoutMs, MAX_HEADERS_MS),
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.ceil(Math.min(MAX_CHECK_MS, requestTimeoutMs / 4)),
    // Node's own answer to a request without Host has no envelope, and we do not use the header.
    requireHostHeader: false,
  };
  const server: Server =
    tls === undefined
      ? createServer(options, handler)
      : createTlsServer({ ...options, ...TLS_OPTIONS, ...tls }, handler);
  // An expectation that we do not know may be ignored (RFC 9110 §10.1.1); Node's own answer has no envelope.
  server.on('checkExpectation', handler);
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = 2 * requestTimeoutMs + SILENCE_SLACK_MS;
  return server;
}
