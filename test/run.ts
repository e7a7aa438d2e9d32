import { glob, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { delimiter, join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { CHECKED } from './support/assets/cache.ts';
import { CLIENTS, ensureClient, ensureKubernetes, ensureMaven, findMongod } from './support/assets.ts';
import { CompactReport } from './support/compact-report.ts';
import { FILE_LIMIT } from './support/file-limit.ts';
import { leash } from './support/leash.ts';
import { makeMemoryDir, removeDir, TEMP_DIRECTORY } from './support/tempdir.ts';

/*
 * `npm test [-- FILE|DIRECTORY ...] [--test-name-pattern=…]`: gets the real parts the tests need, then runs the e2e,
 * integration and unit tests, in this order, in one run of node's test runner with one summary at the end: what takes long
 * comes first, so that no core is left alone with it at the end.
 */

const ROOT = join(import.meta.dirname, '..');
const KINDS = ['e2e', 'integration', 'unit'];
const SUFFIX = '.test.ts';
/** Where Node keeps what it compiled: hundreds of processes load the same files, and half of their start is that. */
const COMPILED = join(ROOT, 'node_modules', '.cache', 'compiled');
/** One more than two cores: many files wait for something half of their time. */
const AT_A_TIME = 3;
const USAGE = `usage: npm test [-- [FILE|DIRECTORY ...] [--test-name-pattern=REGEXP] [--concurrency=N] [--file-timeout=SECONDS]]
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'test-name-pattern': { type: 'string', multiple: true },
      concurrency: { type: 'string', default: String(Math.min(AT_A_TIME, availableParallelism() + 1)) },
      'file-timeout': { type: 'string', default: '300' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  process.stdout.write(`node ${process.version}\n`);
  const files = await select(positionals);
  if (files.length === 0) throw new Error(`no test file (*${SUFFIX}) in ${positionals.join(', ') || 'test'}`);
  await prepare(files);

  await using _directory = await temporaryDirectory();
  const report = new CompactReport(ROOT, (text) => void process.stdout.write(text));
  const patterns = values['test-name-pattern'];
  process.env['NODE_COMPILE_CACHE'] ??= COMPILED;
  process.env[FILE_LIMIT] = String(positive('file-timeout', values['file-timeout']));
  const events = run({
    files,
    cwd: ROOT,
    concurrency: positive('concurrency', values.concurrency),
    execArgv: ['--import', join(import.meta.dirname, 'support', 'file-limit.ts')],
    ...(patterns === undefined ? {} : { testNamePatterns: patterns }),
  });
  for await (const event of events) report.take(event);
  return report.finish(patterns === undefined ? files : []);
}

/** In memory where there is room. It goes with this program, in whatever way that ends. */
async function temporaryDirectory(): Promise<AsyncDisposable> {
  const directory = process.env[TEMP_DIRECTORY] === undefined ? await makeMemoryDir() : undefined;
  if (directory === undefined) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  process.env[TEMP_DIRECTORY] = directory;
  const release = await leash(process.pid, directory);
  return {
    async [Symbol.asyncDispose]() {
      await removeDir(directory);
      release();
    },
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1 on, not ${text}`);
  return value;
}

/** The test files below the given files and directories, by their kinds and then their names. */
async function select(wanted: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of wanted.length > 0 ? wanted : KINDS.map((kind) => join('test', kind))) {
    const absolute = resolve(ROOT, path);
    const status = await stat(absolute).catch(() => undefined);
    if (status === undefined) {
      if (wanted.length > 0) throw new Error(`there is no ${path}`);
    } else if (status.isFile()) {
      found.add(absolute);
    } else {
      for await (const file of glob(`**/*${SUFFIX}`, { cwd: absolute })) found.add(join(absolute, file));
    }
  }
  return [...found].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function rank(file: string): number {
  const kind = KINDS.indexOf(relative(join(ROOT, 'test'), file).split('/')[0] ?? '');
  return kind === -1 ? KINDS.length : kind;
}

/** Before the clock of any test runs: building a part may take minutes. A part that cannot be had ends the run. */
async function prepare(files: readonly string[]): Promise<void> {
  if (files.every((file) => rank(file) === KINDS.indexOf('unit'))) {
    process.stdout.write('only unit tests: no real parts are prepared beforehand\n');
    return;
  }
  const { where } = await findMongod();
  const { dir } = await ensureKubernetes();
  process.env[CHECKED] = [where, dir].join(delimiter);
  if (!files.some((file) => file.startsWith(join(ROOT, 'test', 'e2e', 'clients')))) return;
  await ensureMaven();
  for (const name of CLIENTS) await ensureClient(name);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
