#!/usr/bin/env -S node --max-old-space-size=512 --max-semi-space-size=16
/**
 * The program: reads the command line and the environment, starts one of its modes, and turns its end into an exit code.
 * 0 = done, or stopped in good order; 1 = failed (a lost lease among it); 2 = used wrongly (arguments, configuration).
 *
 * The flags above keep the resident set small: on a large machine V8 would collect garbage only after hundreds of
 * megabytes of it, and what is live while files stream through is some thirty.
 */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';

import type { Ambience } from './compose/installation.ts';
import { type Config, ConfigError, parseConfig } from './config.ts';
import { configMarkdown, configYaml } from './config-document.ts';
import { systemClock } from './lib/clock.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';

const USAGE = `bkrepo-replicator: replicates bk-repo artifact repositories, declaratively

usage:
  bkrepo-replicator operator   [--config FILE]
  bkrepo-replicator standalone --dir DIR --state DIR [--config FILE]
  bkrepo-replicator peer       [--faithful] [--host HOST] [--port PORT] [--store DIR] [--config FILE]
  bkrepo-replicator config     [--markdown]
  bkrepo-replicator --help | --version

commands:
  operator     serves Cluster and ReplicaTask resources of a Kubernetes cluster
  standalone   serves the same resources from the YAML files of a directory; keeps its state in another
  peer         is a far side: receives over a bk-repo database and store of its own
  config       prints every configuration key with its default (--markdown: as documentation)

Every key of the configuration file can be given as an environment variable, too:
source.mongodb.uri is BKREPO_REPLICATOR_SOURCE_MONGODB_URI.
`;

const OPTIONS = {
  config: { type: 'string' },
  dir: { type: 'string' },
  state: { type: 'string' },
  faithful: { type: 'boolean' },
  host: { type: 'string' },
  port: { type: 'string' },
  store: { type: 'string' },
  markdown: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

const ALLOWED = {
  operator: ['config'],
  standalone: ['config', 'dir', 'state'],
  peer: ['config', 'faithful', 'host', 'port', 'store'],
  config: ['markdown'],
} as const satisfies Readonly<Record<string, readonly (keyof typeof OPTIONS)[]>>;

type Command = keyof typeof ALLOWED;
type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

class UsageError extends Error {}

async function main(): Promise<number> {
  const { command, values } = readArguments(process.argv.slice(2));
  if (values.help === true) return print(USAGE);
  if (values.version === true) return print(`${version()}\n`);
  if (command === undefined) throw new UsageError('a command is required');
  if (command === 'config') return print(values.markdown === true ? configMarkdown() : configYaml());
  const config = withArguments(readConfig(values.config), values);
  const format = config.log.format ?? (command === 'operator' ? 'json' : 'text');
  const logger = createLogger({ level: config.log.level, format });
  const stop = stopOnSignals(logger);
  const ambience: Ambience = { config, version: version(), clock: systemClock, random: Math.random, logger };
  logger.info('starting', { command, version: version(), node: process.version, pid: process.pid });
  try {
    await run(command, ambience, stop);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (stop.aborted && error === stop.reason) return 0;
    logger.error('failed', { error });
    return 1;
  }
  logger.info('stopped');
  return 0;
}

/** Only what the command needs is loaded: the Kubernetes client alone takes more than a second. */
async function run(command: Exclude<Command, 'config'>, ambience: Ambience, stop: AbortSignal): Promise<void> {
  switch (command) {
    case 'operator': {
      const { runOperator } = await import('./compose/operator.ts');
      return await runOperator({ ...ambience, hostname: hostname() }, stop);
    }
    case 'standalone': {
      const { runStandalone } = await import('./compose/standalone.ts');
      return await runStandalone(ambience, stop);
    }
    case 'peer': {
      const { runPeer } = await import('./compose/peer.ts');
      return await runPeer(ambience, (url) => print(`listening on ${url}\n`), stop);
    }
  }
}

function readArguments(argv: readonly string[]): { readonly command: Command | undefined; readonly values: Values } {
  const { values, positionals } = parse(argv);
  const [name, ...more] = positionals;
  if (values.help === true || values.version === true) return { command: undefined, values };
  if (name !== undefined && !Object.hasOwn(ALLOWED, name)) throw new UsageError(`there is no command ${name}`);
  if (more.length > 0) throw new UsageError(`unexpected argument ${more[0]}`);
  const command = name as Command | undefined;
  const allowed: readonly string[] = command === undefined ? [] : ALLOWED[command];
  const foreign = Object.keys(values).find((option) => !allowed.includes(option));
  if (command !== undefined && foreign !== undefined) throw new UsageError(`${command} has no option --${foreign}`);
  return { command, values };
}

function parse(argv: readonly string[]): { readonly values: Values; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readConfig(file: string | undefined): Config {
  const environment = process.env;
  if (file === undefined) return parseConfig({ environment });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`]);
  }
  return parseConfig({ file: { name: file, text }, environment });
}

/** The command line goes before environment and file. */
function withArguments(config: Config, values: Values): Config {
  const { dir, state, faithful, host, port, store } = values;
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageError('--port must be a number');
  if (dir !== undefined && !existsSync(dir)) throw new UsageError(`--dir: there is no ${dir}`);
  return {
    ...config,
    standalone: {
      ...config.standalone,
      ...(dir === undefined ? {} : { dir }),
      ...(state === undefined ? {} : { state }),
    },
    peer: {
      ...config.peer,
      ...(faithful === undefined ? {} : { faithful }),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(store === undefined ? {} : { storePath: store }),
    },
  };
}

/** The first signal stops in good order, the second at once. */
function stopOnSignals(logger: Logger): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      logger.info('stopping', { signal: name });
      stop.abort(new Error(`stopped by ${name}`));
    });
  }
  process.on('uncaughtException', (error) => {
    logger.error('uncaught error', { error });
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    logger.error('unhandled rejection', { error });
    process.exit(1);
  });
  return stop.signal;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`bkrepo-replicator: ${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`bkrepo-replicator: ${error.message}\n`);
    process.exit(2);
  }
  throw error;
}
