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
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { ReplicationError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { Logger } from '../telemetry/logger.ts';
import { DirectoryEditor } from './directory-editor.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { DIRECTORY_MANAGER, type ResourceEditor } from './editor.ts';
import { EventRing } from './event-ring.ts';
import { ManifestDirectory } from './manifest-directory.ts';
import type { DirectoryProblem } from './manifest-file.ts';
import { judge, type ManifestScope, type ManifestSet, type PlainData } from './manifest-set.ts';
import { plainJson } from './merge-diff.ts';
import { ObjectTable } from './object-table.ts';
import { OwnSecrets } from './own-secrets.ts';
import { ProblemReport, restProblems, stateProblem } from './problem-report.ts';
import {
  loadSecrets,
  loadState,
  objectFileExists,
  objectId,
  prepareState,
  type StoredEvent,
  type UnreadableFile,
} from './state-files.ts';
import { lockState, type StateLock } from './state-lock.ts';
import type { ObjectKey, ResourceKind, ResourceKinds, ResourceStore, SecretData, WriteResult } from './store.ts';
import {
  type AnyResource,
  createObject,
  markDeleted,
  type StoredObject,
  updateObject,
  withAnnotations,
  withFinalizers,
  withStatus,
} from './stored-object.ts';

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
    const { objects, unreadable } = await loadState(stateDir);
    const ring = new EventRing(stateDir, options.clock, options.logger);
    await ring.load();
    const secrets = new OwnSecrets(stateDir, await loadSecrets(stateDir));
    const settings = { ...options, stateDir, dir: resolve(options.dir) };
    return new FileStore(settings, lock, ring, secrets, objects, unreadable);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

class FileStore implements DirectoryStore {
  readonly #options: DirectoryStoreOptions;
  readonly #lock: StateLock;
  readonly #ring: EventRing;
  readonly #directory: ManifestDirectory;
  readonly #table: ObjectTable;
  readonly #report: ProblemReport;
  readonly #secrets: OwnSecrets;
  readonly editor: ResourceEditor;
  #unreadable: readonly UnreadableFile[];
  /** One writer at a time: a look or a write of status never meets another half-way. */
  readonly #writing = new Semaphore(1);
  readonly #first = Promise.withResolvers<void>();
  #plain: ReadonlyMap<string, PlainData> = new Map();
  #directories: readonly string[] = [];
  #changed = true;
  #wake: () => void = () => {};

  constructor(
    options: DirectoryStoreOptions,
    lock: StateLock,
    ring: EventRing,
    secrets: OwnSecrets,
    objects: ReadonlyMap<string, StoredObject>,
    unreadable: readonly UnreadableFile[],
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#ring = ring;
    this.#directory = new ManifestDirectory(options.dir);
    this.#table = new ObjectTable(options.stateDir, options.logger, objects);
    this.#report = new ProblemReport(options.logger);
    this.#unreadable = unreadable;
    this.#secrets = secrets;
    this.editor = new DirectoryEditor({
      ...options,
      table: this.#table,
      secrets,
      exclusively: (work, signal) => this.#exclusively(work, signal),
      manifestSecret: (key) => this.#plain.has(objectId('Secret', key.namespace, key.name)),
      removed: () => {
        this.#changed = true;
        this.#wake();
      },
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
    return this.#write(
      read,
      (stored) => (isDeepStrictEqual(stored.object.status, plain) ? stored : withStatus(stored, plain)),
      signal,
    );
  }

  writeAnnotations<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    return this.#write(
      read,
      (stored) => {
        const present = stored.object.metadata.annotations ?? {};
        const same = Object.entries(annotations).every(([key, value]) => (present[key] ?? null) === value);
        return same ? stored : withAnnotations(stored, annotations);
      },
      signal,
    );
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
    return this.#write(read, (stored) => withFinalizers(stored, [...finalizers, finalizer]), signal);
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
    return this.#write(read, (stored) => withFinalizers(stored, left), signal);
  }

  async secret(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined> {
    return this.#secrets.get(key) ?? (await this.#plainData('Secret', key, signal));
  }

  async configMap(key: ObjectKey, signal: AbortSignal): Promise<SecretData | undefined> {
    return this.#plainData('ConfigMap', key, signal);
  }

  event(_kind: ResourceKind, regarding: AnyResource, event: Parameters<ResourceStore['event']>[2]): void {
    this.#ring.record(regarding, event);
  }

  problems(): readonly DirectoryProblem[] {
    return this.#report.problems;
  }

  events(): readonly StoredEvent[] {
    return this.#ring.list();
  }

  async close(): Promise<void> {
    await this.#ring.flush();
    await this.#lock.release();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, dir, rescanMs = 10_000 } = this.#options;
    const watch = new DirectoryWatch(logger, () => {
      this.#changed = true;
      this.#wake();
    });
    try {
      while (!signal.aborted) {
        try {
          await this.refresh(signal);
        } catch (error) {
          if (signal.aborted) return;
          this.#report.report([{ file: '', message: error instanceof Error ? error.message : String(error) }]);
        }
        // The parent, because a swapped link of the directory itself shows there.
        watch.set([dirname(dir), ...this.#directories]);
        if (!this.#changed) await this.#idle(rescanMs, signal);
        await clock.sleep(SETTLE_MS, signal).catch(() => {});
      }
    } finally {
      watch.close();
    }
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const release = await this.#writing.acquire(signal);
    try {
      this.#changed = false;
      const scan = await this.#directory.scan(signal);
      this.#directories = scan.directories;
      const present = await Promise.all(
        this.#unreadable.map(async (file) => ({
          file,
          there: await objectFileExists(this.#options.stateDir, file.id),
        })),
      );
      this.#unreadable = present.filter(({ there }) => there).map(({ file }) => file);
      const set = judge(scan, this.#options, this.#table.stored);
      await this.#apply(set);
      const twice = restProblems(set, this.#table.stored);
      this.#report.report([...set.problems, ...twice, ...this.#unreadable.map(stateProblem)]);
      this.#report.nameForeign(set.foreign);
      this.#first.resolve();
    } finally {
      release();
    }
  }

  async #apply(set: ManifestSet): Promise<void> {
    const { clock, newUid = randomUUID } = this.#options;
    for (const [id, stored] of this.#table.stored) {
      if (stored.origin === 'rest' || set.wanted.has(id) || set.uncertain(id, stored.source)) continue;
      if ((stored.object.metadata.finalizers ?? []).length === 0) await this.#table.remove(id);
      else if (stored.object.metadata.deletionTimestamp === undefined)
        await this.#table.put(id, markDeleted(stored, clock.now()));
    }
    const blocked = new Set(this.#unreadable.map((file) => file.id));
    for (const [id, { manifest, namespace, source }] of set.wanted) {
      const stored = this.#table.stored.get(id);
      // A deleted object is given again only once its finalizers are gone, as with the API server.
      if (blocked.has(id) || stored?.object.metadata.deletionTimestamp !== undefined) continue;
      const edit = { manager: DIRECTORY_MANAGER, now: clock.now() };
      if (stored === undefined)
        await this.#table.put(id, createObject(manifest, namespace, source, { ...edit, uid: newUid() }));
      else if (stored.origin !== 'rest') await this.#table.put(id, updateObject(stored, manifest, source, edit));
    }
    const kept = [...this.#plain].filter(([id, { source }]) => !set.plain.has(id) && set.uncertain(id, source));
    this.#plain = new Map([...set.plain, ...kept]);
  }

  async #write(
    read: AnyResource,
    change: (stored: StoredObject) => StoredObject,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    return await this.#exclusively(async () => {
      const id = objectId(read.kind, read.metadata.namespace, read.metadata.name);
      const stored = this.#table.stored.get(id);
      if (stored === undefined || stored.object.metadata.uid !== read.metadata.uid) return 'gone';
      if (stored.object.metadata.resourceVersion !== read.metadata.resourceVersion) return 'conflict';
      const next = change(stored);
      if (next === stored) return 'unchanged';
      const { deletionTimestamp, finalizers = [] } = next.object.metadata;
      if (deletionTimestamp !== undefined && finalizers.length === 0) {
        await this.#table.remove(id);
        await this.#secrets.removeOf(read.metadata.uid);
        this.#changed = true;
        this.#wake();
      } else await this.#table.put(id, next);
      return 'written';
    }, signal);
  }

  async #exclusively<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const release = await this.#writing.acquire(signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  async #plainData(kind: 'Secret' | 'ConfigMap', key: ObjectKey, signal: AbortSignal): Promise<PlainData | undefined> {
    // Never older than the question: credentials are rotated by changing a file.
    await this.refresh(signal);
    return this.#plain.get(objectId(kind, key.namespace, key.name));
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
