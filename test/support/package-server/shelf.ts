/** The live files of a bk-repo database and store, read without any code of the program. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Db, Document, Filter } from 'mongodb';
import { blobPath, shardOf } from '../bkrepo/layout.ts';

export interface ShelvedFile {
  readonly fullPath: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly md5: string;
  readonly metadata: ReadonlyMap<string, unknown>;
}

/** Files of one listing at most: what is beyond is an error, not a shorter list. */
const LIST_LIMIT = 10_000;

export class Shelf {
  readonly #db: Db;
  readonly #storeDir: string;

  constructor(db: Db, storeDir: string) {
    this.#db = db;
    this.#storeDir = storeDir;
  }

  /** undefined = no such repository, or it was deleted. */
  async repository(projectId: string, name: string): Promise<ShelvedRepository | undefined> {
    const found = await this.#db.collection('repository').findOne({ projectId, name, deleted: null });
    if (found === null) return undefined;
    return new ShelvedRepository(this.#db, this.#storeDir, projectId, name, String(found['type']));
  }
}

export class ShelvedRepository {
  readonly projectId: string;
  readonly name: string;
  /** RepositoryType: `MAVEN`, `NPM`, … */
  readonly type: string;
  readonly #db: Db;
  readonly #storeDir: string;

  constructor(db: Db, storeDir: string, projectId: string, name: string, type: string) {
    this.#db = db;
    this.#storeDir = storeDir;
    this.projectId = projectId;
    this.name = name;
    this.type = type;
  }

  async file(fullPath: string): Promise<ShelvedFile | undefined> {
    return (await this.#files({ fullPath }))[0];
  }

  /** By path, at any depth. */
  below(folder: string): Promise<readonly ShelvedFile[]> {
    return this.#files({ fullPath: { $regex: `^${escaped(folder)}/` } });
  }

  /** Below a folder, whatever they are called. */
  withDigest(sha256: string, folder: string): Promise<readonly ShelvedFile[]> {
    return this.#files({ sha256, fullPath: { $regex: `^${escaped(folder)}/` } });
  }

  /** Fails when the store has no such blob. */
  open({ sha256 }: ShelvedFile): Readable {
    return createReadStream(blobPath(this.#storeDir, sha256));
  }

  async versions(packageKey: string): Promise<readonly string[]> {
    const { projectId, name: repoName } = this;
    const found = await this.#db.collection('package').findOne({ projectId, repoName, key: packageKey });
    if (found === null) return [];
    const versions = this.#db.collection('package_version').find({ packageId: found._id.toHexString() });
    return (await versions.limit(LIST_LIMIT).toArray()).map((version) => String(version['name'])).sort();
  }

  async #files(filter: Filter<Document>): Promise<ShelvedFile[]> {
    const { projectId, name: repoName } = this;
    const found = await this.#db
      .collection(`node_${shardOf(projectId)}`)
      .find({ projectId, repoName, folder: false, deleted: null, ...filter })
      .sort({ fullPath: 1 })
      .limit(LIST_LIMIT + 1)
      .toArray();
    if (found.length > LIST_LIMIT) throw new Error(`more than ${LIST_LIMIT} files in ${projectId}/${repoName}`);
    return found.map((node) => ({
      fullPath: String(node['fullPath']),
      size: Number(node['size']),
      sha256: String(node['sha256']),
      md5: String(node['md5']),
      metadata: new Map(
        ((node['metadata'] ?? []) as Document[]).map((entry) => [String(entry['key']), entry['value'] as unknown]),
      ),
    }));
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
