/** What routes see of a request beyond Fastify, and the envelope of every answer (contract §1.3). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { LocalTime } from '../lib/local-time.ts';
import type { RestContext } from './context.ts';
import type { Caller } from './ports.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a caller: documents that hold nothing secret. */
    open?: boolean;
    /** Takes an `application/x-www-form-urlencoded` body, too: an object of strings. */
    form?: boolean;
  }
  interface FastifyRequest {
    /** Who was authenticated. */
    user: Caller;
    /** How dates of this request are read and written: the zone of X-BKREPO-Time-Zone, else the configured one. */
    dates: LocalTime;
    /** Aborted when the caller has gone, the request took too long, or the server stops. */
    ended: AbortSignal;
  }
}

export interface Envelope<T> {
  readonly code: number;
  readonly message: string | null;
  readonly data: T;
  readonly traceId: string;
}

export function success<T>(request: FastifyRequest, data: T): Envelope<T> {
  return { code: 0, message: null, data, traceId: request.id };
}

/** Registers one group of endpoints, without the prefixes of contract §1.1. */
export type Route = (app: FastifyInstance, context: RestContext) => void;
