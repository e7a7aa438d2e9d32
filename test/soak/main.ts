/**
 * `npm run soak -- kill|types|tasks|realtime|rest`: the random faults of the tests in their full numbers, and for as long as wanted. Ends
 * with 0 only when all went well.
 */
import { parseArgs } from 'node:util';
import { fuzzRestOverResources } from '../support/rest-fuzz/stage.ts';
import { printedSeed } from '../support/seed.ts';
import { followInStorms } from './following.ts';
import { killAtRandom } from './kill.ts';
import { tasksInStorms } from './tasks.ts';
import { schedulesOverTypes } from './types.ts';

const USAGE = `npm run soak -- kill|types|realtime [--count N] [--minutes N] [--seed S]
npm run soak -- [tasks] --minutes N [--seed S]
npm run soak -- rest [--cases N] [--seed S]
  kill         SIGKILL at random points of runs, the program started anew on the same state each time
  types        random schedules of {connection cut, error, stall, altered byte, SIGKILL, change at the source} over
               repositories of every type
  tasks        random edits of tasks, requests, kills, outages and changes of the source, then quiet in which all has to
               be equal and the status true; again and again
  realtime     random changes of the source while it is followed by each feed, and random kills, outages and line faults;
               then quiet in which each far side has to become equal
  rest         generated requests, valid and hostile, by the description of the REST API: no 5xx, each answer in the
               envelope with a known code, memory flat; a failing request is shown as curl
  --cases N    requests (100000)
  --count N    kills (300), schedules (200) or storms (realtime: 500) at least
  --minutes N  goes on for so long at least (tasks: 5)
  --seed S     the seed of an earlier soak, or of one schedule or storm, to have it again
`;
const DEFAULT_MINUTES = 5;
const DEFAULT_CASES = 100_000;
const report = (line: string): void => void process.stdout.write(`${line}\n`);

interface Extent {
  readonly seed: number;
  readonly count: number | undefined;
  readonly cases: number | undefined;
  /** Milliseconds. */
  readonly durationMs: number | undefined;
}

const SOAKS: Readonly<Record<string, (extent: Extent) => Promise<object>>> = {
  kill: ({ seed, count, durationMs = 0 }) =>
    killAtRandom({ seed, kills: count ?? (durationMs > 0 ? 1 : 300), durationMs, report }),
  types: ({ seed, count, durationMs }) =>
    schedulesOverTypes({
      seed,
      count: count ?? (durationMs === undefined ? 200 : Number.POSITIVE_INFINITY),
      ...(durationMs === undefined ? {} : { durationMs }),
      report,
    }),
  tasks: ({ seed, durationMs = DEFAULT_MINUTES * 60_000 }) => tasksInStorms({ seed, durationMs, report }),
  realtime: ({ seed, count, durationMs }) =>
    followInStorms({
      seed,
      count: count ?? (durationMs === undefined ? 500 : Number.POSITIVE_INFINITY),
      ...(durationMs === undefined ? {} : { durationMs }),
      report,
    }),
  rest: ({ seed, cases = DEFAULT_CASES }) => fuzzRestOverResources({ seed, cases, report }),
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string' },
      cases: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [name = values.minutes === undefined ? '' : 'tasks'] = positionals;
  const soak = SOAKS[name];
  const counted = name === 'kill' || name === 'types' || name === 'realtime';
  const unfit =
    (values.count !== undefined && !counted) ||
    (values.cases !== undefined && name !== 'rest') ||
    (values.minutes !== undefined && name === 'rest');
  if (values.help || positionals.length > 1 || soak === undefined || unfit) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const count = positive('--count', values.count);
  const cases = positive('--cases', values.cases);
  const minutes = positive('--minutes', values.minutes);
  const seed = printedSeed(`soak ${name}`, { TEST_SEED: values.seed });
  const result = await soak({ seed, count, cases, durationMs: minutes === undefined ? undefined : minutes * 60_000 });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return 0;
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1 on`);
  return value;
}

process.exitCode = await main();
