/**
 * Where the calls of the wire protocol live (contract §2.1, §11). Any of `http://host`, `http://host/replication` and
 * `http://host/some/prefix/replication` may be registered; replica calls go below `<prefix>/replication/replica`, the
 * repository service's below `<prefix>/repository/api`.
 */
export interface Endpoints {
  /** `segments` are encoded; a query value keeps its slashes, as bk-repo's own client writes it. */
  replica(segments: readonly string[], query?: Query): string;
  repository(segments: readonly string[], query?: Query): string;
}

/** Entries without value are left out. */
type Query = Readonly<Record<string, string | null>>;

export function endpointsOf(url: URL): Endpoints {
  const prefix = url.pathname.replace(/\/$/, '').replace(/\/replication$/, '');
  return {
    replica: (segments, query) => compose(`${prefix}/replication/replica`, segments, query),
    repository: (segments, query) => compose(`${prefix}/repository/api`, segments, query),
  };
}

function compose(base: string, segments: readonly string[], query: Query = {}): string {
  const path = [base, ...segments.map(encode)].join('/');
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === null ? [] : `${key}=${encode(value).replaceAll('%2F', '/')}`,
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** Everything but unreserved characters (RFC 3986) as percent-encoded UTF-8. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A node's path as segments of a url path. */
export function pathSegments(fullPath: string): readonly string[] {
  return fullPath.split('/').filter((segment) => segment !== '');
}
