/** What is secret or private about a far side, read from the Cluster's own namespace and never kept (design §2). */
import type { Cluster } from '../../api/cluster.gen.ts';
import { ReplicationError } from '../../domain/errors.ts';
import type { ResourceStore, SecretData } from '../../resources/store.ts';

export interface Access {
  /** Empty without `credentialsSecretRef`. */
  readonly username: string;
  readonly password: string;
  /** PEM. */
  readonly ca?: string;
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
}

type Reader = Pick<ResourceStore, 'secret' | 'configMap'>;

/** Reasons of `readAccess` that mean "not there (yet)". */
export const MISSING_REASONS: ReadonlySet<string> = new Set([
  'SecretNotFound',
  'SecretKeyMissing',
  'ConfigMapNotFound',
  'ConfigMapKeyMissing',
]);

/**
 * Fails with spec errors `SecretNotFound`, `SecretKeyMissing`, `ConfigMapNotFound`, `ConfigMapKeyMissing` and
 * `SecretForbidden`, which name the object and the key, never a value.
 */
export async function readAccess(store: Reader, cluster: Cluster, signal: AbortSignal): Promise<Access> {
  const { spec, metadata } = cluster;
  const { namespace } = metadata;
  const credentials = spec.credentialsSecretRef;
  const login =
    credentials === undefined
      ? { username: '', password: '' }
      : await readKeys(
          'Secret',
          'credentialsSecretRef',
          { namespace, name: credentials.name },
          { username: 'username', password: 'password' },
          (key) => store.secret(key, signal),
        );
  const ca = await readCa(store, cluster, signal);
  const shown = spec.clientCertificateSecretRef;
  const clientCertificate =
    shown === undefined
      ? undefined
      : await readKeys(
          'Secret',
          'clientCertificateSecretRef',
          { namespace, name: shown.name },
          { cert: 'tls.crt', key: 'tls.key' },
          (key) => store.secret(key, signal),
        );
  return {
    ...login,
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
}

async function readCa(store: Reader, { spec, metadata }: Cluster, signal: AbortSignal): Promise<string | undefined> {
  const { certificate, caSecretRef, caConfigMapRef } = spec;
  const { namespace } = metadata;
  if (caSecretRef !== undefined) {
    const place = { namespace, name: caSecretRef.name };
    const read = await readKeys('Secret', 'caSecretRef', place, { ca: caSecretRef.key }, (key) =>
      store.secret(key, signal),
    );
    return read.ca;
  }
  if (caConfigMapRef !== undefined) {
    const place = { namespace, name: caConfigMapRef.name };
    const read = await readKeys('ConfigMap', 'caConfigMapRef', place, { ca: caConfigMapRef.key }, (key) =>
      store.configMap(key, signal),
    );
    return read.ca;
  }
  return certificate;
}

async function readKeys<N extends string>(
  kind: 'Secret' | 'ConfigMap',
  field: string,
  place: { readonly namespace: string; readonly name: string },
  keys: Readonly<Record<N, string>>,
  get: (key: { readonly namespace: string; readonly name: string }) => Promise<SecretData | undefined>,
): Promise<Record<N, string>> {
  const which = `${kind} ${place.namespace}/${place.name} (spec.${field})`;
  const found = await get(place);
  if (found === undefined) throw new ReplicationError('spec', `${kind}NotFound`, `${which} does not exist`);
  const values = {} as Record<N, string>;
  for (const [name, key] of Object.entries(keys) as [N, string][]) {
    const value = found.data[key];
    if (value === undefined || value.length === 0) {
      throw new ReplicationError(
        'spec',
        `${kind}KeyMissing`,
        `${which} has no key ${key}${value === undefined ? '' : ' with a value'}`,
      );
    }
    values[name] = value.toString('utf8');
  }
  return values;
}
