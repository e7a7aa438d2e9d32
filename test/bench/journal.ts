/**
 * What a journal that has grown large costs: the same work on a journal that holds a run of many details ("ours") and on
 * one that holds next to nothing ("peer"), by turns, on one mongod. Writing, the questions that runs and people ask,
 * and removing what is old, also while a run writes. Promised: writing keeps at least half of its speed.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Document, MongoClient, ObjectId } from 'mongodb';

import type { UnitDetail } from '../../src/engine/ports/journal.ts';
import { type Journal, openJournal } from '../../src/journal/journal.ts';
import type { DetailFilter, ExpiryStep, RunRecord } from '../../src/journal/records.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startMongod } from '../support/mongod.ts';

export interface JournalOptions {
  /** In the large journal. */
  readonly details: number;
  /** Written in each turn. */
  readonly written: number;
  readonly rounds: number;
  readonly json: boolean;
}

export const JOURNAL_USAGE = `npm run bench -- journal [OPTIONS]
  --details N          details in the large journal, instead of 1000000
  --written N          details written in each turn, instead of 50000
  --rounds N           turns of each, instead of 5
  --json               print one final line of JSON on standard output, everything else on standard error
The directory for temporary files (TMPDIR) needs 2 GB for a million details.
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a number that is none */
export function journalOptions(argv: readonly string[]): JournalOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      details: { type: 'string', default: '1000000' },
      written: { type: 'string', default: '50000' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const count = (name: 'details' | 'written' | 'rounds'): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} must be a whole number from 1`);
    return value;
  };
  return { details: count('details'), written: count('written'), rounds: count('rounds'), json: values.json };
}

interface Row {
  readonly id: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
}

/** One of the two journals. */
interface Side {
  readonly journal: Journal;
  /** Adopted once, so all its details are of epoch 2. */
  readonly record: RunRecord;
  readonly details: number;
  readonly clock: FakeClock;
}

interface Scene {
  readonly client: MongoClient;
  readonly large: Side;
  readonly small: Side;
  readonly options: JournalOptions;
  readonly show: (row: Row) => void;
}

const never = new AbortController().signal;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const LARGE = 'large';
const SMALL = 'small';
/** Details that the recorder of a run writes with one request. */
const BATCH = 500;
const SMALL_DETAILS = 1_000;
const PAGE_SIZE = 20;
const REPEATS = 5;
const REPOSITORIES = 4;
/** Milliseconds after which nothing more is written about a run that ended. */
const SETTLED = 180_000;
const DAY = 86_400_000;
/** Milliseconds that one answer may take, on a machine that does other work, too. */
const PATIENCE = 120_000;
/** As the sweeper does. */
const STEP_PAUSE = 1_000;

export async function journal(options: JournalOptions): Promise<boolean> {
  const report = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  await using mongod = await startMongod({ cacheSizeGB: 1 });
  const client = await MongoClient.connect(mongod.uri);
  const sides: Side[] = [];
  try {
    for (const [database, details] of [
      [LARGE, options.details],
      [SMALL, SMALL_DETAILS],
    ] as const)
      sides.push(await furnish(client, mongod.uri, database, details, report));
    const [large, small] = sides;
    if (large === undefined || small === undefined) throw new Error('there are two journals');
    const rows: Row[] = [];
    const show = (row: Row): void => {
      rows.push(row);
      report(`${row.id.padEnd(48)} ${shown(row.ours)} ${shown(row.peer)} ${shown(row.ratio)}`);
    };
    for (const measure of [writing, questions, cleaning]) await measure({ client, large, small, options, show });
    if (options.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return rows.every(({ id, ratio }) => !id.startsWith('write') || (ratio ?? 1) >= 0.5);
  } finally {
    for (const { journal: one } of sides) await one.close();
    await client.close();
  }
}

async function furnish(
  client: MongoClient,
  uri: string,
  database: string,
  details: number,
  report: (line: string) => void,
): Promise<Side> {
  const clock = new FakeClock({ now: systemClock.now() });
  const opened = await openJournal(
    { uri, database, installationId: 'bench', clock, logger: silent, timeoutMs: PATIENCE },
    never,
  );
  const begun = await begin(opened, 'first');
  await opened.runJournal(begun).writeDetails([detail(0, details)], never);
  const record = (await opened.adopt(begun.id, never)) ?? begun;
  await opened.runJournal(record).confirmDetails('cluster-a', [detail(0, details).unitKey], never);
  const stored = client.db(database).collection('replica_record_detail');
  const like = (await stored.findOne({ recordId: record.id })) ?? {};
  const from = performance.now();
  for (let n = 1; n < details; n += 10_000)
    await stored.insertMany(
      Array.from({ length: Math.min(10_000, details - n) }, (_, index) => copyOf(like, n + index, details)),
      { ordered: false },
    );
  // What is not in a checkpoint yet is not counted as being on disk.
  await client.db('admin').command({ fsync: 1 });
  const [stats] = await stored.aggregate<Document>([{ $collStats: { storageStats: {} } }]).toArray();
  const { size, storageSize, totalIndexSize }: Record<string, number> = stats?.['storageStats'] ?? {};
  report(
    `${database}: ${details} details in ${((performance.now() - from) / 1_000).toFixed(1)} s; ` +
      `${mb(size)} MB of documents in ${mb(storageSize)} MB on disk, indexes ${mb(totalIndexSize)} MB`,
  );
  return { journal: opened, record, details, clock };
}

/** Details per second. */
async function writing({ client, large, small, options, show }: Scene): Promise<void> {
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let round = 0; round < options.rounds; round += 1) {
    ours.push(await writeRun(large.journal, `write-${round}`, options.written));
    peer.push(await writeRun(small.journal, `write-${round}`, options.written));
    await client
      .db(SMALL)
      .collection('replica_record_detail')
      .deleteMany({ recordId: { $ne: small.record.id } });
  }
  show(row('write, details/s', ours, peer));
}

/** Milliseconds. */
async function questions(scene: Scene): Promise<void> {
  const asked: Readonly<Record<string, Question>> = {
    ...pages(),
    'count by status, ms': ({ journal: at, record }) => at.countDetails(record.id, never),
    'find 500 details, ms': ({ journal: at, record, details }) =>
      at.runJournal(record).findDetails('cluster-a', sample(details, 500), never),
    'page of 500 failed units, ms': ({ journal: at, record }) =>
      at.runJournal(record).failedUnits(record.id, 'cluster-a', undefined, 500, never),
    'what earlier epochs left, ms': ({ journal: at, record }) =>
      at.runJournal(record).leftDetails('cluster-a', undefined, 500, never),
  };
  await ask(asked, 'run goes on: ', scene);
  for (const { journal: at, record, clock } of [scene.large, scene.small]) {
    await at.finishRun(record, { status: 'SUCCESS', farSides: [] }, never);
    clock.advance(SETTLED);
  }
  // Each is asked several times: the first counts, the others know.
  await ask(pages(), 'run ended: ', scene);
}

type Question = (side: Side) => Promise<unknown>;

function pages(): Readonly<Record<string, Question>> {
  const page = (filter: DetailFilter, part: number): Question => {
    return async ({ journal: at, record }) => {
      const { total } = await at.details(record.id, filter, { pageNumber: 1, pageSize: PAGE_SIZE }, never);
      return at.details(
        record.id,
        filter,
        { pageNumber: Math.ceil((part * total) / PAGE_SIZE), pageSize: PAGE_SIZE },
        never,
      );
    };
  };
  const first =
    (filter: DetailFilter): Question =>
    ({ journal: at, record }) =>
      at.details(record.id, filter, { pageNumber: 1, pageSize: PAGE_SIZE }, never);
  return {
    'first page, ms': first({}),
    'first and middle page, ms': page({}, 0.5),
    'first and last page, ms': page({}, 1),
    'first page of failed, ms': first({ result: 'FAILED' }),
    'first page of a repository, ms': first({ repoName: 'files-0' }),
    'first and middle page of it, ms': page({ repoName: 'files-0' }, 0.5),
    'first page of a far side, ms': first({ clusterName: 'edge-a', result: 'SUCCESS' }),
    'below a path, 1 % all over, ms': first({ pathPrefix: '/dir/00/' }),
    'below a path, 1 % the oldest, ms': first({ pathPrefix: '/old/' }),
    'below a path, the old half, ms': first({ pathPrefix: '/half/' }),
    'one file, ms': ({ journal: at, record, details }) =>
      at.details(record.id, { artifactNamePrefix: pathOf(77, details) }, { pageNumber: 1, pageSize: PAGE_SIZE }, never),
    'package, none, ms': first({ packageKeyPrefix: 'npm://' }),
    'version, none, ms': first({ version: '1.0' }),
  };
}

async function ask(
  asked: Readonly<Record<string, Question>>,
  when: string,
  { large, small, show }: Scene,
): Promise<void> {
  for (const [id, question] of Object.entries(asked)) {
    const [ours, peer]: [number[], number[]] = [[], []];
    for (let n = 0; n < REPEATS; n += 1) {
      ours.push(await timed(() => question(large)));
      peer.push(await timed(() => question(small)));
    }
    show(row(`${when}${id}`, ours, peer));
  }
}

/** Removes the run of the large journal as the sweeper would, while a run writes, and then without a pause. */
async function cleaning({ client, large, small, options, show }: Scene): Promise<void> {
  const { journal: at, clock } = large;
  clock.advance(31 * DAY);
  const steps: number[] = [];
  const step = async (): Promise<boolean> => {
    let done: ExpiryStep | undefined;
    const took = await timed(async () => {
      done = await at.expire({ living: new Map(), maxRunsPerTask: 1_000 }, never);
    });
    if (done?.details === 5_000) steps.push(took);
    return done?.after !== undefined;
  };
  const [during, without]: [number[], number[]] = [[], []];
  for (let round = 0; round < options.rounds; round += 1) {
    const stop = new AbortController();
    const tidying = (async () => {
      while (!stop.signal.aborted) {
        await step();
        await systemClock.sleep(STEP_PAUSE, stop.signal).catch(() => {});
      }
    })();
    during.push(await writeRun(at, `during-${round}`, options.written));
    stop.abort();
    await tidying;
    without.push(await writeRun(small.journal, `during-${round}`, options.written));
    await client
      .db(SMALL)
      .collection('replica_record_detail')
      .deleteMany({ recordId: { $ne: small.record.id } });
  }
  show(row('write while old details go, details/s', during, without));
  const left = await client.db(LARGE).collection('replica_record_detail').countDocuments({ recordId: large.record.id });
  const took = await timed(async () => {
    while (await step());
  });
  show({ id: 'remove what is left, details/s', ours: left / (took / 1_000), peer: null, ratio: null });
  const longest = Math.max(...steps);
  show({ id: 'remove 5000 details, ms (median)', ours: median(steps), peer: null, ratio: null });
  show({ id: 'remove 5000 details, ms (longest)', ours: longest, peer: null, ratio: null });
}

async function writeRun(at: Journal, name: string, details: number): Promise<number> {
  const record = await begin(at, name);
  const run = at.runJournal(record);
  const from = performance.now();
  for (let n = 0; n < details; n += BATCH)
    await run.writeDetails(
      Array.from({ length: Math.min(BATCH, details - n) }, (_, index) => detail(n + index, details)),
      never,
    );
  const seconds = (performance.now() - from) / 1_000;
  await at.finishRun(record, { status: 'SUCCESS', farSides: [] }, never);
  return details / seconds;
}

async function begin(at: Journal, name: string): Promise<RunRecord> {
  const { record } = await at.beginRun(
    {
      taskKey: `task-${name}`,
      taskUid: `uid-${name}`,
      namespace: 'bench',
      name,
      claim: 'one-shot:bench',
      trigger: 'one-shot',
      specHash: 'bench',
      generation: 1,
      reserveDays: 30,
      keepDetails: true,
    },
    never,
  );
  return record;
}

/** Every other path is in a directory whose files are of one age: `old` the oldest percent, `half` the rest of the older half. */
function pathOf(n: number, of: number): string {
  const age = n < of / 50 ? 'old' : n < of / 2 ? 'half' : 'new';
  const directory = n % 2 === 0 ? `dir/${String(n % 100).padStart(2, '0')}` : age;
  return `/${directory}/build-${String(n).padStart(8, '0')}/app.tar.gz`;
}

/** The `n`th of `of` details; one repository after the other, as runs go. */
function detail(n: number, of: number): UnitDetail {
  const fullPath = pathOf(n, of);
  const localRepoName = `files-${Math.floor((REPOSITORIES * n) / of)}`;
  const failed = n % 100 === 1;
  return {
    clusterId: 'cluster-a',
    clusterName: 'edge-a',
    localRepoName,
    remoteProjectId: 'mirror',
    remoteRepoName: 'generic-local',
    repoType: 'GENERIC',
    unitKey: `0:${fullPath}`,
    fullPath,
    status: failed ? 'FAILED' : 'SUCCESS',
    size: 10_000 + n,
    bytesSent: 10_000 + n,
    sha256: createHash('sha256').update(String(n)).digest('hex'),
    conflictStrategy: 'SKIP',
    ...(failed ? { reason: 'BlobMissing', errorReason: 'the blob is in none of the places that were looked at' } : {}),
    startTime: new Date(1_000_000 + n),
    endTime: new Date(1_000_500 + n),
  };
}

/** A stored detail like another, without the detour through the journal. */
function copyOf(like: Document, n: number, of: number): Document {
  const { unitKey, fullPath, localRepoName, status, size, bytesSent, sha256, startTime, endTime } = detail(n, of);
  const names = { unitKey, fullPath, localRepoName, artifactName: fullPath, pathConstraint: { path: fullPath } };
  const good = status === 'SUCCESS';
  const outcome = { unitStatus: status, status: good ? 'SUCCESS' : 'FAILED' };
  return { ...like, _id: new ObjectId(), ...names, ...outcome, size, bytesSent, sha256, startTime, endTime };
}

/** Keys of `count` units, evenly spread. */
function sample(details: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `0:${pathOf(Math.floor((n * details) / count), details)}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

function row(id: string, ours: readonly number[], peer: readonly number[]): Row {
  return { id, ours: median(ours), peer: median(peer), ratio: median(ours) / median(peer) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function mb(bytes: number | undefined): string {
  return ((bytes ?? 0) / 1e6).toFixed(0);
}

function shown(value: number | null): string {
  return (value === null ? '-' : value.toFixed(2)).padStart(12);
}
