import { CoreV1Api } from '@kubernetes/client-node';

import { isNotFound } from './errors.ts';
import type { Transport } from './transport.ts';

export interface KeyValues {
  readonly uid: string;
  readonly resourceVersion: string;
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

function identity(object: { metadata?: { uid?: string; resourceVersion?: string } }): {
  readonly uid: string;
  readonly resourceVersion: string;
} {
  return { uid: object.metadata?.uid ?? '', resourceVersion: object.metadata?.resourceVersion ?? '' };
}
