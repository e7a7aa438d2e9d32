/**
 * A whole replication with every server in a process of its own, for tests that kill them: a mongod with source and
 * journal, another one with the far sides, and far sides behind proxies. What is left behind is judged from the databases
 * and stores alone, by code that shares nothing with the program.
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Db, type Document, MongoClient } from 'mongodb';
import { BkRepoBuilder } from './bkrepo/builder.ts';
import { compareSides } from './bkrepo/compare.ts';
import { DigestMemory } from './bkrepo/digest-memory.ts';
import { blobPath, shardOf } from './bkrepo/layout.ts';
import { readBack } from './bkrepo/read-back.ts';
import type { RepositoryBuilder } from './bkrepo/repository-builder.ts';
import { FarSideWatch } from './far-side-watch.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type Mongod, startMongod } from './mongod.ts';
import { type Program, startProgram } from './program.ts';
import { makeTempDir, removeDir } from './tempdir.ts';

export const PROJECT = 'acme';
export const REPOSITORY = 'files';
export const COPY = 'mirror';
export const TASK = 'copy';
const ACCOUNT = { username: 'replicator', password: 'far-side-password', admin: true };
const DATABASES = { source: 'bkrepo', journal: 'bkrepo_replicator' };

export interface RemoteSide {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
  readonly faithful: boolean;
  /** What its Cluster names is this proxy's address, or the server's own. */
  readonly proxy: FaultProxy;
  readonly url: string;
  program: Program;
}

export interface RemoteSideOptions {
  readonly faithful?: boolean;
  /** The Cluster names the server itself (false). */
  readonly direct?: boolean;
}

/** A run record as it lies in the journal. */
export interface StoredRecord {
  readonly id: string;
  readonly taskUid: string;
  readonly startTime: Date;
  readonly endTime: Date | null;
  readonly claim: string;
  readonly epoch: number;
  readonly executionNumber: number;
  readonly status: string;
  readonly errorReason: string | null;
  readonly replicatedBytes: number;
  readonly overview: Readonly<Record<string, number>>;
}

export class Replication {
  readonly directory: string;
  readonly mongod: Mongod;
  readonly farMongod: Mongod;
  readonly client: MongoClient;
  readonly farClient: MongoClient;
  readonly builder: BkRepoBuilder;
  readonly files: RepositoryBuilder;
  readonly farSides: RemoteSide[] = [];
  /** Records begun before are not among {@link records}. */
  #since = new Date(0);
  #journalDb: Db;
  readonly #memory = new DigestMemory();

  private constructor(
    directory: string,
    [mongod, farMongod]: readonly [Mongod, Mongod],
    [client, farClient]: readonly [MongoClient, MongoClient],
    builder: BkRepoBuilder,
    files: RepositoryBuilder,
  ) {
    this.directory = directory;
    this.mongod = mongod;
    this.farMongod = farMongod;
    this.client = client;
    this.farClient = farClient;
    this.builder = builder;
    this.files = files;
    this.#journalDb = client.db(DATABASES.journal);
  }

  static async start(): Promise<Replication> {
    const directory = await makeTempDir('replication');
    const mongods = await Promise.all([startMongod(), startMongod()]);
    const clients = await Promise.all([MongoClient.connect(mongods[0].uri), MongoClient.connect(mongods[1].uri)]);
    const builder = new BkRepoBuilder(clients[0].db(DATABASES.source), join(directory, 'source-store'), {
      references: false,
    });
    const files = await builder.repository(PROJECT, REPOSITORY);
    return new Replication(directory, mongods, clients, builder, files);
  }

  async farSide(name: string, { faithful = false, direct = false }: RemoteSideOptions = {}): Promise<RemoteSide> {
    const storeDir = join(this.directory, `${name}-store`);
    const program = await this.#startPeer(name, storeDir, faithful);
    const server = `http://127.0.0.1:${program.port}`;
    const proxy = await startFaultProxy(server);
    const url = `${direct ? server : proxy.url}/replication`;
    const side = { name, db: this.farClient.db(`far_${name}`), storeDir, faithful, proxy, url, program };
    this.farSides.push(side);
    return side;
  }

  /** Starts a killed far side again; the proxy leads to it, its own address is another one. */
  async restartFarSide(side: RemoteSide): Promise<void> {
    side.program = await this.#startPeer(side.name, side.storeDir, side.faithful);
    side.proxy.pointTo(`http://127.0.0.1:${side.program.port}`);
  }

  /** Of the program, but for what belongs to the way it is run. */
  configuration(): Readonly<Record<string, unknown>> {
    const { uri } = this.mongod;
    return {
      installationId: 'faults',
      source: {
        mongodb: { uri: `${uri}&serverSelectionTimeoutMS=2000`, database: DATABASES.source },
        storage: { filesystem: { path: this.builder.storeDir } },
      },
      journal: { mongodb: { uri: `${uri}&serverSelectionTimeoutMS=2000`, database: DATABASES.journal } },
      policy: { allowLoopback: true },
      engine: {
        patienceSeconds: 30,
        backoffBaseMs: 50,
        backoffCapMs: 500,
        drainSeconds: 2,
        pageSize: 50,
        settleSize: 20,
      },
      shutdown: { graceSeconds: 8 },
    };
  }

  /** One Cluster and Secret for each far side, and the task to all of them. */
  manifests(spec: object = {}, annotations: Readonly<Record<string, string>> = {}, clusterSpec: object = {}): object[] {
    const apiVersion = 'replication.bkrepo.io/v1alpha1';
    const { username, password } = ACCOUNT;
    return [
      ...this.farSides.flatMap(({ name, url }) => [
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: `${name}-login` }, stringData: { username, password } },
        {
          apiVersion,
          kind: 'Cluster',
          metadata: { name },
          spec: {
            type: 'STANDALONE',
            url,
            credentialsSecretRef: { name: `${name}-login` },
            probeInterval: '1s',
            ...clusterSpec,
          },
        },
      ]),
      {
        apiVersion,
        kind: 'ReplicaTask',
        metadata: { name: TASK, annotations },
        spec: {
          localProjectId: PROJECT,
          replicaTaskObjects: [{ localRepoName: REPOSITORY, remoteProjectId: COPY, repoType: 'GENERIC' }],
          remoteClusterIds: this.farSides.map(({ name }) => name),
          setting: { conflictStrategy: 'OVERWRITE' },
          ...spec,
        },
      },
    ];
  }

  /** Readers that look at the far sides until their `stop()`. */
  watch(): FarSideWatch {
    const sourceNodes = this.builder.db.collection(`node_${shardOf(PROJECT)}`);
    return new FarSideWatch(this.farSides, `node_${shardOf(COPY)}`, COPY, sourceNodes);
  }

  /** In words, in what any far side is not equal to the source; empty = equal byte for byte. */
  async differences(): Promise<string[]> {
    const memory = this.#memory;
    const here = await readBack(this.builder.db, this.builder.storeDir, PROJECT, REPOSITORY, { memory });
    const told = this.farSides.map(async ({ name, db, storeDir }) =>
      compareSides(here, await readBack(db, storeDir, COPY, REPOSITORY, { memory }), { names: ['source', name] }),
    );
    return (await Promise.all(told)).flat();
  }

  /** From here on only what comes now counts: for tests that share one replication. */
  beginAnew(): void {
    this.#since = new Date();
    for (const { proxy } of this.farSides) proxy.forget();
  }

  /** Oldest first. */
  async records(): Promise<StoredRecord[]> {
    const filter = { startTime: { $gte: this.#since } };
    const found = await this.#journal('replica_record').find(filter).sort({ startTime: 1, _id: 1 }).toArray();
    return found.map((record) => ({
      id: String(record._id),
      taskUid: String(record['taskUid']),
      startTime: record['startTime'] as Date,
      endTime: record['endTime'] as Date | null,
      claim: String(record['claim']),
      epoch: Number(record['epoch']),
      executionNumber: Number(record['executionNumber']),
      status: String(record['status']),
      errorReason: record['errorReason'] as string | null,
      replicatedBytes: Number(record['replicatedBytes']),
      overview: record['replicaOverview'] as Record<string, number>,
    }));
  }

  /** Final records of one run by far side and path: when each was written, and under which epoch. */
  async details(recordId: string): Promise<Map<string, { readonly epoch: number; readonly at: number }>> {
    const rows = await this.#journal('replica_record_detail').find({ recordId }).toArray();
    return new Map(
      rows.map((row) => [
        `${row['remoteCluster']} ${(row['pathConstraint'] as Document)['path']}`,
        { epoch: Number(row['epoch']), at: (row['endTime'] as Date).getTime() },
      ]),
    );
  }

  get journal(): Db {
    return this.#journalDb;
  }

  /** For tests in which the source alone is down; the program has to be configured so, too. */
  keepJournalAtFarMongod(): void {
    this.#journalDb = this.farClient.db(DATABASES.journal);
  }

  /** Those under which the units of a run were handled. */
  conflictStrategies(recordId: string): Promise<unknown[]> {
    return this.#journal('replica_record_detail').distinct('conflictStrategy', { recordId });
  }

  /** What must never be in a journal: two final records of a unit, two records of a claim, two open runs of a task. */
  async doubles(): Promise<string[]> {
    const records = this.#journal('replica_record');
    const details = this.#journal('replica_record_detail');
    const twice = (id: object): Document[] => [
      { $group: { _id: id, count: { $sum: 1 } } },
      { $match: { count: { $gt: 1 } } },
      { $limit: 20 },
    ];
    const unit = { run: '$recordId', farSide: '$remoteCluster', path: '$pathConstraint.path' };
    const found = [
      ...(await details.aggregate(twice(unit)).toArray()),
      ...(await records.aggregate(twice({ task: '$taskKey', claim: '$claim' })).toArray()),
      ...(await records.aggregate([{ $match: { status: 'RUNNING' } }, ...twice({ openRunsOf: '$taskUid' })]).toArray()),
    ];
    return found.map(({ _id, count }) => `${count} times: ${JSON.stringify(_id)}`);
  }

  /** Paths that were written more than once at a far side, whatever of it is still live. */
  async writtenTwice(prefix: string): Promise<string[]> {
    const found = this.farSides.map(async ({ name, db }) => {
      const nodes = await db
        .collection(`node_${shardOf(COPY)}`)
        .find({ projectId: COPY, folder: false })
        .project({ fullPath: 1 })
        .toArray();
      const paths = nodes.map(({ fullPath }) => String(fullPath)).filter((fullPath) => fullPath.startsWith(prefix));
      return paths.filter((fullPath, index) => paths.indexOf(fullPath) !== index).map((one) => `${name} ${one}`);
    });
    return (await Promise.all(found)).flat();
  }

  /** Ids of the live nodes at the far sides: a node that is written again gets another one. */
  async nodeIds(): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    for (const { name, db } of this.farSides) {
      const nodes = db.collection(`node_${shardOf(COPY)}`).find({ projectId: COPY, folder: false, deleted: null });
      for await (const node of nodes) ids.set(`${name} ${node['fullPath']}`, String(node._id));
    }
    return ids;
  }

  async fileCount(): Promise<number> {
    const nodes = this.builder.db.collection(`node_${shardOf(PROJECT)}`);
    return await nodes.countDocuments({ projectId: PROJECT, repoName: REPOSITORY, folder: false, deleted: null });
  }

  /** Removes the bytes of a digest that no live node of the source has any more. */
  async discardAtSource(sha256: string): Promise<void> {
    await unlink(blobPath(this.builder.storeDir, sha256));
  }

  async stop(): Promise<void> {
    for (const { proxy, program } of this.farSides) {
      await proxy.close();
      await program.signal('SIGKILL');
    }
    await Promise.all([this.client.close(), this.farClient.close()]);
    await Promise.all([this.mongod.stop(), this.farMongod.stop()]);
    await removeDir(this.directory);
  }

  #journal(name: string): ReturnType<Db['collection']> {
    return this.#journalDb.collection(name);
  }

  #startPeer(name: string, storeDir: string, faithful: boolean): Promise<Program> {
    const mongodb = { uri: this.farMongod.uri, database: `far_${name}` };
    return startProgram({
      command: 'peer',
      args: faithful ? ['--faithful'] : [],
      directory: this.directory,
      config: { peer: { mongodb, storePath: storeDir, users: [ACCOUNT] } },
    });
  }
}
