/**
 * The local bk-repo as the engine sees it: metadata from its MongoDB, blobs from its stores or its own HTTP.
 *
 * Guarantees: nothing is ever written (the role `read` is enough), except that an operation log is capped where that was
 * asked for; every failure is classified (domain/errors.ts), and "not there" is said only when the database or a store
 * said so; memory is bounded by the page size. Does not decide what may be copied: categories and types of repositories
 * are told, not judged.
 */
import { ReplicationError } from '../domain/errors.ts';
import type { FeedFinder } from '../engine/ports/feed.ts';
import type { Source, SourceNode } from '../engine/ports/source.ts';
import { BlobReader } from './blob/blob-reader.ts';
import { BlockFiles } from './blob/block-file.ts';
import { PullClient } from './blob/pull-client.ts';
import { Storages } from './blob/storages.ts';
import { findProject, findRepository } from './database/catalog.ts';
import { SourceDatabase } from './database/database.ts';
import { NodeListing } from './database/node-listing.ts';
import { PackageListing } from './database/package-listing.ts';
import { SelectionCounter } from './database/selection-count.ts';
import { createFeeds } from './feed/feeds.ts';
import type { BkRepoSourceOptions } from './options.ts';

export interface BkRepoSource extends Source {
  /** Where it is told what changes; one for all who follow this source. */
  readonly feeds: FeedFinder;
  /** Fails, classified, while the database cannot be read: unreachable, or the account refused. */
  check(signal: AbortSignal): Promise<void>;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Connects with the first call. Fails with the spec error `SourceMisconfigured` for an unusable connection string. */
export function createBkRepoSource(options: BkRepoSourceOptions): BkRepoSource {
  const { clock, logger } = options;
  const database = new SourceDatabase(options);
  const listing = new NodeListing(database, clock);
  const packages = new PackageListing(database);
  const counter = new SelectionCounter(database, clock, logger);
  const storages = new Storages({ database, storage: options.storage, pathMap: options.pathMap ?? [], clock });
  const pull = options.pull === undefined ? undefined : new PullClient(options.pull);
  const reader = new BlobReader({ storages, pull, clock, logger });
  const blockFiles = new BlockFiles(database, reader);

  return {
    feeds: createFeeds(database, options.feed ?? {}, clock, logger),
    project: (projectId, signal) => findProject(database, projectId, signal),
    repository: (projectId, name, signal) => findRepository(database, projectId, name, signal),
    nodes: (repository, scope, pageSize, signal) => listing.pages(repository, scope, pageSize, signal),
    findNodes: (repository, fullPaths, signal) => listing.find(repository, fullPaths, signal),
    packages: (repository, after, pageSize, signal) => packages.pages(repository, after, pageSize, signal),
    findPackage: (repository, key, signal) => packages.find(repository, key, signal),
    versions: (packageId, after, pageSize, signal) => packages.versionPages(packageId, after, pageSize, signal),
    findVersions: (packageId, names, signal) => packages.findVersions(packageId, names, signal),
    async resolve(repository, node, signal) {
      assertReadable(node);
      return node.kind === 'block' ? blockFiles.resolve(repository, node, signal) : node;
    },
    async open(repository, node, start, signal) {
      assertReadable(node);
      if (node.kind === 'block') return blockFiles.open(repository, node, start, signal);
      return reader.open(repository, node, { sha256: node.sha256, size: node.size, start }, signal);
    },
    count: (repository, selection, signal) => counter.count(repository, selection, signal),
    check: (signal) => database.check(signal),
    async close() {
      await Promise.all([database.close(), storages.close(), pull?.close()]);
    },
  };
}

function assertReadable(node: SourceNode): void {
  if (node.kind === 'file' || node.kind === 'block') return;
  const message = `${node.fullPath} is of kind "${node.kind}": its bytes cannot be read`;
  throw new ReplicationError('unit', 'UnsupportedNode', message);
}
