/**
 * A standalone installation. It may be running, and then holds its state directory: the manifests are read beside it,
 * with a state directory that lasts as long as the look.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { compileAdmission } from '../../api/validate.ts';
import { openDirectoryStore } from '../../resources/directory-store.ts';
import { loadSecrets, loadState } from '../../resources/state-files.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, SecretData } from '../../resources/store.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { type CommandContext, UsageError } from '../command.ts';
import type { Patient } from './patient.ts';

export async function openStandalonePatient({ config, clock }: CommandContext, signal: AbortSignal): Promise<Patient> {
  const { standalone, watchNamespaces, instance, namespace = 'default' } = config();
  const { dir, state } = standalone;
  if (dir === undefined) throw new UsageError('--dir is required: the resources are read from there');
  const stateDir = await mkdtemp(path.join(tmpdir(), 'bkrepo-replicator-doctor-'));
  const store = await openDirectoryStore(
    {
      admit: compileAdmission(),
      defaultNamespace: namespace,
      namespaces: watchNamespaces,
      ...(instance === undefined ? {} : { instance }),
      dir,
      stateDir,
      clock,
      logger: silentLogger,
    },
    signal,
  );
  await store.refresh(signal);
  const all = async <K extends ResourceKind>(kind: K): Promise<readonly ResourceKinds[K][]> => {
    const kept = state === undefined ? [] : [...(await loadState(state)).objects.values()];
    const byRest = kept.filter(({ origin }) => origin === 'rest').map(({ object }) => object);
    const ofKind = byRest.filter((object): object is ResourceKinds[K] => object.kind === kind);
    return [...store.list(kind), ...ofKind];
  };
  return {
    ownNamespace: namespace,
    secrets: {
      secret: async (key, inner) => (await store.secret(key, inner)) ?? (await keptSecret(state, key)),
      configMap: (key, inner) => store.configMap(key, inner),
    },
    clusters: () => all('Cluster'),
    tasks: () => all('ReplicaTask'),
    close: async () => {
      await store.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** What REST callers gave. */
async function keptSecret(state: string | undefined, { namespace, name }: ObjectKey): Promise<SecretData | undefined> {
  const kept = state === undefined ? [] : await loadSecrets(state);
  const found = kept.find((secret) => secret.namespace === namespace && secret.name === name);
  if (found === undefined) return undefined;
  const data = Object.entries(found.data).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const);
  return { data: Object.fromEntries(data) };
}
