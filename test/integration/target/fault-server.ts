/** A far side that answers as it is told, for faults that a real server cannot be made to show. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Which connection it came by, counted from 1. */
  readonly connection: number;
}

export type Answer = (request: Received, response: ServerResponse) => void | Promise<void>;
/** Called when the head is there; reads the body itself or not at all. */
export type RawAnswer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FaultServer {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

export interface FaultServerOptions {
  readonly answer?: Answer;
  readonly raw?: RawAnswer;
  readonly tls?: ServerOptions;
}

export async function startFaultServer(options: FaultServerOptions): Promise<FaultServer> {
  const received: Received[] = [];
  let connections = 0;
  const numbers = new WeakMap<object, number>();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (options.raw !== undefined) {
      options.raw(request, response);
      return;
    }
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const entry: Received = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(pieces),
        connection: numbers.get(request.socket) ?? 0,
      };
      received.push(entry);
      void options.answer?.(entry, response);
    });
  };
  const server = options.tls === undefined ? createServer(handle) : createTlsServer(options.tls, handle);
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: object) => {
    connections += 1;
    numbers.set(socket, connections);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    received,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

/** An envelope as bk-repo answers it. */
export function envelope(response: ServerResponse, data: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ code: 0, message: null, data, traceId: 't' }, null, 2));
}

export function refusal(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ code, message, data: null, traceId: 't' }));
}
