/**
 * The two controllers over one store: what wakes which object. When the clock is set all tasks are looked at, because
 * they wait for instants by timers. A task whose status was written is looked at a little
 * later, so that what others wrote there does not stay; after a write of our own there is nothing to do then. A Cluster
 * wakes the tasks that refer to it when its state changes, a task wakes the Clusters whose finalizer it keeps.
 */
import type { Cluster } from '../api/cluster.gen.ts';
import { getCondition } from '../api/conditions.ts';
import { CLUSTER_KIND, GROUP, REPLICA_TASK_KIND } from '../api/names.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { ReplicaTask } from '../api/replica-task.gen.ts';
import type { RunRecord } from '../journal/records.ts';
import type { BackoffPolicy } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { ObjectKey, ResourceKind, ResourceStore } from '../resources/store.ts';
import { clockWatch } from '../runtime/clock-watch.ts';
import { Controller, type Reconcile } from '../runtime/controller.ts';
import { objectKey } from '../runtime/key.ts';
import type { ManagedController } from '../runtime/manager.ts';
import { type RunEvent, RunRegistry } from '../runtime/run-registry.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { FollowerState } from './replica-task/follow-body.ts';
import type { Progress } from './replica-task/run-body.ts';

export interface WiringOptions {
  readonly store: ResourceStore;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** How soon a run's progress is looked at. Milliseconds. */
const PROGRESS_DELAY = 2_000;
/** How soon a written status is looked at. Milliseconds. */
const STATUS_DELAY = 2_000;
/** Probes of dead far sides wait for their time-out and must not hold up others. */
const CLUSTER_WORKERS = 16;
/** Many tasks may be due in the same second, and each waits for the journal and the API server rather than for a CPU. */
const TASK_WORKERS = 32;
/** A task whose reconciles fail is looked at again within two minutes: it may have times to keep. Milliseconds. */
const TASK_RETRIES: BackoffPolicy = { base: 1_000, cap: 60_000 };

/** How long runs wait for others to be begun, and how often that is looked at. Milliseconds. */
const RUSH_MS = 1_500;
const CALM_MS = 25;

export class Wiring {
  readonly registry: RunRegistry<Progress, RunRecord>;
  readonly followers: RunRegistry<FollowerState, void>;
  readonly #options: WiringOptions;
  readonly #seen = new Map<string, string>();
  #clusters: Controller | undefined;
  #tasks: Controller | undefined;
  #rush: Promise<void> | undefined;

  constructor(options: WiringOptions) {
    this.#options = options;
    const onEvent = (key: string, event: RunEvent): void => this.#runEvent(key, event);
    this.registry = new RunRegistry({ clock: options.clock, onEvent });
    this.followers = new RunRegistry({ clock: options.clock, onEvent });
  }

  /** Stops runs and followers at a safe point, and lets no more begin. */
  async stopAll(reason: unknown, signal: AbortSignal): Promise<void> {
    await Promise.all([this.registry.stopAll(reason, signal), this.followers.stopAll(reason, signal)]);
  }

  /** The controllers, to be run while this process leads. */
  controllers(reconcileCluster: Reconcile, reconcileTask: Reconcile): readonly ManagedController[] {
    const { clock, random, logger } = this.#options;
    const common = { clock, random, logger };
    const fields = (kind: string): { logFields: Readonly<Record<string, string>> } => ({
      logFields: { controllerGroup: GROUP, controllerKind: kind },
    });
    const clusters = new Controller({
      ...common,
      ...fields(CLUSTER_KIND),
      name: 'cluster',
      reconcile: reconcileCluster,
      workers: CLUSTER_WORKERS,
    });
    const tasks = new Controller({
      ...common,
      ...fields(REPLICA_TASK_KIND),
      name: 'replica-task',
      reconcile: reconcileTask,
      workers: TASK_WORKERS,
      rateLimit: TASK_RETRIES,
    });
    this.#clusters = clusters;
    this.#tasks = tasks;
    return [
      this.#watching(clusters, 'Cluster', (key) => this.#clusterChanged(key)),
      this.#watching(tasks, 'ReplicaTask', (key) => this.#taskChanged(key)),
      clockWatch({ clock, logger, onJump: () => this.#lookAtAllTasks() }),
    ];
  }

  /** Subscribes for as long as the controller runs, and begins with all objects there are. */
  #watching(controller: Controller, kind: ResourceKind, onChange: (key: ObjectKey) => void): ManagedController {
    const { store } = this.#options;
    return {
      name: controller.name,
      run: async (stopTaking, signal) => {
        const end = store.subscribe(kind, onChange);
        for (const { metadata } of store.list(kind)) onChange(metadata);
        try {
          await controller.run(stopTaking, signal);
        } finally {
          end();
        }
      },
    };
  }

  /** Many tasks at once: what can wait shall wait until all were looked at. */
  readonly rush = {
    isOn: (): boolean => (this.#tasks?.depth.waiting ?? 0) > 0,
    over: (): Promise<void> => {
      this.#rush ??= this.#untilCalm().finally(() => {
        this.#rush = undefined;
      });
      return this.#rush;
    },
  };

  async #untilCalm(): Promise<void> {
    const { clock } = this.#options;
    for (let waited = 0; waited < RUSH_MS && this.rush.isOn(); waited += CALM_MS) await clock.sleep(CALM_MS);
  }

  #lookAtAllTasks(): void {
    for (const { metadata } of this.#options.store.list('ReplicaTask'))
      this.#tasks?.enqueue(objectKey(metadata.namespace, metadata.name));
  }

  #runEvent(key: string, event: RunEvent): void {
    if (event === 'settled') this.#tasks?.enqueue(key);
    else this.#tasks?.enqueueAfter(key, PROGRESS_DELAY);
  }

  #clusterChanged(key: ObjectKey): void {
    const { store } = this.#options;
    const name = objectKey(key.namespace, key.name);
    const cluster = store.get('Cluster', key);
    if (this.#moved(`spec/Cluster/${name}`, cluster && ownText(cluster))) this.#clusters?.enqueue(name);
    if (!this.#moved(`state/Cluster/${name}`, cluster && stateText(cluster))) return;
    for (const { metadata } of store.list('ReplicaTask', key.namespace)) {
      this.#tasks?.enqueue(objectKey(metadata.namespace, metadata.name));
    }
  }

  #taskChanged(key: ObjectKey): void {
    const { store } = this.#options;
    const name = objectKey(key.namespace, key.name);
    const task = store.get('ReplicaTask', key);
    if (this.#moved(`status/ReplicaTask/${name}`, task && JSON.stringify(task.status)))
      this.#tasks?.enqueueAfter(name, STATUS_DELAY);
    if (!this.#moved(`spec/ReplicaTask/${name}`, task && ownText(task))) return;
    this.#tasks?.enqueue(name);
    for (const { metadata } of store.list('Cluster', key.namespace)) {
      this.#clusters?.enqueue(objectKey(metadata.namespace, metadata.name));
    }
  }

  /** Whether this text differs from the one seen last; undefined = the object is gone. */
  #moved(name: string, text: string | undefined): boolean {
    const before = this.#seen.get(name);
    if (text === undefined) this.#seen.delete(name);
    else this.#seen.set(name, text);
    return text === undefined || before !== text;
  }
}

/** What wakes an object itself; of its status only who serves it, so that one that is handed over is taken up. */
function ownText({ metadata, status }: Cluster | ReplicaTask): string {
  return JSON.stringify([metaText(metadata), status?.servedBy]);
}

function metaText(metadata: ObjectMeta): string {
  const { uid, generation, deletionTimestamp, annotations, labels, finalizers } = metadata;
  return JSON.stringify([uid, generation, deletionTimestamp, annotations, labels, finalizers]);
}

function stateText(cluster: Cluster): string {
  const ready = getCondition(cluster.status?.conditions, 'Ready');
  const stalled = getCondition(cluster.status?.conditions, 'Stalled')?.status;
  const { observedGeneration } = cluster.status ?? {};
  return JSON.stringify([metaText(cluster.metadata), observedGeneration, ready?.status, ready?.reason, stalled]);
}
