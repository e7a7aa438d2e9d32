import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDirFor } from '../../support/tempdir.ts';

const RUNNER = join(import.meta.dirname, '../../run.ts');

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  /** The closing lines: name → number. */
  readonly totals: Readonly<Record<string, number>>;
}

/** Runs the runner over files with these bodies. */
async function runOver(t: TestContext, bodies: Readonly<Record<string, string>>, ...args: string[]): Promise<Outcome> {
  const directory = await tempDirFor(t, 'runner');
  const head = "import { describe, test } from 'node:test';\n";
  for (const [name, body] of Object.entries(bodies)) await writeFile(join(directory, `${name}.test.ts`), head + body);
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [RUNNER, directory, ...args], { env, encoding: 'utf8' });
  const closing = stdout.trimEnd().split('\n').slice(-8);
  const totals = closing
    .map((line) => /^ℹ (\w+) ([\d.]+)$/.exec(line))
    .map((found) => [found?.[1], Number(found?.[2])]);
  return { status, output: stdout, totals: Object.fromEntries(totals) };
}

test('a run in which everything passes ends with 0, one line per file and the totals last', async (t) => {
  const { status, output, totals } = await runOver(t, {
    one: "test('a', () => undefined); describe('s', () => { test('b', () => undefined); });",
    two: "test('c', () => undefined);",
  });
  assert.equal(status, 0, output);
  assert.equal(totals['tests'], 3);
  assert.equal(totals['pass'], 3);
  assert.equal(totals['fail'], 0);
  assert.match(output, /^✔ .*one\.test\.ts \(2 passed, /m);
  assert.match(output, /^✔ .*two\.test\.ts \(1 passed, /m);
});

test('what failed is printed with its place and its error, once', async (t) => {
  const body = "describe('s', () => { test('bad', () => { throw new Error('the reason'); }); });";
  const { status, output, totals } = await runOver(t, { one: body });
  assert.equal(status, 1);
  assert.equal(totals['fail'], 1);
  assert.equal(output.match(/Error: the reason/g)?.length, 1);
  assert.match(output, /^✖ .*one\.test\.ts:\d+: bad$/m);
});

test('a skipped test is named with its reason', async (t) => {
  const body = "test('a', () => undefined); test('b', { skip: 'no such thing here' }, () => undefined);";
  const { status, output, totals } = await runOver(t, { one: body });
  assert.equal(status, 0);
  assert.equal(totals['skipped'], 1);
  assert.match(output, /skipped: b: no such thing here$/m);
});

test('a file without a test, and one that breaks while it loads, are failures', async (t) => {
  const { status, output, totals } = await runOver(t, {
    empty: '',
    broken: "throw new Error('at load');",
    good: "test('a', () => undefined);",
  });
  assert.equal(status, 1);
  assert.equal(totals['fail'], 2);
  assert.equal(totals['pass'], 1);
  assert.match(output, /empty\.test\.ts: no test ran in it/);
  assert.match(output, /Error: at load/);
});

test('a file that leaves something open is ended after its time and fails', async (t) => {
  const body = "test('a', () => { setInterval(() => undefined, 1000); });";
  const { status, output, totals } = await runOver(t, { one: body }, '--file-timeout=1');
  assert.equal(status, 1);
  assert.equal(totals['fail'], 1);
  assert.match(output, /this file took longer than 1 s and was ended; still open: .*Timeout/);
});

test('a name pattern selects tests, and files without such a test do not fail', async (t) => {
  const bodies = {
    one: "test('wanted', () => undefined); test('other', () => undefined);",
    two: "test('third', () => undefined);",
  };
  const { status, output } = await runOver(t, bodies, '--test-name-pattern=wanted');
  assert.equal(status, 0, output);
  assert.match(output, /one\.test\.ts \(1 passed/);
});

test('nothing to run is a failure', async (t) => {
  const { status } = await runOver(t, {});
  assert.equal(status, 1);
});
