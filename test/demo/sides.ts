/** All that the demo runs on: a source bk-repo database and store, two far sides, and the program's stage. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { startMongod } from '../support/mongod.ts';
import { freePort } from '../support/ports.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type RestAccount, writeRestUsers } from '../support/rest-accounts.ts';
import { type SampleChanges, sampleManifests } from '../support/samples.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { kubernetesStage } from './kubernetes-stage.ts';
import type { DemoOptions } from './options.ts';
import { SOURCE_HOST } from './packages/npm.ts';
import { restStage } from './rest-stage.ts';
import type { RestSection, Stage } from './stage.ts';
import { standaloneStage } from './standalone-stage.ts';
import type { Side } from './verdict.ts';

/** As the samples say. */
export const PROJECT = 'tools';
const REMOTE_PROJECT = 'tools-backup';
export const NAMES = { GENERIC: 'generic-local', MAVEN: 'maven-local', NPM: 'npm-local', OCI: 'oci-local' };
export const REPOSITORIES = Object.entries(NAMES).map(([type, repoName]) => ({
  type,
  repoName,
  remoteRepoName: repoName.replace('-local', '-backup'),
}));
const ACCOUNT = { username: 'replicator', password: 'demo-password' };
const REST_ACCOUNT: RestAccount = { username: 'demo', password: 'rest-password', role: 'admin' };
const FAR_SIDES = [
  { name: 'shanghai', faithful: false },
  { name: 'shenzhen', faithful: true },
];
const TASK_CHANGES = {
  cluster: { probeInterval: '5s' },
  tasks: ['replicatask', 'packages'],
} as const;

export type Report = (line: string) => void;
/** What is to be done at the end, the last first. */
export type Stops = (() => Promise<unknown>)[];

export interface FarSide extends Side {
  readonly url: string;
}

/** A server over the source, for those who write to it as its users do. */
export interface SourceServer {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export interface Sides {
  readonly client: MongoClient;
  readonly source: Side;
  readonly builder: BkRepoBuilder;
  readonly farSides: readonly FarSide[];
  readonly stage: Stage;
  /** Hands the sample tasks over, changed so, and starts the program. */
  apply(changes: Pick<SampleChanges, 'spec' | 'setting'>): Promise<void>;
  serveSource(): Promise<SourceServer>;
  /** REST requests made so far; undefined when none are to be made. */
  requests(): number | undefined;
  addresses(): readonly string[];
}

export async function startSides(options: DemoOptions, report: Report, stops: Stops): Promise<Sides> {
  const directory = await makeTempDir('demo');
  stops.push(() => removeDir(directory));
  const uri = process.env['MONGODB_URI'] ?? (await ownMongod(stops, report));
  const client = await MongoClient.connect(uri);
  stops.push(() => client.close());
  const prefix = `demo_${process.pid}`;
  const databases = { source: `${prefix}_source`, journal: `${prefix}_journal` };
  stops.push(() => dropDatabases(client, prefix));
  const source: Side = {
    name: 'source',
    db: client.db(databases.source),
    storeDir: path.join(directory, 'source-store'),
    projectId: PROJECT,
    origin: SOURCE_HOST,
  };
  const serve = async (peer: Omit<PeerOptions, 'uri'>): Promise<string> => {
    const program = await startPeer(directory, { uri, ...peer });
    stops.push(() => program.signal('SIGTERM'));
    return `http://127.0.0.1:${program.port}`;
  };
  const farSides: FarSide[] = [];
  for (const { name, faithful } of FAR_SIDES) {
    const storeDir = path.join(directory, `${name}-store`);
    await mkdir(storeDir);
    const database = `${prefix}_${name}`;
    const origin = await serve({ database, storeDir, faithful });
    const url = `${origin}/replication`;
    report(`started far side ${name} at ${url}${faithful ? ", with real servers' defects" : ''}`);
    farSides.push({ name, db: client.db(database), storeDir, url, origin, projectId: REMOTE_PROJECT });
  }

  const section = options.rest ? await restSection(directory) : undefined;
  const stageOptions = {
    directory,
    config: {
      installationId: 'demo',
      source: { mongodb: { uri, database: databases.source }, storage: { filesystem: { path: source.storeDir } } },
      journal: { mongodb: { uri, database: databases.journal } },
      policy: { allowLoopback: true },
      ...(section === undefined ? {} : { rest: section }),
    },
    rest: options.rest,
    report,
  };
  const ground = options.kubernetes ? await kubernetesStage(stageOptions) : standaloneStage(stageOptions);
  stops.push(() => ground.stop());
  const filledIn = farSides.map(({ name, url }) => ({ name, url, ...ACCOUNT }));
  const byRest =
    section &&
    restStage({
      stage: ground,
      section,
      account: REST_ACCOUNT,
      farSides: filledIn,
      project: PROJECT,
      remoteProject: REMOTE_PROJECT,
      replicaType: options.realtime ? 'REAL_TIME' : 'SCHEDULED',
      tasks: Object.groupBy(REPOSITORIES, ({ type }) => (type === 'GENERIC' ? 'tools' : 'packages')),
      report,
    });
  const stage = byRest ?? ground;
  const addresses = [`mongodb: ${uri}`, ...farSides.map(({ name, url }) => `${name}: ${url}`)];
  return {
    client,
    source,
    builder: new BkRepoBuilder(source.db, source.storeDir),
    farSides,
    stage,
    async apply(changes) {
      await stage.apply(await sampleManifests(filledIn, { ...TASK_CHANGES, ...changes }));
    },
    async serveSource() {
      const url = await serve({ database: databases.source, storeDir: source.storeDir, faithful: false });
      addresses.push(`source: ${url}/replication (${ACCOUNT.username}, ${ACCOUNT.password})`);
      return { url, ...ACCOUNT };
    },
    requests: () => byRest?.requests,
    addresses: () => [...stage.addresses(), ...addresses],
  };
}

async function restSection(directory: string): Promise<RestSection> {
  const users = { file: await writeRestUsers(directory, [REST_ACCOUNT]) };
  return { enabled: true, host: '127.0.0.1', port: await freePort(), users, tokens: { enabled: false } };
}

async function ownMongod(stops: Stops, report: Report): Promise<string> {
  const mongod = await startMongod();
  stops.push(() => mongod.stop());
  report(`started mongod at 127.0.0.1:${mongod.port}`);
  return mongod.uri;
}

interface PeerOptions {
  readonly uri: string;
  readonly database: string;
  readonly storeDir: string;
  readonly faithful: boolean;
}

function startPeer(directory: string, { uri, database, storeDir, faithful }: PeerOptions): Promise<Program> {
  return startProgram({
    command: 'peer',
    args: faithful ? ['--faithful'] : [],
    directory,
    config: { peer: { mongodb: { uri, database }, storePath: storeDir, users: [{ ...ACCOUNT, admin: true }] } },
  });
}

async function dropDatabases(client: MongoClient, prefix: string): Promise<void> {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  for (const { name } of databases) if (name.startsWith(prefix)) await client.db(name).dropDatabase();
}
