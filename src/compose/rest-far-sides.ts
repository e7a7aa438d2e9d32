/** Pings of far sides for REST callers: under the same policy as runs, but also while this process does not lead. */
import type { Cluster } from '../api/cluster.gen.ts';
import { type Access, readAccess } from '../controllers/cluster/access.ts';
import type { FarSides } from '../controllers/ports.ts';
import { ReplicationError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Credentials } from '../resources/editor.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { FarSideProbe } from '../rest/ports.ts';

/** A caller waits for it. Milliseconds. */
const PING_MS = 10_000;

export interface FarSideProbeOptions {
  readonly farSides: Pick<FarSides, 'assertAllowed' | 'probe'>;
  readonly store: Pick<ResourceStore, 'secret' | 'configMap'>;
  readonly clock: Clock;
}

export function farSideProbe({ farSides, store, clock }: FarSideProbeOptions): FarSideProbe {
  return {
    async ping(cluster, credentials, signal) {
      farSides.assertAllowed(cluster);
      const done = new AbortController();
      const late = new AbortController();
      const timeout = clock.sleep(PING_MS, done.signal).then(
        () => late.abort(new ReplicationError('retryable', 'Timeout', `no answer within ${PING_MS / 1_000} seconds`)),
        () => {},
      );
      const within = AbortSignal.any([signal, late.signal]);
      try {
        await farSides.probe(cluster, await accessOf(store, cluster, credentials, within), within);
      } catch (error) {
        // The reason tells more than how a library words an abort.
        within.throwIfAborted();
        throw error;
      } finally {
        done.abort();
        await timeout;
      }
    },
  };
}

/** What the Cluster names, but the given credentials instead of its own. */
async function accessOf(
  store: Pick<ResourceStore, 'secret' | 'configMap'>,
  cluster: Cluster,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<Access> {
  if (credentials === undefined) return await readAccess(store, cluster, signal);
  const { credentialsSecretRef: _replaced, ...spec } = cluster.spec;
  return { ...(await readAccess(store, { ...cluster, spec }, signal)), ...credentials };
}
