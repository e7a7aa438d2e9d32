/**
 * Keeps a Cluster's status true: is it one we can write to, may we, and does it answer. Guarantees: probes are made at
 * the interval of the spec and sooner while the far side is unwell, whatever wakes the reconcile; the finalizer is there
 * exactly while a task refers to the Cluster; one write at the end, and only when something changed. Does not decide
 * whether a task runs.
 */
import type { Cluster } from '../../api/cluster.gen.ts';
import { durationMs } from '../../api/duration.ts';
import { CREDENTIALS_CHANGED_ANNOTATION, FINALIZER } from '../../api/names.ts';
import { refuseCluster } from '../../domain/acceptance.ts';
import { clusterStatus } from '../../domain/cluster-status.ts';
import { refersTo } from '../../domain/references.ts';
import { isInScope, type Scope, servedByOther } from '../../domain/scope.ts';
import type { Trouble } from '../../domain/summary.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ResourceStore, WriteResult } from '../../resources/store.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../../runtime/controller.ts';
import { splitKey } from '../../runtime/key.ts';
import type { FarSides } from '../ports.ts';
import { conditionEvents, event } from '../transition-events.ts';
import { troubleOf } from '../trouble.ts';
import { readAccess } from './access.ts';
import { ProbeBook, type Probed, type ProbeResult } from './probe-book.ts';

export interface ClusterControllerOptions {
  readonly store: ResourceStore;
  readonly farSides: FarSides;
  readonly scope: Scope;
  readonly installationId: string;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  /** Milliseconds that one probe may take; default 15,000. */
  readonly probeTimeoutMs?: number;
}

/** Tasks named in a message. */
const MAX_NAMED = 5;
const ACTION = 'Probe';

export function clusterReconciler(options: ClusterControllerOptions): Reconcile {
  const book = new ProbeBook(options.clock, options.random);
  return async (key, context, signal) => {
    const cluster = options.store.get('Cluster', splitKey(key));
    if (cluster === undefined) {
      book.forget(key);
      return {};
    }
    return await new ClusterReconcile(options, book, cluster, context).run(key, signal);
  };
}

class ClusterReconcile {
  readonly #options: ClusterControllerOptions;
  readonly #book: ProbeBook;
  readonly #cluster: Cluster;
  readonly #context: ReconcileContext;

  constructor(options: ClusterControllerOptions, book: ProbeBook, cluster: Cluster, context: ReconcileContext) {
    this.#options = options;
    this.#book = book;
    this.#cluster = cluster;
    this.#context = context;
  }

  async run(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (!this.#ours()) return {};
    const users = this.#users();
    const finalizer = await this.#finalizer(users, signal);
    // Our own write changed the object: the watch brings it back.
    if (finalizer === 'written' || finalizer === 'gone') return {};
    if (finalizer === 'conflict') return { requeueAfterMs: 1_000 };
    const judged = this.#deletionTrouble(users) ?? this.#refusal();
    const result = judged ?? (await this.#probe(key, signal));
    if ((await this.#writeStatus(result, signal)) === 'conflict') return { requeueAfterMs: 500 };
    // The next probe may be due by now already: a slow write must not end the probing.
    return judged === undefined ? { requeueAfterMs: this.#book.dueInMs(key) } : {};
  }

  #ours(): boolean {
    const { store, scope, installationId } = this.#options;
    if (!isInScope(this.#cluster.metadata, scope)) return false;
    const other = servedByOther(this.#cluster.status?.servedBy, installationId);
    if (other === undefined) return true;
    store.event('Cluster', this.#cluster, event('Warning', 'ServedByOther', ACTION, other));
    return false;
  }

  #users(): readonly string[] {
    const { store } = this.#options;
    const { namespace } = this.#cluster.metadata;
    const clusters = store.list('Cluster', namespace);
    return store
      .list('ReplicaTask', namespace)
      .filter((task) => refersTo(task.spec.remoteClusterIds, this.#cluster, clusters))
      .map((task) => task.metadata.name);
  }

  async #finalizer(users: readonly string[], signal: AbortSignal): Promise<WriteResult> {
    const { store } = this.#options;
    const { finalizers = [], deletionTimestamp } = this.#cluster.metadata;
    const has = finalizers.includes(FINALIZER);
    if (users.length > 0 && !has && deletionTimestamp === undefined)
      return await store.addFinalizer('Cluster', this.#cluster, FINALIZER, signal);
    if (users.length === 0 && has) return await store.removeFinalizer('Cluster', this.#cluster, FINALIZER, signal);
    return 'unchanged';
  }

  #deletionTrouble(users: readonly string[]): ProbeResult | undefined {
    if (this.#cluster.metadata.deletionTimestamp === undefined) return undefined;
    const named = users.slice(0, MAX_NAMED).join(', ');
    const more = users.length > MAX_NAMED ? ` and ${users.length - MAX_NAMED} more` : '';
    const message =
      users.length === 0
        ? 'the cluster is being deleted'
        : `the cluster is being deleted and waits for the tasks that refer to it: ReplicaTask ${named}${more}`;
    const reason = users.length === 0 ? 'Deleting' : 'InUse';
    return { verdict: { kind: 'failing', reason, message }, probe: undefined };
  }

  #refusal(): ProbeResult | undefined {
    const refused = (reason: string, message: string): ProbeResult => {
      const verdict: Trouble = { kind: 'refused', reason, message };
      return { verdict, probe: undefined };
    };
    const refusal = refuseCluster(this.#cluster.spec);
    if (refusal !== undefined) return refused(refusal.reason, refusal.message);
    try {
      this.#options.farSides.assertAllowed(this.#cluster);
      return undefined;
    } catch (error) {
      const { reason, message } = troubleOf(error);
      return refused(reason, message);
    }
  }

  async #probe(key: string, signal: AbortSignal): Promise<ProbeResult> {
    const { metadata, spec } = this.#cluster;
    const { uid, generation, annotations } = metadata;
    const probed: Probed = { uid, generation, credentials: annotations?.[CREDENTIALS_CHANGED_ANNOTATION] };
    const known = this.#book.current(key, probed);
    if (known !== undefined) return known;
    const result = await this.#probeNow(signal);
    this.#book.put(key, probed, result, durationMs(spec.probeInterval));
    return result;
  }

  async #probeNow(signal: AbortSignal): Promise<ProbeResult> {
    const { store, farSides, clock, probeTimeoutMs = 15_000 } = this.#options;
    const timeout = AbortSignal.timeout(probeTimeoutMs);
    const at = (): Date => new Date(clock.now());
    try {
      const access = await readAccess(store, this.#cluster, signal);
      const answer = await farSides.probe(this.#cluster, access, AbortSignal.any([signal, timeout]));
      return {
        verdict: { reason: 'Healthy', message: `the far side answers at ${this.#cluster.spec.url}` },
        probe: { at: at(), answer },
      };
    } catch (error) {
      signal.throwIfAborted();
      const verdict: Trouble = timeout.aborted
        ? {
            kind: 'failing',
            reason: 'Timeout',
            message: `the far side did not answer a ping within ${probeTimeoutMs} ms`,
          }
        : troubleOf(error);
      this.#context.logger.debug('probe failed', { reason: verdict.reason, error });
      return { verdict, probe: { at: at() } };
    }
  }

  async #writeStatus({ verdict, probe }: ProbeResult, signal: AbortSignal): Promise<WriteResult> {
    const { store, installationId, clock } = this.#options;
    const cluster = this.#cluster;
    const status = clusterStatus({ cluster, installationId, verdict, probe }, new Date(clock.now()));
    const written = await store.writeStatus('Cluster', cluster, status, signal);
    if (written !== 'written') return written;
    const { reason, message } = verdict;
    this.#context.logger.debug('cluster status written', { reason, message });
    for (const told of conditionEvents(cluster.status?.conditions, status.conditions, ACTION)) {
      store.event('Cluster', cluster, told);
    }
    return written;
  }
}
