import type { IncomingHttpHeaders } from 'node:http';

const ID = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/;

/**
 * The id of the caller's trace, so that its and our lines are found together: header `b3`, `X-B3-TraceId` (B3
 * propagation), or `traceparent` (W3C Trace Context); a new one where none of them holds a valid id.
 */
export function traceId(headers: IncomingHttpHeaders, randomHex: (bytes: number) => string): string {
  const { b3, traceparent } = headers;
  const given = [first(b3)?.split('-', 1)[0], first(headers['x-b3-traceid']), ofTraceparent(first(traceparent))];
  return given.map((id) => id?.trim().toLowerCase()).find(isTraceId) ?? randomHex(16);
}

function first(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}

/** `version-traceid-spanid-flags`; version ff is forbidden. */
function ofTraceparent(header: string | undefined): string | undefined {
  const [, id] = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/.exec(header?.trim() ?? '') ?? [];
  return id;
}

function isTraceId(id: string | undefined): id is string {
  return id !== undefined && ID.test(id) && !/^0+$/.test(id);
}
