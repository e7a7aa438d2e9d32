import { CoreV1Api, type V1Secret } from '@kubernetes/client-node';

import { isNotFound } from './errors.ts';
import type { Transport } from './transport.ts';

export interface KeyValues {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Decoded bytes. */
  readonly data: ReadonlyMap<string, Buffer>;
}

/** A Secret as it is now, never from a cache; undefined when there is none. 403 and all else fail with `KubeError`. */
export async function readSecret(
  transport: Transport,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<KeyValues | undefined> {
  const api = new CoreV1Api(transport.configuration(signal));
  const secret = await presentOrUndefined(api.readNamespacedSecret({ namespace, name }));
  if (secret === undefined) return undefined;
  const data = Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const);
  return { ...identity(secret), data: new Map(data) };
}

export interface SecretWrite {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** It goes when its owner does. */
  readonly owner: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };
  readonly data: Readonly<Record<string, string>>;
}

/** Fails with 409 AlreadyExists when there is one. */
export async function createSecret(
  transport: Transport,
  secret: SecretWrite,
  fieldManager: string,
  signal: AbortSignal,
): Promise<void> {
  const api = new CoreV1Api(transport.configuration(signal));
  const { namespace } = secret;
  await api.createNamespacedSecret({ namespace, body: secretBody(secret), fieldManager });
}

/** Replaces labels, owner and data of exactly the version that was read; else fails with 409. */
export async function replaceSecret(
  transport: Transport,
  secret: SecretWrite,
  read: Pick<KeyValues, 'uid' | 'resourceVersion'>,
  fieldManager: string,
  signal: AbortSignal,
): Promise<void> {
  const api = new CoreV1Api(transport.configuration(signal));
  const { namespace, name } = secret;
  const { uid, resourceVersion } = read;
  await api.replaceNamespacedSecret({
    namespace,
    name,
    body: secretBody(secret, { uid, resourceVersion }),
    fieldManager,
  });
}

function secretBody(
  { namespace, name, labels, owner, data }: SecretWrite,
  version: Partial<Pick<KeyValues, 'uid' | 'resourceVersion'>> = {},
): V1Secret {
  const metadata = { namespace, name, labels, ownerReferences: [owner], ...version };
  return { type: 'Opaque', metadata, stringData: data };
}

/** A ConfigMap as it is now; undefined when there is none. */
export async function readConfigMap(
  transport: Transport,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<KeyValues | undefined> {
  const api = new CoreV1Api(transport.configuration(signal));
  const map = await presentOrUndefined(api.readNamespacedConfigMap({ namespace, name }));
  if (map === undefined) return undefined;
  const text = Object.entries(map.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
  const binary = Object.entries(map.binaryData ?? {}).map(([key, b64]) => [key, Buffer.from(b64, 'base64')] as const);
  return { ...identity(map), data: new Map([...text, ...binary]) };
}

async function presentOrUndefined<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function identity(object: {
  metadata?: { uid?: string; resourceVersion?: string; labels?: Record<string, string> };
}): Pick<KeyValues, 'uid' | 'resourceVersion' | 'labels'> {
  const { uid = '', resourceVersion = '', labels = {} } = object.metadata ?? {};
  return { uid, resourceVersion, labels };
}
