/**
 * `uninstall`: takes the operator's finalizer off the Clusters that the installation looks after, so that they can be
 * deleted when the operator is gone. Guaranteed: nothing else of an object is written, Clusters of other installations are
 * left alone, and it may be repeated. While an operator leads it does nothing, because that one would put it on again.
 */
import type { Cluster } from '../api/cluster.gen.ts';
import { CLUSTER_KIND, CLUSTER_PLURAL, FINALIZER, GROUP, VERSION } from '../api/names.ts';
import { scopeOf } from '../compose/installation.ts';
import { kubeChoice } from '../compose/kube-choice.ts';
import { leaseName } from '../compose/operator.ts';
import type { Config } from '../config.ts';
import { ConfigError } from '../config.ts';
import { isInScope, servedByOther } from '../domain/scope.ts';
import { kubeConfigLoader, ownNamespace } from '../kube/config.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { KubeLeaseStore } from '../kube/lease-store.ts';
import { ResourceClient } from '../kube/resource-client.ts';
import { Transport } from '../kube/transport.ts';
import { CONTROLLER_MANAGER } from '../resources/editor.ts';
import { resourceError } from '../resources/kube-errors.ts';
import { type CommandContext, CommandFailed, EXIT, textOption, UsageError } from './command.ts';
import { looks } from './looking.ts';

/** Longer than the lease of an operator that was killed. Seconds. */
const DEFAULT_TIMEOUT = '60';
const INTERVAL_MS = 1_000;
/** Others may write the object at the same time. */
const ATTEMPTS = 10;

type Clusters = ResourceClient<Cluster>;

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  const timeout = textOption(context, 'timeout') ?? DEFAULT_TIMEOUT;
  if (!/^\d{1,6}$/.test(timeout)) throw new UsageError('--timeout must be a number of seconds');
  const config = context.config();
  const choice = kubeChoice(config);
  const namespace = config.namespace ?? ownNamespace(choice);
  if (namespace === undefined || namespace === '')
    throw new ConfigError(['namespace is required: this process is no pod and its kubeconfig names none']);
  const userAgent = `bkrepo-replicator/${context.version} (uninstall)`;
  const transport = new Transport({ load: kubeConfigLoader(choice), userAgent, clock: context.clock });
  try {
    const lease = new KubeLeaseStore(transport, namespace, leaseName(config));
    await untilNobodyLeads(context, lease, Number(timeout), stop);
    const type = { group: GROUP, version: VERSION, plural: CLUSTER_PLURAL, kind: CLUSTER_KIND };
    return await releaseAll(context, new ResourceClient<Cluster>(transport, type), stop);
  } finally {
    await transport.close();
  }
}

/** @throws {CommandFailed} after `timeoutSeconds` */
async function untilNobodyLeads(
  context: CommandContext,
  lease: KubeLeaseStore,
  timeoutSeconds: number,
  stop: AbortSignal,
): Promise<void> {
  const { clock, stderr } = context;
  const deadline = clock.monotonic() + timeoutSeconds * 1_000;
  let told = false;
  for await (const holder of looks(context, () => holderOf(lease, clock.now(), stop), INTERVAL_MS, stop)) {
    if (holder === undefined) return;
    if (clock.monotonic() >= deadline)
      throw new CommandFailed(
        `operator ${holder} is at work and would put the finalizer on again: scale its Deployment to 0, then try again`,
      );
    if (!told) stderr.write(`waiting until operator ${holder} has stopped\n`);
    told = true;
  }
}

async function holderOf(lease: KubeLeaseStore, now: number, signal: AbortSignal): Promise<string | undefined> {
  try {
    const record = (await lease.get(signal))?.record;
    if (record === undefined || record.holder === '') return undefined;
    return record.renewTime.getTime() + record.durationSeconds * 1_000 > now ? record.holder : undefined;
  } catch (error) {
    throw resourceError('read the Lease of the operator', error);
  }
}

async function releaseAll(context: CommandContext, client: Clusters, stop: AbortSignal): Promise<number> {
  const { stdout, stderr } = context;
  const config = context.config();
  const [released, failed]: [string[], string[]] = [[], []];
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      stop.throwIfAborted();
      failed.push(error instanceof Error ? error.message : String(error));
    }
  };
  for (const namespace of config.watchNamespaces.length === 0 ? [undefined] : new Set(config.watchNamespaces))
    await attempt(async () => {
      for (const cluster of await heldClusters(client, config, namespace, stop))
        await attempt(async () => {
          if (!(await release(client, cluster, stop))) return;
          released.push(cluster.metadata.name);
          stdout.write(`cluster ${cluster.metadata.namespace}/${cluster.metadata.name}: finalizer removed\n`);
        });
    });
  stdout.write(released.length === 0 ? 'no finalizer was removed\n' : `finalizers removed: ${released.length}\n`);
  for (const message of failed) stderr.write(`${message}\n`);
  return failed.length === 0 ? EXIT.done : EXIT.failed;
}

/** None where the kind is not served: Clusters went with it. */
async function heldClusters(
  client: Clusters,
  config: Config,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly Cluster[]> {
  const installationId = config.installationId ?? config.instance ?? 'default';
  try {
    const { items } = await client.list(namespace, signal);
    return items.filter(
      ({ metadata, status }) =>
        isInScope(metadata, scopeOf(config)) &&
        servedByOther(status?.servedBy, installationId) === undefined &&
        metadata.finalizers?.includes(FINALIZER) === true,
    );
  } catch (error) {
    if (isNotFound(error)) return [];
    throw resourceError(`list Clusters of ${namespace ?? 'all namespaces'}`, error);
  }
}

/** Whether it was taken off by us. */
async function release(client: Clusters, read: Cluster, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid } = read.metadata;
  let present = read;
  for (let attempt = 1; ; attempt += 1) {
    const { finalizers = [], resourceVersion } = present.metadata;
    if (present.metadata.uid !== uid || !finalizers.includes(FINALIZER)) return false;
    const left = finalizers.filter((finalizer) => finalizer !== FINALIZER);
    const patch = { metadata: { uid, resourceVersion, finalizers: left } };
    try {
      await client.mergePatch(namespace, name, patch, { fieldManager: CONTROLLER_MANAGER }, signal);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      if (!isConflict(error) || attempt === ATTEMPTS)
        throw resourceError(`remove the finalizer of Cluster ${namespace}/${name}`, error);
    }
    // The operator's account may list Clusters, not get one.
    const again = (await client.list(namespace, signal)).items.find(({ metadata }) => metadata.name === name);
    if (again === undefined) return false;
    present = again;
  }
}
