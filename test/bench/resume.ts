/**
 * A large upload that is cut off at 90 % against one that is not: two files of one size go to a far side, one in one run,
 * the other in two, and the second of these is measured, by its record and by the bytes that reach the far side. Promised:
 * it takes at most a fifth of the time, sends no more than the rest and one chunk, and both files arrive as they are.
 */
import { mkdir, statfs, unlink } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../support/bkrepo/builder.ts';
import { compareSides } from '../support/bkrepo/compare.ts';
import { seededBytes } from '../support/bkrepo/content.ts';
import { blobPath } from '../support/bkrepo/layout.ts';
import { readBack } from '../support/bkrepo/read-back.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { leash } from '../support/leash.ts';
import { startMongod } from '../support/mongod.ts';
import { startProgram } from '../support/program.ts';
import { printedSeed } from '../support/seed.ts';
import { makeTempDir, removeDir } from '../support/tempdir.ts';
import { type Run, Subject } from './subject.ts';

const SOURCE = { projectId: 'bench', repoName: 'images' };
const COPY = { projectId: 'bench-copy', repoName: 'images' };
const ACCOUNT = { username: 'replicator', password: 'bench-password' };
const CUT_AT = 0.9;
const CHUNK_BYTES = 8 * 1024 ** 2;
const MOST_TIME = 0.2;
const USUAL = { size: 4 * 1024 ** 3, rounds: 1 };
const QUICK = { size: 256 * 1024 ** 2, rounds: 2 };
/** For the databases, beside the files themselves. */
const SPARE_BYTES = 1024 ** 3;

export interface ResumeOptions {
  /** Bytes. */
  readonly size: number;
  readonly rounds: number;
  readonly json: boolean;
}

export const RESUME_USAGE = `npm run bench -- resume [OPTIONS]
  --quick              ${QUICK.rounds} rounds of ${QUICK.size} bytes, in place of ${USUAL.rounds} of ${USUAL.size}
  --size BYTES         size of each of the two files
  --rounds N           how often one upload as a whole and one in two parts follow each other
  --json               print one final line of JSON on standard output, everything else on standard error
The directory for temporary files (TMPDIR) needs room for four times the size. TEST_SEED=N repeats the content of a run.
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a number that is none */
export function resumeOptions(argv: readonly string[]): ResumeOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      size: { type: 'string' },
      rounds: { type: 'string' },
    },
  });
  const usual = values.quick ? QUICK : USUAL;
  const [size, rounds] = [Number(values.size ?? usual.size), Number(values.rounds ?? usual.rounds)];
  if (!Number.isSafeInteger(size) || size < 16 * CHUNK_BYTES)
    throw new RangeError(`--size must be a whole number from ${16 * CHUNK_BYTES} on`);
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds must be a whole number from 1 on');
  return { size, rounds, json: values.json };
}

interface Row {
  readonly id: string;
  /** Of the second part. */
  readonly ours: number;
  /** Of the upload in one run. */
  readonly peer: number;
  readonly ratio: number;
}

interface Figures {
  seconds: number;
  bytes: number;
}

type Report = (line: string) => void;

export async function resume(options: ResumeOptions): Promise<boolean> {
  const report: Report = (line) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const { rows, problems } = await measure(options, report, stops);
    for (const { id, ours, peer, ratio } of rows)
      report(`${id.padEnd(14)} second part ${ours.toFixed(2)}, whole ${peer.toFixed(2)}, ratio ${ratio.toFixed(3)}`);
    for (const problem of problems) report(`NOT as promised: ${problem}`);
    if (options.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return problems.length === 0;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function measure(
  { size, rounds }: ResumeOptions,
  report: Report,
  stops: (() => Promise<unknown>)[],
): Promise<{ readonly rows: readonly Row[]; readonly problems: readonly string[] }> {
  const directory = await makeTempDir('bench');
  const release = await leash(process.pid, directory);
  stops.push(async () => {
    release();
    await removeDir(directory);
  });
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < 4 * size + SPARE_BYTES) throw new Error(`${directory} has no room for four times ${size} bytes`);
  const mongod = await startMongod();
  stops.push(() => mongod.stop());
  const { uri } = mongod;
  const client = await MongoClient.connect(uri);
  stops.push(() => client.close());
  const [sourceDir, copyDir] = [path.join(directory, 'source'), path.join(directory, 'copy')];
  const builder = new BkRepoBuilder(client.db('source'), sourceDir, { references: false });
  const repository = await builder.repository(SOURCE.projectId, SOURCE.repoName);
  await mkdir(copyDir);
  const peer = await startProgram({
    command: 'peer',
    directory,
    config: { peer: { mongodb: { uri, database: 'copy' }, storePath: copyDir, users: [{ ...ACCOUNT, admin: true }] } },
  });
  stops.push(() => peer.signal('SIGTERM'));
  const proxy = await startFaultProxy(`http://127.0.0.1:${peer.port}`);
  stops.push(() => proxy.close());
  const subject = await Subject.start({
    directory,
    config: {
      installationId: 'bench',
      source: { mongodb: { uri, database: 'source' }, storage: { filesystem: { path: sourceDir } } },
      journal: { mongodb: { uri, database: 'journal' } },
      policy: { allowLoopback: true },
      engine: { patienceSeconds: 3, backoffCapMs: 1_000 },
    },
    journal: client.db('journal'),
    cluster: { url: `${proxy.url}/replication`, ...ACCOUNT },
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

  const problems: string[] = [];
  const [whole, second]: [Figures, Figures] = [
    { seconds: 0, bytes: 0 },
    { seconds: 0, bytes: 0 },
  ];
  let seed = printedSeed('content');
  const measured = async (name: string, into: Figures): Promise<void> => {
    proxy.forget();
    const run = succeeded(name, await subject.run());
    const bytes = proxy.uploadedBytes();
    report(`${name}: ${run.seconds.toFixed(2)} s, ${bytes} bytes`);
    into.seconds += run.seconds;
    into.bytes += bytes;
  };
  for (let round = 1; round <= rounds; round += 1) {
    const put = async (name: string): Promise<string> => {
      seed = (seed + 1) >>> 0;
      return (await repository.putFile(`/${name}-${round}.img`, seededBytes(size, seed))).sha256;
    };
    const digests = [await put('whole')];
    await measured(`round ${round}, whole`, whole);
    digests.push(await put('cut'));
    cutOff(proxy, size);
    const first = await subject.run();
    proxy.setFault(undefined);
    report(`round ${round}, first part: ${first.status} after ${proxy.uploadedBytes()} bytes`);
    if (first.status === 'SUCCESS') problems.push(`round ${round}: the upload was not cut off`);
    await measured(`round ${round}, second part`, second);
    const here = await readBack(client.db('source'), sourceDir, SOURCE.projectId, SOURCE.repoName);
    const there = await readBack(client.db('copy'), copyDir, COPY.projectId, COPY.repoName);
    problems.push(...compareSides(here, there, { limit: 10 }).filter((line) => line.includes(`-${round}.img`)));
    // Makes room for the next round; what is equal is not read again.
    for (const sha256 of round < rounds ? digests : [])
      await Promise.all([sourceDir, copyDir].map((store) => unlink(blobPath(store, sha256))));
  }
  const rows = [row('resume-time', second.seconds, whole.seconds), row('resume-bytes', second.bytes, whole.bytes)];
  if (second.seconds > MOST_TIME * whole.seconds)
    problems.push(`the second part took more than ${MOST_TIME} of the time`);
  const most = rounds * (size * (1 - CUT_AT) + CHUNK_BYTES);
  if (second.bytes > most)
    problems.push(`the second part sent ${second.bytes} bytes, ${most} are the rest and a chunk`);
  return { rows, problems };
}

/** Resets the connection at 90 % of the chunks, and all others from then on but for those of probes. */
function cutOff(proxy: FaultProxy, size: number): void {
  let dead = false;
  proxy.forget();
  proxy.setFault(({ url, headers }) => {
    if (/\/replica\/(?:ping|version)/.test(url)) return undefined;
    const start = Number(headers['content-range']?.split('-')[0] ?? 0);
    dead ||= start + CHUNK_BYTES > CUT_AT * size;
    return dead ? { kind: 'reset' } : undefined;
  });
}

function succeeded(name: string, run: Run): Run {
  if (run.status !== 'SUCCESS') throw new Error(`${name} ended with ${run.status}: ${run.errorReason}`);
  return run;
}

function row(id: string, ours: number, peer: number): Row {
  return { id, ours, peer, ratio: ours / peer };
}
