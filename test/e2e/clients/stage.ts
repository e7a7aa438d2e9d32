/**
 * A source with packages, the program in standalone mode, and far sides that real clients can talk to: one origin takes
 * what is replicated and serves it as packages.
 */
import path from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { startPeer } from '../../../src/peer/server.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { startMongod } from '../../support/mongod.ts';
import { type PackageServer, startPackageServer } from '../../support/package-server/server.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { cluster, login, PASSWORD, task } from '../standalone/manifests.ts';
import { Site } from '../standalone/site.ts';
import { Tools } from './tools.ts';

export interface PackageFarSide {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
  readonly server: PackageServer;
  /** Puts what the far side has of its own. */
  readonly builder: BkRepoBuilder;
}

export class Stage {
  readonly directory: string;
  readonly client: MongoClient;
  readonly source: BkRepoBuilder;
  readonly tools: Tools;
  readonly #site: Site;
  readonly #ending: (() => Promise<unknown>)[];
  #started = false;

  private constructor(
    directory: string,
    client: MongoClient,
    source: BkRepoBuilder,
    site: Site,
    ending: (() => Promise<unknown>)[],
  ) {
    this.directory = directory;
    this.client = client;
    this.source = source;
    this.tools = new Tools(path.join(directory, 'clients'));
    this.#site = site;
    this.#ending = ending;
  }

  static async start(): Promise<Stage> {
    const mongod = await startMongod();
    const directory = await makeTempDir('clients');
    const client = await MongoClient.connect(mongod.uri);
    const source = new BkRepoBuilder(client.db('bkrepo'), path.join(directory, 'source'));
    const site = await Site.create({ source: mongod.uri, storeDir: source.storeDir, journal: mongod.uri });
    const ending = [() => site.remove(), () => client.close(), () => mongod.stop(), () => removeDir(directory)];
    return new Stage(directory, client, source, site, ending);
  }

  async farSide(name: string, options: { readonly faithful?: boolean } = {}): Promise<PackageFarSide> {
    const db = this.client.db(`far_${name}`);
    const storeDir = path.join(this.directory, `far-${name}`);
    const peer = await startPeer({
      mongo: db,
      storePath: storeDir,
      users: [{ username: 'replicator', password: PASSWORD, admin: true }],
      faithful: options.faithful ?? false,
    });
    const server = await startPackageServer({ db, storeDir, receiver: peer.url });
    this.#ending.splice(
      1,
      0,
      () => server.close(),
      () => peer.close(),
    );
    await this.#site.apply(name, login(name), cluster(name, server.url));
    return { name, db, storeDir, server, builder: new BkRepoBuilder(db, storeDir) };
  }

  /** Runs a task to its end; fails when more or fewer units than `failed` (0) were not copied to each far side. */
  async replicate(
    name: string,
    farSides: readonly PackageFarSide[],
    spec: object,
    { failed = 0 }: { readonly failed?: number } = {},
  ): Promise<void> {
    const clusters = farSides.map((farSide) => farSide.name);
    await this.#site.apply(name, task(name, clusters, spec));
    if (!this.#started) await this.#site.start();
    this.#started = true;
    const { status } = await this.#site.runs(name, 1);
    const expected = failed === 0 ? 'SUCCESS' : 'FAILED';
    for (const side of status.remoteClusters ?? []) {
      if (side.lastResult === expected && side.failed === failed && side.conflict === 0) continue;
      throw new Error(`${name}: ${JSON.stringify(side)}\n${this.#site.output.slice(-6_000)}`);
    }
  }

  async stop(): Promise<void> {
    for (const end of this.#ending) await end();
  }
}
