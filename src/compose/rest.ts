/** The REST shim of an installation: wires it, and serves it from the first full cache until the stop. */
import { randomBytes } from 'node:crypto';

import type { Admit } from '../api/validate.ts';
import type { Config } from '../config.ts';
import { effectivePolicy } from '../domain/policy.ts';
import type { ResourceEditor } from '../resources/editor.ts';
import type { ResourceStore } from '../resources/store.ts';
import { Catalogue } from '../rest/catalogue.ts';
import type { RecordReader, RestContext } from '../rest/context.ts';
import type { Route } from '../rest/http.ts';
import type { Authenticator } from '../rest/ports.ts';
import { ROUTES } from '../rest/routes/all.ts';
import { listenRest, type RestListener } from '../rest/server/listener.ts';
import type { TlsFiles } from '../rest/server/tls.ts';
import type { ManagedTask } from '../runtime/manager.ts';
import type { ProbeCheck } from '../runtime/probes.ts';
import { createFarSides } from './far-sides.ts';
import type { Ambience } from './installation.ts';
import { restZone } from './rest-config.ts';
import { farSideProbe } from './rest-far-sides.ts';
import { restNamespaces } from './rest-namespaces.ts';

export interface RestPartOptions extends Ambience {
  readonly store: ResourceStore;
  readonly editor: ResourceEditor;
  readonly records: RecordReader;
  /** Default: all of them. */
  readonly routes?: readonly Route[];
  readonly ownNamespace: string;
  /** Standalone there is none. */
  readonly apiServers: readonly string[];
  readonly admit: Admit;
  /** Called once, before anybody can call; works until `signal` is aborted. */
  readonly openAuthenticator: (signal: AbortSignal) => Promise<Authenticator>;
}

export interface RestPart {
  /** Listens once the store's cache is full; a standby does, too. Fails when that is not possible. */
  readonly task: ManagedTask;
  readonly ready: ProbeCheck;
  /** Before the lease is given away: no new requests, and an end of those that run. */
  stop(): Promise<void>;
}

/** The configuration was checked (rest-config.ts). */
export function createRestPart(options: RestPartOptions): RestPart {
  const { config, version, store, logger } = options;
  const { rest } = config;
  const context = contextOf(options);
  const stopping = new AbortController();
  let listener: RestListener | undefined;
  let serving: Promise<void> = Promise.resolve();
  const serve = async (end: AbortSignal): Promise<void> => {
    try {
      await store.ready(end);
      const authenticator = await options.openAuthenticator(end);
      end.throwIfAborted();
      listener = await listenRest({
        context,
        authenticator,
        routes: options.routes ?? ROUTES,
        settings: {
          bodyLimitBytes: rest.bodyLimitBytes,
          requestTimeoutMs: rest.requestTimeoutSeconds * 1_000,
          corsOrigins: rest.cors.origins,
          version,
        },
        host: rest.host,
        port: rest.port,
        tlsFiles: tlsFiles(rest.tls),
      });
      logger.info('REST API listens', { port: listener.port, tls: rest.tls.certFile !== undefined });
      await aborted(end);
    } catch (error) {
      if (!end.aborted) throw error;
    } finally {
      await listener?.close();
    }
  };
  return {
    task: {
      name: 'rest',
      run: (signal) => {
        serving = serve(AbortSignal.any([signal, stopping.signal]));
        return serving;
      },
    },
    ready: { name: 'rest', check: () => (listener === undefined ? 'not listening yet' : undefined) },
    stop: async () => {
      stopping.abort(new Error('the REST API is stopping'));
      // What failed has been told by the task.
      await Promise.allSettled([serving]);
    },
  };
}

function contextOf(options: RestPartOptions): RestContext {
  const { config, store, editor, records, ownNamespace, admit, clock, logger } = options;
  const farSides = createFarSides({
    policy: effectivePolicy(config.policy.rules, ownNamespace),
    settings: config.policy,
    apiServers: options.apiServers,
    // A ping changes nothing at a far side, so it needs no lease.
    mayStart: () => {},
    userAgent: `bkrepo-replicator/${options.version}`,
    logger,
    clock,
  });
  const namespaces = restNamespaces(config, ownNamespace);
  return {
    store,
    editor,
    records,
    farSides: farSideProbe({ farSides, store, clock }),
    namespaces,
    catalogue: new Catalogue(store, namespaces.all),
    localCluster: config.installationId ?? config.instance ?? 'default',
    instance: config.instance,
    zone: restZone(config.rest),
    scheduleZone: config.schedule.timeZone,
    admit,
    clock,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    logger: logger.child({ part: 'rest' }),
  };
}

function tlsFiles({ certFile, keyFile }: Config['rest']['tls']): TlsFiles | undefined {
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
