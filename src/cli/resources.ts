/**
 * Where commands read Clusters and tasks, and ask for runs: the Kubernetes API with the rights of whoever calls, or the
 * state directory of a standalone installation. Reads are of this moment; nothing but annotations is ever written.
 */
import { ReplicationError } from '../domain/errors.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from '../resources/store.ts';
import { type CommandContext, CommandFailed, flag, textOption, UsageError } from './command.ts';

export interface Resources {
  /** Whether they are a standalone installation's. */
  readonly standalone: boolean;
  /** Of `-n`, of the context, or the installation's own; undefined with `-A`. */
  readonly namespace: string | undefined;
  /** By namespace and name. */
  list<K extends ResourceKind>(kind: K, signal: AbortSignal): Promise<readonly ResourceKinds[K][]>;
  find<K extends ResourceKind>(kind: K, key: ObjectKey, signal: AbortSignal): Promise<ResourceKinds[K] | undefined>;
  /** Sets or removes (null) annotations of a task. */
  annotate(key: ObjectKey, annotations: Readonly<Record<string, string | null>>, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export async function openResources(context: CommandContext): Promise<Resources> {
  const config = context.config();
  if (isStandalone(context)) {
    const { openStateDirectory } = await import('./standalone-resources.ts');
    return openStateDirectory(context, wantedNamespace(context) ?? defaultNamespace(context, config.namespace));
  }
  const { openCluster } = await import('./kubernetes-resources.ts');
  return openCluster(context);
}

/** Whether the options (or the configuration) name a standalone installation. */
export function isStandalone(context: CommandContext): boolean {
  const { dir, state } = context.config().standalone;
  const asked = textOption(context, 'kubeconfig') ?? textOption(context, 'context');
  return asked === undefined && (dir !== undefined || state !== undefined);
}

/** Of `-n`. @throws {UsageError} with `-A`, too */
export function wantedNamespace(context: CommandContext): string | undefined {
  const namespace = textOption(context, 'namespace');
  if (namespace !== undefined && flag(context, 'all-namespaces'))
    throw new UsageError('--namespace and --all-namespaces exclude each other');
  return namespace;
}

function defaultNamespace(context: CommandContext, configured: string | undefined): string | undefined {
  return flag(context, 'all-namespaces') ? undefined : (configured ?? 'default');
}

/** `TASK` on the command line: its name, or `NAMESPACE/NAME`. */
export function taskKeyOf(given: string | undefined, namespace: string | undefined): ObjectKey {
  const [first = '', second, ...more] = (given ?? '').split('/');
  if (first === '' || second === '' || more.length > 0)
    throw new UsageError(`a task is named NAME or NAMESPACE/NAME, not ${given}`);
  if (second !== undefined) return { namespace: first, name: second };
  if (namespace === undefined) throw new UsageError('--all-namespaces and the name of a task exclude each other');
  return { namespace, name: first };
}

/** @throws {CommandFailed} when there is none */
export async function presentTask(
  resources: Resources,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<ResourceKinds['ReplicaTask']> {
  const task = await resources.find('ReplicaTask', key, signal);
  if (task === undefined) throw new CommandFailed(`there is no ReplicaTask ${key.namespace}/${key.name}`);
  return task;
}

/** Whether asking again may help. */
export function isTransient(error: unknown): boolean {
  return error instanceof ReplicationError && error.errorClass === 'retryable';
}

export function byName(a: ResourceKinds[ResourceKind], b: ResourceKinds[ResourceKind]): number {
  return compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
