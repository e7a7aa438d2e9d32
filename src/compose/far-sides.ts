/** Far sides for the controllers: bk-repo's protocol under the policy of this installation. */
import type { Cluster } from '../api/cluster.gen.ts';
import { clusterId } from '../api/names.ts';
import type { Config } from '../config.ts';
import type { Access } from '../controllers/cluster/access.ts';
import type { FarSides } from '../controllers/ports.ts';
import { allowedHosts, type Policy } from '../domain/policy.ts';
import type { Clock } from '../lib/clock.ts';
import type { BkRepoTargetOptions } from '../target/bkrepo/options.ts';
import { probeBkRepo } from '../target/bkrepo/probe.ts';
import { createBkRepoTarget } from '../target/bkrepo/target.ts';
import { HostGuard } from '../target/http/host-guard.ts';
import type { HostPolicy } from '../target/http/options.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface FarSidesOptions {
  readonly policy: Policy;
  readonly settings: Config['policy'];
  /** The API server, which is never a far side. */
  readonly apiServers: readonly string[];
  /** Throws when no request may start. */
  readonly mayStart: () => void;
  readonly userAgent: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10'];

export function createFarSides(options: FarSidesOptions): FarSides {
  const { mayStart, userAgent, logger, clock } = options;
  const access = (cluster: Cluster, credentials: Access, projectId?: string): BkRepoTargetOptions => {
    const { metadata, spec } = cluster;
    return {
      ...credentials,
      id: clusterId(metadata.namespace, metadata.name),
      name: metadata.name,
      url: spec.url,
      ...(spec.timeZone === undefined ? {} : { timeZone: spec.timeZone }),
      ...(spec.proxyUrl === undefined ? {} : { proxyUrl: spec.proxyUrl }),
      hostPolicy: hostPolicy(options, metadata.namespace, projectId),
      mayStart,
      userAgent,
      logger,
      clock,
    };
  };
  return {
    assertAllowed({ metadata, spec }, projectId) {
      const guard = new HostGuard(hostPolicy(options, metadata.namespace, projectId));
      if (spec.proxyUrl !== undefined) guard.assertProxy(new URL(spec.proxyUrl));
      guard.assertHost(new URL(spec.url), spec.proxyUrl !== undefined);
    },
    probe: (cluster, credentials, signal) => probeBkRepo(access(cluster, credentials), signal),
    open: (cluster, credentials, projectId) => createBkRepoTarget(access(cluster, credentials, projectId)),
  };
}

function hostPolicy(
  { policy, settings, apiServers }: FarSidesOptions,
  namespace: string,
  projectId?: string,
): HostPolicy {
  return {
    allowedHosts: allowedHosts(policy, namespace, projectId),
    allowedAddresses: [
      ...(settings.allowLoopback ? LOOPBACK : []),
      ...(settings.allowLinkLocal ? LINK_LOCAL : []),
      ...settings.allowedAddresses,
    ],
    apiServers,
    allowedProxies: settings.proxies,
  };
}
