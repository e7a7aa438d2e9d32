import type { BlobStoreOptions } from './blob-store.ts';
import { BlobStore } from './blob-store.ts';
import type { Database } from './database.ts';
import { PeerError } from './errors.ts';
import { isRecord } from './fields.ts';
import { UploadSessions, type UploadSessionsOptions } from './upload-sessions.ts';

export interface Store {
  readonly blobs: BlobStore;
  readonly uploads: UploadSessions;
}

/** The stores by their credentials key. A key that nobody knows means the default one (contract §2.5). */
export class Stores {
  readonly default: Store;
  readonly #database: Database;
  readonly #options: BlobStoreOptions & UploadSessionsOptions;
  /** By root; as many as `storage_credentials` has. */
  readonly #others = new Map<string, Store>();

  constructor(root: string, database: Database, options: BlobStoreOptions & UploadSessionsOptions) {
    this.#database = database;
    this.#options = options;
    this.default = this.#create(root);
  }

  async prepare(): Promise<void> {
    await this.default.blobs.prepare();
  }

  /** Fails with 250105 `storageKey` for a storage that is no file system. */
  async forKey(key: string | null | undefined): Promise<Store> {
    if (key === null || key === undefined || key === '') return this.default;
    const document = await this.#database.credentials.findOne({ _id: key });
    if (document === null) return this.default;
    const credentials: unknown = JSON.parse(document.credentials);
    if (!isRecord(credentials) || credentials['type'] !== 'filesystem' || typeof credentials['path'] !== 'string')
      throw new PeerError('parameterInvalid', 'storageKey');
    const known = this.#others.get(credentials['path']);
    if (known !== undefined) return known;
    const store = this.#create(credentials['path']);
    await store.blobs.prepare();
    this.#others.set(credentials['path'], store);
    return store;
  }

  /** Where a blob of a repository is: its own store, else the default one. */
  async find(key: string | null | undefined, sha256: string): Promise<{ store: Store; size: number } | undefined> {
    const own = await this.forKey(key);
    for (const store of own === this.default ? [own] : [own, this.default]) {
      const size = await store.blobs.size(sha256);
      if (size !== undefined) return { store, size };
    }
    return undefined;
  }

  async sweep(before: number): Promise<number> {
    let swept = 0;
    for (const store of [this.default, ...this.#others.values()])
      swept += (await store.blobs.sweep(before)) + (await store.uploads.sweep(before));
    return swept;
  }

  #create(root: string): Store {
    const blobs = new BlobStore(root, this.#options);
    return { blobs, uploads: new UploadSessions(blobs, this.#options) };
  }
}
