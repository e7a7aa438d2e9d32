/**
 * `npm run demo`: the main job, end to end, on real parts. Starts a source bk-repo database and store and two far sides,
 * copies by the program on the shipped samples, and compares all sides byte for byte by code of its own. Ends with 0 only
 * when everything is equal and, unless the source is followed, the second run moved the changed file alone.
 */
import { type DemoOptions, demoOptions } from './options.ts';
import { followWrites } from './realtime/follow-writes.ts';
import { type Report, type Stops, startSides } from './sides.ts';
import { runTwice } from './twice.ts';
import { byFarSide, byType } from './verdict.ts';

async function demo(options: DemoOptions): Promise<boolean> {
  const report: Report = (line) => {
    (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  };
  const stops: Stops = [];
  try {
    const sides = await startSides(options, report, stops);
    const { equal, verdicts, more } = await (options.realtime ? followWrites : runTwice)(sides, report);
    report(equal ? '\nEverything is equal.' : '\nNOT equal.');
    const requests = sides.requests();
    const result = {
      equal,
      farSides: byFarSide(verdicts),
      types: byType(verdicts),
      ...more,
      ...(requests === undefined ? {} : { requests }),
    };
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (options.keep) await keep(report, sides.addresses());
    return equal;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Waits for Ctrl-C. */
async function keep(report: Report, addresses: readonly string[]): Promise<void> {
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
