/**
 * The resource store of the standalone mode: a directory of YAML files that is only read, and a state directory that
 * holds what an API server would: uid, generation, resourceVersion, annotations, finalizers, status and events.
 *
 * Guaranteed beyond the port: what is invalid, given twice or unreadable is told (log and `problems()`) and leaves the
 * last good version in force, also over a restart; a written status is on disk before the cache and listeners have it;
 * an object whose file is deleted stays, marked deleted, while it has finalizers; deleted and given again it is a new
 * object; one process at a time.
 * Not guaranteed: that every version of a file is seen. Changes are seen by notification or at the regular look.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';

import { ReplicationError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { DirectoryEditor } from './directory-editor.ts';
import { DirectoryLook } from './directory-look.ts';
import { carryOutRequests } from './directory-requests.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { DirectoryWrites } from './directory-writes.ts';
import type { ResourceEditor } from './editor.ts';
import { EventRing } from './event-ring.ts';
import type { DirectoryProblem } from './manifest-file.ts';
import type { ManifestScope } from './manifest-set.ts';
import { plainJson } from './merge-diff.ts';
import { ObjectTable } from './object-table.ts';
import { OwnSecrets } from './own-secrets.ts';
import { type LoadedState, loadState, prepareState, requestsDirectory, type StoredEvent } from './state-files.ts';
import { lockState, type StateLock } from './state-lock.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, ResourceStore, SecretData, WriteResult } from './store.ts';
import { type AnyResource, withAnnotations, withFinalizers, withStatus } from './stored-object.ts';

export interface DirectoryStoreOptions extends ManifestScope {
  /** Read only. */
  readonly dir: string;
  /** Made when it is not there. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default `crypto.randomUUID`. */
  readonly newUid?: () => string;
  /** Milliseconds between two looks without a notification; default 10,000. */
  readonly rescanMs?: number;
}

export interface DirectoryStore extends ResourceStore {
  /** Makes and changes objects of the state directory, beside those of the files. */
  readonly editor: ResourceEditor;
  /** Looks at the directory and follows its changes until `signal` is aborted; then returns. */
  run(signal: AbortSignal): Promise<void>;
  /** Looks once. Fails with `DirectoryUnreadable` or `StateUnwritable`. */
  refresh(signal: AbortSignal): Promise<void>;
  /** All that is wrong with both directories as of the last look. */
  problems(): readonly DirectoryProblem[];
  /** The latest events, oldest first. */
  events(): readonly StoredEvent[];
  /** Stores what is pending and gives the state directory free. */
  close(): Promise<void>;
}

/** Milliseconds in which notifications collapse into one look. */
const SETTLE_MS = 100;

/** Fails with spec error `StateLocked` when another process uses the state directory, `StateMisplaced` inside `dir`. */
export async function openDirectoryStore(options: DirectoryStoreOptions, signal: AbortSignal): Promise<DirectoryStore> {
  const stateDir = resolve(options.stateDir);
  refuseStateAmongManifests(resolve(options.dir), stateDir);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const lock = await lockState(stateDir, options.clock, signal);
  try {
    await prepareState(stateDir);
    const state = await loadState(stateDir);
    const secrets = await OwnSecrets.load(stateDir, state);
    const ring = new EventRing(stateDir, options.clock, options.logger);
    await ring.load();
    const settings = { ...options, stateDir, dir: resolve(options.dir) };
    const table = new ObjectTable(stateDir, options.logger, state.objects);
    return new FileStore(settings, lock, ring, table, secrets, state.unreadable);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

class FileStore implements DirectoryStore {
  readonly #options: DirectoryStoreOptions;
  readonly #lock: StateLock;
  readonly #ring: EventRing;
  readonly #table: ObjectTable;
  readonly #secrets: OwnSecrets;
  readonly #writes: DirectoryWrites;
  readonly #look: DirectoryLook;
  readonly editor: ResourceEditor;
  readonly #first = Promise.withResolvers<void>();
  #changed = true;
  #wake: () => void = () => {};

  constructor(
    options: DirectoryStoreOptions,
    lock: StateLock,
    ring: EventRing,
    table: ObjectTable,
    secrets: OwnSecrets,
    unreadable: LoadedState['unreadable'],
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#ring = ring;
    this.#table = table;
    this.#secrets = secrets;
    const writes = new DirectoryWrites(table, secrets, () => this.#lookSoon());
    const look = new DirectoryLook(options, table, secrets, writes, unreadable);
    this.#writes = writes;
    this.#look = look;
    this.editor = new DirectoryEditor({
      ...options,
      table,
      secrets,
      writes,
      manifestSecret: (key) => look.plain('Secret', key)?.source,
    });
  }

  async ready(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.#first.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  get<K extends ResourceKind>(kind: K, key: ObjectKey): ResourceKinds[K] | undefined {
    return this.#table.get(kind, key);
  }

  list<K extends ResourceKind>(kind: K, namespace?: string): readonly ResourceKinds[K][] {
    return this.#table.list(kind, namespace);
  }

  subscribe(kind: ResourceKind, listener: (key: ObjectKey) => void): () => void {
    return this.#table.subscribe(kind, listener);
  }

  writeStatus<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    status: NonNullable<ResourceKinds[K]['status']>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const plain = plainJson(status);
    return this.#writes.change(read, (stored) => withStatus(stored, plain), signal);
  }

  writeAnnotations<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    return this.#writes.change(read, (stored) => withAnnotations(stored, annotations), signal);
  }

  async addFinalizer<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    finalizer: string,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { finalizers = [], deletionTimestamp } = read.metadata;
    if (finalizers.includes(finalizer)) return 'unchanged';
    if (deletionTimestamp !== undefined) return 'gone';
    return this.#writes.change(read, (stored) => withFinalizers(stored, [...finalizers, finalizer]), signal);
  }

  async removeFinalizer<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    finalizer: string,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const { finalizers = [] } = read.metadata;
    if (!finalizers.includes(finalizer)) return 'unchanged';
    const left = finalizers.filter((other) => other !== finalizer);
    return this.#writes.change(read, (stored) => withFinalizers(stored, left), signal);
  }

  async secret(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined> {
    const own = this.#secrets.get(key);
    if (own !== undefined) return own;
    // Never older than the question: credentials are rotated by changing a file.
    await this.refresh(signal);
    return this.#look.plain('Secret', key);
  }

  async configMap(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined> {
    await this.refresh(signal);
    return this.#look.plain('ConfigMap', key);
  }

  event(_kind: ResourceKind, regarding: AnyResource, event: Parameters<ResourceStore['event']>[2]): void {
    this.#ring.record(regarding, event);
  }

  problems(): readonly DirectoryProblem[] {
    return this.#look.report.problems;
  }

  events(): readonly StoredEvent[] {
    return this.#ring.list();
  }

  async close(): Promise<void> {
    await this.#ring.flush();
    await this.#lock.release();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, dir, stateDir, rescanMs = 10_000 } = this.#options;
    const watch = new DirectoryWatch(logger, () => this.#lookSoon());
    try {
      while (!signal.aborted) {
        try {
          await this.refresh(signal);
          await carryOutRequests({ stateDir, table: this.#table, writes: this.#writes, logger }, signal);
        } catch (error) {
          if (signal.aborted) return;
          this.#look.report.report([{ file: '', message: error instanceof Error ? error.message : String(error) }]);
        }
        // The parent, because a swapped link of the directory itself shows there.
        watch.set([dirname(dir), requestsDirectory(stateDir), ...this.#look.directories]);
        if (!this.#changed) await this.#idle(rescanMs, signal);
        await clock.sleep(SETTLE_MS, signal).catch(() => {});
      }
    } finally {
      watch.close();
    }
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.#writes.exclusively(async () => {
      this.#changed = false;
      await this.#look.look(signal);
      this.#first.resolve();
    }, signal);
  }

  #lookSoon(): void {
    this.#changed = true;
    this.#wake();
  }

  async #idle(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#options.clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => {});
    this.#wake = () => {};
  }
}

/** State among the manifests would be read as manifests, and every write of it would wake the watch. */
function refuseStateAmongManifests(dir: string, stateDir: string): void {
  const segments = relative(dir, stateDir).split(sep);
  if (segments[0] === '..' || segments.some((segment) => segment.startsWith('.'))) return;
  const message = `the state directory ${stateDir} lies in the directory of resources ${dir}: choose another place`;
  throw new ReplicationError('spec', 'StateMisplaced', message);
}
