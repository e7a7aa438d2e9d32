/** The shim's HTTP server. */
import { type FastifyInstance, fastify } from 'fastify';

import type { RestContext } from './context.ts';
import type { Route } from './http.ts';
import type { Authenticator } from './ports.ts';

export interface RestServerSettings {
  readonly bodyLimitBytes: number;
  /** Time in which a request must have arrived, and then be answered. Milliseconds. */
  readonly requestTimeoutMs: number;
  /** Origins whose pages may call; empty = none. */
  readonly corsOrigins: readonly string[];
  /** Of the program, for the OpenAPI document. */
  readonly version: string;
}

export interface RestServerOptions {
  readonly context: RestContext;
  readonly authenticator: Authenticator;
  readonly routes: readonly Route[];
  readonly settings: RestServerSettings;
}

/** Not listening yet. `ready()` or the first `inject` registers everything. */
export function createRestServer({ context, routes, settings }: RestServerOptions): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: settings.bodyLimitBytes });
  for (const route of routes) route(app, context);
  return app;
}
