import { readFile } from 'node:fs/promises';
import { type Document, Long, ObjectId } from 'mongodb';
import type { BkRepoBuilder } from './builder.ts';
import { type Content, type Digests, writeBlob } from './content.ts';
import { blobPath, parentFolders, pathAndName, shardOf } from './layout.ts';
import type { PackageSpec, VersionSpec } from './packages/version.ts';

/** One stored metadata entry, as it lies in the database. */
export interface StoredMetadata {
  readonly key: string;
  readonly value?: unknown;
  readonly system?: boolean;
  readonly description?: string;
  readonly link?: string;
}

export interface FileOptions {
  readonly metadata?: readonly StoredMetadata[];
  readonly createdBy?: string;
  readonly createdDate?: Date;
  readonly lastModifiedBy?: string;
  readonly lastModifiedDate?: Date;
  readonly expireDate?: Date;
  /** false = without crc64ecma, as on nodes that the OCI service makes itself. Default true. */
  readonly crc?: boolean;
  /** Where the blob goes; default: the repository's store. */
  readonly storeDir?: string;
  /** Any further or wrong fields of the node document: `archived`, `copyFromCredentialsKey`, another `sha256`, … */
  readonly fields?: Document;
}

export interface FileSpec extends FileOptions {
  readonly path: string;
  readonly content: Content;
}

const ZEROS_64 = '0'.repeat(64);
const ZEROS_32 = '0'.repeat(32);
const BATCH = 1000;

/** Fills one repository. Paths are fullPaths as they are to be stored (`/a/b.txt`): they are not normalised. */
export class RepositoryBuilder {
  readonly projectId: string;
  readonly name: string;
  /** RepositoryType. */
  readonly type: string;
  readonly storeDir: string;
  readonly builder: BkRepoBuilder;
  /** Writes versions in another way than into the database. */
  readonly publish?: (packageSpec: PackageSpec, version: VersionSpec) => Promise<void>;
  readonly #credentialsKey: string | null;
  readonly #folders = new Set<string>();

  constructor(
    builder: BkRepoBuilder,
    projectId: string,
    name: string,
    type: string,
    credentialsKey: string | null,
    storeDir: string,
  ) {
    this.builder = builder;
    this.projectId = projectId;
    this.name = name;
    this.type = type;
    this.#credentialsKey = credentialsKey;
    this.storeDir = storeDir;
  }

  /** Puts a file; one that is there is overwritten as a server does it: soft-deleted, then a new document. */
  async putFile(path: string, content: Content, options: FileOptions = {}): Promise<Digests> {
    const digests = await writeBlob(options.storeDir ?? this.storeDir, content);
    await this.deleteFile(path);
    await this.makeFolders([path]);
    await this.#insert([this.#fileDocument(path, digests, options)]);
    return digests;
  }

  /** Many new files at once: nothing is overwritten, and a path that is there is an error. */
  async putFiles(files: Iterable<FileSpec> | AsyncIterable<FileSpec>): Promise<void> {
    let documents: Document[] = [];
    for await (const file of files) {
      const digests = await writeBlob(file.storeDir ?? this.storeDir, file.content);
      documents.push(this.#fileDocument(file.path, digests, file));
      if (documents.length < BATCH) continue;
      await this.#insertWithFolders(documents);
      documents = [];
    }
    await this.#insertWithFolders(documents);
  }

  /** As {@link putFiles}, of blobs that are in the store already. */
  async putStored(
    files: readonly (FileOptions & { readonly path: string; readonly digests: Digests })[],
  ): Promise<void> {
    await this.#insertWithFolders(files.map((file) => this.#fileDocument(file.path, file.digests, file)));
  }

  /**
   * A file made of blocks: a node with a digest of zeros and the file-system attributes, and one block_node for each
   * block, one after another without gaps (`blockFields` changes the document of one block to make some).
   */
  async putBlockFile(
    path: string,
    blocks: readonly Content[],
    options: FileOptions & { readonly blockFields?: (index: number) => Document } = {},
  ): Promise<void> {
    const created = options.createdDate ?? this.builder.now();
    const collection = await this.builder.shard('block_node', this.name);
    let start = 0;
    for (const [index, content] of blocks.entries()) {
      const digests = await writeBlob(options.storeDir ?? this.storeDir, content);
      await collection.insertOne({
        createdBy: this.builder.user,
        createdDate: new Date(created.getTime() + 1 + index),
        nodeFullPath: path,
        startPos: Long.fromNumber(start),
        sha256: digests.sha256,
        crc64ecma: digests.crc64ecma,
        projectId: this.projectId,
        repoName: this.name,
        size: Long.fromNumber(digests.size),
        endPos: Long.fromNumber(start + digests.size - 1),
        ...options.blockFields?.(index),
      });
      start += digests.size;
      await this.#countReferences([{ sha256: digests.sha256 }]);
    }
    const attributes = { key: 'fs:attr', value: { uid: 0, gid: 0, mode: 420 }, system: false };
    await this.deleteFile(path);
    await this.makeFolders([path]);
    await this.#insert([
      this.#fileDocument(
        path,
        { size: start, sha256: ZEROS_64, md5: ZEROS_32, crc64ecma: '0' },
        { ...options, createdDate: created, metadata: [...(options.metadata ?? []), attributes] },
      ),
    ]);
  }

  /** The bytes of the live file of that path in the repository's store; undefined = there is none. */
  async content(path: string): Promise<Buffer | undefined> {
    const filter = { projectId: this.projectId, repoName: this.name, fullPath: path, deleted: null };
    const node = await (await this.#nodes()).findOne(filter);
    return node === null ? undefined : await readFile(blobPath(this.storeDir, String(node['sha256'])));
  }

  /** Soft-deletes the live file of that path, if there is one; says whether there was. */
  async deleteFile(path: string, at: Date = this.builder.now()): Promise<boolean> {
    const nodes = await this.#nodes();
    const of = { projectId: this.projectId, repoName: this.name, fullPath: path };
    // Two generations cannot be deleted at the same instant: the time is in the unique index.
    const newest = await nodes
      .find({ ...of, deleted: { $gte: at } })
      .sort({ deleted: -1 })
      .limit(1)
      .next();
    const deleted = newest === null ? at : new Date((newest['deleted'] as Date).getTime() + 1);
    return (await nodes.updateOne({ ...of, deleted: null }, { $set: { deleted } })).modifiedCount === 1;
  }

  /** Changes fields of the live node of that path as they are given: `{$set: …}` and the like. */
  async changeNode(path: string, update: Document): Promise<void> {
    const filter = { projectId: this.projectId, repoName: this.name, fullPath: path, deleted: null };
    const result = await (await this.#nodes()).updateOne(filter, update);
    if (result.matchedCount !== 1) throw new Error(`no live node ${path} in ${this.projectId}/${this.name}`);
  }

  /** The folder nodes above these paths, as a server makes them. */
  async makeFolders(paths: Iterable<string>): Promise<void> {
    const missing = new Set([...paths].flatMap(parentFolders).filter((folder) => !this.#folders.has(folder)));
    if (missing.size === 0) return;
    const nodes = await this.#nodes();
    const { lastModifiedDate, ...audit } = this.builder.audit();
    await nodes.bulkWrite(
      [...missing].map((fullPath) => ({
        updateOne: {
          filter: { projectId: this.projectId, repoName: this.name, fullPath, deleted: { $exists: false } },
          update: {
            $setOnInsert: { ...audit, folder: true, ...pathAndName(fullPath), size: Long.ZERO, metadata: [] },
            $set: { lastModifiedDate },
          },
          upsert: true,
        },
      })),
      { ordered: false },
    );
    for (const folder of missing) this.#folders.add(folder);
  }

  async #insertWithFolders(documents: readonly Document[]): Promise<void> {
    if (documents.length === 0) return;
    await this.makeFolders(documents.map((document) => String(document['fullPath'])));
    await this.#insert(documents);
  }

  async #insert(documents: readonly Document[]): Promise<void> {
    await (await this.#nodes()).insertMany([...documents], { ordered: false });
    await this.#countReferences(documents);
  }

  /** Soft-deleted documents stay counted, as on a server, so nothing is ever taken off. */
  async #countReferences(documents: readonly Document[]): Promise<void> {
    if (!this.builder.references) return;
    const digests = documents.map((document) => String(document['sha256'])).filter((sha256) => sha256 !== ZEROS_64);
    const byShard = Map.groupBy(digests, (sha256) => shardOf(sha256, this.builder.shardCount));
    for (const [shard, members] of byShard) {
      const references = await this.builder.collection(`file_reference_${shard}`);
      await references.bulkWrite(
        members.map((sha256) => ({
          updateOne: {
            filter: { sha256, credentialsKey: this.#credentialsKey },
            update: { $inc: { count: Long.ONE } },
            upsert: true,
          },
        })),
      );
    }
  }

  #fileDocument(fullPath: string, digests: Digests, options: FileOptions): Document {
    const now = this.builder.now();
    const created = options.createdDate ?? now;
    return {
      _id: new ObjectId(),
      createdBy: options.createdBy ?? this.builder.user,
      createdDate: created,
      lastModifiedBy: options.lastModifiedBy ?? options.createdBy ?? this.builder.user,
      lastModifiedDate: options.lastModifiedDate ?? created,
      lastAccessDate: now,
      folder: false,
      ...pathAndName(fullPath),
      fullPath,
      ...(options.expireDate === undefined ? {} : { expireDate: options.expireDate }),
      size: Long.fromNumber(digests.size),
      sha256: digests.sha256,
      md5: digests.md5,
      ...(options.crc === false ? {} : { crc64ecma: digests.crc64ecma }),
      metadata: (options.metadata ?? []).map((entry) => ({ ...entry, system: entry.system ?? false })),
      projectId: this.projectId,
      repoName: this.name,
      ...options.fields,
    };
  }

  #nodes(): ReturnType<BkRepoBuilder['shard']> {
    return this.builder.shard('node', this.projectId);
  }
}
