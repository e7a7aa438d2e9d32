/**
 * Packages of a repository and versions of a package, as streams of bounded pages by keyset over key and name.
 *
 * Guarantees: each once and in MongoDB's own order (bytes of UTF-8); what is there during the whole listing is in it,
 * whatever else changes meanwhile; one page in memory; each page one query that one of bk-repo's own unique indexes
 * answers. No snapshot, like the listing of nodes: packages and versions are removed for good, so what is gone is simply
 * not there any more. Whether a version's files are there is not looked at.
 */
import type { Filter } from 'mongodb';
import type { SourcePackage, SourceRepository, SourceVersion } from '../../engine/ports/source.ts';
import { PACKAGE_COLLECTION, PACKAGE_VERSION_COLLECTION } from '../schema/collections.ts';
import type { PackageDoc, PackageVersionDoc } from '../schema/documents.ts';
import type { SourceDatabase } from './database.ts';
import { classified } from './driver-errors.ts';
import {
  PACKAGE_PROJECTION,
  type ProjectedPackage,
  type ProjectedVersion,
  toSourcePackage,
  toSourceVersion,
  VERSION_PROJECTION,
} from './package-mapping.ts';

/** By keys, not by name: whatever the indexes are called, a listing must never fall back to a scan of the collection. */
export const PACKAGE_KEY_INDEX = { projectId: 1, repoName: 1, key: 1 } as const;
export const VERSION_NAME_INDEX = { packageId: 1, name: 1 } as const;

/** Names in one `$in`. */
const FIND_BATCH = 1000;

/** A condition on the key or the name. */
type Bounds = Readonly<Record<string, unknown>>;

export class PackageListing {
  readonly #database: SourceDatabase;

  constructor(database: SourceDatabase) {
    this.#database = database;
  }

  async *pages(
    repository: SourceRepository,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourcePackage[]> {
    const query = (key: Bounds) => this.#packages(repository, key, pageSize, signal);
    for await (const page of keyset(query, (doc) => doc.key, after, pageSize)) yield page.map(toSourcePackage);
  }

  async find(repository: SourceRepository, key: string, signal: AbortSignal): Promise<SourcePackage | undefined> {
    const [doc] = await this.#packages(repository, { $eq: key }, 1, signal);
    return doc === undefined ? undefined : toSourcePackage(doc);
  }

  async *versionPages(
    packageId: string,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourceVersion[]> {
    const query = (name: Bounds) => this.#versions(packageId, name, pageSize, signal);
    for await (const page of keyset(query, (doc) => doc.name, after, pageSize)) yield page.map(toSourceVersion);
  }

  async findVersions(
    packageId: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceVersion>> {
    const found = new Map<string, SourceVersion>();
    for (let start = 0; start < names.length; start += FIND_BATCH) {
      const batch = names.slice(start, start + FIND_BATCH);
      const docs = await this.#versions(packageId, { $in: batch }, batch.length, signal);
      for (const doc of docs) found.set(doc.name, toSourceVersion(doc));
    }
    return found;
  }

  #packages(
    repository: SourceRepository,
    key: Bounds,
    limit: number,
    signal: AbortSignal,
  ): Promise<ProjectedPackage[]> {
    const { projectId, name: repoName } = repository;
    return classified(`packages of ${projectId}/${repoName}`, signal, () =>
      this.#database
        .collection<PackageDoc>(PACKAGE_COLLECTION)
        .find<ProjectedPackage>({ projectId, repoName, key } as Filter<PackageDoc>, {
          projection: PACKAGE_PROJECTION,
          hint: PACKAGE_KEY_INDEX,
          maxTimeMS: this.#database.maxTimeMs,
          signal,
        })
        .sort({ key: 1 })
        .limit(limit)
        .batchSize(limit + 1)
        .toArray(),
    );
  }

  #versions(packageId: string, name: Bounds, limit: number, signal: AbortSignal): Promise<ProjectedVersion[]> {
    return classified(`versions of the package with the id ${packageId}`, signal, () =>
      this.#database
        .collection<PackageVersionDoc>(PACKAGE_VERSION_COLLECTION)
        .find<ProjectedVersion>({ packageId, name } as Filter<PackageVersionDoc>, {
          projection: VERSION_PROJECTION,
          hint: VERSION_NAME_INDEX,
          maxTimeMS: this.#database.maxTimeMs,
          signal,
        })
        .sort({ name: 1 })
        .limit(limit)
        .batchSize(limit + 1)
        .toArray(),
    );
  }
}

async function* keyset<T>(
  query: (bounds: Bounds) => Promise<T[]>,
  keyOf: (doc: T) => string,
  after: string | undefined,
  pageSize: number,
): AsyncGenerator<T[]> {
  let bounds: Bounds = after === undefined ? { $gte: '' } : { $gt: after };
  for (;;) {
    const page = await query(bounds);
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    bounds = { $gt: keyOf(last) };
  }
}
