/**
 * Builds a bk-repo database and store, in the shapes of a real one: project, repository, node, folder nodes,
 * file_reference, storage_credentials, block_node, and blobs on a file system. Shares no code with `src/`.
 */
import { type Collection, type Db, type Document, Long, ObjectId } from 'mongodb';
import { createIndexes } from './indexes.ts';
import { shardOf } from './layout.ts';
import { RepositoryBuilder } from './repository-builder.ts';

export interface BkRepoBuilderOptions {
  readonly shardCount?: number;
  /** Time of what is written, when the caller gives none. */
  readonly now?: () => Date;
  readonly user?: string;
  /** false = no file_reference documents: much faster for thousands of different files. Default true. */
  readonly references?: boolean;
}

interface ProjectOptions {
  readonly displayName?: string;
  readonly description?: string;
}

interface RepositoryOptions {
  readonly type?: string;
  readonly category?: string;
  readonly description?: string;
  /** Stored as JSON text; default: an empty local configuration. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly credentialsKey?: string;
  /** Where the blobs of this repository go; default: the builder's store. */
  readonly storeDir?: string;
  /** Set for a repository that was deleted (the name stays). */
  readonly deleted?: Date;
}

export class BkRepoBuilder {
  readonly db: Db;
  readonly storeDir: string;
  readonly shardCount: number;
  readonly user: string;
  readonly now: () => Date;
  readonly references: boolean;
  readonly #indexed = new Set<string>();

  constructor(db: Db, storeDir: string, options: BkRepoBuilderOptions = {}) {
    this.db = db;
    this.storeDir = storeDir;
    this.shardCount = options.shardCount ?? 256;
    this.user = options.user ?? 'admin';
    this.now = options.now ?? (() => new Date());
    this.references = options.references ?? true;
  }

  async project(name: string, options: ProjectOptions = {}): Promise<void> {
    await (await this.collection('project')).insertOne({
      _id: new ObjectId(),
      ...this.audit(),
      name,
      displayName: options.displayName ?? name,
      description: options.description ?? '',
      metadata: [],
    });
  }

  /** Adds the repository, and the project when it is not there yet; returns what fills it. */
  async repository(projectId: string, name: string, options: RepositoryOptions = {}): Promise<RepositoryBuilder> {
    if ((await (await this.collection('project')).findOne({ name: projectId })) === null) await this.project(projectId);
    await (await this.collection('repository')).insertOne({
      _id: new ObjectId(),
      ...this.audit(),
      name,
      type: options.type ?? 'GENERIC',
      category: options.category ?? 'LOCAL',
      public: false,
      description: options.description ?? '',
      configuration: JSON.stringify(
        options.configuration ?? { type: 'local', webHook: { webHookList: [] }, settings: {} },
        null,
        2,
      ),
      ...(options.credentialsKey === undefined ? {} : { credentialsKey: options.credentialsKey }),
      display: true,
      projectId,
      used: Long.ZERO,
      visibility: 'PROJECT',
      ...(options.deleted === undefined ? {} : { deleted: options.deleted }),
    });
    return new RepositoryBuilder(
      this,
      projectId,
      name,
      options.type ?? 'GENERIC',
      options.credentialsKey ?? null,
      options.storeDir ?? this.storeDir,
    );
  }

  /** What fills a repository that is there already. */
  existing(projectId: string, name: string, type = 'GENERIC'): RepositoryBuilder {
    return new RepositoryBuilder(this, projectId, name, type, null, this.storeDir);
  }

  /** A `storage_credentials` document; `credentials` is stored as JSON text (contract §6.2). */
  async storageCredentials(key: string, credentials: Readonly<Record<string, unknown>>): Promise<void> {
    await this.db.collection<Document & { _id: string }>('storage_credentials').insertOne({
      _id: key,
      ...this.audit(),
      credentials: JSON.stringify(credentials),
    });
  }

  /** A collection of a real server, with its indexes; for sharded families see {@link shard}. */
  async collection(name: string): Promise<Collection<Document>> {
    if (!this.#indexed.has(name)) {
      await createIndexes(this.db, name);
      this.#indexed.add(name);
    }
    return this.db.collection(name);
  }

  shard(family: 'node' | 'file_reference' | 'block_node', key: string): Promise<Collection<Document>> {
    return this.collection(`${family}_${shardOf(key, this.shardCount)}`);
  }

  audit(at: Date = this.now()): Document {
    return { createdBy: this.user, createdDate: at, lastModifiedBy: this.user, lastModifiedDate: at };
  }
}
