import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { KubeConfig } from '@kubernetes/client-node';

/** One request as the scripted API server saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedApi {
  readonly url: string;
  readonly seen: Seen[];
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** A kubeconfig for it; every call makes a new one, with the next token. */
  readonly load: () => KubeConfig;
  readonly loads: () => number;
  /** Resets every open connection. */
  readonly resetAll: () => void;
  readonly close: () => Promise<void>;
}

export type Handler = (seen: Seen, response: ServerResponse) => unknown;

/** An API server that says whatever a test wants: for faults that a real one cannot be made to show. */
export async function startScriptedApi(
  handler: Handler,
  tokens: readonly string[] = ['token-1'],
): Promise<ScriptedApi> {
  const seen: Seen[] = [];
  let connections = 0;
  let loads = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://api');
      const one: Seen = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      seen.push(one);
      handler(one, response);
    });
  });
  const sockets = new Set<{ resetAndDestroy(): unknown }>();
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resetAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url,
    seen,
    connections: () => connections,
    loads: () => loads,
    resetAll,
    load: () => {
      const token = tokens[Math.min(loads, tokens.length - 1)] ?? '';
      loads += 1;
      const config = new KubeConfig();
      config.loadFromOptions({
        clusters: [{ name: 'c', server: url, skipTLSVerify: true }],
        users: [{ name: 'u', token }],
        contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
        currentContext: 'x',
      });
      return config;
    },
    close: async () => {
      resetAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function answerJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function status(code: number, reason: string, message: string, details: object = {}): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details };
}
