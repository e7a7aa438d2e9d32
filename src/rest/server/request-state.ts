/** What every request carries: its dates, its end, and the headers of every answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Clock } from '../../lib/clock.ts';
import { type LocalTime, localTime, type Zone, zoneOf } from '../../lib/local-time.ts';
import { complain } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { unavailable } from './errors.ts';

const ZONE_HEADER = 'X-BKREPO-Time-Zone';
const MAX_ZONE = 64;
/** What a route has after its time is up, to end by itself. Milliseconds. */
const HEED_MS = 1_000;

export function commonHeaders(context: RestContext, request: FastifyRequest, reply: FastifyReply): void {
  const dates = localTime(zoneFor(request, context.zone), 'ignored');
  request.dates = dates;
  reply.headers({
    'X-BKREPO-RID': request.id,
    [ZONE_HEADER]: dates.offset(new Date(context.clock.now())),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
}

/** The caller's zone: an offset like `+0800`, or an IANA name; what cannot be read is ignored. */
function zoneFor({ headers }: FastifyRequest, usual: Zone): Zone {
  const wanted = headers[ZONE_HEADER.toLowerCase()];
  if (typeof wanted !== 'string' || wanted.length > MAX_ZONE) return usual;
  try {
    return zoneOf(wanted.trim());
  } catch {
    return usual;
  }
}

export interface EndOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Aborted when a server that stops waits no longer; the reason is answered. */
  readonly cutOff: AbortSignal | undefined;
  /** Whether its body is still awaited. */
  readonly arriving: () => boolean;
}

/**
 * The signal of a request: aborted with what is to be answered. A route that does not heed it is answered for when its
 * time is up.
 */
export function endOf(reply: FastifyReply, { clock, timeoutMs, cutOff, arriving }: EndOptions): AbortSignal {
  const end = new AbortController();
  const answered = new AbortController();
  const cut = (): void => end.abort(cutOff?.reason);
  const release = (): void => {
    answered.abort();
    cutOff?.removeEventListener('abort', cut);
  };
  reply.raw.once('finish', release);
  reply.raw.once('close', () => {
    release();
    if (!reply.raw.writableFinished) end.abort(unavailable('the caller has gone'));
  });
  if (cutOff?.aborted === true) cut();
  cutOff?.addEventListener('abort', cut, { once: true });
  const outlast = async (): Promise<void> => {
    await clock.sleep(timeoutMs, answered.signal);
    const late = arriving() ? complain('requestTimeout') : unavailable('the request took too long');
    end.abort(late);
    await clock.sleep(HEED_MS, answered.signal);
    if (!reply.sent) reply.send(late);
  };
  // Ends early when the request was answered.
  outlast().catch(() => {});
  return end.signal;
}

/** For a request that never came so far. */
export function hasState(request: FastifyRequest): boolean {
  return (request.dates as LocalTime | undefined) !== undefined;
}
