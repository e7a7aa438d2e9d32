import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ancestorFolders,
  belowFolder,
  InvalidPathError,
  normalizeFullPath,
  splitFullPath,
  withPrefix,
} from '../../../../src/source/schema/paths.ts';

describe('paths', () => {
  const normalised: readonly (readonly [input: string, fullPath: string])[] = [
    ['', '/'],
    ['/', '/'],
    ['a', '/a'],
    ['/a/b/c.txt', '/a/b/c.txt'],
    ['/a//b///c/', '/a/b/c'],
    ['\\a\\b\\c', '/a/b/c'],
    ['/ a / b c /\u3000d\t', '/a/b c/d'],
    ['/a/./b/.', '/a/b'],
    ['/a/b/../c', '/a/c'],
    ['/../../a', '/a'],
    ['/a/..', '/'],
    ['/.hidden/..dots/...', '/.hidden/..dots/...'],
    ['/中文目录/说明 文件.txt', '/中文目录/说明 文件.txt'],
    ['com/example/gone/1.0', '/com/example/gone/1.0'],
    ['/multi/blobs/arm64/', '/multi/blobs/arm64'],
    ['/\ufeffbom', '/\ufeffbom'],
  ];
  for (const [input, fullPath] of normalised) {
    it(`normalises ${JSON.stringify(input)} to ${JSON.stringify(fullPath)}`, () => {
      assert.equal(normalizeFullPath(input), fullPath);
      assert.equal(normalizeFullPath(fullPath), fullPath);
    });
  }

  it('refuses what bk-repo refuses: too deep, a name too long, a zero byte', () => {
    assert.equal(normalizeFullPath(`/${'d/'.repeat(64)}`).length, 128);
    assert.throws(() => normalizeFullPath(`/${'d/'.repeat(65)}`), InvalidPathError);
    assert.equal(normalizeFullPath('n'.repeat(1024)).length, 1025);
    assert.throws(() => normalizeFullPath('n'.repeat(1025)), InvalidPathError);
    assert.throws(() => normalizeFullPath('/a\0b'), InvalidPathError);
  });

  it('splits a fullPath into the stored path and name', () => {
    assert.deepEqual(splitFullPath('/a/b/c.txt'), { path: '/a/b/', name: 'c.txt' });
    assert.deepEqual(splitFullPath('/c.txt'), { path: '/', name: 'c.txt' });
    assert.deepEqual(splitFullPath('/'), { path: '/', name: '' });
  });

  it('names the folders above a file, outermost first, without the root', () => {
    assert.deepEqual(ancestorFolders('/a/b/c.txt'), ['/a', '/a/b']);
    assert.deepEqual(ancestorFolders('/c.txt'), []);
    assert.deepEqual(ancestorFolders('/'), []);
  });

  it('bounds everything below a folder, and nothing beside it', () => {
    const inside = (folder: string, fullPath: string): boolean => {
      const { from, before } = belowFolder(folder);
      const bytes = Buffer.from(fullPath);
      return Buffer.compare(bytes, Buffer.from(from)) >= 0 && Buffer.compare(bytes, Buffer.from(before)) < 0;
    };
    for (const below of ['/a/b', '/a/b/c', '/a/😀', '/a/\uffee', '/a/ ', '/a/~']) assert.ok(inside('/a', below), below);
    for (const beside of ['/a', '/a.txt', '/a-b/c', '/a b', '/a0', '/ab/c', '/A/b', '/b'])
      assert.ok(!inside('/a', beside), beside);
    assert.ok(inside('/', '/😀') && inside('/', '/ '));
  });

  it('bounds a prefix by the next code point, over surrogates and the last one', () => {
    for (const [prefix, before] of [
      ['/a', '/b'],
      ['/\ud7ff', '/\ue000'],
      ['/\uffff', '/\u{10000}'],
      ['/a😀', '/a😁'],
      ['/a\u{10ffff}', '/b'],
      ['/\u{10ffff}\u{10ffff}', '0'],
    ] as const)
      assert.deepEqual(withPrefix(prefix), { from: prefix, before });
  });
});
