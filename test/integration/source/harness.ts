/**
 * A real mongod with access control, a built bk-repo in it, and the source under test, which always connects as an
 * account that has nothing but the role `read`: everything that works in these tests works with it.
 */
import { join } from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import type { Source, SourceNode, SourceRepository } from '../../../src/engine/ports/source.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type BkRepoSource, createBkRepoSource } from '../../../src/source/bkrepo-source.ts';
import type { BkRepoSourceOptions } from '../../../src/source/options.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { BkRepoBuilder, type BkRepoBuilderOptions } from '../../support/bkrepo/builder.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

export const NEVER = new AbortController().signal;

export class SourceHarness {
  readonly mongod: Mongod;
  readonly directory: string;
  readonly #admin: MongoClient;
  readonly #sources: BkRepoSource[] = [];

  private constructor(mongod: Mongod, directory: string, admin: MongoClient) {
    this.mongod = mongod;
    this.directory = directory;
    this.#admin = admin;
  }

  static async start(): Promise<SourceHarness> {
    const mongod = await startMongod({
      args: ['--setParameter', 'enableTestCommands=1'],
      users: [
        { name: 'reader', password: 'r:e@d/er', roles: [{ role: 'readAnyDatabase', db: 'admin' }] },
        { name: 'strict', password: 'strict', roles: [{ role: 'read', db: 'bkrepo' }] },
        { name: 'stranger', password: 'stranger', roles: [{ role: 'read', db: 'elsewhere' }] },
      ],
    });
    const admin = await new MongoClient(mongod.uri).connect();
    return new SourceHarness(mongod, await makeTempDir('source'), admin);
  }

  /** A database of its own, as its administrator sees it. */
  db(name: string): Db {
    return this.#admin.db(name);
  }

  /** A directory name below the harness' own. */
  path(name: string): string {
    return join(this.directory, name);
  }

  builder(database: string, options: BkRepoBuilderOptions = {}): BkRepoBuilder {
    return new BkRepoBuilder(this.db(database), this.path(`${database}-store`), options);
  }

  /** A source over the database and store that {@link builder} fills. */
  source(database: string, options: Partial<BkRepoSourceOptions> = {}): BkRepoSource {
    const source = createBkRepoSource({
      uri: this.mongod.uriFor('reader'),
      database,
      storage: { type: 'filesystem', path: this.path(`${database}-store`) },
      clock: systemClock,
      logger: silentLogger,
      ...options,
    });
    this.#sources.push(source);
    return source;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
    await this.#admin.close();
    await this.mongod.stop();
    await removeDir(this.directory);
  }
}

export async function repositoryOf(source: Source, projectId: string, name: string): Promise<SourceRepository> {
  const repository = await source.repository(projectId, name, NEVER);
  if (repository === undefined) throw new Error(`no repository ${projectId}/${name}`);
  return repository;
}

/** The pages of a listing, as lists of paths. */
export async function pagesOf(
  source: Source,
  repository: SourceRepository,
  scope: { readonly path?: string; readonly after?: string } = {},
  pageSize = 1000,
): Promise<string[][]> {
  const pages: string[][] = [];
  for await (const page of source.nodes(repository, scope, pageSize, NEVER))
    pages.push(page.map((node) => node.fullPath));
  return pages;
}

export async function nodeOf(source: Source, repository: SourceRepository, fullPath: string): Promise<SourceNode> {
  const node = (await source.findNodes(repository, [fullPath], NEVER)).get(fullPath);
  if (node === undefined) throw new Error(`no node ${fullPath}`);
  return node;
}

/** All bytes of a node from `start`. */
export async function bytesOf(
  source: Source,
  repository: SourceRepository,
  node: SourceNode,
  start = 0,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await source.open(repository, node, start, NEVER)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
