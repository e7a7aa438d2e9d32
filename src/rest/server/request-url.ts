/** Under which paths the same endpoints are found (contract §1.1). */

/** As the gateway passes it on, for browsers, and both ways of writing it for programs. */
const PREFIX = /^\/(?:web\/|api\/)?replication(?=\/|$)/;
/** A request may name the whole URL (RFC 9112 §3.2.2). */
const ORIGIN = /^https?:\/\/[^/?#]*/i;
const MAX_SHOWN = 256;

/** The path of the endpoint itself, with single slashes; the query stays as it is. */
export function endpointUrl(url: string): string {
  const { path, query } = parts(url);
  const plain = path.replace(/\/{2,}/g, '/').replace(PREFIX, '');
  return `${plain.startsWith('/') || plain === '*' ? plain : `/${plain}`}${query}`;
}

/** The path as the caller wrote it, for messages and logs: never the query, which may hold a password. */
export function shownPath(url: string): string {
  const { path } = parts(url);
  return path.length <= MAX_SHOWN ? path : `${path.slice(0, MAX_SHOWN)}…`;
}

function parts(url: string): { readonly path: string; readonly query: string } {
  const local = url.replace(ORIGIN, '');
  const end = local.indexOf('?');
  return end < 0 ? { path: local, query: '' } : { path: local.slice(0, end), query: local.slice(end) };
}
