/**
 * `npm run demo`: the main job, end to end, on real parts. Starts a source bk-repo database and store and two far sides,
 * copies by the program on the shipped samples, and compares all sides byte for byte by code of its own. Ends with 0 only
 * when everything is equal and the second run moved the changed file alone.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { startMongod } from '../support/mongod.ts';
import { freePort } from '../support/ports.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type RestAccount, writeRestUsers } from '../support/rest-accounts.ts';
import { sampleManifests } from '../support/samples.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { CHANGED_FILE, changeOneFile, fillSource } from './content.ts';
import { crossedSince, noteBefore } from './crossed.ts';
import { kubernetesStage } from './kubernetes-stage.ts';
import { type DemoOptions, demoOptions } from './options.ts';
import { fillPackages } from './packages/fill.ts';
import { SOURCE_HOST } from './packages/npm.ts';
import { finishedRuns } from './progress.ts';
import { restStage } from './rest-stage.ts';
import type { RestSection } from './stage.ts';
import { standaloneStage } from './standalone-stage.ts';
import { byFarSide, byType, compareFarSides, type Side, type TypeVerdict, table } from './verdict.ts';

/** As the samples say. */
const PROJECT = 'tools';
const REMOTE_PROJECT = 'tools-backup';
const NAMES = { GENERIC: 'generic-local', MAVEN: 'maven-local', NPM: 'npm-local', OCI: 'oci-local' };
const REPOSITORIES = Object.entries(NAMES).map(([type, repoName]) => ({
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

interface Result {
  readonly equal: boolean;
  readonly farSides: readonly {
    readonly cluster: string;
    readonly files: number;
    readonly bytes: number;
    readonly equal: boolean;
  }[];
  readonly types: Readonly<Record<string, TypeVerdict>>;
  /** The files that crossed in the second run and their bytes; each crosses once to every far side. */
  readonly secondRun: { readonly files: number; readonly bytes: number };
  /** REST requests that the demo made, with `--rest`. */
  readonly requests?: number;
}

async function demo(options: DemoOptions): Promise<boolean> {
  const report = (line: string): void => {
    (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  };
  const stops: (() => Promise<unknown>)[] = [];
  try {
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
    const builder = new BkRepoBuilder(source.db, source.storeDir);
    const files = await builder.repository(PROJECT, NAMES.GENERIC);
    await fillSource(files, report);
    await fillPackages(builder, PROJECT, NAMES, report);

    const farSides: (Side & { readonly url: string })[] = [];
    for (const { name, faithful } of FAR_SIDES) {
      const storeDir = path.join(directory, `${name}-store`);
      await mkdir(storeDir);
      const database = `${prefix}_${name}`;
      const program = await startPeer(directory, { uri, database, storeDir, faithful });
      stops.push(() => program.signal('SIGTERM'));
      const origin = `http://127.0.0.1:${program.port}`;
      const url = `${origin}/replication`;
      report(`started far side ${name} at ${url}${faithful ? ", with real servers' defects" : ''}`);
      farSides.push({ name, db: client.db(database), storeDir, url, origin, projectId: REMOTE_PROJECT });
    }

    const config = {
      installationId: 'demo',
      source: { mongodb: { uri, database: databases.source }, storage: { filesystem: { path: source.storeDir } } },
      journal: { mongodb: { uri, database: databases.journal } },
      policy: { allowLoopback: true },
    };
    const filledIn = farSides.map(({ name, url }) => ({ name, url, ...ACCOUNT }));
    const section = options.rest ? await restSection(directory) : undefined;
    const stageOptions = {
      directory,
      config: section === undefined ? config : { ...config, rest: section },
      rest: options.rest,
      report,
    };
    const ground = options.kubernetes ? await kubernetesStage(stageOptions) : standaloneStage(stageOptions);
    stops.push(() => ground.stop());
    const byRest =
      section &&
      restStage({
        stage: ground,
        section,
        account: REST_ACCOUNT,
        farSides: filledIn,
        project: PROJECT,
        remoteProject: REMOTE_PROJECT,
        tasks: Object.groupBy(REPOSITORIES, ({ type }) => (type === 'GENERIC' ? 'tools' : 'packages')),
        report,
      });
    const stage = byRest ?? ground;
    const changes = {
      cluster: { probeInterval: '5s' },
      setting: { conflictStrategy: 'OVERWRITE' },
      tasks: ['replicatask', 'packages'] as const,
    };
    await stage.apply(await sampleManifests(filledIn, changes));
    await finishedRuns(stage, report, 1);
    const first = await compareFarSides(source, farSides, REPOSITORIES);
    report(`\nAfter the first run, read back by the demo itself:\n${table(first)}`);

    const before = await noteBefore(farSides);
    await changeOneFile(files);
    await stage.requestRun();
    await finishedRuns(stage, report, 2);
    const second = await compareFarSides(source, farSides, REPOSITORIES);
    report(`\nAfter changing ${CHANGED_FILE} and the second run:\n${table(second)}`);
    const crossed = await crossedSince(before, farSides);
    report(
      `crossed in the second run: ${crossed.paths.join(', ') || 'nothing'} (${crossed.bytes} bytes) to each far side`,
    );
    if (crossed.versions.length > 0) report(`written again without need: versions ${crossed.versions.join(', ')}`);
    report(`\n${await stage.show()}`);
    const only =
      crossed.paths.length === 1 &&
      crossed.paths[0] === `generic-backup${CHANGED_FILE}` &&
      crossed.versions.length === 0;
    const equal = [...first, ...second].every((verdict) => verdict.equal) && only;
    report(equal ? '\nEverything is equal.' : '\nNOT equal.');
    const result: Result = {
      equal,
      farSides: byFarSide(second),
      types: byType(second),
      secondRun: { files: crossed.paths.length, bytes: crossed.bytes },
      ...(byRest === undefined ? {} : { requests: byRest.requests }),
    };
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (options.keep) {
      const places = farSides.map(({ name, url }) => `${name}: ${url}`);
      await keep(report, [...stage.addresses(), `mongodb: ${uri}`, ...places]);
    }
    return equal;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function restSection(directory: string): Promise<RestSection> {
  const users = { file: await writeRestUsers(directory, [REST_ACCOUNT]) };
  return { enabled: true, host: '127.0.0.1', port: await freePort(), users, tokens: { enabled: false } };
}

async function ownMongod(stops: (() => Promise<unknown>)[], report: (line: string) => void): Promise<string> {
  const mongod = await startMongod();
  stops.push(() => mongod.stop());
  report(`started mongod at 127.0.0.1:${mongod.port}`);
  return mongod.uri;
}

function startPeer(
  directory: string,
  {
    uri,
    database,
    storeDir,
    faithful,
  }: { readonly uri: string; readonly database: string; readonly storeDir: string; readonly faithful: boolean },
): Promise<Program> {
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

/** Waits for Ctrl-C. */
async function keep(report: (line: string) => void, addresses: readonly string[]): Promise<void> {
  report(`\nEverything is left running; Ctrl-C ends it.\n${addresses.map((line) => `  ${line}`).join('\n')}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function main(): Promise<number> {
  const options = demoOptions(process.argv.slice(2));
  if ('help' in options) {
    process.stdout.write(options.help);
    return 0;
  }
  return (await demo(options)) ? 0 : 1;
}

process.exitCode = await main();
