/**
 * One repository of {@link SourceWriter}. It is a builder's repository too, so that all that makes packages
 * (bkrepo/packages) works on it; but files and versions go through the server. bk-repo's own moves: an overwritten node
 * is soft-deleted and made anew, a renamed one keeps its `_id`, a moved or copied one is another document.
 */
import { createHash } from 'node:crypto';
import { type Content, contentBytes, type Digests } from './bkrepo/content.ts';
import type { PackageSpec, VersionSpec } from './bkrepo/packages/version.ts';
import { type FileOptions, RepositoryBuilder, type StoredMetadata } from './bkrepo/repository-builder.ts';
import type { SourceWriter } from './source-writer.ts';

/** A version, and the files and folders that go with it. */
export interface VersionPaths {
  readonly packageKey: string;
  readonly version: string;
  readonly paths: readonly string[];
}

export class SourceRepository extends RepositoryBuilder {
  readonly #writer: SourceWriter;
  readonly #place: { readonly projectId: string; readonly repoName: string; readonly operator: string };
  override readonly publish = async (packageSpec: PackageSpec, version: VersionSpec): Promise<void> => {
    await this.#publish(packageSpec, version);
  };

  constructor(writer: SourceWriter, projectId: string, repoName: string, type: string) {
    super(writer.builder, projectId, repoName, type, null, writer.builder.storeDir);
    this.#writer = writer;
    this.#place = { projectId, repoName, operator: writer.builder.user };
  }

  /** Makes a file, or replaces the one that is there. */
  override async putFile(fullPath: string, content: Content, options: FileOptions = {}): Promise<Digests> {
    const { fields, storeDir, expireDate } = options;
    if ((fields ?? storeDir ?? expireDate) !== undefined) throw new Error(`no server writes such a node: ${fullPath}`);
    const bytes = await contentBytes(content);
    const hash = (name: string): string => createHash(name).update(bytes).digest('hex');
    const sha256 = hash('sha256');
    const md5 = hash('md5');
    await this.#writer.push(sha256, bytes);
    const { createdBy = this.builder.user, createdDate, lastModifiedDate = this.builder.now() } = options;
    await this.#node('create', {
      fullPath,
      folder: false,
      overwrite: true,
      size: bytes.length,
      sha256,
      md5,
      createdBy,
      lastModifiedBy: options.lastModifiedBy ?? createdBy,
      createdDate: localDate(createdDate ?? lastModifiedDate),
      lastModifiedDate: localDate(lastModifiedDate),
      nodeMetadata: (options.metadata ?? []).map(entryOf),
    });
    return { size: bytes.length, sha256, md5, crc64ecma: '' };
  }

  async makeFolder(fullPath: string): Promise<void> {
    await this.#node('create', { fullPath, folder: true });
  }

  /** A file, or a folder with all below it; one that is not there is no error. Tells whether files went. */
  override async deleteFile(fullPath: string): Promise<boolean> {
    const deletedDate = localDate(this.builder.now());
    const { deletedNumber } = (await this.#node('delete', { fullPath, deletedDate })) as { deletedNumber: number };
    return deletedNumber > 0;
  }

  async rename(fullPath: string, newFullPath: string): Promise<void> {
    await this.#node('rename', { fullPath, newFullPath });
  }

  /** Into a folder when there is one at the destination. */
  async move(fullPath: string, destination: string, more: Destination = {}): Promise<void> {
    await this.#transfer('move', fullPath, destination, more);
  }

  async copy(fullPath: string, destination: string, more: Destination = {}): Promise<void> {
    await this.#transfer('copy', fullPath, destination, more);
  }

  async saveMetadata(fullPath: string, entries: readonly StoredMetadata[]): Promise<void> {
    await this.#call('metadata/save', { fullPath, nodeMetadata: entries.map(entryOf) });
  }

  async deleteMetadata(fullPath: string, keyList: readonly string[]): Promise<void> {
    await this.#call('metadata/delete', { fullPath, keyList });
  }

  /** Whole days from now; 0 = never. */
  async expire(fullPath: string, expires: number): Promise<void> {
    await this.#node('update', { fullPath, expires });
  }

  /** The files first, as bk-repo's services do it. */
  async deleteVersion({ packageKey, version, paths }: VersionPaths): Promise<void> {
    for (const path of paths) await this.deleteFile(path);
    const deletedDate = localDate(this.builder.now());
    await this.#call('package/version/delete', { packageKey, versionName: version, deletedDate, source: '' });
  }

  async deletePackage(packageKey: string): Promise<void> {
    await this.#call('package/delete', { packageKey, deletedDate: localDate(this.builder.now()), source: '' });
  }

  /** Paths of live nodes, in order. */
  async paths(kind: 'files' | 'folders'): Promise<readonly string[]> {
    const nodes = await this.builder.shard('node', this.projectId);
    const filter = { projectId: this.projectId, repoName: this.name, folder: kind === 'folders', deleted: null };
    const found = await nodes.find(filter).project({ fullPath: 1 }).sort({ fullPath: 1 }).toArray();
    return found.map(({ fullPath }) => String(fullPath)).filter((path) => path !== '/');
  }

  async #transfer(call: 'move' | 'copy', srcFullPath: string, destFullPath: string, more: Destination): Promise<void> {
    const { projectId: srcProjectId, repoName: srcRepoName, operator } = this.#place;
    const { to = this, overwrite = true } = more;
    const destination = { destProjectId: to.projectId, destRepoName: to.name, destFullPath };
    await this.#writer.call(`node/${call}`, {
      srcProjectId,
      srcRepoName,
      srcFullPath,
      ...destination,
      overwrite,
      operator,
    });
  }

  async #publish(spec: PackageSpec, version: VersionSpec): Promise<void> {
    const { artifactPath = null, artifactPaths } = version;
    const others = (artifactPaths ?? []).filter((path) => path !== artifactPath);
    const all = artifactPath === null ? others : [...others, artifactPath];
    for (const [index, path] of (all.length === 0 ? [null] : all).entries())
      await this.#call('package/version/create', {
        packageName: spec.name,
        packageKey: spec.key,
        packageType: spec.type,
        packageDescription: spec.description ?? null,
        versionTag: spec.versionTag ?? {},
        packageExtension: spec.extension ?? null,
        versionName: version.name,
        size: version.size ?? 0,
        manifestPath: version.manifestPath ?? null,
        artifactPath: path,
        stageTag: version.stageTag ?? [],
        packageMetadata: (version.metadata ?? []).map(entryOf),
        tags: version.tags ?? [],
        extension: version.extension ?? {},
        overwrite: true,
        multiArtifact: index > 0,
        createdBy: version.createdBy ?? this.builder.user,
      });
  }

  #node(call: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#call(`node/${call}`, body);
  }

  async #call(name: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    return await this.#writer.call(name, { ...this.#place, ...body });
  }
}

interface Destination {
  /** Default: the same repository. */
  readonly to?: SourceRepository;
  /** Default true. */
  readonly overwrite?: boolean;
}

function entryOf({ key, value, system = false, description, link }: StoredMetadata): Readonly<Record<string, unknown>> {
  return { key, value, system, description: description ?? null, link: link ?? null };
}

/** The server's zone is UTC. */
function localDate(date: Date): string {
  return date.toISOString().slice(0, -1);
}
