/** The operator: Kubernetes API, leader election, Events. Standbys keep warm caches and are ready. */
import { createHash, randomUUID } from 'node:crypto';

import type { Config } from '../config.ts';
import { ConfigError } from '../config.ts';
import { ReplicationError } from '../domain/errors.ts';
import { scopeText } from '../domain/scope.ts';
import { kubeConfigLoader, ownNamespace } from '../kube/config.ts';
import { EventRecorder } from '../kube/event-recorder.ts';
import { KubeEventSink } from '../kube/event-sink.ts';
import { LeaseElector } from '../kube/lease.ts';
import { KubeLeaseStore } from '../kube/lease-store.ts';
import { Transport } from '../kube/transport.ts';
import { createKubernetesStore } from '../resources/kubernetes-store.ts';
import { type ManagedTask, Manager } from '../runtime/manager.ts';
import { type Ambience, openInstallation, scopeOf } from './installation.ts';
import { installedSchemaLacks } from './installed-schema.ts';
import { kubeChoice } from './kube-choice.ts';
import { serveHealth } from './probes.ts';
import type { RestPart } from './rest.ts';
import { checkRestConfig } from './rest-config.ts';
import type { OperatorRestOptions } from './rest-operator.ts';
import { stopTogether } from './stop-together.ts';

export interface OperatorOptions extends Ambience {
  /** Names this process in leases and Events. */
  readonly hostname: string;
}

const PROGRAM = 'bkrepo-replicator';
const PROBES_PORT = 9_440;
/** A leader that has not renewed for so long beyond the lease is to be restarted. Milliseconds. */
const LEASE_GRACE_MS = 20_000;
/** Until `stop` is aborted and all has ended in good order. Rejects when the lease is lost: the process must exit. */
export async function runOperator(options: OperatorOptions, stop: AbortSignal): Promise<void> {
  const { config, clock, random, logger } = options;
  const choice = kubeChoice(config);
  const transport = new Transport({
    load: kubeConfigLoader(choice),
    userAgent: `${PROGRAM}/${options.version}`,
    clock,
  });
  const namespace = config.namespace ?? ownNamespace(choice);
  if (namespace === undefined || namespace === '')
    throw new ConfigError(['namespace is required: this process is no pod and its kubeconfig names none']);
  checkRestConfig(config, namespace, true);
  const identity = `${options.hostname}_${randomUUID()}`;
  const recorder = new EventRecorder({
    sink: new KubeEventSink(transport, PROGRAM, identity),
    clock,
    random,
    logger,
  });
  const store = createKubernetesStore({
    transport,
    namespaces: config.watchNamespaces,
    ...(config.instance === undefined ? {} : { instance: config.instance }),
    recorder,
    clock,
    random,
    logger,
  });
  const elector = new LeaseElector({
    store: new KubeLeaseStore(transport, namespace, leaseName(config)),
    identity,
    clock,
    random,
    logger,
    durationMs: config.lease.durationSeconds * 1_000,
    renewDeadlineMs: config.lease.renewSeconds * 1_000,
    retryMs: config.lease.retrySeconds * 1_000,
    onLeader: (holder) => logger.info('leader changed', { holder }),
  });
  let synced = false;
  let manager: Manager | undefined;
  let rest: RestPart | undefined;
  const endHealth = await serveHealth({
    settings: config.probes,
    defaultPort: PROBES_PORT,
    live: [{ name: 'lease', check: () => elector.trouble(LEASE_GRACE_MS) }],
    ready: [
      { name: 'starting', check: () => (manager === undefined ? 'waiting for the journal' : undefined) },
      { name: 'manager', check: () => manager?.readyCheck().check() },
      { name: 'rest', check: () => rest?.ready.check() },
    ],
    clock,
    logger,
  });
  try {
    const apiServers = [apiServer(transport.serverUrl())];
    const installation = await openInstallation(
      {
        ...options,
        store,
        ownNamespace: namespace,
        apiServers,
        mayStart: () => assertLeading(elector),
        annotateHint: 'kubectl',
      },
      stop,
    );
    try {
      const { journal } = installation;
      rest = await openRest({ ...options, transport, store, journal, ownNamespace: namespace, apiServers });
      manager = new Manager({
        caches: [
          {
            name: 'resources',
            run: (signal) => store.run(signal),
            waitForSync: async (signal) => {
              await store.ready(signal);
              synced = true;
            },
            hasSynced: () => synced,
          },
        ],
        controllers: installation.controllers,
        tasks: [
          { name: 'events', run: (signal) => recorder.run(signal), flush: (signal) => recorder.flush(signal) },
          schemaCheck(transport, options),
          ...(rest === undefined ? [] : [rest.task]),
        ],
        runs: stopTogether(installation.runs, rest),
        election: elector,
        clock,
        logger,
        graceMs: config.shutdown.graceSeconds * 1_000,
      });
      await manager.run(stop);
    } finally {
      await installation.close();
    }
  } finally {
    await endHealth();
  }
}

/** Loaded only where it is served. */
async function openRest(options: OperatorRestOptions): Promise<RestPart | undefined> {
  if (!options.config.rest.enabled) return undefined;
  const { operatorRest } = await import('./rest-operator.ts');
  return operatorRest(options);
}

/** Installations of different scope do not compete, those of the same scope do. */
export function leaseName(config: Config): string {
  if (config.lease.name !== undefined) return config.lease.name;
  const scope = scopeOf(config);
  if (scope.instance === undefined && scope.watchNamespaces.length === 0) return PROGRAM;
  return `${PROGRAM}-${createHash('sha256').update(scopeText(scope)).digest('hex').slice(0, 10)}`;
}

export function apiServer(url: URL): string {
  return `${url.hostname}:${url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port}`;
}

/** Leadership ends (renew deadline) before others may take over, and all requests are aborted then. */
function assertLeading(elector: LeaseElector): void {
  if (elector.isLeader()) return;
  throw new ReplicationError('retryable', 'NotLeading', 'this process does not hold the lease (any more)');
}

/** Tells in words what the installed CustomResourceDefinitions lack; repeated until the server answers. */
function schemaCheck(transport: Transport, { clock, logger }: Ambience): ManagedTask {
  return {
    name: 'schema-check',
    async run(signal) {
      while (!signal.aborted) {
        try {
          const lacks = await installedSchemaLacks(transport, signal);
          for (const lack of lacks) logger.error('the installed schema does not fit', { lack });
          if (lacks.length === 0) return;
        } catch (error) {
          if (signal.aborted) return;
          logger.debug('the served schema could not be read', { error });
        }
        await clock.sleep(30_000, signal).catch(() => {});
      }
    },
  };
}
