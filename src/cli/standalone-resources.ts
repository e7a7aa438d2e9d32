/**
 * Clusters and tasks of a standalone installation, from its state directory. The process that runs owns what is there:
 * annotations are left as requests, which it carries out at once, or when it starts again.
 */
import { loadState, objectId, saveRequest } from '../resources/state-files.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from '../resources/store.ts';
import { type CommandContext, UsageError } from './command.ts';
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
    annotate: (key, annotations) => annotate(context, state, key, annotations),
    close: async () => {},
  };
}

/** A task that is there; a running installation is left a request, which it carries out at once. */
async function annotate(
  context: CommandContext,
  stateDir: string,
  key: ObjectKey,
  annotations: Readonly<Record<string, string | null>>,
): Promise<void> {
  const { clock, random } = context;
  const suffix = random().toString(36).slice(2, 10);
  await saveRequest(stateDir, `${new Date(clock.now()).toISOString().replaceAll(':', '-')}-${suffix}`, {
    ...key,
    annotations,
  });
}
