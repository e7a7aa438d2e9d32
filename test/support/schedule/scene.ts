/**
 * What one fault schedule plays on: a source, a journal and far sides of its own, each server in a process of its own. The
 * two mongods stay up from one schedule to the next.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { RUN_REQUESTED_ANNOTATION } from '../../../src/api/names.ts';
import { BkRepoBuilder } from '../bkrepo/builder.ts';
import { type MixedRepository, mixedProject } from '../bkrepo/packages/mixed.ts';
import { type FaultProxy, startFaultProxy } from '../fault-proxy.ts';
import { type Mongod, startMongod } from '../mongod.ts';
import { type Program, startProgram } from '../program.ts';
import { TASK } from '../replication.ts';
import { Standalone } from '../standalone.ts';
import { makeTempDir, removeDir } from '../tempdir.ts';
import type { SchedulePlan } from './plan.ts';

export const PROJECT = 'mixed';
export const COPY = 'mirror';
const ACCOUNT = { username: 'replicator', password: 'far-side-password', admin: true };
const API_VERSION = 'replication.bkrepo.io/v1alpha1';

export interface SceneSide {
  readonly name: string;
  readonly faithful: boolean;
  readonly db: Db;
  readonly storeDir: string;
  readonly builder: BkRepoBuilder;
  readonly proxy: FaultProxy;
  program: Program;
}

/** Packages that the task selects, by repository; no entry = the whole repository. */
export type Selection = ReadonlyMap<
  string,
  readonly { readonly packageKey: string; readonly versions?: readonly string[] }[]
>;

export class Stage {
  readonly directory: string;
  readonly mongod: Mongod;
  readonly farMongod: Mongod;
  readonly client: MongoClient;
  readonly farClient: MongoClient;
  #scenes = 0;

  private constructor(
    directory: string,
    [mongod, farMongod]: readonly [Mongod, Mongod],
    [client, farClient]: readonly [MongoClient, MongoClient],
  ) {
    this.directory = directory;
    this.mongod = mongod;
    this.farMongod = farMongod;
    this.client = client;
    this.farClient = farClient;
  }

  static async start(): Promise<Stage> {
    const directory = await makeTempDir('schedules');
    const mongods = await Promise.all([startMongod(), startMongod()]);
    const clients = await Promise.all([MongoClient.connect(mongods[0].uri), MongoClient.connect(mongods[1].uri)]);
    return new Stage(directory, mongods, clients);
  }

  async open(plan: SchedulePlan): Promise<Scene> {
    this.#scenes += 1;
    return await Scene.open(this, this.#scenes, plan);
  }

  async stop(): Promise<void> {
    await Promise.all([this.client.close(), this.farClient.close()]);
    await Promise.all([this.mongod.stop(), this.farMongod.stop()]);
    await removeDir(this.directory);
  }
}

export class Scene {
  readonly directory: string;
  readonly builder: BkRepoBuilder;
  readonly journal: Db;
  readonly sides: readonly SceneSide[];
  readonly repositories: readonly MixedRepository[];
  readonly program: Standalone;
  readonly #stage: Stage;
  readonly #plan: SchedulePlan;
  #requests = 0;

  private constructor(
    stage: Stage,
    plan: SchedulePlan,
    directory: string,
    parts: Pick<Scene, 'builder' | 'journal' | 'sides' | 'repositories'>,
  ) {
    this.#stage = stage;
    this.#plan = plan;
    this.directory = directory;
    this.builder = parts.builder;
    this.journal = parts.journal;
    this.sides = parts.sides;
    this.repositories = parts.repositories;
    this.program = new Standalone(this);
  }

  static async open(stage: Stage, number: number, plan: SchedulePlan): Promise<Scene> {
    const directory = join(stage.directory, `scene-${number}`);
    await mkdir(directory, { recursive: true });
    const source = stage.client.db(`source_${number}`);
    const builder = new BkRepoBuilder(source, join(directory, 'source-store'), { references: false });
    const sides = Promise.all(
      plan.farSides.map(async ({ faithful }, index): Promise<SceneSide> => {
        const name = `side-${index}`;
        const db = stage.farClient.db(`far_${number}_${index}`);
        const storeDir = join(directory, `${name}-store`);
        const program = await startPeer(stage, directory, { db, storeDir, faithful });
        const proxy = await startFaultProxy(`http://127.0.0.1:${program.port}`);
        const mine = new BkRepoBuilder(db, storeDir, { references: false });
        return { name, faithful, db, storeDir, builder: mine, proxy, program };
      }),
    );
    const { types, largest, seed } = plan;
    const repositories = await mixedProject(builder, { projectId: PROJECT, types, largest, seed });
    const journal = stage.client.db(`journal_${number}`);
    return new Scene(stage, plan, directory, { builder, journal, sides: await sides, repositories });
  }

  configuration(): object {
    const uri = `${this.#stage.mongod.uri}&serverSelectionTimeoutMS=2000`;
    return {
      installationId: 'schedules',
      source: {
        mongodb: { uri, database: this.builder.db.databaseName },
        storage: { filesystem: { path: this.builder.storeDir } },
      },
      journal: { mongodb: { uri, database: this.journal.databaseName } },
      policy: { allowLoopback: true },
      engine: { patienceSeconds: 30, backoffBaseMs: 30, backoffCapMs: 300, drainSeconds: 2, pageSize: 100 },
      shutdown: { graceSeconds: 8 },
    };
  }

  /** The task as it is, with a request for another run from the second time on. */
  async request(selection: Selection): Promise<number> {
    this.#requests += 1;
    const { conflictStrategy, errorStrategy, recordUnchanged } = this.#plan;
    const annotations = this.#requests === 1 ? {} : { [RUN_REQUESTED_ANNOTATION]: `run-${this.#requests}` };
    await this.program.apply([
      ...this.sides.flatMap(({ name, proxy }) => sideManifests(name, `${proxy.url}/replication`)),
      {
        apiVersion: API_VERSION,
        kind: 'ReplicaTask',
        metadata: { name: TASK, annotations },
        spec: {
          localProjectId: PROJECT,
          replicaTaskObjects: this.repositories.map(({ name, type }) => ({
            localRepoName: name,
            remoteProjectId: COPY,
            repoType: type,
            ...(selection.has(name) ? { packageConstraints: selection.get(name) } : {}),
          })),
          remoteClusterIds: this.sides.map(({ name }) => name),
          setting: { conflictStrategy, errorStrategy, recordUnchanged },
        },
      },
    ]);
    return this.#requests;
  }

  async killSide(side: SceneSide, awayMs: number, wait: (ms: number) => Promise<unknown>): Promise<void> {
    await side.program.signal('SIGKILL');
    await wait(awayMs);
    side.program = await startPeer(this.#stage, this.directory, side);
    side.proxy.pointTo(`http://127.0.0.1:${side.program.port}`);
  }

  /** Ends its processes, and removes all that it had. */
  async close(): Promise<void> {
    await this.program.program?.signal('SIGKILL');
    for (const { proxy, program, db } of this.sides) {
      await proxy.close();
      await program.signal('SIGKILL');
      await db.dropDatabase();
    }
    await this.builder.db.dropDatabase();
    await this.journal.dropDatabase();
    await removeDir(this.directory);
  }
}

function sideManifests(name: string, url: string): object[] {
  const { username, password } = ACCOUNT;
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: `${name}-login` }, stringData: { username, password } },
    {
      apiVersion: API_VERSION,
      kind: 'Cluster',
      metadata: { name },
      spec: { type: 'STANDALONE', url, credentialsSecretRef: { name: `${name}-login` }, probeInterval: '1s' },
    },
  ];
}

function startPeer(
  stage: Stage,
  directory: string,
  { db, storeDir, faithful }: Pick<SceneSide, 'db' | 'storeDir' | 'faithful'>,
): Promise<Program> {
  const mongodb = { uri: stage.farMongod.uri, database: db.databaseName };
  return startProgram({
    command: 'peer',
    args: faithful ? ['--faithful'] : [],
    directory,
    config: { peer: { mongodb, storePath: storeDir, users: [ACCOUNT] } },
  });
}
