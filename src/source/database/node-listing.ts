/**
 * Nodes of a repository, as a stream of bounded pages by keyset over fullPath.
 *
 * Guarantees: only live, not expired files; each path once and in MongoDB's own order (bytes of UTF-8); a file that is
 * there during the whole listing is in it, whatever else changes meanwhile (never skip/limit); one page in memory; each
 * page one query that the unique index (projectId, repoName, fullPath, deleted) answers. No snapshot: a file that comes,
 * goes or is renamed during the listing may or may not be in it.
 */
import type { Collection } from 'mongodb';
import { selects } from '../../domain/paths.ts';
import type { NodeScope, SourceNode, SourceRepository } from '../../engine/ports/source.ts';
import type { Clock } from '../../lib/clock.ts';
import type { NodeDoc } from '../schema/documents.ts';
import { belowFolder, type PathRange, withPrefix } from '../schema/paths.ts';
import { nodeCollectionName } from '../schema/sharding.ts';
import type { SourceDatabase } from './database.ts';
import { classified } from './driver-errors.ts';
import { NODE_PROJECTION, type ProjectedNode, toSourceNode } from './node-mapping.ts';

/** By keys, not by name: whatever the index is called, a listing must never fall back to a scan of the whole shard. */
export const FULL_PATH_INDEX = { projectId: 1, repoName: 1, fullPath: 1, deleted: 1 } as const;

/** Paths in one `$in`. */
const FIND_BATCH = 1000;

export class NodeListing {
  readonly #database: SourceDatabase;
  readonly #clock: Clock;

  constructor(database: SourceDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * `scope.path` with `*` in its last segment selects names in that folder, and everything below folders so named. A
   * path that exists as a folder without files yields one empty page; one that does not exist yields nothing at all.
   */
  async *pages(
    repository: SourceRepository,
    scope: NodeScope,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourceNode[]> {
    const path = scope.path ?? '/';
    const cut = path.lastIndexOf('/') + 1;
    if (path === '/') yield* this.#range(repository, withPrefix('/'), scope.after, pageSize, signal);
    else if (path.includes('*', cut)) {
      const literal = withPrefix(path.slice(0, path.indexOf('*', cut)));
      yield* this.#range(repository, literal, scope.after, pageSize, signal, (fullPath) => selects(path, fullPath));
    } else yield* this.#fileOrFolder(repository, path, scope.after, pageSize, signal);
  }

  async find(
    repository: SourceRepository,
    fullPaths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceNode>> {
    const found = new Map<string, SourceNode>();
    for (let start = 0; start < fullPaths.length; start += FIND_BATCH) {
      const batch = fullPaths.slice(start, start + FIND_BATCH);
      const docs = await this.#query(repository, { $in: batch }, batch.length, signal);
      for (const doc of docs) found.set(doc.fullPath, toSourceNode(doc));
    }
    return found;
  }

  async *#fileOrFolder(
    repository: SourceRepository,
    path: string,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SourceNode[]> {
    let empty = true;
    if (after === undefined || isBefore(after, path)) {
      const [file] = await this.#query(repository, { $eq: path }, 1, signal);
      if (file !== undefined) yield [toSourceNode(file)];
      empty = file === undefined;
    }
    for await (const page of this.#range(repository, belowFolder(path), after, pageSize, signal)) {
      empty = false;
      yield page;
    }
    if (empty && after === undefined && (await this.#isFolder(repository, path, signal))) yield [];
  }

  /** Pages are full but for the last one, whatever share of the paths `wanted` takes. */
  async *#range(
    repository: SourceRepository,
    range: PathRange,
    after: string | undefined,
    pageSize: number,
    signal: AbortSignal,
    wanted: (fullPath: string) => boolean = () => true,
  ): AsyncGenerator<readonly SourceNode[]> {
    let page: SourceNode[] = [];
    let last = after;
    for (;;) {
      const behind = last === undefined ? {} : { $gt: last };
      const bounds = { $gte: range.from, ...behind, $lt: range.before };
      const docs = await this.#query(repository, bounds, pageSize, signal);
      for (const doc of docs) {
        if (!wanted(doc.fullPath)) continue;
        page.push(toSourceNode(doc));
        if (page.length < pageSize) continue;
        yield page;
        page = [];
      }
      last = docs.at(-1)?.fullPath;
      if (docs.length < pageSize || last === undefined) break;
    }
    if (page.length > 0) yield page;
  }

  #query(
    repository: SourceRepository,
    fullPath: Readonly<Record<string, unknown>>,
    limit: number,
    signal: AbortSignal,
  ): Promise<ProjectedNode[]> {
    const { projectId, name: repoName } = repository;
    const now = this.#clock.now();
    return classified(`nodes of ${projectId}/${repoName}`, signal, () =>
      this.#nodes(projectId)
        .find(
          { ...liveFiles(repository, now), fullPath },
          { projection: NODE_PROJECTION, hint: FULL_PATH_INDEX, maxTimeMS: this.#database.maxTimeMs, signal },
        )
        .sort({ fullPath: 1 })
        .limit(limit)
        .batchSize(limit + 1)
        .toArray(),
    );
  }

  async #isFolder(repository: SourceRepository, fullPath: string, signal: AbortSignal): Promise<boolean> {
    const { projectId, name: repoName } = repository;
    const doc = await classified(`folder ${fullPath} of ${projectId}/${repoName}`, signal, () =>
      this.#nodes(projectId).findOne(
        { projectId, repoName, fullPath, deleted: null, folder: true },
        { projection: { _id: 1 }, hint: FULL_PATH_INDEX, maxTimeMS: this.#database.maxTimeMs, signal },
      ),
    );
    return doc !== null;
  }

  #nodes(projectId: string): Collection<ProjectedNode & NodeDoc> {
    return this.#database.collection(nodeCollectionName(projectId, this.#database.shardCount));
  }
}

/** What a listing shows of a repository: no folders, nothing deleted or expired at `now` (milliseconds since the epoch). */
export function liveFiles({ projectId, name: repoName }: SourceRepository, now: number) {
  return {
    projectId,
    repoName,
    deleted: null,
    folder: false,
    $or: [{ expireDate: null }, { expireDate: { $gt: new Date(now) } }],
  };
}

/** In MongoDB's order. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
