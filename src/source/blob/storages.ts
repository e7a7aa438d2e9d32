import type { Clock } from '../../lib/clock.ts';
import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';
import type { PathMapping, StorageOptions } from '../options.ts';
import { STORAGE_CREDENTIALS_COLLECTION } from '../schema/collections.ts';
import type { StorageCredentialsDoc } from '../schema/documents.ts';
import { filePlace } from './file-place.ts';
import { mapPath } from './path-map.ts';
import type { BlobPlace } from './place.ts';
import { type S3Place, s3Place } from './s3-place.ts';
import { parseStorageCredentials, type ReadableStorage, readableStorage } from './storage-credentials.ts';

/** Milliseconds after which a credentials document is read again, so that a rotated key is found. */
const REREAD_AFTER_MS = 60_000;
const MAX_REMEMBERED = 256;

/** The direct places of one credentials key, in reading order, and why there are not more. */
interface DirectPlaces {
  readonly places: readonly BlobPlace[];
  /** Words about a storage that cannot be read directly. */
  readonly reason: string | undefined;
}

interface Remembered {
  readonly readAt: number;
  readonly text: string | undefined;
  readonly direct: DirectPlaces;
  readonly s3: S3Place | undefined;
}

interface StoragesOptions {
  readonly database: SourceDatabase;
  readonly storage: StorageOptions | undefined;
  readonly pathMap: readonly PathMapping[];
  readonly clock: Clock;
}

/** Knows where blobs of each credentials key lie. Documents are remembered for a minute; clients live as long as they. */
export class Storages {
  readonly #options: StoragesOptions;
  readonly #default: Remembered;
  readonly #byKey = new Map<string, Remembered>();

  constructor(options: StoragesOptions) {
    this.#options = options;
    const storage = options.storage;
    this.#default = this.#remember(
      undefined,
      storage === undefined
        ? { cachePath: undefined, store: undefined, reason: 'it is not configured' }
        : readableStorage(storage),
    );
  }

  /** The places of a credentials key; null = the default storage. */
  async direct(credentialsKey: string | null, signal: AbortSignal): Promise<DirectPlaces> {
    if (credentialsKey === null) return this.#default.direct;
    const known = this.#byKey.get(credentialsKey);
    const now = this.#options.clock.monotonic();
    if (known !== undefined && now - known.readAt < REREAD_AFTER_MS) return known.direct;
    const text = await this.#credentialsText(credentialsKey, signal);
    if (known !== undefined && known.text === text) {
      this.#byKey.set(credentialsKey, { ...known, readAt: now });
      return known.direct;
    }
    const fresh = this.#remember(text, text === undefined ? UNKNOWN_KEY : parseStorageCredentials(text));
    this.#byKey.delete(credentialsKey);
    this.#byKey.set(credentialsKey, fresh);
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size > MAX_REMEMBERED && oldest !== undefined) this.#byKey.delete(oldest);
    return fresh.direct;
  }

  async close(): Promise<void> {
    for (const { s3 } of [this.#default, ...this.#byKey.values()]) await s3?.close();
  }

  #remember(text: string | undefined, storage: ReadableStorage): Remembered {
    const { pathMap, clock } = this.#options;
    const places: BlobPlace[] = [];
    if (storage.cachePath !== undefined) places.push(filePlace('cache', mapPath(storage.cachePath, pathMap)));
    const s3 = storage.store?.type === 's3' ? s3Place(storage.store) : undefined;
    if (s3 !== undefined) places.push(s3);
    if (storage.store?.type === 'filesystem') places.push(filePlace('store', mapPath(storage.store.path, pathMap)));
    return { readAt: clock.monotonic(), text, direct: { places, reason: storage.reason }, s3 };
  }

  async #credentialsText(credentialsKey: string, signal: AbortSignal): Promise<string | undefined> {
    const { database } = this.#options;
    const doc = await classified(`storage credentials ${credentialsKey}`, signal, () =>
      database
        .collection<StorageCredentialsDoc>(STORAGE_CREDENTIALS_COLLECTION)
        .findOne({ _id: credentialsKey }, { maxTimeMS: database.maxTimeMs, signal }),
    );
    return doc?.credentials;
  }
}

const UNKNOWN_KEY: ReadableStorage = {
  cachePath: undefined,
  store: undefined,
  reason: 'there is no such storage_credentials document',
};
