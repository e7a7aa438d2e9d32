/** What is needed to reach one far side over HTTP, whatever protocol is spoken on top. */
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** Which hosts may be reached, decided by the administrator of the installation, never by a resource. */
export interface HostPolicy {
  /**
   * Hosts that may be far sides: exact names, `*.example.com` (any depth below, not the name itself), addresses, CIDR
   * ranges, or `*`. Behind a proxy a bare `*` is not enough. Empty = none.
   */
  readonly allowedHosts: readonly string[];
  /**
   * Addresses and CIDR ranges that may be reached although they are loopback, link-local, unspecified or multicast.
   * It does not open the API server: leave that out of `apiServers` where it must be reachable.
   */
  readonly allowedAddresses: readonly string[];
  /** The Kubernetes API server: `host` or `host:port`, names or addresses; without a port every port of it is refused. */
  readonly apiServers: readonly string[];
  /** Proxies that a resource may name: `scheme://host:port` without credentials and path. Empty = none. */
  readonly allowedProxies: readonly string[];
}

/** All in milliseconds, and all by lack of progress: no limit is set on how long a transfer takes that moves. */
export interface HttpTimeouts {
  /** Name lookup, TCP and TLS together. Default 10,000. */
  readonly connectMs: number;
  /** From the last byte sent to the head of the answer. Default 60,000; finishing an upload gets more by its size. */
  readonly answerMs: number;
  /** Between two pieces of an answer's body. Default 60,000. */
  readonly downloadIdleMs: number;
  /** The far side takes no byte of an upload. Default 60,000. */
  readonly uploadIdleMs: number;
}

export const DEFAULT_TIMEOUTS: HttpTimeouts = {
  connectMs: 10_000,
  answerMs: 60_000,
  downloadIdleMs: 60_000,
  uploadIdleMs: 60_000,
};

export interface ClientCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

export interface HttpOptions {
  /** `http(s)://host[:port][/path]`, without user info, query and fragment. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** PEM bundle: exactly these certificates are trusted, the system's are not. Absent = the system's. */
  readonly ca?: string;
  readonly clientCertificate?: ClientCertificate;
  /** `http(s)://[user:password@]host[:port]`; must be in `hostPolicy.allowedProxies`. */
  readonly proxyUrl?: string;
  readonly hostPolicy: HostPolicy;
  readonly timeouts?: Partial<HttpTimeouts>;
  /** Called before each request; throws when none may start (the lease does not outlast the timeouts, design §4). */
  readonly mayStart: () => void;
  readonly userAgent: string;
  readonly logger: Logger;
  readonly clock: Clock;
}
