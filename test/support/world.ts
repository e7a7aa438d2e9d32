/**
 * A whole replication on one machine for tests of the engine: a real mongod, a source database and store, receiving far
 * sides served by `peer`, a journal. Each far side sits behind a proxy that can inject faults. What a run left behind is
 * judged by `differences`, which shares no code with the engine.
 */
import { join } from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { Lanes } from '../../src/engine/pacing/lane.ts';
import type { Target } from '../../src/engine/ports/target.ts';
import { executeRun } from '../../src/engine/run.ts';
import type { RunDeps, RunObject, RunOutcome, RunSetting, UploadVerification } from '../../src/engine/run-types.ts';
import type { UnitSelection } from '../../src/engine/unit-selection.ts';
import { type Journal, openJournal } from '../../src/journal/journal.ts';
import type { RunRecord } from '../../src/journal/records.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KeyedLock } from '../../src/lib/keyed-lock.ts';
import type { Defects } from '../../src/peer/defects.ts';
import { type Peer, startPeer } from '../../src/peer/server.ts';
import { type BkRepoSource, createBkRepoSource } from '../../src/source/bkrepo-source.ts';
import { createBkRepoTarget } from '../../src/target/bkrepo/target.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { BkRepoBuilder } from './bkrepo/builder.ts';
import { type CompareOptions, compareSides } from './bkrepo/compare.ts';
import { DigestMemory } from './bkrepo/digest-memory.ts';
import { readBack } from './bkrepo/read-back.ts';
import type { RepositoryBuilder } from './bkrepo/repository-builder.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { withFewReferences } from './few-references.ts';
import { type Mongod, startMongod } from './mongod.ts';
import { makeTempDir, removeDir } from './tempdir.ts';

export const PROJECT = 'acme';
export const REPOSITORY = 'files';
const ACCOUNT = { username: 'replicator', password: 'pass:word', admin: true };

export interface FarSide {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
  readonly peer: Peer;
  readonly proxy: FaultProxy;
  readonly target: Target;
}

export interface FarSideOptions {
  readonly faithful?: boolean;
  readonly defects?: Partial<Defects>;
  readonly password?: string;
  /** A server over a database and a store that are there. */
  readonly over?: Pick<FarSide, 'db' | 'storeDir'>;
}

export interface RunOptions {
  /** Default {@link PROJECT}. */
  readonly project?: string;
  readonly objects?: readonly RunObject[];
  readonly setting?: Partial<RunSetting>;
  readonly blobsOnly?: boolean;
  readonly verification?: UploadVerification;
  readonly concurrency?: number;
  /** Shared with other runs; else each run has its own. */
  readonly lanes?: Lanes;
  /** Bytes per second. */
  readonly rateLimit?: number;
  readonly bandwidth?: number;
  readonly taskUid?: string;
  /** Id of the record whose failed units alone are tried. */
  readonly retryOf?: string;
  readonly only?: UnitSelection;
  readonly patience?: number;
  readonly deps?: Partial<RunDeps>;
  readonly signal?: AbortSignal;
  /** Go on with this record instead of beginning a new one. */
  readonly record?: RunRecord;
}

export interface FinishedRun {
  readonly record: RunRecord;
  readonly outcome: RunOutcome;
}

export class World {
  readonly mongod: Mongod;
  readonly directory: string;
  readonly client: MongoClient;
  readonly journal: Journal;
  readonly builder: BkRepoBuilder;
  readonly files: RepositoryBuilder;
  readonly source: BkRepoSource;
  readonly #farSides: FarSide[] = [];
  readonly #locks = new KeyedLock();
  readonly #memory = new DigestMemory();
  #runs = 0;

  private constructor(
    mongod: Mongod,
    directory: string,
    client: MongoClient,
    journal: Journal,
    builder: BkRepoBuilder,
    files: RepositoryBuilder,
    source: BkRepoSource,
  ) {
    this.mongod = mongod;
    this.directory = directory;
    this.client = client;
    this.journal = journal;
    this.builder = builder;
    this.files = files;
    this.source = source;
  }

  static async start(): Promise<World> {
    const mongod = await startMongod();
    const directory = await makeTempDir('world');
    const client = await MongoClient.connect(mongod.uri, { writeConcern: { w: 1, j: false } });
    const builder = new BkRepoBuilder(client.db('bkrepo'), join(directory, 'store'), { references: false });
    const files = await builder.repository(PROJECT, REPOSITORY, { description: 'files of a test' });
    const journal = await openJournal(
      { uri: mongod.uri, installationId: 'test', clock: systemClock, logger: silentLogger },
      AbortSignal.timeout(30_000),
    );
    const source = createBkRepoSource({
      uri: mongod.uri,
      storage: { type: 'filesystem', path: builder.storeDir },
      clock: systemClock,
      logger: silentLogger,
    });
    return new World(mongod, directory, client, journal, builder, files, source);
  }

  async farSide(name: string, options: FarSideOptions = {}): Promise<FarSide> {
    const db = options.over?.db ?? this.client.db(`far_${name}`);
    const storeDir = options.over?.storeDir ?? join(this.directory, `store-${name}`);
    const { faithful = false, defects, password = ACCOUNT.password } = options;
    const peer = await startPeer({
      mongo: withFewReferences(db),
      storePath: storeDir,
      users: [ACCOUNT],
      faithful,
      ...(defects === undefined ? {} : { defects }),
    });
    const proxy = await startFaultProxy(peer.url);
    const target = createBkRepoTarget({
      id: `id-of-${name}`,
      name,
      url: proxy.url,
      username: ACCOUNT.username,
      password,
      hostPolicy: { allowedHosts: ['*'], allowedAddresses: ['127.0.0.0/8'], apiServers: [], allowedProxies: [] },
      timeouts: { connectMs: 2000, answerMs: 1500, downloadIdleMs: 1500, uploadIdleMs: 1500 },
      mayStart: () => {},
      userAgent: 'bkrepo-replicator/test',
      logger: silentLogger,
      clock: systemClock,
    });
    const farSide = { name, db, storeDir, peer, proxy, target };
    this.#farSides.push(farSide);
    return farSide;
  }

  async run(farSides: readonly FarSide[], options: RunOptions = {}): Promise<FinishedRun> {
    const signal = options.signal ?? AbortSignal.timeout(120_000);
    const record = options.record ?? (await this.begin());
    const lanes = options.lanes ?? new Lanes({ clock: systemClock, requests: 64 });
    const outcome = await executeRun(
      {
        localProjectId: options.project ?? PROJECT,
        ...(options.retryOf === undefined ? {} : { retryOf: options.retryOf }),
        ...(options.only === undefined ? {} : { only: options.only }),
        objects: options.objects ?? [
          {
            localRepoName: REPOSITORY,
            remoteProjectId: 'mirror',
            remoteRepoName: REPOSITORY,
            repoType: 'GENERIC',
            paths: [],
          },
        ],
        setting: {
          includeMetadata: true,
          conflictStrategy: 'SKIP',
          errorStrategy: 'CONTINUE',
          automaticCreateRemoteRepo: true,
          recordUnchanged: false,
          storageConsistencyCheck: false,
          verifyIntervalMs: null,
          ...options.setting,
        },
      },
      farSides.map(({ target }) => ({
        target,
        uploadVerification: options.verification ?? 'auto',
        blobsOnly: options.blobsOnly ?? false,
        lane: lanes.lane({
          clusterId: target.id,
          taskUid: options.taskUid ?? 'uid',
          concurrency: options.concurrency ?? 8,
          bandwidth: options.bandwidth ?? 0,
          rateLimit: options.rateLimit ?? 0,
        }),
      })),
      {
        source: this.source,
        journal: this.journal.runJournal(record),
        resumed: record.epoch > 1,
        requested: true,
        limits: {
          patience: options.patience ?? 10_000,
          attempts: 8,
          backoff: { base: 20, cap: 200 },
          pageSize: 100,
          settleSize: 50,
        },
        locks: this.#locks,
        clock: systemClock,
        random: Math.random,
        drain: new AbortController().signal,
        onProgress: () => {},
        ...options.deps,
      },
      signal,
    );
    const failed = outcome.farSides.some(
      ({ error, tally }) => error !== undefined || tally.failed + tally.conflict + tally.notTried > 0,
    );
    return {
      outcome,
      record: await this.journal.finishRun(
        record,
        { status: failed ? 'FAILED' : 'SUCCESS', farSides: outcome.farSides },
        signal,
      ),
    };
  }

  async begin(task = 'task'): Promise<RunRecord> {
    this.#runs += 1;
    const { record } = await this.journal.beginRun(
      {
        taskKey: task,
        taskUid: task === 'task' ? 'uid' : task,
        namespace: 'default',
        name: 'files',
        claim: `request:${this.#runs}`,
        trigger: 'request',
        specHash: 'hash',
        generation: 1,
        reserveDays: 30,
        keepDetails: true,
      },
      AbortSignal.timeout(10_000),
    );
    return record;
  }

  /** In words, what a far side lacks to be equal to the source; empty = equal byte for byte. */
  async differences(farSide: FarSide, options: CompareOptions = {}): Promise<string[]> {
    const memory = this.#memory;
    const here = await readBack(this.builder.db, this.builder.storeDir, PROJECT, REPOSITORY, { memory });
    const there = await readBack(farSide.db, farSide.storeDir, 'mirror', REPOSITORY, { memory });
    return compareSides(here, there, options);
  }

  /** Status of each recorded unit by path or `key@version`; fails when a unit has two records at one far side. */
  async details(
    record: RunRecord,
    farSide: FarSide,
  ): Promise<Map<string, { status: string; reason?: string; errorReason?: string }>> {
    const rows = new Map<string, { status: string; reason?: string; errorReason?: string }>();
    for (let pageNumber = 1; ; pageNumber += 1) {
      const page = await this.journal.details(
        record.id,
        { clusterName: farSide.name },
        { pageNumber, pageSize: 1000 },
        AbortSignal.timeout(10_000),
      );
      for (const row of page.records) {
        const unit = row.unitKey.slice(row.unitKey.indexOf(':') + 1);
        if (rows.has(unit)) throw new Error(`two records of ${unit}`);
        rows.set(unit, row);
      }
      if (rows.size >= page.total) return rows;
    }
  }

  async stop(): Promise<void> {
    for (const { target, proxy, peer } of this.#farSides) {
      await target.close();
      await proxy.close();
      await peer.close();
    }
    await this.source.close();
    await this.journal.close();
    await this.client.close();
    await this.mongod.stop();
    await removeDir(this.directory);
  }
}
