import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalisePath, selects } from '../../../src/domain/paths.ts';

for (const [written, normal] of [
  ['a/b', '/a/b'],
  ['//a///b/', '/a/b'],
  ['/', '/'],
  ['', '/'],
  ['/中文/ü x', '/中文/ü x'],
] as const) {
  test(`${JSON.stringify(written)} is the path ${normal}`, () => {
    assert.equal(normalisePath(written), normal);
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
