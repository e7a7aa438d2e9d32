import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';

const PROGRAM = join(import.meta.dirname, '../../support/node-version.cjs');

/** Runs the program in a node that says it is `version`. */
function runAs(version: string) {
  const code = `Object.defineProperty(process, 'version', { value: ${JSON.stringify(version)} }); require(${JSON.stringify(PROGRAM)});`;
  return spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
}

for (const version of ['v24.0.0', 'v24.21.0', 'v26.1.0', 'v100.0.0']) {
  test(`${version} is accepted and printed`, () => {
    const { status, stdout, stderr } = runAs(version);
    assert.equal(status, 0);
    assert.equal(stdout, '', 'standard output belongs to the program behind it');
    assert.equal(stderr.trim(), `node ${version}`);
  });
}

for (const version of ['v23.11.0', 'v20.20.2', 'v8.17.0']) {
  test(`${version} is refused with what is needed and how to get it`, () => {
    const { status, stdout, stderr } = runAs(version);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`node ${version} is too old.*needs Node 24.*npm ci`));
  });
}

test('every other node on PATH is judged by its own version', () => {
  const others = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'node'));
  for (const node of new Set(others.filter((path) => existsSync(path)))) {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    const { status } = spawnSync(node, [PROGRAM], { encoding: 'utf8' });
    assert.equal(status, Number(version.slice(1).split('.')[0]) >= 24 ? 0 : 1, `${node} is ${version}`);
  }
});
