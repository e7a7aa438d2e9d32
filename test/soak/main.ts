/** `npm run soak -- kill|types`: the random faults of the tests in their full numbers. Ends with 0 only when all went well. */
import { parseArgs } from 'node:util';
import { printedSeed } from '../support/seed.ts';
import { killAtRandom } from './kill.ts';
import { schedulesOverTypes } from './types.ts';

const USAGE = `npm run soak -- kill|types [OPTIONS]
  kill         SIGKILL at random points of runs, the program started anew on the same state each time
  types        random schedules of {connection cut, error, stall, altered byte, SIGKILL, change at the source} over
               repositories of every type
  --count N    kills (300) or schedules (200) at least
  --seed S     the seed of an earlier soak, or of one schedule, to have it again
`;
const report = (line: string): void => void process.stdout.write(`${line}\n`);

const SOAKS: Readonly<Record<string, { readonly count: number; run(seed: number, count: number): Promise<object> }>> = {
  kill: { count: 300, run: (seed, count) => killAtRandom({ seed, kills: count, report }) },
  types: { count: 200, run: (seed, count) => schedulesOverTypes({ seed, count, report }) },
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  const [name = ''] = positionals;
  const soak = SOAKS[name];
  if (values.help || positionals.length !== 1 || soak === undefined) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const count = Number(values.count ?? soak.count);
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`--count must be a whole number from 1 on`);
  const seed = printedSeed(`soak ${name}`, { TEST_SEED: values.seed });
  process.stdout.write(`${JSON.stringify(await soak.run(seed, count))}\n`);
  return 0;
}

process.exitCode = await main();
