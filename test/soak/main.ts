/** `npm run soak -- kill`: the random faults of the tests in their full numbers. Ends with 0 only when all went well. */
import { parseArgs } from 'node:util';
import { printedSeed } from '../support/seed.ts';
import { killAtRandom } from './kill.ts';

const USAGE = `npm run soak -- kill [OPTIONS]
  kill         SIGKILL at random points of runs, the program started anew on the same state each time
  --count N    kills at least (300)
  --seed S     the seed of an earlier soak, to have it again
`;
const DEFAULT_COUNT = 300;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  if (values.help || positionals.length !== 1 || positionals[0] !== 'kill') {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const count = Number(values.count ?? DEFAULT_COUNT);
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`--count must be a whole number from 1 on`);
  const seed = printedSeed('soak kill', { TEST_SEED: values.seed });
  const result = await killAtRandom({ seed, kills: count, report: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return 0;
}

process.exitCode = await main();
