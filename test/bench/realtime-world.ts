/**
 * Source, far sides and program for the figures of following. Each measurement has a project, a journal and a process of
 * the program of its own; source, journal and far sides share one mongod.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { compareSides } from '../support/bkrepo/compare.ts';
import { shardOf } from '../support/bkrepo/layout.ts';
import { readBack } from '../support/bkrepo/read-back.ts';
import { leash } from '../support/leash.ts';
import { type Mongod, startMongod } from '../support/mongod.ts';
import { startProgram } from '../support/program.ts';
import { type FloodFile, SourceFlood } from '../support/source-flood.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { eventually } from '../support/wait.ts';
import { type Arrivals, arrivals, percentile } from './arrivals.ts';
import { Follower } from './follower.ts';
import { cpuSeconds, forgetPeak, peakRssMb } from './memory.ts';
import { startRealTimes } from './service-times.ts';

export interface Wanted {
  readonly files: number;
  readonly farSides: number;
  /** Far sides take as long as a real server. */
  readonly realTimes?: boolean;
}

export interface Figures {
  readonly seconds: number;
  readonly written: number;
  readonly lagMsP50: number;
  readonly lagMsP99: number;
  readonly rssMb: number;
  readonly cpu: Cpu;
  /** To all far sides. */
  readonly requests: number;
  /** Between the source and the far sides, in words; none = all are equal. */
  readonly differences: readonly string[];
}

/** Seconds of processor time. */
interface Cpu {
  readonly program: number;
  readonly mongod: number;
  readonly farSides: number;
}

interface FarSide {
  readonly pid: number;
  readonly database: string;
  readonly storeDir: string;
  readonly url: string;
}

/** One measurement that is prepared. */
interface Scene {
  readonly projectId: string;
  readonly flood: SourceFlood;
  readonly files: readonly FloodFile[];
  readonly farSides: readonly FarSide[];
  readonly follower: Follower;
}

const REPOSITORY = 'files';
const ACCOUNT = { username: 'replicator', password: 'bench-password' };
/** Without a new file at a far side, it is taken as stuck. */
const STUCK_MS = 60_000;
const PUT_AT_ONCE = 1_000;

export class RealtimeWorld {
  readonly #directory: string;
  readonly #mongod: Mongod;
  readonly #client: MongoClient;
  readonly #builder: BkRepoBuilder;
  readonly #profiles: string | undefined;
  readonly #farSides: FarSide[] = [];
  readonly #stops: (() => Promise<unknown>)[] = [];
  #scenes = 0;

  private constructor(directory: string, mongod: Mongod, client: MongoClient, profiles: string | undefined) {
    this.#directory = directory;
    this.#mongod = mongod;
    this.#client = client;
    this.#profiles = profiles;
    this.#builder = new BkRepoBuilder(client.db('source'), path.join(directory, 'source'), { references: false });
  }

  static async start(profiles: string | undefined): Promise<RealtimeWorld> {
    const directory = await makeTempDir('bench');
    const release = await leash(process.pid, directory);
    const mongod = await startMongod({ cacheSizeGB: 0.5 });
    const client = await MongoClient.connect(mongod.uri);
    const world = new RealtimeWorld(directory, mongod, client, profiles);
    world.#stops.push(
      async () => {
        release();
        await removeDir(directory);
      },
      () => mongod.stop(),
      () => client.close(),
    );
    return world;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
  }

  /** Files written while the program follows. */
  async flow(wanted: Wanted & { readonly rate: number }): Promise<Figures> {
    const scene = await this.#prepare(wanted);
    const { follower, flood, files } = scene;
    await forgetPeak(follower.pid);
    const [since, before] = [new Date(), await this.#cpu(scene)];
    const written = await flood.flow(files, wanted.rate, new AbortController().signal);
    return await this.#figures(scene, { since, before, written });
  }

  /** Files written while the program is killed; measured from its start. */
  async restart(wanted: Wanted): Promise<Figures> {
    const scene = await this.#prepare(wanted);
    const { follower, flood, files } = scene;
    await follower.kill();
    for (let done = 0; done < files.length; done += PUT_AT_ONCE) await flood.put(files.slice(done, done + PUT_AT_ONCE));
    const since = new Date();
    await follower.startAgain();
    const before = { ...(await this.#cpu(scene)), program: 0 };
    return await this.#figures(scene, { since, before, written: 0 });
  }

  async #prepare({ files, farSides, realTimes = false }: Wanted): Promise<Scene> {
    this.#scenes += 1;
    const projectId = `bench-${this.#scenes}`;
    const repository = await this.#builder.repository(projectId, REPOSITORY);
    const flood = new SourceFlood(repository, { seed: this.#scenes });
    const prepared = await flood.prepare(files);
    while (this.#farSides.length < farSides) this.#farSides.push(await this.#startFarSide());
    const sides = this.#farSides.slice(0, farSides);
    const directory = path.join(this.#directory, projectId);
    await mkdir(directory);
    const { uri } = this.#mongod;
    const follower = await Follower.start({
      directory,
      config: {
        installationId: 'bench',
        source: { mongodb: { uri, database: 'source' }, storage: { filesystem: { path: this.#builder.storeDir } } },
        journal: { mongodb: { uri, database: `journal-${this.#scenes}` } },
        policy: { allowLoopback: true },
      },
      farSides: await Promise.all(
        sides.map(async ({ url }) => ({ url: `${realTimes ? await this.#slow(url) : url}/replication`, ...ACCOUNT })),
      ),
      localProjectId: projectId,
      replicaTaskObjects: [
        { localRepoName: REPOSITORY, repoType: 'GENERIC', remoteProjectId: projectId, remoteRepoName: REPOSITORY },
      ],
      profiles: this.#profiles,
    });
    this.#stops.push(() => follower.stop());
    return { projectId, flood, files: prepared, farSides: sides, follower };
  }

  async #startFarSide(): Promise<FarSide> {
    const database = `far-side-${this.#farSides.length + 1}`;
    const storeDir = path.join(this.#directory, database);
    await mkdir(storeDir);
    const mongodb = { uri: this.#mongod.uri, database };
    const peer = await startProgram({
      command: 'peer',
      directory: this.#directory,
      config: { peer: { mongodb, storePath: storeDir, users: [{ ...ACCOUNT, admin: true }] } },
    });
    this.#stops.push(() => peer.signal('SIGTERM'));
    return { pid: peer.pid, database, storeDir, url: `http://127.0.0.1:${peer.port}` };
  }

  async #slow(url: string): Promise<string> {
    const proxy = await startRealTimes(url);
    this.#stops.push(() => proxy.close());
    return proxy.url;
  }

  async #cpu({ follower, farSides }: Scene): Promise<Cpu> {
    let sum = 0;
    for (const { pid } of farSides) sum += await cpuSeconds(pid);
    return {
      program: await cpuSeconds(follower.pid),
      mongod: await cpuSeconds(this.#mongod.pid),
      farSides: sum,
    };
  }

  /** When everything has arrived. */
  async #figures(
    scene: Scene,
    { since, before, written }: { readonly since: Date; readonly before: Cpu; readonly written: number },
  ): Promise<Figures> {
    const { follower, farSides } = scene;
    for (const side of farSides) await this.#arrived(scene, side);
    const [rssMb, after] = [await peakRssMb(follower.pid), await this.#cpu(scene)];
    const requests = await follower.stop();
    const found: Arrivals[] = [];
    for (const side of farSides) found.push(await this.#arrivals(scene, side, since));
    const lags = found.flatMap((side) => side.lags).toSorted((a, b) => a - b);
    return {
      seconds: (Math.max(...found.map(({ last }) => last)) - since.getTime()) / 1_000,
      written,
      lagMsP50: percentile(lags, 0.5),
      lagMsP99: percentile(lags, 0.99),
      rssMb,
      cpu: {
        program: after.program - before.program,
        mongod: after.mongod - before.mongod,
        farSides: after.farSides - before.farSides,
      },
      requests,
      differences: await this.#differences(scene),
    };
  }

  /** Answers also when no more comes: then the sides are found not to be equal. */
  async #arrived({ projectId, files, follower }: Scene, { database }: FarSide): Promise<void> {
    const nodes = this.#client.db(database).collection(`node_${shardOf(projectId)}`);
    let [known, moved] = [0, performance.now()];
    await eventually(
      async () => {
        follower.requireRunning();
        // Folders are among these, and a count of the files alone reads them all.
        const most = await nodes.estimatedDocumentCount();
        const count = most < files.length ? most : await nodes.countDocuments({ projectId, folder: false });
        if (count > known) [known, moved] = [count, performance.now()];
        return count >= files.length || performance.now() - moved > STUCK_MS;
      },
      { timeoutMs: 3_600_000, intervalMs: 500 },
    );
  }

  #arrivals({ projectId }: Scene, { database }: FarSide, since: Date): Promise<Arrivals> {
    const source = { db: this.#builder.db, projectId };
    return arrivals(this.#client, source, { db: this.#client.db(database), projectId }, since);
  }

  async #differences({ projectId, files, farSides }: Scene): Promise<readonly string[]> {
    const here = await readBack(this.#builder.db, this.#builder.storeDir, projectId, REPOSITORY);
    const differences = here.size === files.length ? [] : [`the source has ${here.size} files`];
    for (const { database, storeDir } of farSides) {
      const there = await readBack(this.#client.db(database), storeDir, projectId, REPOSITORY);
      differences.push(...compareSides(here, there, { names: ['source', database], limit: 10 }));
    }
    return differences;
  }
}
