/** The shim on the network: address, certificate, and a stop that leaves nobody without an answer. */
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { FastifyInstance } from 'fastify';

import { unavailable } from './errors.ts';
import { createRestServer, type RestServerOptions } from './server.ts';
import { readTlsPair, TLS_OPTIONS, type TlsFiles, watchTlsFiles } from './tls.ts';

export interface RestListenerOptions extends Omit<RestServerOptions, 'stop'> {
  /** Default: all addresses. */
  readonly host: string | undefined;
  /** 0 = chosen by the system. */
  readonly port: number;
  /** HTTPS; read again when they change. */
  readonly tlsFiles: TlsFiles | undefined;
}

export interface RestListener {
  readonly port: number;
  /**
   * Takes no more connections and refuses new requests; what runs has three seconds, then is answered 503, and a second
   * later cut off. Resolves when all connections have ended.
   */
  close(): Promise<void>;
}

/** For requests that run when the server is asked to stop, and then for their answers. Milliseconds. */
const FINISH_MS = 3_000;
const CUT_OFF_MS = 1_000;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Fails with `TlsFilesError`, or when the address cannot be listened on. */
export async function listenRest(options: RestListenerOptions): Promise<RestListener> {
  const { tlsFiles, host } = options;
  const { clock, logger } = options.context;
  const tls = tlsFiles === undefined ? undefined : await readTlsPair(tlsFiles);
  const draining = new AbortController();
  const cutOff = new AbortController();
  const app = createRestServer({
    ...options,
    settings: { ...options.settings, ...(tls === undefined ? {} : { tls }) },
    stop: { draining: draining.signal, cutOff: cutOff.signal },
  });
  await app.ready();
  await listen(app.server, options.port, host);
  if (tls === undefined && !LOOPBACK.test(host ?? ''))
    logger.warn('the REST API is served without TLS: passwords travel in the clear', { host: host ?? 'all addresses' });
  const watching =
    tlsFiles === undefined || tls === undefined
      ? Promise.resolve()
      : watchTlsFiles({ files: tlsFiles, present: tls, apply: useIn(app), clock, logger }, draining.signal);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    draining.abort(new Error('the server is stopping'));
    const closed = new AbortController();
    const ended = endConnections(app.server).finally(() => closed.abort());
    const wait = (ms: number): Promise<void> => clock.sleep(ms, closed.signal).catch(() => {});
    await wait(FINISH_MS);
    cutOff.abort(unavailable('the server is stopping'));
    await wait(CUT_OFF_MS);
    app.server.closeAllConnections();
    await Promise.all([ended, watching]);
    await app.close();
  };
  return { port: (app.server.address() as AddressInfo).port, close: () => (closing ??= close()) };
}

function useIn(app: FastifyInstance): Parameters<typeof watchTlsFiles>[0]['apply'] {
  const server: Server = app.server;
  return (pair) => {
    if (server instanceof TlsServer) server.setSecureContext({ ...TLS_OPTIONS, ...pair });
  };
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** Idle connections end at once, the others with their answer. */
function endConnections(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
