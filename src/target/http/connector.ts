/**
 * Opens connections for undici, and only to addresses that the guard accepts. The addresses checked are the ones
 * connected to: the check sits inside the lookup. One refused address among several refuses them all.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { callbackify, promisify } from 'node:util';
import { buildConnector } from 'undici';

import { bareHost, type HostGuard } from './host-guard.ts';
import type { TlsSettings } from './tls.ts';

/** How names become addresses; tests give their own. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

const lookupAll = promisify(lookup);

/** The system's resolver, addresses in its order. */
export const systemResolve: Resolve = (host) => lookupAll(host, { all: true, order: 'verbatim' });

interface ConnectorOptions {
  readonly guard: HostGuard;
  readonly port: number;
  readonly resolve: Resolve;
  readonly tls: TlsSettings;
  readonly connectMs: number;
  /** Told of each connection that is open. */
  readonly onSocket: (socket: Socket) => void;
}

export function guardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { guard, port, resolve, onSocket } = options;
  const check = callbackify(async (host: string, addresses: readonly string[]): Promise<void> => {
    if (addresses.length === 0) return;
    const apiServer = await resolveApiServer(guard, port, resolve);
    for (const address of addresses) guard.assertAddress(host, address, port, apiServer);
  });
  const find = callbackify(resolve);
  const guardedLookup: LookupFunction = (hostname, { all, family }, callback) => {
    find(hostname, (failure, found) => {
      if (failure) return callback(failure, '', 4);
      const addresses = found.map(({ address }) => address);
      return check(hostname, addresses, (refusal) => {
        const [first, ...others] = found.filter((entry) => !family || entry.family === family);
        if (refusal) callback(refusal, '', 4);
        else if (first === undefined) callback(noAddress(hostname), '', 4);
        else if (all) callback(null, [first, ...others]);
        else callback(null, first.address, first.family);
      });
    });
  };
  const connect = buildConnector({
    ...options.tls,
    allowH2: false,
    timeout: options.connectMs,
    lookup: guardedLookup,
  });
  return (request, callback) => {
    const host = bareHost(request.hostname);
    const literal = isIP(host) === 0 ? [] : [host];
    check(host, literal, (refusal) => {
      if (refusal) return callback(refusal, null);
      return connect(request, (...result) => {
        if (result[0] === null) onSocket(result[1]);
        callback(...result);
      });
    });
  };
}

/** A name of the API server that does not resolve here cannot be reached from here either. */
async function resolveApiServer(guard: HostGuard, port: number, resolve: Resolve): Promise<readonly string[]> {
  const names = guard.apiServerHosts(port).filter((host) => isIP(host) === 0);
  const found = await Promise.allSettled(names.map((name) => resolve(name)));
  return found.flatMap((entry) => (entry.status === 'fulfilled' ? entry.value.map(({ address }) => address) : []));
}

function noAddress(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no usable address for ${host}`), { code: 'ENOTFOUND' });
}
