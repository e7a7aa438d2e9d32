/** Changes of the state directory's objects: one at a time, and only in the version that was read. */
import { Semaphore } from '../lib/semaphore.ts';
import type { ObjectTable } from './object-table.ts';
import type { OwnSecrets } from './own-secrets.ts';
import { objectId } from './state-files.ts';
import type { WriteResult } from './store.ts';
import type { AnyResource, StoredObject } from './stored-object.ts';

export class DirectoryWrites {
  readonly #table: ObjectTable;
  readonly #secrets: OwnSecrets;
  readonly #removed: () => void;
  /** A look or a write never meets another half-way. */
  readonly #writing = new Semaphore(1);

  /** `removed` is called after an object has gone: a manifest of the same name may count now. */
  constructor(table: ObjectTable, secrets: OwnSecrets, removed: () => void) {
    this.#table = table;
    this.#secrets = secrets;
    this.#removed = removed;
  }

  /** Performs the work while nobody else writes. */
  async exclusively<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const release = await this.#writing.acquire(signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Performs the work on the object in the version that was read; else tells what became of it. */
  inVersion<T>(
    read: AnyResource,
    work: (id: string, stored: StoredObject) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | 'gone' | 'conflict'> {
    return this.exclusively(async () => {
      const id = objectId(read.kind, read.metadata.namespace, read.metadata.name);
      const stored = this.#table.stored.get(id);
      if (stored === undefined || stored.object.metadata.uid !== read.metadata.uid) return 'gone';
      if (stored.object.metadata.resourceVersion !== read.metadata.resourceVersion) return 'conflict';
      return await work(id, stored);
    }, signal);
  }

  /** A change that gives back the same reference changes nothing; the last finalizer of a deleted object removes it. */
  change(read: AnyResource, change: (stored: StoredObject) => StoredObject, signal: AbortSignal): Promise<WriteResult> {
    return this.inVersion<WriteResult>(
      read,
      async (id, stored) => {
        const next = change(stored);
        if (next === stored) return 'unchanged';
        const { deletionTimestamp, finalizers = [] } = next.object.metadata;
        if (deletionTimestamp !== undefined && finalizers.length === 0) await this.remove(id, stored);
        else await this.#table.put(id, next);
        return 'written';
      },
      signal,
    );
  }

  /** Removes the object with its Secret. Only within `exclusively` or `inVersion`. */
  async remove(id: string, { object }: StoredObject): Promise<void> {
    await this.#table.remove(id);
    await this.#secrets.removeOf(object.metadata.uid);
    this.#removed();
  }
}
