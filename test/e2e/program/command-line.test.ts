import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { runProgram } from '../standalone/site.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const MONGODB = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=1';
let directory: string;
/** An empty directory of manifests. */
let input: string;

before(async () => {
  directory = await makeTempDir('command-line');
  input = path.join(directory, 'in');
  await mkdir(input);
});
after(() => removeDir(directory));

const USAGE = /usage:\n {2}bkrepo-replicator /;
const P = 'BKREPO_REPLICATOR_';

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Content of a configuration file, given by `--config`. */
  readonly file?: string;
  readonly words: readonly RegExp[];
  /** Must not be told. */
  readonly never?: RegExp;
  readonly usage?: boolean;
}

const CASES: readonly Case[] = [
  { what: 'no command', args: [], words: [/a command is required/], usage: true },
  { what: 'an unknown command', args: ['replicate'], words: [/no command replicate/], usage: true },
  { what: 'an unknown option', args: ['operator', '--directory', 'x'], words: [/--directory/], usage: true },
  {
    what: 'an option of another command',
    args: ['operator', '--dir', 'x'],
    words: [/operator has no option --dir/],
    usage: true,
  },
  { what: 'an option without its value', args: ['standalone', '--dir'], words: [/--dir/], usage: true },
  { what: 'one argument too many', args: ['peer', 'now'], words: [/unexpected argument now/], usage: true },
  {
    what: 'a port that is no number',
    args: ['peer', '--port', 'http'],
    words: [/--port must be a number/],
    usage: true,
  },
  {
    what: 'a directory that is not there',
    args: ['standalone', '--dir', '/nonexistent/dir', '--state', '/nonexistent/state'],
    words: [/--dir: there is no \/nonexistent\/dir/],
    usage: true,
  },
  { what: 'no directory', args: ['standalone'], words: [/standalone\.dir \(--dir\) is required/] },
  { what: 'no state', args: ['standalone', '--dir', '.'], words: [/standalone\.state \(--state\) is required/] },
  {
    what: 'a configuration file that is not there',
    args: ['operator', '--config', '/nonexistent/config.yaml'],
    words: [/\/nonexistent\/config\.yaml cannot be read \(ENOENT\)/],
  },
  {
    what: 'a configuration that is no YAML, whose text may be secret',
    args: ['operator'],
    file: 'log:\n  level: info\nsource: {mongodb: {uri: "mongodb://a:hidden@b\n',
    words: [/config\.yaml: line \d+ is not valid YAML/],
    never: /hidden/,
  },
  {
    what: 'an unknown key, with the nearest one',
    args: ['operator'],
    file: 'source:\n  mongodb:\n    url: mongodb://a:hidden@b\nlogs:\n  level: info\n',
    words: [
      /source\.mongodb\.url: unknown key; did you mean source\.mongodb\.uri\?/,
      /logs: unknown key; did you mean log\?/,
    ],
    never: /hidden/,
  },
  {
    what: 'bad values, all at once',
    args: ['operator'],
    file: 'log:\n  level: loud\nengine:\n  concurrency: 0\n  attempts: many\n',
    words: [/log\.level: .*"debug"/, /engine\.concurrency: .*>=1/, /engine\.attempts: .*number/],
  },
  {
    what: 'a bad value in the environment',
    args: ['operator'],
    env: { [`${P}ENGINE_CONCURRENCY`]: 'many' },
    words: [/engine\.concurrency: /],
  },
  {
    what: 'an unknown variable, with the nearest one',
    args: ['operator'],
    env: { [`${P}LOG_LEVL`]: 'debug' },
    words: [/BKREPO_REPLICATOR_LOG_LEVL: unknown variable; did you mean BKREPO_REPLICATOR_LOG_LEVEL\?/],
  },
];

for (const [index, { what, args, env, file, words, never, usage = false }] of CASES.entries()) {
  test(`${what} ends with 2 and is told in words`, async () => {
    const config = path.join(directory, `${index}-config.yaml`);
    if (file !== undefined) await writeFile(config, file);
    const { code, stdout, stderr } = await runProgram(
      [...args, ...(file === undefined ? [] : ['--config', config])],
      env,
    );
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    for (const word of words) assert.match(stderr, word);
    if (never !== undefined) assert.doesNotMatch(stderr, never);
    assert.equal(USAGE.test(stderr), usage, stderr);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
  });
}

const REQUIRED: readonly { readonly lacks: RegExp; readonly env: Readonly<Record<string, string>> }[] = [
  {
    lacks: /source\.storage\.filesystem, source\.storage\.s3 or source\.http is required/,
    env: { [`${P}SOURCE_MONGODB_URI`]: MONGODB, [`${P}JOURNAL_MONGODB_URI`]: MONGODB },
  },
  {
    lacks: /source\.mongodb\.uri \(or source\.mongodb\.uriFile\) is required/,
    env: { [`${P}SOURCE_STORAGE_FILESYSTEM_PATH`]: '.', [`${P}JOURNAL_MONGODB_URI`]: MONGODB },
  },
  {
    lacks: /journal\.mongodb\.uri \(or journal\.mongodb\.uriFile\) is required/,
    env: { [`${P}SOURCE_STORAGE_FILESYSTEM_PATH`]: '.', [`${P}SOURCE_MONGODB_URI`]: MONGODB },
  },
  {
    lacks: /source\.mongodb\.uri and source\.mongodb\.uriFile exclude each other/,
    env: {
      [`${P}SOURCE_STORAGE_FILESYSTEM_PATH`]: '.',
      [`${P}SOURCE_MONGODB_URI`]: MONGODB,
      [`${P}SOURCE_MONGODB_URI_FILE`]: '/nonexistent/uri',
    },
  },
];

for (const { lacks, env } of REQUIRED) {
  test(`what is required is named: ${lacks.source}`, async () => {
    const state = path.join(directory, 'state');
    const { code, stderr } = await runProgram(['standalone', '--dir', input, '--state', state], env);
    assert.equal(code, 2, stderr);
    assert.match(stderr, lacks);
  });
}

test('an unknown default time zone is refused when the program starts', async () => {
  const env = {
    [`${P}SOURCE_STORAGE_FILESYSTEM_PATH`]: '.',
    [`${P}SOURCE_MONGODB_URI`]: MONGODB,
    [`${P}JOURNAL_MONGODB_URI`]: MONGODB,
    [`${P}SCHEDULE_TIME_ZONE`]: 'Mars/Olympus',
  };
  const state = path.join(directory, 'state');
  const { code, stderr } = await runProgram(['standalone', '--dir', input, '--state', state], env);
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /schedule\.timeZone: timeZone "Mars\/Olympus" is not in the IANA database that this program has/,
  );
});

test('help and version go to standard output and end with 0', async () => {
  const help = [
    { args: ['--help'], words: ['operator', 'standalone', 'peer', 'config', 'status'] },
    { args: ['-h'], words: ['operator', 'standalone'] },
    { args: ['standalone', '--help'], words: ['--dir DIR', '--state DIR', 'examples:', 'exit codes:'] },
    { args: ['help', 'peer'], words: ['--faithful', '--port PORT'] },
    { args: ['status', '--help'], words: ['-n, --namespace NAME', '-o, --output table|json|yaml', 'exit codes:'] },
  ];
  for (const { args, words } of help) {
    const { code, stdout, stderr } = await runProgram(args);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, USAGE);
    for (const word of words) assert.ok(stdout.includes(word), word);
  }
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const { code, stdout } = await runProgram(['--version']);
  assert.deepEqual([code, stdout], [0, `${version}\n`]);
});

test('the environment goes before the file, and the command line before both', async () => {
  const file = path.join(directory, 'file.yaml');
  const within = path.join(input, 'state');
  await writeFile(file, `engine:\n  concurrency: 0\nstandalone:\n  dir: ${input}\n  state: ${within}\n`);
  const ofFile = await runProgram(['standalone', '--config', file]);
  assert.match(ofFile.stderr, /engine\.concurrency: /);
  const env = { [`${P}ENGINE_CONCURRENCY`]: '5' };
  const ofEnvironment = await runProgram(['standalone', '--config', file], env);
  assert.doesNotMatch(ofEnvironment.stderr, /engine\.concurrency/);
  assert.match(ofEnvironment.stderr, new RegExp(`state directory .*${within}`), 'state lies among the manifests');
  const ofArguments = await runProgram(
    ['standalone', '--config', file, '--state', path.join(directory, 'elsewhere')],
    env,
  );
  assert.doesNotMatch(ofArguments.stderr, new RegExp(within));
  assert.match(ofArguments.stderr, /source\.storage\.filesystem, /, 'the next thing that is missing');
});

test('the documentation of the configuration is that of the program, and its file of defaults is accepted', async () => {
  const markdown = await runProgram(['config', '--markdown']);
  assert.deepEqual([markdown.code, markdown.stderr], [0, '']);
  assert.equal(await readFile(path.join(ROOT, 'docs/configuration.md'), 'utf8'), markdown.stdout);
  const yaml = await runProgram(['config']);
  const file = path.join(directory, 'defaults.yaml');
  await writeFile(file, yaml.stdout);
  const { code, stderr } = await runProgram(['standalone', '--config', file]);
  assert.equal(code, 2);
  assert.match(stderr, /standalone\.dir \(--dir\) is required/, 'nothing else is wrong with it');
});
