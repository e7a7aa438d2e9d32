/** bk-repo's `storage_credentials` documents (contract §6.2), as far as blobs can be read directly with them. */
import type { StorageOptions } from '../options.ts';

/** Where blobs of a credentials key can be read: a cache directory, a store, or why neither. */
export interface ReadableStorage {
  readonly cachePath: string | undefined;
  readonly store: StorageOptions | undefined;
  /** Set when `store` is not: why the backend cannot be read directly. */
  readonly reason: string | undefined;
}

export function readableStorage(storage: StorageOptions): ReadableStorage {
  return { cachePath: storage.cachePath, store: storage, reason: undefined };
}

/** Never fails: what cannot be used is a storage without a store, and a reason without secrets. */
export function parseStorageCredentials(text: string): ReadableStorage {
  const fields = parseObject(text);
  if (fields === undefined) return unreadable(undefined, 'its document is not a JSON object');
  const cache = asObject(fields['cache']);
  const cachePath = cache?.['enabled'] === false ? undefined : textOf(cache?.['path']);
  for (const transformation of ['encrypt', 'compress']) {
    if (asObject(fields[transformation])?.['enabled'] === true)
      return unreadable(undefined, `its bytes are stored with "${transformation}"`);
  }
  const type = textOf(fields['type']) ?? 'none';
  if (type === 'filesystem') {
    const path = textOf(fields['path']);
    if (path === undefined) return unreadable(cachePath, 'it names no path');
    return { cachePath, store: { type, path }, reason: undefined };
  }
  if (type !== 's3') return unreadable(cachePath, `its type "${type.slice(0, 40)}" cannot be read directly`);
  const [endpoint, bucket, accessKey, secretKey] = ['endpoint', 'bucket', 'accessKey', 'secretKey'].map((name) =>
    textOf(fields[name]),
  );
  if (endpoint === undefined || bucket === undefined || accessKey === undefined || secretKey === undefined)
    return unreadable(cachePath, 'it lacks endpoint, bucket, accessKey or secretKey');
  const region = textOf(fields['region']) ?? 'us-east-1';
  return { cachePath, store: { type, endpoint, region, bucket, accessKey, secretKey }, reason: undefined };
}

function unreadable(cachePath: string | undefined, reason: string): ReadableStorage {
  return { cachePath, store: undefined, reason };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
