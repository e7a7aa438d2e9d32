import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, parseConfig } from '../../../src/config.ts';
import { configMarkdown, configYaml } from '../../../src/config-document.ts';
import { tempDirFor } from '../../support/tempdir.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

function refusal(text: string, environment: Readonly<Record<string, string>> = {}): string {
  try {
    parseConfig({ file: { name: 'config.yaml', text }, environment });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

test('an empty file gives the documented defaults', () => {
  const config = parseConfig({ file: { name: 'config.yaml', text: '# nothing\n' }, environment: {} });
  assert.equal(config.source.mongodb.shardCount, 256);
  assert.equal(config.journal.mongodb.database, 'bkrepo_replicator');
  assert.deepEqual(config.policy.rules, []);
  assert.equal(config.policy.allowLoopback, false);
});

test('the environment goes before the file, list and number included', () => {
  const { source, watchNamespaces, lease } = parseConfig({
    file: { name: 'config.yaml', text: 'source: {mongodb: {uri: from-file, database: kept}}' },
    environment: {
      BKREPO_REPLICATOR_SOURCE_MONGODB_URI: 'from-environment',
      BKREPO_REPLICATOR_WATCH_NAMESPACES: 'a, b',
      BKREPO_REPLICATOR_LEASE_DURATION_SECONDS: '30',
      HOME: '/anywhere',
    },
  });
  assert.deepEqual([source.mongodb.uri, source.mongodb.database], ['from-environment', 'kept']);
  assert.deepEqual(watchNamespaces, ['a', 'b']);
  assert.equal(lease.durationSeconds, 30);
});

const refusals: readonly (readonly [what: string, text: string, environment: Record<string, string>, words: string])[] =
  [
    ['an unknown section', 'sorce: {}', {}, 'sorce: unknown key; did you mean source?'],
    [
      'an unknown key',
      'journal: {mongodb: {url: x}}',
      {},
      'journal.mongodb.url: unknown key; did you mean journal.mongodb.uri?',
    ],
    ['an unknown key in a list', 'policy: {rules: [{namespace: [a]}]}', {}, 'did you mean policy.rules.0.namespaces?'],
    [
      'an unknown variable',
      '',
      { BKREPO_REPLICATOR_LOG_LEVL: 'x' },
      'BKREPO_REPLICATOR_LOG_LEVL: unknown variable; did you mean BKREPO_REPLICATOR_LOG_LEVEL?',
    ],
    ['a wrong type', 'engine: {concurrency: many}', {}, 'engine.concurrency: '],
    ['a variable of a wrong type', '', { BKREPO_REPLICATOR_ENGINE_CONCURRENCY: 'many' }, 'engine.concurrency: '],
    ['a value out of bounds', 'engine: {pageSize: 4001}', {}, 'engine.pageSize: '],
    ['a value that is none of the known', 'log: {level: loud}', {}, 'log.level: '],
    [
      'two stores',
      'source: {storage: {filesystem: {path: /a}, s3: {endpoint: e, region: r, bucket: b, accessKey: k}}}',
      {},
      'filesystem and s3 exclude each other',
    ],
    ['a list instead of a mapping', '- a', {}, 'must be a mapping'],
    ['broken YAML', 'a:\n  b: [', {}, 'line 2 is not valid YAML'],
  ];
for (const [what, text, environment, words] of refusals) {
  test(`${what} is refused in words`, () => {
    const message = refusal(text, environment);
    assert.ok(message.includes(words), message);
  });
}

test('no refusal repeats a secret', () => {
  const texts = ['source: {mongodb: {uri: [mongodb://u:hush@h]}}', 'source: {mongodb: {uri: "mongodb://u:hush@h'];
  for (const text of texts) assert.ok(!refusal(text).includes('hush'));
  assert.ok(!refusal('', { BKREPO_REPLICATOR_SOURCE_MONGODB_URL: 'mongodb://u:hush@h' }).includes('hush'));
});

test('variables that Kubernetes puts into containers for Services are no configuration', () => {
  const environment = {
    BKREPO_REPLICATOR_SERVICE_HOST: '10.0.0.1',
    BKREPO_REPLICATOR_PORT: 'tcp://10.0.0.1:80',
    BKREPO_REPLICATOR_PORT_80_TCP_ADDR: '10.0.0.1',
    BKREPO_REPLICATOR_PROBES_PORT: 'tcp://10.0.0.1:80',
  };
  assert.equal(parseConfig({ environment }).probes.port, undefined);
});

test('the documentation is made from the schema, and current', () => {
  assert.equal(
    readFileSync(join(ROOT, 'docs', 'configuration.md'), 'utf8'),
    configMarkdown(),
    'run: node src/main.ts config --markdown > docs/configuration.md',
  );
});

test('the printed file changes nothing, as it is and with its comments removed', () => {
  const plain = parseConfig({ environment: {} });
  const text = configYaml();
  assert.deepEqual(parseConfig({ file: { name: 'printed', text }, environment: {} }), plain);
  assert.match(text, /^# {3}mongodb:$/m);
});

const runs: readonly (readonly [args: readonly string[], code: number, words: RegExp])[] = [
  [['--help'], 0, /usage:/],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  [['config'], 0, /# log:/],
  [[], 2, /a command is required/],
  [['fly'], 2, /there is no command fly/],
  [['operator', '--dir', '.'], 2, /operator has no option --dir/],
  [['standalone', '--dir', 'no-such-directory', '--state', 'x'], 2, /there is no no-such-directory/],
  [['operator', '--config', 'no-such-file'], 2, /no-such-file cannot be read \(ENOENT\)/],
  [['peer', '--port', 'x'], 2, /--port must be a number/],
  [['peer', '--nonsense'], 2, /nonsense/],
];
test('the command line answers help, and bad use with words and exit code 2', async (context) => {
  const cwd = await tempDirFor(context, 'command-line');
  for (const [args, code, words] of runs) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src', 'main.ts'), ...args], {
      cwd,
      encoding: 'utf8',
    });
    assert.equal(status, code, `${args.join(' ')}: ${stderr}`);
    assert.match(code === 0 ? stdout : stderr, words, args.join(' '));
  }
});
