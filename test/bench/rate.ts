/**
 * Limits of payload in figures, measured where it arrives: one task with a limit of its own; two tasks under the limit
 * of their far side, one with a single stream, one with many; and that what one leaves goes to the other. Promised: each
 * 10 s within 5 % of the limit, at most one second's worth (and 5 %) in the first second, equal parts within 5 %.
 */
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { stringify } from 'yaml';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { seededBytes } from '../support/bkrepo/content.ts';
import { leash } from '../support/leash.ts';
import { startMongod } from '../support/mongod.ts';
import { type Program, startProgram } from '../support/program.ts';
import { printedSeed } from '../support/seed.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { eventually } from '../support/wait.ts';
import type { RateOptions } from './options.ts';
import { startPayloadMeter } from './payload-meter.ts';
import { burst, merged, rateIn, spanOf, worstError } from './rates.ts';

const PROJECT = 'bench';
const ACCOUNT = { username: 'replicator', password: 'bench-password' };
const API_VERSION = 'replication.bkrepo.io/v1alpha1';
const MOST_PERCENT = 5;
/** How long each of the tasks would take at the whole rate, in seconds. */
const ALONE_SECONDS = 14;
const SHARED_SECONDS = 6.5;
const LENT_SECONDS = 12;

/** One repository for each task, named like it: sizes of its files as parts of the whole, and seconds' worth of all. */
const TASKS = [
  { name: 'alone', files: 60, seconds: ALONE_SECONDS },
  { name: 'many-streams', files: 40, seconds: SHARED_SECONDS },
  { name: 'one-stream', files: 1, seconds: SHARED_SECONDS + LENT_SECONDS },
] as const;

type Task = (typeof TASKS)[number]['name'];

interface Figure {
  readonly id: string;
  /** Bytes per second, or a part of 1. */
  readonly wanted: number;
  readonly measured: number;
  readonly percentOff: number;
  readonly kept: boolean;
}

export async function rate(options: RateOptions): Promise<boolean> {
  const report = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const figures = await measure(options, report, stops);
    for (const { id, wanted, measured, percentOff, kept } of figures)
      report(
        `${id.padEnd(34)} wanted ${wanted.toFixed(2)}, got ${measured.toFixed(2)} (${percentOff.toFixed(2)} %)${kept ? '' : ' NOT as promised'}`,
      );
    if (options.json) process.stdout.write(`${JSON.stringify({ rate: options.rate, figures })}\n`);
    return figures.every(({ kept }) => kept);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function measure(
  { rate: limit }: RateOptions,
  report: (line: string) => void,
  stops: (() => Promise<unknown>)[],
): Promise<Figure[]> {
  const directory = await makeTempDir('bench');
  const release = await leash(process.pid, directory);
  stops.push(async () => {
    release();
    await removeDir(directory);
  });
  const mongod = await startMongod();
  stops.push(() => mongod.stop());
  const client = await MongoClient.connect(mongod.uri);
  stops.push(() => client.close());
  const sourceDir = path.join(directory, 'source');
  const owners = await fill(new BkRepoBuilder(client.db('source'), sourceDir, { references: false }), limit);

  const copyDir = path.join(directory, 'copy');
  await mkdir(copyDir);
  const users = [{ ...ACCOUNT, admin: true }];
  const { uri } = mongod;
  const peer = await startProgram({
    command: 'peer',
    directory,
    config: { peer: { mongodb: { uri, database: 'copy' }, storePath: copyDir, users } },
  });
  stops.push(() => peer.signal('SIGTERM'));
  const meter = await startPayloadMeter(`http://127.0.0.1:${peer.port}`, (sha256) => owners.get(sha256));
  stops.push(() => meter.close());
  const input = path.join(directory, 'manifests');
  await mkdir(input);
  const program = await startProgram({
    command: 'standalone',
    args: ['--dir', input, '--state', path.join(directory, 'state')],
    config: {
      installationId: 'bench',
      source: { mongodb: { uri, database: 'source' }, storage: { filesystem: { path: sourceDir } } },
      journal: { mongodb: { uri, database: 'journal' } },
      policy: { allowLoopback: true },
      log: { format: 'json' },
    },
    directory,
  });
  stops.push(() => program.signal('SIGTERM'));

  const apply = async (name: string, documents: readonly object[]): Promise<void> => {
    const file = path.join(input, `${name}.yaml`);
    await writeFile(`${file}.new`, documents.map((document) => stringify(document)).join('---\n'));
    await rename(`${file}.new`, file);
  };
  const journal = client.db('journal');
  const url = `${meter.url}/replication`;
  report(`one task, limited to ${limit} bytes/s`);
  await apply('alone', [...cluster('wide', url, 0), task('alone', 'wide', limit)]);
  await succeeded(journal, program, 'alone');
  report(`two tasks to a far side limited to ${limit} bytes/s, then one of them`);
  await apply('shared', [
    ...cluster('narrow', url, limit),
    task('many-streams', 'narrow', 0),
    task('one-stream', 'narrow', 0),
  ]);
  await succeeded(journal, program, 'many-streams');
  await succeeded(journal, program, 'one-stream');

  const of = (name: Task) => meter.arrivals.get(name) ?? [];
  const [alone, many, one] = [of('alone'), of('many-streams'), of('one-stream')];
  const both = merged(many, one);
  const [spanOfMany, spanOfOne] = [spanOf(many), spanOf(one)];
  const shared = { from: Math.max(spanOfMany.from, spanOfOne.from), to: Math.min(spanOfMany.to, spanOfOne.to) };
  const lent = { from: spanOfMany.to + 1_000, to: spanOfOne.to };
  return [
    error('one task, worst 10 s', limit, worstError(alone, spanOf(alone), limit)),
    first('one task, first second', burst(alone, limit)),
    error('two tasks together, worst 10 s', limit, worstError(both, { ...shared, to: spanOfOne.to }, limit)),
    first('two tasks together, first second', burst(both, limit)),
    error('part of the one with many streams', limit / 2, (rateIn(many, shared) / (limit / 2) - 1) * 100),
    error('part of the one with one stream', limit / 2, (rateIn(one, shared) / (limit / 2) - 1) * 100),
    error('what is left lent, worst 10 s', limit, worstError(one, lent, limit)),
  ];
}

/** Gives for each digest the task that sends it. */
async function fill(builder: BkRepoBuilder, limit: number): Promise<ReadonlyMap<string, Task>> {
  const owners = new Map<string, Task>();
  let seed = printedSeed('content');
  for (const { name, files, seconds } of TASKS) {
    const repository = await builder.repository(PROJECT, name);
    const size = Math.ceil((limit * seconds) / files);
    for (let index = 0; index < files; index += 1) {
      seed = (seed + 1) >>> 0;
      const hash = createHash('sha256');
      for (const chunk of seededBytes(size, seed)) hash.update(chunk);
      owners.set(hash.digest('hex'), name);
      await repository.putFile(`/file-${index}`, seededBytes(size, seed));
    }
  }
  return owners;
}

function cluster(name: string, url: string, bandwidth: number): object[] {
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: ACCOUNT },
    {
      apiVersion: API_VERSION,
      kind: 'Cluster',
      metadata: { name },
      spec: { type: 'STANDALONE', url, credentialsSecretRef: { name }, limits: { bandwidth } },
    },
  ];
}

function task(name: Task, clusterName: string, rateLimit: number): object {
  return {
    apiVersion: API_VERSION,
    kind: 'ReplicaTask',
    metadata: { name },
    spec: {
      localProjectId: PROJECT,
      replicaTaskObjects: [{ localRepoName: name, repoType: 'GENERIC' }],
      remoteClusterIds: [clusterName],
      setting: { rateLimit },
    },
  };
}

async function succeeded(journal: Db, program: Program, name: Task): Promise<void> {
  const ended = await eventually(
    async () => {
      if (!program.running) throw new Error(`the program ended:\n${program.output.slice(-3_000)}`);
      return journal.collection('replica_record').findOne({ name, status: { $ne: 'RUNNING' } });
    },
    { timeoutMs: 120_000, intervalMs: 200 },
  );
  if (ended['status'] !== 'SUCCESS') throw new Error(`${name} ended with ${ended['status']}: ${ended['errorReason']}`);
}

function error(id: string, wanted: number, percentOff: number): Figure {
  const kept = Math.abs(percentOff) <= MOST_PERCENT;
  return { id, wanted, measured: wanted * (1 + percentOff / 100), percentOff, kept };
}

/** In seconds' worth: more would be a burst, less is no fault. */
function first(id: string, measured: number): Figure {
  return { id, wanted: 1, measured, percentOff: (measured - 1) * 100, kept: measured <= 1 + MOST_PERCENT / 100 };
}
