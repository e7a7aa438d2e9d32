import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalisePath, pathRefusal, selects } from '../../../src/domain/paths.ts';

for (const [written, normal] of [
  ['a/b', '/a/b'],
  ['//a///b/', '/a/b'],
  ['/', '/'],
  ['', '/'],
  ['\\a\\b\\c', '/a/b/c'],
  ['/ a / b c /\u3000d\t', '/a/b c/d'],
  ['/a/./b/.', '/a/b'],
  ['/a/b/../c', '/a/c'],
  ['/../../a', '/a'],
  ['/a/..', '/'],
  ['/.hidden/..dots/...', '/.hidden/..dots/...'],
  ['/中文/ü x', '/中文/ü x'],
  ['/\ufeffbom', '/\ufeffbom'],
] as const) {
  test(`${JSON.stringify(written)} is the path ${JSON.stringify(normal)}`, () => {
    assert.equal(normalisePath(written), normal);
    assert.equal(normalisePath(normal), normal);
  });
}

test('a name full of blanks is trimmed in no time', () => {
  const name = `a${' '.repeat(200_000)}b`;
  const begun = performance.now();
  assert.equal(normalisePath(`/ ${name} `), `/${name}`);
  // A pattern takes 20 seconds for it.
  assert.ok(performance.now() - begun < 2_000);
});

for (const [path, reason] of [
  ['/', undefined],
  [`/${'d/'.repeat(63)}d`, undefined],
  [`/${'d/'.repeat(64)}d`, /64 folders deep/],
  [`/${'n'.repeat(1_024)}`, undefined],
  [`/a/${'n'.repeat(1_025)}/b`, /longer than 1024/],
  ['/a\0b', /zero byte/],
] as const) {
  test(`bk-repo ${reason === undefined ? 'takes' : 'refuses'} a path of ${path.length} characters (${reason})`, () => {
    if (reason === undefined) assert.equal(pathRefusal(path), undefined);
    else assert.match(pathRefusal(path) ?? '', reason);
  });
}

for (const [constraint, path, expected] of [
  ['/', '/a', true],
  ['/a', '/a', true],
  ['/a', '/a/b/c', true],
  ['/a', '/ab', false],
  ['/a/b', '/a', false],
  ['/a/*.txt', '/a/x.txt', true],
  ['/a/*.txt', '/a/x.txt.bak', false],
  ['/a/*.txt', '/a/b/x.txt', false],
  ['/a/x*', '/a/xy/below', true],
  ['/a/(x)*', '/a/(x)1', true],
  ['/a/x.*', '/a/xy1', false],
] as const) {
  test(`${constraint} ${expected ? 'selects' : 'leaves out'} ${path}`, () => {
    assert.equal(selects(constraint, path), expected);
  });
}
