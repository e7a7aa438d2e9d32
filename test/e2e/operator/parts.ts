/** What an installation copies from and to: a mongod with the accounts that are asked for, a filled source, far sides. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { FileSpec, RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { type Databases, NAMESPACE } from './installation.ts';

/** As the samples name them. */
export const SOURCE = { projectId: 'tools', repoName: 'generic-local' };
/** Another repository there, of few files. */
export const SMALL = { projectId: 'tools', repoName: 'small' };
export const COPY = { projectId: 'tools-backup', repoName: 'generic-backup' };

export const ACCOUNT = { username: 'replicator', password: 'far-side-secret-7Q' };
const READER = { name: 'source-reader', password: 'source-secret-8R', roles: [{ role: 'read', db: 'bkrepo' }] };
const WRITER = {
  name: 'journal-writer',
  password: 'journal-secret-9S',
  roles: [{ role: 'readWrite', db: 'bkrepo_replicator' }],
};
export const PASSWORDS = [ACCOUNT.password, READER.password, WRITER.password];

export interface FarSide {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
  readonly program: Program;
  /** In front of it, to hold it or break it. */
  readonly proxy: FaultProxy;
  /** What a Cluster names. */
  readonly url: string;
}

export class Parts {
  readonly mongod: Mongod;
  readonly client: MongoClient;
  readonly directory: string;
  readonly builder: BkRepoBuilder;
  readonly files: RepositoryBuilder;
  readonly #farSides: FarSide[] = [];

  private constructor(
    mongod: Mongod,
    client: MongoClient,
    directory: string,
    builder: BkRepoBuilder,
    files: RepositoryBuilder,
  ) {
    this.mongod = mongod;
    this.client = client;
    this.directory = directory;
    this.builder = builder;
    this.files = files;
  }

  /** `directory` is removed by whoever made it. */
  static async start(directory: string): Promise<Parts> {
    const mongod = await startMongod({ users: [READER, WRITER] });
    const client = await MongoClient.connect(mongod.uri, { writeConcern: { w: 1, j: false } });
    const builder = new BkRepoBuilder(client.db('bkrepo'), path.join(directory, 'store'));
    const files = await builder.repository(SOURCE.projectId, SOURCE.repoName);
    await files.putFiles(sampleFiles());
    const small = await builder.repository(SMALL.projectId, SMALL.repoName);
    for (const name of ['a', 'b/c', 'd e']) await small.putFile(`/${name}.txt`, `content of ${name}\n`);
    return new Parts(mongod, client, directory, builder, files);
  }

  get databases(): Databases {
    return { source: this.mongod.uriFor(READER.name), journal: this.mongod.uriFor(WRITER.name) };
  }

  /** What tests have to change in the shipped configuration; 127.0.0.1 is the only loopback address that is allowed. */
  configuration(changes: { readonly namespaces?: readonly string[] } = {}): Readonly<Record<string, object>> {
    const namespaces = [NAMESPACE, ...(changes.namespaces ?? [])];
    const hosts = ['127.0.0.0/8', 'localhost', '169.254.0.0/16'];
    return {
      source: { storage: { filesystem: { path: this.builder.storeDir } } },
      policy: { allowedAddresses: ['127.0.0.1/32', '::1/128'], rules: [{ namespaces, projects: ['tools'], hosts }] },
      engine: { drainSeconds: 2, backoffBaseMs: 100, backoffCapMs: 1_000, attempts: 100 },
      log: { level: 'debug' },
    };
  }

  get journal(): Db {
    return this.client.db('bkrepo_replicator');
  }

  async farSide(name: string, { faithful = false } = {}): Promise<FarSide> {
    const storeDir = path.join(this.directory, `store-${name}`);
    await mkdir(storeDir);
    const database = `far_${name}`;
    const mongodb = { uri: this.mongod.uri, database };
    const program = await startProgram({
      command: 'peer',
      args: faithful ? ['--faithful'] : [],
      directory: this.directory,
      config: { peer: { mongodb, storePath: storeDir, users: [{ ...ACCOUNT, admin: true }] } },
    });
    const proxy = await startFaultProxy(`http://127.0.0.1:${program.port}`);
    const db = this.client.db(database);
    const farSide = { name, db, storeDir, program, proxy, url: `${proxy.url}/replication` };
    this.#farSides.push(farSide);
    return farSide;
  }

  /** A repository that is at the far side already. */
  async farSideRepository({ db, storeDir }: FarSide, projectId: string, name: string, type: string): Promise<void> {
    await new BkRepoBuilder(db, storeDir).repository(projectId, name, { type });
  }

  /** In words, what a far side's repository lacks to be equal to the source's; empty = equal byte for byte. */
  async differences(farSide: FarSide, copy = COPY, source = SOURCE): Promise<string[]> {
    const here = await readBack(this.builder.db, this.builder.storeDir, source.projectId, source.repoName);
    const there = await readBack(farSide.db, farSide.storeDir, copy.projectId, copy.repoName);
    return here.size === 0 ? ['the source is empty'] : compareSides(here, there, { limit: 10 });
  }

  /** What a far side holds of one project: repositories, and nodes live or not. */
  async contents(farSide: FarSide, projectId: string): Promise<number> {
    let count = await farSide.db.collection('project').countDocuments({ name: projectId });
    count += await farSide.db.collection('repository').countDocuments({ projectId });
    for (const { name } of await farSide.db.listCollections({ name: /^node_\d+$/ }).toArray())
      count += await farSide.db.collection(name).countDocuments({ projectId });
    return count;
  }

  async stop(): Promise<void> {
    for (const { program, proxy } of this.#farSides) {
      await proxy.close();
      await program.signal('SIGKILL');
    }
    await this.client.close();
    await this.mongod.stop();
  }
}

function* sampleFiles(): Generator<FileSpec> {
  for (let index = 0; index < 40; index += 1) {
    const metadata = [{ key: 'index', value: index }];
    yield { path: `/nested/${index % 5}/file ${index}.txt`, content: `content of file ${index}\n`, metadata };
  }
  yield { path: '/发布/版本 1.0/说明.txt', content: '中文内容\n', metadata: [{ key: '作者', value: '张三' }] };
  yield { path: '/empty', content: '' };
  yield { path: '/large.bin', content: seededBytes(9 * 1024 * 1024 + 1, 1) };
}
