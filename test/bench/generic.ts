/**
 * The main job in figures: one GENERIC repository of many small and some large files goes to one far side; then once
 * more, unchanged. Promised: the program's resident set stays below 300 MB, the second run sends no payload, and the far
 * side, read back by code of its own, is equal. The program, the far side, mongod and this process share the machine.
 */
import { mkdir, statfs } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { compareSides } from '../support/bkrepo/compare.ts';
import { readBack } from '../support/bkrepo/read-back.ts';
import { leash } from '../support/leash.ts';
import { startMongod } from '../support/mongod.ts';
import { startProgram } from '../support/program.ts';
import { printedSeed } from '../support/seed.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { benchFiles, mostBytes } from './content.ts';
import { forgetPeak, peakRssMb, rssMb } from './memory.ts';
import type { GenericOptions } from './options.ts';
import { type Row, table } from './report.ts';
import { type Run, Subject } from './subject.ts';

const MOST_RSS_MB = 300;
const SOURCE = { projectId: 'bench', repoName: 'generic-local' };
const COPY = { projectId: 'bench-copy', repoName: 'generic-copy' };
const ACCOUNT = { username: 'replicator', password: 'bench-password' };
/** For the databases, beside the files themselves. */
const SPARE_BYTES = 1024 ** 3;

type Report = (line: string) => void;

export async function generic(options: GenericOptions): Promise<boolean> {
  const report: Report = (line) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const [cpu] = cpus();
  report(
    `Node ${process.version}, ${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 1e9)} GB of memory`,
  );
  const stops: (() => Promise<unknown>)[] = [];
  try {
    return await measure(options, report, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function measure(options: GenericOptions, report: Report, stops: (() => Promise<unknown>)[]): Promise<boolean> {
  const directory = await makeTempDir('bench');
  const release = await leash(process.pid, directory);
  stops.push(async () => {
    release();
    await removeDir(directory);
  });
  await requireRoom(directory, 2 * mostBytes(options) + SPARE_BYTES);
  const mongod = await startMongod();
  stops.push(() => mongod.stop());
  const { uri } = mongod;
  const client = await MongoClient.connect(uri);
  stops.push(() => client.close());

  const [sourceDir, copyDir] = [path.join(directory, 'source'), path.join(directory, 'copy')];
  const builder = new BkRepoBuilder(client.db('source'), sourceDir, { references: false });
  const repository = await builder.repository(SOURCE.projectId, SOURCE.repoName);
  const filledFrom = performance.now();
  await repository.putFiles(benchFiles(options, printedSeed('content')));
  report(
    `filled the source with ${options.files} small files and ${options.large} of ${options.largeSize} bytes in ${since(filledFrom)}`,
  );

  await mkdir(copyDir);
  const peer = await startProgram({
    command: 'peer',
    directory,
    config: {
      peer: { mongodb: { uri, database: 'copy' }, storePath: copyDir, users: [{ ...ACCOUNT, admin: true }] },
    },
  });
  stops.push(() => peer.signal('SIGTERM'));
  const subject = await Subject.start({
    directory,
    config: {
      installationId: 'bench',
      source: { mongodb: { uri, database: 'source' }, storage: { filesystem: { path: sourceDir } } },
      journal: { mongodb: { uri, database: 'journal' } },
      policy: { allowLoopback: true },
    },
    journal: client.db('journal'),
    cluster: { url: `http://127.0.0.1:${peer.port}/replication`, ...ACCOUNT },
    task: {
      localProjectId: SOURCE.projectId,
      replicaTaskObjects: [
        {
          localRepoName: SOURCE.repoName,
          repoType: 'GENERIC',
          remoteProjectId: COPY.projectId,
          remoteRepoName: COPY.repoName,
        },
      ],
    },
    report,
  });
  stops.push(() => subject.program.signal('SIGTERM'));
  const { pid } = subject.program;
  report(`the program is ready: ${(await rssMb(pid)).toFixed(1)} MB resident`);

  const rows: Row[] = [];
  const problems: string[] = [];
  for (const id of ['first-run', 'unchanged-run']) {
    const run = await subject.run();
    const row = rowOf(id, run, await peakRssMb(pid));
    await forgetPeak(pid);
    rows.push(row);
    report(`${id}: ${run.status}${run.errorReason === null ? '' : `: ${run.errorReason}`}`);
    if (run.status !== 'SUCCESS') problems.push(`${id} ended with ${run.status}`);
    if (row.rssMb >= MOST_RSS_MB) problems.push(`${id}: ${row.rssMb.toFixed(1)} MB resident, not below ${MOST_RSS_MB}`);
  }
  const sentAgain = rows.at(-1)?.sentBytes;
  if (sentAgain !== 0) problems.push(`the unchanged run sent ${sentAgain} payload bytes`);
  await subject.program.signal('SIGTERM');

  const readFrom = performance.now();
  const here = await readBack(client.db('source'), sourceDir, SOURCE.projectId, SOURCE.repoName);
  const there = await readBack(client.db('copy'), copyDir, COPY.projectId, COPY.repoName);
  const differences = compareSides(here, there, { limit: 10 });
  if (here.size !== options.files + options.large) problems.push(`the source has ${here.size} files`);
  problems.push(...differences);
  report(`read both sides back in ${since(readFrom)}: ${differences.length === 0 ? 'equal' : 'NOT equal'}`);

  report(`\n${table(rows)}`);
  for (const problem of problems) report(`NOT as promised: ${problem}`);
  if (options.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
  return problems.length === 0;
}

function rowOf(id: string, run: Run, peakMb: number): Row {
  const { files, bytes, seconds, sentBytes, requests } = run;
  return {
    id,
    files,
    bytes,
    seconds,
    filesPerSecond: files / seconds,
    mbPerSecond: sentBytes / 1e6 / seconds,
    requestsPerFile: requests / files,
    rssMb: peakMb,
    sentBytes,
  };
}

async function requireRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < bytes)
    throw new Error(`${directory} has room for ${bavail * bsize} bytes, the benchmark needs ${bytes}: set TMPDIR`);
}

function since(from: number): string {
  return `${((performance.now() - from) / 1_000).toFixed(1)} s`;
}
