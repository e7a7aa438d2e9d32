/** Which Clusters a task means: by `metadata.name`, by `status.id`, or by the id of an older bk-repo. Pure. */
import type { Cluster } from '../api/cluster.gen.ts';
import { clusterId, LEGACY_ID_ANNOTATION } from '../api/names.ts';

export interface Reference {
  /** The entry of `spec.remoteClusterIds`. */
  readonly entry: string;
  readonly cluster: Cluster | undefined;
}

/** `clusters` are those of the task's namespace. A name goes before an id; an id in use twice means nobody. */
export function resolveReferences(entries: readonly string[], clusters: readonly Cluster[]): readonly Reference[] {
  return entries.map((entry) => ({ entry, cluster: resolve(entry, clusters) }));
}

export function refersTo(entries: readonly string[], cluster: Cluster, clusters: readonly Cluster[]): boolean {
  return resolveReferences(entries, clusters).some((found) => found.cluster?.metadata.name === cluster.metadata.name);
}

function resolve(entry: string, clusters: readonly Cluster[]): Cluster | undefined {
  const byName = clusters.find(({ metadata }) => metadata.name === entry);
  if (byName !== undefined) return byName;
  const byId = clusters.find(({ metadata }) => clusterId(metadata.namespace, metadata.name) === entry);
  if (byId !== undefined) return byId;
  const [only, ...more] = clusters.filter(({ metadata }) => metadata.annotations?.[LEGACY_ID_ANNOTATION] === entry);
  return more.length === 0 ? only : undefined;
}
