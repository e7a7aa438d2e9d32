import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import { zoneOf } from '../../src/lib/local-time.ts';
import type { RestContext } from '../../src/rest/context.ts';
import type { Authenticator, Caller } from '../../src/rest/ports.ts';
import { createRestServer, type RestServerOptions } from '../../src/rest/server/server.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

/** What the HTTP side itself needs of a context; routes of a test bring the rest. */
export function httpContext(parts: Partial<RestContext> = {}): RestContext {
  return {
    clock: systemClock,
    randomHex: (bytes: number) => randomBytes(bytes).toString('hex'),
    zone: zoneOf('UTC'),
    logger: silentLogger,
    ...parts,
  } as RestContext;
}

export const anybody: Caller = { name: 'tester', may: async () => true };
export const openDoor: Authenticator = { authenticate: async () => anybody };

export const REST_SETTINGS = {
  bodyLimitBytes: 65_536,
  requestTimeoutMs: 30_000,
  corsOrigins: [],
  version: '0.0.0',
} as const;

export function restServer(options: Partial<RestServerOptions> = {}) {
  return createRestServer({
    context: httpContext(),
    authenticator: openDoor,
    routes: [],
    settings: REST_SETTINGS,
    ...options,
  });
}
