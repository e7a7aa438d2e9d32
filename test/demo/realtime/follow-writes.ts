/**
 * The demo of tasks that follow: users write to the source while the program follows it. The demo itself measures from
 * the answer to each write until each far side has it, and then compares all sides. What the program says is only shown.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay, setInterval as ticks } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';
import { parse } from 'yaml';
import type { Outcome } from '../outcome.ts';
import { taskLines } from '../progress.ts';
import { REPOSITORIES, type Report, type Sides } from '../sides.ts';
import { compareFarSides, table, type Verdict } from '../verdict.ts';
import { Arrivals, type Write } from './arrivals.ts';
import { type Arrived, bars, kindTable, LEGEND, lagTable, milliseconds, percentile } from './lag.ts';
import { Writers } from './writers.ts';

const SAMPLE = path.resolve(import.meta.dirname, '../../../deploy/samples/real-time.yaml');
/** Milliseconds until the far sides have what there was at first, what was written, and what goes with that. */
const COPIED_WITHIN = 240_000;
const ARRIVED_WITHIN = 90_000;
const EQUAL_WITHIN = 60_000;
const COMPARE_EVERY = 500;
const FEW = 2;

type ByFarSide = ReadonlyMap<string, readonly Arrived[]>;

export async function followWrites(sides: Sides, report: Report): Promise<Outcome> {
  await refuseWithoutReplicaSet(sides.client);
  const writers = await Writers.prepare(sides);
  report('filled the source with small files, npm packages, Maven artifacts and images');
  const { spec } = parse(await readFile(SAMPLE, 'utf8')) as Sample;
  await sides.apply({ spec: { replicaType: spec.replicaType }, setting: spec.setting });
  const begun = await untilEqual(sides, COPIED_WITHIN, taskLines(sides.stage, report));
  report(`\nWhat there was at first, read back by the demo itself:\n${table(begun)}`);
  const names = new Map(REPOSITORIES.map(({ repoName, remoteRepoName }) => [repoName, remoteRepoName]));
  const arrivals = new Arrivals(sides.farSides, names);
  try {
    const lags = await measure(writers, arrivals, report);
    const verdicts = await untilEqual(sides, EQUAL_WITHIN);
    const { written } = writers;
    report(`\nAfter ${written.length} writes, read back by the demo itself:\n${table(verdicts)}`);
    const isEqual = (name: string): boolean => verdicts.every(({ cluster, equal }) => cluster !== name || equal);
    report('\nFrom the answer to a write until a far side has it for good, as its database and store show:');
    report(`${lagTable(lags, isEqual)}\n\n${kindTable(lags)}`);
    const missing = [...arrivals.waiting].flatMap(([name, waiting]) => waiting.map(({ what }) => `${what} (${name})`));
    if (missing.length > 0) report(`${missing.length} never arrived: ${missing.slice(0, 10).join(', ')}`);
    report(`\n${await sides.stage.show()}`);
    const all = [...lags.values()].flat().map(({ lagMs }) => lagMs);
    return {
      equal: [...begun, ...verdicts].every(({ equal }) => equal) && missing.length === 0,
      verdicts,
      more: {
        lagMsP50: Math.round(percentile(all, 50)),
        lagMsP99: Math.round(percentile(all, 99)),
        events: written.length,
      },
    };
  } finally {
    await arrivals.stop();
  }
}

interface Sample {
  readonly spec: { readonly replicaType: string; readonly setting: object };
}

async function refuseWithoutReplicaSet(client: MongoClient): Promise<void> {
  const { setName } = await client.db('admin').command({ hello: 1 });
  if (setName === undefined)
    throw new Error('--realtime needs a MongoDB that is a replica set: the source is followed by its change stream');
}

/** Compares again and again until all is equal, or the time is over. */
async function untilEqual(
  { source, farSides }: Sides,
  timeoutMs: number,
  meanwhile: () => Promise<unknown> = async () => undefined,
): Promise<readonly Verdict[]> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    await meanwhile();
    const verdicts = await compareFarSides(source, farSides, REPOSITORIES);
    if (verdicts.every(({ equal }) => equal) || performance.now() > deadline) return verdicts;
    await delay(COMPARE_EVERY);
  }
}

/** Answers what has arrived, with times since the first of the writes. */
async function measure(writers: Writers, arrivals: Arrivals, report: Report): Promise<ByFarSide> {
  await writers.writeOne(arrivals);
  await arrivals.settled(ARRIVED_WITHIN);
  arrivals.begin();
  report(`\nBoth follow: now the source is written to. Bars are the worst lag of each second (${LEGEND}).`);
  const end = new AbortController();
  const drawn = draw(writers, arrivals, report, end.signal);
  try {
    await writers.writeAll(arrivals);
    await arrivals.settled(ARRIVED_WITHIN);
  } finally {
    end.abort();
    await drawn;
  }
  return arrivals.arrived;
}

/** A line each second. */
async function draw(writers: Writers, arrivals: Arrivals, report: Report, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of ticks(1_000, undefined, { signal })) report(lineOf(writers, arrivals));
  } catch (error) {
    if (!signal.aborted) throw error;
    report(lineOf(writers, arrivals));
  }
}

function lineOf({ written }: Writers, { arrived, waiting }: Arrivals): string {
  const sides = [...arrived].map(([name, all]) => {
    const p50 = percentile(
      all.map(({ lagMs }) => lagMs),
      50,
    );
    return `${name} ${bars(all)} ${milliseconds(p50)}, ${onTheWay(waiting.get(name) ?? [])}`;
  });
  return [`${String(written.length).padStart(4)} writes`, ...sides].join('   ');
}

/** How many, and the last few by what they are. */
function onTheWay(waiting: readonly Write[]): string {
  const few = waiting.length > 0 && waiting.length <= FEW ? ` (${waiting.map(({ what }) => what).join(', ')})` : '';
  return `${waiting.length} on their way${few}`;
}
