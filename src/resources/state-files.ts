/**
 * The state directory's files: one JSON file per object, one per Secret that REST made, one per request that a command
 * left for the process that has the lock, and one for the latest events, all 0600. Each is replaced whole by a rename after its bytes are on disk: a process killed at any moment leaves the
 * old or the new content, never a mixture. A file that cannot be read is reported and left where it is: resetting it
 * would give the object another uid and forget what it did.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { ReplicationError } from '../domain/errors.ts';
import type { StoredObject } from './stored-object.ts';

const SCHEMA = 1;
const OBJECTS = 'objects';
const SECRETS = 'secrets';
const REQUESTS = 'requests';
const EVENTS = 'events.json';
const TEMPORARY = '.tmp';

export interface StoredEvent {
  /** RFC 3339. */
  readonly firstTime: string;
  readonly lastTime: string;
  readonly count: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

export interface UnreadableFile {
  readonly path: string;
  /** Key of the object (objectId) that the file's name says it holds. */
  readonly id: string;
  readonly message: string;
}

export interface LoadedState {
  readonly objects: ReadonlyMap<string, StoredObject>;
  readonly unreadable: readonly UnreadableFile[];
}

/** `<kind>_<namespace>_<name>`: kinds, namespaces and names hold no underscore. */
export function objectId(kind: string, namespace: string, name: string): string {
  return `${kind}_${namespace}_${name}`;
}

/** Makes the directory; removes what a killed process left half-written. Only under the lock. */
export async function prepareState(directory: string): Promise<void> {
  const rooms = [OBJECTS, SECRETS, REQUESTS].map((name) => join(directory, name));
  for (const room of rooms) await mkdir(room, { recursive: true, mode: 0o700 });
  for (const parent of [directory, ...rooms])
    for (const name of await readdir(parent))
      if (name.endsWith(TEMPORARY)) await rm(join(parent, name), { force: true });
}

/** Reads all objects; needs no lock, and may be used while another process writes. */
export async function loadState(directory: string): Promise<LoadedState> {
  const objects = new Map<string, StoredObject>();
  const unreadable: UnreadableFile[] = [];
  for (const name of await namesIn(join(directory, OBJECTS))) {
    if (!name.endsWith('.json')) continue;
    const id = name.slice(0, -'.json'.length);
    const path = join(directory, OBJECTS, name);
    try {
      const stored = await readObject(path, id);
      if (stored !== undefined) objects.set(id, stored);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      unreadable.push({ path, id, message });
    }
  }
  return { objects, unreadable };
}

export async function objectFileExists(directory: string, id: string): Promise<boolean> {
  return (await namesIn(join(directory, OBJECTS))).includes(`${id}.json`);
}

export async function saveObject(directory: string, id: string, stored: StoredObject): Promise<void> {
  await replaceFile(join(directory, OBJECTS), `${id}.json`, { schema: SCHEMA, ...stored });
}

export async function removeObject(directory: string, id: string): Promise<void> {
  await writing(join(directory, OBJECTS, `${id}.json`), async (path) => {
    await rm(path, { force: true });
    await syncDirectory(join(directory, OBJECTS));
  });
}

/** A Secret that REST made, and whose it is. */
export interface StoredSecret {
  readonly namespace: string;
  readonly name: string;
  /** uid of the Cluster with which it goes. */
  readonly owner: string;
  /** Values in base64. */
  readonly data: Readonly<Record<string, string>>;
}

export async function saveSecret(directory: string, secret: StoredSecret): Promise<void> {
  await replaceFile(join(directory, SECRETS), secretFile(secret), { schema: SCHEMA, ...secret });
}

export async function removeSecret(directory: string, secret: StoredSecret): Promise<void> {
  await writing(join(directory, SECRETS, secretFile(secret)), async (path) => {
    await rm(path, { force: true });
    await syncDirectory(join(directory, SECRETS));
  });
}

/** Fails when one cannot be read: its Cluster would lose its password unnoticed. */
export async function loadSecrets(directory: string): Promise<readonly StoredSecret[]> {
  const names = (await namesIn(join(directory, SECRETS))).filter((name) => name.endsWith('.json'));
  return await Promise.all(
    names.map(async (name) => {
      const path = join(directory, SECRETS, name);
      const secret = parse(path, (await textOf(path)) ?? '') as StoredSecret;
      if (secretFile(secret) !== name) throw new Error(`${path} holds another Secret than its name says`);
      return secret;
    }),
  );
}

function secretFile({ namespace, name }: Pick<StoredSecret, 'namespace' | 'name'>): string {
  return `${namespace}_${name}.json`;
}

export async function saveEvents(directory: string, events: readonly StoredEvent[]): Promise<void> {
  await replaceFile(directory, EVENTS, { schema: SCHEMA, events });
}

/** The latest events, oldest first; none when there is no such file. Fails when it cannot be read. */
export async function loadEvents(directory: string): Promise<readonly StoredEvent[]> {
  const path = join(directory, EVENTS);
  const text = await textOf(path);
  if (text === undefined) return [];
  const content = parse(path, text) as { readonly events?: unknown };
  if (!Array.isArray(content.events)) throw new Error(`${path} holds no list of events`);
  return content.events as readonly StoredEvent[];
}

/** Annotations of a task that a command asks the process with the lock to set, or to remove (null). */
export interface StoredRequest {
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** Where requests are left. */
export function requestsDirectory(directory: string): string {
  return join(directory, REQUESTS);
}

/** Needs no lock. `id` tells requests apart and gives their order. */
export async function saveRequest(directory: string, id: string, request: StoredRequest): Promise<void> {
  // A process of an earlier release has made no such room.
  await mkdir(join(directory, REQUESTS), { recursive: true, mode: 0o700 });
  await replaceFile(join(directory, REQUESTS), `${id}.json`, { schema: SCHEMA, ...request });
}

/** Ids in their order; one that is still being written is not among them. */
export async function requestIds(directory: string): Promise<readonly string[]> {
  const names = (await namesIn(join(directory, REQUESTS))).filter((name) => name.endsWith('.json'));
  return names.map((name) => name.slice(0, -'.json'.length)).toSorted();
}

/** Absent = there is none (any more). Fails when it cannot be read. */
export async function loadRequest(directory: string, id: string): Promise<StoredRequest | undefined> {
  const path = join(directory, REQUESTS, `${id}.json`);
  const text = await textOf(path);
  if (text === undefined) return undefined;
  const { namespace, name, annotations } = parse(path, text) as Partial<StoredRequest>;
  if (namespace === undefined || name === undefined || annotations === undefined)
    throw new Error(`${path} holds no request`);
  return { namespace, name, annotations };
}

export async function removeRequest(directory: string, id: string): Promise<void> {
  await writing(join(directory, REQUESTS, `${id}.json`), (path) => rm(path, { force: true }));
}

async function readObject(path: string, id: string): Promise<StoredObject | undefined> {
  const text = await textOf(path);
  if (text === undefined) return undefined;
  const { object, source, origin, manifestAnnotations } = parse(path, text) as Partial<StoredObject>;
  const { kind, metadata, spec } = object ?? {};
  if (object === undefined || kind === undefined || metadata === undefined || spec === undefined)
    throw new Error(`${path} holds no object`);
  const found = objectId(kind, metadata.namespace, metadata.name);
  if (found !== id || !metadata.uid || !/^\d+$/.test(metadata.resourceVersion))
    throw new Error(`${path} holds something else (${found}) than its name says`);
  return {
    object,
    source: source ?? '',
    ...(origin === undefined ? {} : { origin }),
    manifestAnnotations: manifestAnnotations ?? {},
  };
}

function parse(path: string, text: string): object {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser quotes the text, which may hold anything.
    throw new Error(`${path} is not JSON`);
  }
  const { schema } = (content ?? {}) as { readonly schema?: unknown };
  if (schema === SCHEMA) return content as object;
  throw new Error(`${path} has schema number ${String(schema)}; this program reads ${SCHEMA}`);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function replaceFile(directory: string, name: string, content: object): Promise<void> {
  await writing(join(directory, name), async (path) => {
    const temporary = `${path}${TEMPORARY}`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(content)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chmod(temporary, 0o600);
    await rename(temporary, path);
    await syncDirectory(directory);
  });
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writing(path: string, work: (path: string) => Promise<void>): Promise<void> {
  try {
    await work(path);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const message = `cannot write the state file ${path}: ${words}`;
    throw new ReplicationError('retryable', 'StateUnwritable', message, { cause: error });
  }
}
