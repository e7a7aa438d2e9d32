/**
 * `npm run demo`: the main job, end to end, on real parts. Starts a source bk-repo database and store and two far sides,
 * copies by the program on the shipped samples, and compares all sides byte for byte by code of its own. Ends with 0 only
 * when everything is equal and the second run moved the changed file alone.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Document, type FindCursor, MongoClient, type WithId } from 'mongodb';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { shardOf } from '../support/bkrepo/layout.ts';
import { startMongod } from '../support/mongod.ts';
import { type Program, startProgram } from '../support/program.ts';
import { sampleManifests } from '../support/samples.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { eventually } from '../support/wait.ts';
import { CHANGED_FILE, changeOneFile, fillSource } from './content.ts';
import { kubernetesStage } from './kubernetes-stage.ts';
import { type DemoOptions, demoOptions } from './options.ts';
import type { Stage } from './stage.ts';
import { standaloneStage } from './standalone-stage.ts';
import { compareFarSides, type Side, table } from './verdict.ts';

const SOURCE = { projectId: 'tools', repoName: 'generic-local' };
const COPY = { projectId: 'tools-backup', repoName: 'generic-backup' };
const ACCOUNT = { username: 'replicator', password: 'demo-password' };
const FAR_SIDES = [
  { name: 'shanghai', faithful: false },
  { name: 'shenzhen', faithful: true },
];
const RUN_TIMEOUT = 15 * 60_000;

interface Result {
  readonly equal: boolean;
  readonly farSides: readonly {
    readonly cluster: string;
    readonly files: number;
    readonly bytes: number;
    readonly equal: boolean;
  }[];
  /** The files that crossed in the second run and their bytes; each crosses once to every far side. */
  readonly secondRun: { readonly files: number; readonly bytes: number };
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
      ...SOURCE,
    };
    const files = await new BkRepoBuilder(source.db, source.storeDir).repository(SOURCE.projectId, SOURCE.repoName);
    await fillSource(files, report);

    const farSides: (Side & { readonly url: string })[] = [];
    for (const { name, faithful } of FAR_SIDES) {
      const storeDir = path.join(directory, `${name}-store`);
      await mkdir(storeDir);
      const database = `${prefix}_${name}`;
      const program = await startPeer(directory, { uri, database, storeDir, faithful });
      stops.push(() => program.signal('SIGTERM'));
      const url = `http://127.0.0.1:${program.port}/replication`;
      report(`started far side ${name} at ${url}${faithful ? ", with real servers' defects" : ''}`);
      farSides.push({ name, db: client.db(database), storeDir, url, ...COPY });
    }

    const config = {
      installationId: 'demo',
      source: { mongodb: { uri, database: databases.source }, storage: { filesystem: { path: source.storeDir } } },
      journal: { mongodb: { uri, database: databases.journal } },
      policy: { allowLoopback: true },
    };
    const stageOptions = { directory, config, report };
    const stage = options.kubernetes ? await kubernetesStage(stageOptions) : standaloneStage(stageOptions);
    stops.push(() => stage.stop());
    const filledIn = farSides.map(({ name, url }) => ({ name, url, ...ACCOUNT }));
    const changes = { cluster: { probeInterval: '5s' }, setting: { conflictStrategy: 'OVERWRITE' } };
    await stage.apply(await sampleManifests(filledIn, changes));
    await finishedRun(stage, report, (task) => (task.status.history?.length ?? 0) > 0);
    const first = await compareFarSides(source, farSides);
    report(`\nAfter the first run, read back by the demo itself:\n${table(first)}`);

    const before = await nodeIds(farSides);
    await changeOneFile(files);
    await stage.requestRun('second');
    await finishedRun(
      stage,
      report,
      (task) => task.status.lastHandledRunRequest === 'second' && task.status.activeRun === undefined,
    );
    const second = await compareFarSides(source, farSides);
    report(`\nAfter changing ${CHANGED_FILE} and the second run:\n${table(second)}`);
    const crossed = await crossedFiles(farSides, before);
    report(
      `crossed in the second run: ${crossed.paths.join(', ') || 'nothing'} (${crossed.bytes} bytes) to each far side`,
    );
    report(`\n${await stage.show()}`);
    const farSideRows = second.map(({ cluster, files: count, bytes, equal }) => ({
      cluster,
      files: count,
      bytes,
      equal,
    }));
    const only = crossed.paths.length === 1 && crossed.paths[0] === CHANGED_FILE;
    const equal = [...first, ...second].every((verdict) => verdict.equal) && only;
    report(equal ? '\nEverything is equal.' : '\nNOT equal.');
    const result: Result = {
      equal,
      farSides: farSideRows,
      secondRun: { files: crossed.paths.length, bytes: crossed.bytes },
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

/** Shows progress while it waits. */
async function finishedRun(
  stage: Stage,
  report: (line: string) => void,
  done: (task: ReplicaTask) => boolean,
): Promise<void> {
  let shown = '';
  await eventually(
    async () => {
      const task = await stage.task();
      const line = task === undefined ? '' : progressLine(task);
      if (line !== shown) report(line);
      shown = line;
      return task !== undefined && done(task);
    },
    { timeoutMs: RUN_TIMEOUT, intervalMs: 500 },
  );
}

function progressLine({ metadata, status }: ReplicaTask): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const { progress } = status;
  const counts =
    progress === undefined
      ? ''
      : `, ${progress.done} files done (${progress.success} copied, ${progress.unchanged} unchanged, ${progress.conflict} conflicts, ${progress.failed} failed), ${progress.sentBytes} bytes sent`;
  return `task ${metadata.name}: ${status.lastExecutionStatus ?? 'not run yet'}${counts}${ready?.status === 'True' ? '' : `; ${ready?.reason ?? 'waiting'}: ${ready?.message ?? ''}`}`;
}

/** Ids of all file nodes at the far sides, live or not. */
async function nodeIds(farSides: readonly Side[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const side of farSides) for await (const node of fileNodes(side)) ids.add(String(node._id));
  return ids;
}

/** The files that have a node at some far side which was not there before. */
async function crossedFiles(
  farSides: readonly Side[],
  before: ReadonlySet<string>,
): Promise<{ readonly paths: readonly string[]; readonly bytes: number }> {
  const crossed = new Map<string, number>();
  for (const side of farSides) {
    for await (const node of fileNodes(side)) {
      if (!before.has(String(node._id))) crossed.set(String(node['fullPath']), Number(node['size']));
    }
  }
  return { paths: [...crossed.keys()].sort(), bytes: [...crossed.values()].reduce((sum, size) => sum + size, 0) };
}

function fileNodes(side: Side): FindCursor<WithId<Document>> {
  return side.db.collection(`node_${shardOf(side.projectId)}`).find({ projectId: side.projectId, folder: false });
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
