/** An HTTP proxy in front of a far side that notes when how many bytes of whose uploads pass. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Arrival {
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly bytes: number;
}

export interface PayloadMeter {
  readonly url: string;
  /** By what `ownerOf` said. */
  readonly arrivals: ReadonlyMap<string, readonly Arrival[]>;
  close(): Promise<void>;
}

/** Uploads are told apart by the digest that every one of their requests names; `ownerOf` says whose it is. */
export async function startPayloadMeter(
  target: string,
  ownerOf: (sha256: string) => string | undefined,
): Promise<PayloadMeter> {
  const origin = new URL(target);
  const agent = new http.Agent({ keepAlive: true });
  const arrivals = new Map<string, Arrival[]>();
  const server = http.createServer((request, response) => {
    const { method, url = '', headers } = request;
    const sha256 = new URL(url, origin).searchParams.get('sha256');
    const owner = sha256 === null ? undefined : ownerOf(sha256);
    if (owner !== undefined)
      request.on('data', (chunk: Buffer) => {
        const mine = arrivals.get(owner) ?? [];
        arrivals.set(owner, mine);
        mine.push({ at: performance.now(), bytes: chunk.length });
      });
    const { hostname, port } = origin;
    const forward = http.request({ hostname, port, method, path: url, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.once('error', () => request.socket.destroy());
    response.once('close', () => forward.destroy());
    request.pipe(forward);
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    arrivals,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
