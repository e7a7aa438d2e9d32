/** Each Cluster: allowed, reached with its credentials, its clock, and how long its certificates are valid. */
import { X509Certificate } from 'node:crypto';

import type { Cluster } from '../../api/cluster.gen.ts';
import { createFarSides } from '../../compose/far-sides.ts';
import { apiServer } from '../../compose/operator.ts';
import { type Access, readAccess } from '../../controllers/cluster/access.ts';
import type { FarSides } from '../../controllers/ports.ts';
import { effectivePolicy } from '../../domain/policy.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import type { CommandContext } from '../command.ts';
import { type Check, certificateFinding, type Finding, ok, skewFinding } from './check.ts';
import { type Greeting, greet } from './greeting.ts';
import type { Patient } from './patient.ts';

type Look = Omit<Finding, 'check'>;

const LIST_REMEDY = 'see CustomResourceDefinitions and rights';

/** One check for each Cluster; when they cannot be listed, one that says so. */
export async function farSideChecks(
  context: CommandContext,
  patient: Patient,
  stop: AbortSignal,
): Promise<readonly Check[]> {
  let clusters: readonly Cluster[];
  try {
    clusters = await patient.clusters(stop);
  } catch (error) {
    stop.throwIfAborted();
    return [{ name: 'far sides', remedy: LIST_REMEDY, look: () => Promise.reject(error) }];
  }
  if (clusters.length === 0)
    return [
      { name: 'far sides', remedy: '', look: async () => ({ result: 'skipped', message: 'there is no Cluster' }) },
    ];
  const farSides = farSidesOf(context, patient);
  return clusters.map((cluster) => ({
    name: `far side ${cluster.metadata.namespace}/${cluster.metadata.name}`,
    remedy: `check spec.url of the Cluster, the network, and user name and password in the Secret that spec.credentialsSecretRef names (${cluster.spec.credentialsSecretRef?.name ?? 'none'})`,
    look: (signal) => lookAtFarSide({ context, patient, farSides, cluster }, signal),
  }));
}

function farSidesOf(context: CommandContext, { ownNamespace, transport }: Patient): FarSides {
  const config = context.config();
  return createFarSides({
    policy: effectivePolicy(config.policy.rules, ownNamespace),
    settings: config.policy,
    apiServers: transport === undefined ? [] : [apiServer(transport.serverUrl())],
    // A ping changes nothing at a far side, so it needs no lease.
    mayStart: () => {},
    userAgent: `bkrepo-replicator/${context.version} (doctor)`,
    logger: silentLogger,
    clock: context.clock,
  });
}

interface Visit {
  readonly context: CommandContext;
  readonly patient: Patient;
  readonly farSides: FarSides;
  readonly cluster: Cluster;
}

async function lookAtFarSide(visit: Visit, signal: AbortSignal): Promise<readonly Look[]> {
  const { context, patient, farSides, cluster } = visit;
  const access = await readAccess(patient.secrets, cluster, signal);
  farSides.assertAllowed(cluster);
  const known = ownCertificates(access, context.clock.now());
  const findings = await probed(visit, access, signal);
  return [...findings, ...known];
}

/** Asks as a run would; what any answer tells comes on top, also where an expired certificate is what is wrong. */
async function probed(
  { context, farSides, cluster }: Visit,
  access: Access,
  signal: AbortSignal,
): Promise<readonly Look[]> {
  const { url, proxyUrl } = cluster.spec;
  const greeting = async (): Promise<Greeting> =>
    proxyUrl === undefined ? await greet(url, context.clock, signal) : {};
  const now = context.clock.now();
  try {
    const { version, latencyMs } = await farSides.probe(cluster, access, signal);
    const login = access.username === '' ? 'without credentials' : 'with its credentials';
    const words = `answers ${login} in ${Math.round(latencyMs)} ms${version === null ? '' : `, version ${version}`}`;
    return [ok(words), ...greetingFindings(await greeting(), now)];
  } catch (error) {
    const { certificate } = await greeting();
    if (certificate === undefined || certificate.getTime() > now) throw error;
    return [certificateFinding('its serving certificate', certificate, now)];
  }
}

/** Those that we show and trust. */
function ownCertificates({ ca, clientCertificate }: Access, now: number): readonly Look[] {
  return [
    ...(clientCertificate === undefined ? [] : [pemFinding('the client certificate', clientCertificate.cert, now)]),
    ...(ca === undefined ? [] : [pemFinding('the certificate authority', ca, now)]),
  ];
}

function pemFinding(what: string, pem: string, now: number): Look {
  try {
    return certificateFinding(what, new X509Certificate(pem).validToDate, now);
  } catch {
    return { result: 'failed', message: `${what} is no certificate in PEM form`, remedy: `replace ${what}` };
  }
}

function greetingFindings({ skewMs, certificate }: Greeting, now: number): readonly Look[] {
  return [
    ...(skewMs === undefined ? [] : [skewFinding('the far side', skewMs)]),
    ...(certificate === undefined ? [] : [certificateFinding('its serving certificate', certificate, now)]),
  ];
}
