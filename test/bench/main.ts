/**
 * `npm run bench -- SCENARIO`: measures the program on real parts and prints figures. A scenario says by the exit code
 * whether what it promises held; it is no test, because how fast a machine is says nothing about right or wrong.
 */
import { generic } from './generic.ts';
import { JOURNAL_USAGE, journal, journalOptions } from './journal.ts';
import { GENERIC_USAGE, genericOptions, RATE_USAGE, rateOptions } from './options.ts';
import { rate } from './rate.ts';
import { REALTIME_USAGE, realtime, realtimeOptions } from './realtime.ts';
import { REST_USAGE, rest, restOptions } from './rest.ts';
import { RESUME_USAGE, resume, resumeOptions } from './resume.ts';
import { SCHEDULE_USAGE, schedule, scheduleOptions } from './schedule.ts';

interface Scenario {
  readonly usage: string;
  /** Reads the options; what it gives measures, and answers whether all that the scenario promises was kept. */
  readonly prepare: (argv: readonly string[]) => () => Promise<boolean>;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  generic: {
    usage: GENERIC_USAGE,
    prepare(argv) {
      const options = genericOptions(argv);
      return () => generic(options);
    },
  },
  journal: {
    usage: JOURNAL_USAGE,
    prepare(argv) {
      const options = journalOptions(argv);
      return () => journal(options);
    },
  },
  rate: {
    usage: RATE_USAGE,
    prepare(argv) {
      const options = rateOptions(argv);
      return () => rate(options);
    },
  },
  realtime: {
    usage: REALTIME_USAGE,
    prepare(argv) {
      const options = realtimeOptions(argv);
      return () => realtime(options);
    },
  },
  rest: {
    usage: REST_USAGE,
    prepare(argv) {
      const options = restOptions(argv);
      return () => rest(options);
    },
  },
  resume: {
    usage: RESUME_USAGE,
    prepare(argv) {
      const options = resumeOptions(argv);
      return () => resume(options);
    },
  },
  schedule: {
    usage: SCHEDULE_USAGE,
    prepare(argv) {
      const options = scheduleOptions(argv);
      return () => schedule(options);
    },
  },
};

async function main([name = '', ...argv]: readonly string[]): Promise<number> {
  const scenario = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
  if (scenario === undefined || argv.includes('--help')) {
    const usages = scenario === undefined ? Object.values(SCENARIOS) : [scenario];
    process.stdout.write(usages.map(({ usage }) => usage).join('\n'));
    return argv.includes('--help') || name === '--help' ? 0 : 2;
  }
  let run: () => Promise<boolean>;
  try {
    run = scenario.prepare(argv);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${scenario.usage}`);
    return 2;
  }
  return (await run()) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
