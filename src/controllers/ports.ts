/** What the controllers need of rooms that they may not know; `compose` wires it. */
import type { Cluster } from '../api/cluster.gen.ts';
import type { Source } from '../engine/ports/source.ts';
import type { Target } from '../engine/ports/target.ts';
import type { Access } from './cluster/access.ts';

export interface ProbeAnswer {
  readonly version: string | null;
  readonly latencyMs: number;
}

/** Far sides as the controllers see them. All fail with a classified `ReplicationError`. */
export interface FarSides {
  /**
   * Fails with spec error `HostNotAllowed` when no rule lets this namespace reach the cluster's host (or proxy), for one
   * project or, without it, for any. Asks the network nothing: resolved addresses are judged when connections are made.
   */
  assertAllowed(cluster: Cluster, projectId?: string): void;
  /** One ping over a connection of its own. */
  probe(cluster: Cluster, access: Access, signal: AbortSignal): Promise<ProbeAnswer>;
  /** Opens no connection. Whoever opens it closes it. */
  open(cluster: Cluster, access: Access, projectId: string): Target;
}

export interface ReadySource extends Source {
  /** Fails while the source cannot be read. */
  check(signal: AbortSignal): Promise<void>;
}
