import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Clock } from '../lib/clock.ts';

/** One question of a probe: undefined = all is well, else what is wrong, in words. Must be cheap and never throw. */
export interface ProbeCheck {
  readonly name: string;
  readonly check: () => string | undefined;
}

export interface ProbesOptions {
  /** Default all addresses. */
  readonly host?: string;
  /** 0 = chosen by the system. */
  readonly port: number;
  /** Failing: the process should be restarted. */
  readonly live: readonly ProbeCheck[];
  /** Failing: send no traffic. A standby with warm caches is ready. */
  readonly ready: readonly ProbeCheck[];
  /** More paths, e.g. `/metrics`; answers text. */
  readonly pages?: Readonly<Record<string, () => { readonly contentType: string; readonly body: string }>>;
}

export interface Probes {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `/healthz` (also `/livez`) and `/readyz`: 200 `ok`, or 503 and one line for each failed check. */
export async function startProbes(options: ProbesOptions): Promise<Probes> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/healthz' || path === '/livez') answer(response, options.live);
    else if (path === '/readyz') answer(response, options.ready);
    else page(response, options.pages?.[path]);
  });
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 5_000;
  server.maxConnections = 64;
  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, checks: readonly ProbeCheck[]): void {
  const failed = checks.flatMap(({ name, check }) => {
    const trouble = check();
    return trouble === undefined ? [] : [`${name}: ${trouble}`];
  });
  response.writeHead(failed.length === 0 ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${failed.length === 0 ? 'ok' : failed.join('\n')}\n`);
}

function page(
  response: ServerResponse,
  render: (() => { readonly contentType: string; readonly body: string }) | undefined,
): void {
  if (render === undefined) {
    response.writeHead(404).end();
    return;
  }
  const { contentType, body } = render();
  response.writeHead(200, { 'content-type': contentType }).end(body);
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

/**
 * Fails when timers have not run for `maxDelayMs`: work keeps the event loop from turning, or the process was stopped.
 * Beats every second until `signal` is aborted.
 */
export function eventLoopCheck(clock: Clock, maxDelayMs: number, signal: AbortSignal): ProbeCheck {
  let lastBeat = clock.monotonic();
  const beat = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(1_000, signal);
      lastBeat = clock.monotonic();
    }
  };
  // Ends only by the abort.
  beat().catch(() => {});
  return {
    name: 'event-loop',
    check: () => {
      const late = clock.monotonic() - lastBeat - 1_000;
      return late > maxDelayMs ? `timers are ${Math.round(late)} ms late` : undefined;
    },
  };
}
