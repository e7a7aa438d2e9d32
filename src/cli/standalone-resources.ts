/**
 * Clusters and tasks of a standalone installation, from its state directory, also while it runs. Annotations are written
 * only while it does not: a running one holds the directory, and takes them from its YAML files.
 */
import { compileAdmission } from '../api/validate.ts';
import { ReplicationError } from '../domain/errors.ts';
import { type DirectoryStore, openDirectoryStore } from '../resources/directory-store.ts';
import { loadState, objectId } from '../resources/state-files.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from '../resources/store.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { type CommandContext, CommandFailed, UsageError } from './command.ts';
import { byName, type Resources } from './resources.ts';

export function openStateDirectory(context: CommandContext, namespace: string | undefined): Resources {
  const { state } = context.config().standalone;
  if (state === undefined) throw new UsageError('--state is required: resources and their status are read from there');
  return {
    standalone: true,
    namespace,
    async list<K extends ResourceKind>(kind: K) {
      const { objects } = await loadState(state);
      return [...objects.values()]
        .map(({ object }) => object)
        .filter((object): object is ResourceKinds[K] => object.kind === kind)
        .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
        .toSorted(byName);
    },
    async find<K extends ResourceKind>(kind: K, key: ObjectKey) {
      const { objects } = await loadState(state);
      return objects.get(objectId(kind, key.namespace, key.name))?.object as ResourceKinds[K] | undefined;
    },
    annotate: (key, annotations, signal) => annotate(context, state, key, annotations, signal),
    close: async () => {},
  };
}

async function annotate(
  context: CommandContext,
  state: string,
  key: ObjectKey,
  annotations: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<void> {
  const store = await openStopped(context, state, key, annotations, signal);
  try {
    await store.refresh(signal);
    const task = store.get('ReplicaTask', key);
    if (task === undefined) throw new CommandFailed(`there is no ReplicaTask ${key.namespace}/${key.name}`);
    await store.writeAnnotations('ReplicaTask', task, annotations, signal);
  } finally {
    await store.close();
  }
}

async function openStopped(
  { config, clock }: CommandContext,
  stateDir: string,
  key: ObjectKey,
  annotations: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<DirectoryStore> {
  const { standalone, watchNamespaces, instance, namespace = 'default' } = config();
  const { dir } = standalone;
  if (dir === undefined) throw new UsageError('--dir is required beside --state: the task is looked up there, too');
  const options = {
    admit: compileAdmission(),
    defaultNamespace: namespace,
    namespaces: watchNamespaces,
    ...(instance === undefined ? {} : { instance }),
    dir,
    stateDir,
    clock,
    logger: silentLogger,
  };
  try {
    return await openDirectoryStore(options, signal);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.code !== 'StateLocked') throw error;
    throw new CommandFailed(
      `the installation is running and takes requests from its files: in the manifest of ${key.namespace}/${key.name} ` +
        `below ${dir}, ${manifestHint(annotations)}`,
    );
  }
}

function manifestHint(annotations: Readonly<Record<string, string | null>>): string {
  return Object.entries(annotations)
    .map(([name, value]) =>
      value === null ? `remove the annotation ${name}` : `set the annotation ${name}: ${JSON.stringify(value)}`,
    )
    .join(', and ');
}
