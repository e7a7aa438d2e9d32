#!/usr/bin/env -S node --max-old-space-size=512 --max-semi-space-size=16
/**
 * The program: gives the command line, the environment, streams and signals of the process to the command line's rooms,
 * and ends the process with the exit code that they return (docs/cli.md).
 *
 * The flags above keep the resident set small: on a large machine V8 would collect garbage only after hundreds of
 * megabytes of it, and what is live while files stream through is some thirty.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';

import { Stopped } from './cli/command.ts';
import { runCommandLine } from './cli/command-line.ts';
import { systemClock } from './lib/clock.ts';
import type { Logger } from './telemetry/logger.ts';

/** Where errors that nobody caught are told, once a command has opened its log. */
let crashLog: Logger | undefined;

/** The first signal stops in good order, the second at once. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort(new Stopped(name));
    });
  }
  return stop.signal;
}

function endOnCrashes(): void {
  process.on('uncaughtException', (error) => crash('uncaught error', error));
  process.on('unhandledRejection', (error) => crash('unhandled rejection', error));
  // Whoever reads a pipe may have seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    crash('standard output cannot be written', error);
  });
}

function crash(what: string, error: unknown): never {
  if (crashLog === undefined) process.stderr.write(`bkrepo-replicator: ${what}: ${String(error)}\n`);
  else crashLog.error(what, { error });
  process.exit(1);
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

endOnCrashes();
process.exit(
  await runCommandLine(
    {
      argv: process.argv.slice(2),
      environment: process.env,
      stdout: process.stdout,
      stderr: process.stderr,
      // kubectl runs a file of this name for `kubectl bkrepo`.
      programName: basename(process.argv[1] ?? '') === 'kubectl-bkrepo' ? 'kubectl bkrepo' : 'bkrepo-replicator',
      version: version(),
      hostname: hostname(),
      clock: systemClock,
      random: Math.random,
      crashesTo: (logger) => {
        crashLog = logger;
      },
      onHangUp: (listener) => void process.on('SIGHUP', listener),
    },
    stopOnSignals(),
  ),
);
