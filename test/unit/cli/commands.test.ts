/** The table of commands: what is said about commands is the same in help, completion and documentation. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { OptionSpec } from '../../../src/cli/command.ts';
import { runCommandLine } from '../../../src/cli/command-line.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { systemClock } from '../../../src/lib/clock.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const bash = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...argv: readonly string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const to = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const host = {
    argv,
    environment: {},
    stdout: to('stdout'),
    stderr: to('stderr'),
    programName: 'bkrepo-replicator',
    version: '1.2.3',
    hostname: 'here',
    clock: systemClock,
    random: Math.random,
    crashesTo: () => {},
    onHangUp: () => {},
  };
  return { code: await runCommandLine(host, new AbortController().signal), ...written };
}

test('docs/cli.md is made from the table of commands, and current', async () => {
  const { stdout } = await run('help', '--markdown');
  assert.equal(
    await readFile(path.join(ROOT, 'docs/cli.md'), 'utf8'),
    stdout,
    'node src/main.ts help --markdown > docs/cli.md',
  );
});

test('an option has one short form and one type, whichever command has it', () => {
  const known = new Map<string, OptionSpec>();
  const shorts = new Map<string, string>();
  for (const { options } of COMMANDS)
    for (const [name, spec] of Object.entries<OptionSpec>(options)) {
      const same = known.get(name) ?? spec;
      assert.deepEqual([spec.type, spec.short, spec.choices], [same.type, same.short, same.choices], name);
      known.set(name, spec);
      if (spec.short === undefined) continue;
      assert.equal(shorts.get(spec.short) ?? name, name, `-${spec.short}`);
      shorts.set(spec.short, name);
    }
});

for (const { name, options, examples, load } of COMMANDS) {
  test(`${name} --help tells its options and examples, each of which is a command line of it`, async () => {
    const [help, same] = await Promise.all([run(name, '--help'), run('help', name)]);
    assert.deepEqual(help, same);
    assert.deepEqual([help.code, help.stderr], [0, '']);
    for (const option of Object.keys(options)) assert.ok(help.stdout.includes(`--${option}`), option);
    assert.ok(examples.length > 0);
    for (const { line } of examples) {
      const words = line.split(/ [>|] /)[0]?.split(' ') ?? [];
      assert.equal(words[0], name);
      // With --help behind it a line is parsed and not performed.
      assert.equal((await run(...words, '--help')).code, 0, line);
    }
    assert.equal(typeof (await load()).run, 'function');
  });
}

const BAD: readonly { readonly args: readonly string[]; readonly words: RegExp }[] = [
  { args: ['run'], words: /run needs TASK/ },
  { args: ['run', 'a', 'b'], words: /unexpected argument b/ },
  { args: ['run', 'a', '--timeout', '5', '--state', '.'], words: /--timeout goes with --wait/ },
  { args: ['run', 'a', '--wait', '--timeout', 'soon', '--state', '.'], words: /--timeout must be a number of seconds/ },
  { args: ['run', 'a/b/c', '--state', '.'], words: /a task is named NAME or NAMESPACE\/NAME, not a\/b\/c/ },
  { args: ['status', '-o', 'xml'], words: /--output must be one of table, json, yaml/ },
  { args: ['status', '-A', '-n', 'x', '--state', '.'], words: /--namespace and --all-namespaces exclude each other/ },
  { args: ['status', 'a', '-A', '--state', '.'], words: /--all-namespaces and the name of a task exclude each other/ },
  { args: ['records', 'a', '--limit', '0'], words: /--limit must be a number from 1 on/ },
  { args: ['records', 'a/b'], words: /journal\.mongodb\.uri \(or journal\.mongodb\.uriFile\) is required/ },
  { args: ['doctor', '--service-account', 'operator'], words: /--service-account must be NAMESPACE\/NAME/ },
  { args: ['completion', 'tcsh'], words: /completion needs bash\|zsh\|fish, not tcsh/ },
  { args: ['help', 'fly'], words: /there is no command fly/ },
  { args: ['config', '--wait'], words: /config has no option --wait/ },
];

for (const { args, words } of BAD) {
  test(`${args.join(' ')} is refused with exit code 2`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, words);
  });
}

test('bash accepts its completion script, and completes commands, options and their values by it', async () => {
  const { stdout: script } = await run('completion', 'bash');
  const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
    const line = words.map((word) => `'${word}'`).join(' ');
    const asked = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _bkrepo_replicator; echo "\${COMPREPLY[@]}"`;
    return (await bash('bash', ['-c', asked])).stdout.trim().split(' ');
  };
  await bash('bash', ['-n', '-c', script]);
  const [commands, values, options, behind, nested] = await Promise.all([
    complete('bkrepo-replicator', 's'),
    complete('bkrepo-replicator', 'status', '-o', ''),
    complete('bkrepo-replicator', 'run', 'nightly', '--w'),
    complete('bkrepo-replicator', 'completion', ''),
    complete('bkrepo-replicator', 'help', 'rec'),
  ]);
  assert.deepEqual(
    commands,
    COMMANDS.map(({ name }) => name).filter((name) => name.startsWith('s')),
  );
  assert.deepEqual(values, ['table', 'json', 'yaml']);
  assert.deepEqual(options, ['--wait']);
  assert.deepEqual(behind.slice(0, 3), ['bash', 'zsh', 'fish']);
  assert.deepEqual(nested, ['records']);
});

for (const shell of ['zsh', 'fish'])
  test(`the completion for ${shell} has every command and option`, async () => {
    const { code, stdout } = await run('completion', shell);
    assert.equal(code, 0);
    for (const { name, options } of COMMANDS) {
      assert.ok(stdout.includes(name), name);
      for (const option of Object.keys(options)) assert.ok(stdout.includes(option), option);
    }
  });
