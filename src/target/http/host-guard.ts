/**
 * Decides which hosts, addresses and proxies may be reached (design "Who may copy what"). Every refusal is the spec
 * error `HostNotAllowed`. A name is judged before anything is looked up; each address it resolves to is judged again
 * when a connection is made (connector.ts), so a name cannot be turned to another address in between.
 */
import { isIP } from 'node:net';

import { ReplicationError } from '../../domain/errors.ts';
import { addressBytes, addressMatcher, specialAddress, unwrap } from './address.ts';
import type { HostPolicy } from './options.ts';

interface Endpoint {
  /** A bare name or address, lower case. */
  readonly host: string;
  /** Undefined = every port. */
  readonly port: number | undefined;
}

export class HostGuard {
  readonly #namePatterns: readonly string[];
  readonly #allowedRanges: (address: string) => boolean;
  readonly #excepted: (address: string) => boolean;
  readonly #apiServers: readonly Endpoint[];
  readonly #proxies: ReadonlySet<string>;

  /** Throws `RangeError` or `TypeError` for a policy that cannot be read: a fault of the installation's configuration. */
  constructor(policy: HostPolicy) {
    const isRange = (pattern: string): boolean => addressBytes(pattern.split('/')[0] ?? '') !== undefined;
    this.#namePatterns = policy.allowedHosts.filter((pattern) => !isRange(pattern)).map(bareHost);
    this.#allowedRanges = addressMatcher(policy.allowedHosts.filter(isRange));
    this.#excepted = addressMatcher(policy.allowedAddresses);
    this.#apiServers = policy.apiServers.map(parseEndpoint);
    this.#proxies = new Set(policy.allowedProxies.map((proxy) => new URL(proxy).origin));
  }

  /** Judges the host as the url names it. Behind a proxy only an explicit pattern will do: its address stays unknown. */
  assertHost(url: URL, throughProxy: boolean): void {
    const host = bareHost(url.hostname);
    const explicit = this.#matches(host);
    if (!explicit && (throughProxy || !this.#namePatterns.includes('*')))
      throw refused(
        throughProxy
          ? `host ${host} is reached through a proxy and matches no explicit pattern among the allowed hosts`
          : `host ${host} is not among the hosts that this installation allows as far sides (policy.rules of its configuration)`,
      );
    const port = portOf(url);
    if (isIP(host) !== 0) this.assertAddress(host, host, port, []);
    else if (this.apiServerHosts(port).includes(host)) throw refused(`host ${host} is the Kubernetes API server`);
    else if (throughProxy && (host === 'localhost' || host.endsWith('.localhost')))
      throw refused(`host ${host} is a loopback name`);
  }

  /** Judges one address that `host` resolved to; `apiServerAddresses` are those of the names in `apiServerHosts(port)`. */
  assertAddress(host: string, address: string, port: number, apiServerAddresses: readonly string[]): void {
    const named = host === address ? `address ${address}` : `host ${host} resolves to ${address}, which`;
    const special = specialAddress(address);
    if (special !== undefined && !this.#excepted(address))
      throw refused(`${named} is a ${special} address; only the installation's configuration can allow it`);
    const known = new Set([...this.apiServerHosts(port), ...apiServerAddresses].flatMap(unwrap));
    if (unwrap(address).some((candidate) => known.has(candidate)))
      throw refused(`${named} is the Kubernetes API server`);
  }

  /** Names and addresses of the API server that count for this port. */
  apiServerHosts(port: number): readonly string[] {
    return this.#apiServers.filter((entry) => entry.port === undefined || entry.port === port).map(({ host }) => host);
  }

  assertProxy(proxy: URL): void {
    if (!this.#proxies.has(proxy.origin))
      throw refused(`proxy ${proxy.origin} is not among the proxies that this installation allows`);
  }

  #matches(host: string): boolean {
    if (isIP(host) !== 0 && this.#allowedRanges(host)) return true;
    return this.#namePatterns.some((pattern) =>
      pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : pattern !== '*' && pattern === host,
    );
  }
}

export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

/** Lower case, without brackets and without the dot at the end. */
export function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function parseEndpoint(text: string): Endpoint {
  if (isIP(text) !== 0) return { host: text, port: undefined };
  const match = /^(.*?|\[.*\])(?::(\d{1,5}))?$/.exec(text);
  const host = bareHost(match?.[1] ?? '');
  if (host === '') throw new RangeError(`"${text}" is neither a host nor a host with port`);
  return { host, port: match?.[2] === undefined ? undefined : Number(match[2]) };
}

function refused(why: string): ReplicationError {
  return new ReplicationError('spec', 'HostNotAllowed', why);
}
