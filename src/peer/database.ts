/** The collections that a receiving side writes, with the indexes a real server has (made at first use). */
import { type Collection, type Db, type IndexDescription, MongoServerError } from 'mongodb';

import {
  PACKAGE_COLLECTION,
  PACKAGE_VERSION_COLLECTION,
  PROJECT_COLLECTION,
  REPOSITORY_COLLECTION,
  STORAGE_CREDENTIALS_COLLECTION,
} from '../source/schema/collections.ts';
import type {
  FileReferenceDoc,
  NodeDoc,
  PackageDoc,
  PackageVersionDoc,
  ProjectDoc,
  RepositoryDoc,
  StorageCredentialsDoc,
} from '../source/schema/documents.ts';
import {
  FILE_REFERENCE_INDEXES,
  NODE_INDEXES,
  PACKAGE_INDEXES,
  PACKAGE_VERSION_INDEXES,
  PROJECT_INDEXES,
  REPOSITORY_INDEXES,
} from '../source/schema/indexes.ts';
import { fileReferenceCollectionName, nodeCollectionName } from '../source/schema/sharding.ts';

/**
 * For a write that another one follows in the same request, before it is answered. Journal and oplog are ordered: the
 * later write, which waits as the connection says (by default for majority and journal), brings the earlier one with it.
 */
export const EARLIER_WRITE = { writeConcern: { w: 1, j: false } } as const;

const NAMESPACE_NOT_FOUND = 26;
const DUPLICATE_KEY = 11000;

export class Database {
  readonly #db: Db;
  readonly #shardCount: number;
  /** By collection; as many as there are shards. */
  readonly #indexed = new Map<string, Promise<void>>();

  constructor(db: Db, shardCount: number) {
    this.#db = db;
    this.#shardCount = shardCount;
  }

  get credentials(): Collection<StorageCredentialsDoc> {
    return this.#db.collection(STORAGE_CREDENTIALS_COLLECTION);
  }

  async projects(): Promise<Collection<ProjectDoc>> {
    await this.#index(PROJECT_COLLECTION, PROJECT_INDEXES);
    return this.#db.collection(PROJECT_COLLECTION);
  }

  async repositories(): Promise<Collection<RepositoryDoc>> {
    await this.#index(REPOSITORY_COLLECTION, REPOSITORY_INDEXES);
    return this.#db.collection(REPOSITORY_COLLECTION);
  }

  async nodes(projectId: string): Promise<Collection<NodeDoc>> {
    const name = nodeCollectionName(projectId, this.#shardCount);
    await this.#index(name, NODE_INDEXES);
    return this.#db.collection(name);
  }

  async references(sha256: string): Promise<Collection<FileReferenceDoc>> {
    const name = fileReferenceCollectionName(sha256, this.#shardCount);
    await this.#index(name, FILE_REFERENCE_INDEXES);
    return this.#db.collection(name);
  }

  async packages(): Promise<Collection<PackageDoc>> {
    await this.#index(PACKAGE_COLLECTION, PACKAGE_INDEXES);
    return this.#db.collection(PACKAGE_COLLECTION);
  }

  async versions(): Promise<Collection<PackageVersionDoc>> {
    await this.#index(PACKAGE_VERSION_COLLECTION, PACKAGE_VERSION_INDEXES);
    return this.#db.collection(PACKAGE_VERSION_COLLECTION);
  }

  async #index(name: string, wanted: readonly IndexDescription[]): Promise<void> {
    const making = this.#indexed.get(name) ?? this.#createIndexes(name, wanted);
    this.#indexed.set(name, making);
    try {
      await making;
    } catch (error) {
      this.#indexed.delete(name);
      throw error;
    }
  }

  /** An index over the same keys under another name is as good. */
  async #createIndexes(name: string, wanted: readonly IndexDescription[]): Promise<void> {
    const present = new Set<string>();
    try {
      for (const index of await this.#db.collection(name).indexes()) present.add(JSON.stringify(index.key));
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== NAMESPACE_NOT_FOUND) throw error;
    }
    const missing = wanted.filter((index) => !present.has(JSON.stringify(index.key)));
    // The driver's createIndexes has no write concern.
    if (missing.length > 0) await this.#db.command({ createIndexes: name, indexes: missing, ...EARLIER_WRITE });
  }
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}
