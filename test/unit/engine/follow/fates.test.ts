import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../../../../src/engine/follow/backlog.ts';
import { departuresOf } from '../../../../src/engine/follow/departures.ts';
import { keyText } from '../../../../src/engine/follow/dirty-keys.ts';
import { fatesOf } from '../../../../src/engine/follow/fates.ts';
import type { DirtyKey } from '../../../../src/engine/ports/follow-journal.ts';
import type { UnitEnd } from '../../../../src/engine/recorder.ts';

function item(key: Omit<DirtyKey, 'repoName'>, repoName = 'r'): Item {
  const whole = { repoName, ...key };
  return { key: whole, text: keyText(whole), at: 1_000, seqs: [1], attempts: 0 };
}

function end(status: UnitEnd['status'], fullPath: string, more: Partial<UnitEnd> = {}): UnitEnd {
  return { status, fullPath, localRepoName: 'r', ...more };
}

const PATH = item({ kind: 'path', name: '/a/b.txt' });
const FOLDER = item({ kind: 'folder', name: '/a' });
const VERSION = item({ kind: 'package', name: 'npm://n', version: '1.0.0' });
const PACKAGE = item({ kind: 'package', name: 'npm://n' });

function fates(items: readonly Item[], ends: readonly UnitEnd[]): readonly string[] {
  return fatesOf(items, ends).map(({ fate, failures }) =>
    failures.length === 0 ? fate : `${fate} ${failures.length}`,
  );
}

test('what has a record is done, what the source has nothing of is gone', () => {
  const version = end('SUCCESS', '/n.tgz', { packageKey: 'npm://n', version: '1.0.0' });
  assert.deepEqual(fates([PATH, FOLDER, VERSION, PACKAGE], [end('UNCHANGED', '/a/b.txt'), version]), [
    'done',
    'done',
    'done',
    'done',
  ]);
  assert.deepEqual(fates([PATH, FOLDER, VERSION, PACKAGE], []), ['gone', 'gone', 'gone', 'gone']);
});

test('a file of another repository, or of a name that only begins alike, says nothing of a key', () => {
  assert.deepEqual(
    fates([FOLDER, VERSION], [end('SUCCESS', '/ab.txt'), end('SUCCESS', '/a/x', { localRepoName: 'other' })]),
    ['gone', 'gone'],
  );
  const other = end('SUCCESS', '', { packageKey: 'npm://n', version: '1.0.1' });
  assert.deepEqual(fates([VERSION, PACKAGE], [other]), ['gone', 'done']);
});

test('failures are told, and what was not tried goes back', () => {
  const failed = end('FAILED', '/a/b.txt', { reason: 'BlobMissing' });
  assert.deepEqual(fates([PATH, FOLDER], [failed, end('SUCCESS', '/a/c.txt')]), ['done 1', 'done 1']);
  assert.deepEqual(fates([PATH, FOLDER, VERSION], [end('NOT_TRIED', '/a/b.txt')]), ['back', 'back', 'gone']);
});

test('a repository that could not be begun: its keys go back, fail with it, or are gone with it', () => {
  const at = (status: UnitEnd['status'], reason: string): readonly string[] =>
    fates([PATH, VERSION, item({ kind: 'path', name: '/x' }, 'other')], [end(status, '/', { reason })]);
  assert.deepEqual(at('NOT_TRIED', 'FarSideUnavailable'), ['back', 'back', 'gone']);
  assert.deepEqual(at('FAILED', 'RepositoryTypeMismatch'), ['failed', 'failed', 'gone']);
  assert.deepEqual(at('FAILED', 'SourceRepositoryNotFound'), ['gone', 'gone', 'gone']);
});

test('versions are looked for before folders, folders before files, each only where the task would have put it', () => {
  const object = {
    localRepoName: 'r',
    remoteProjectId: 'p',
    remoteRepoName: 'r',
    repoType: 'NPM',
    paths: [],
  };
  const below = { ...object, paths: ['/a'] };
  const items = [PATH, item({ kind: 'path', name: '/z' }), FOLDER, VERSION];
  const told = departuresOf([object, below], fatesOf(items, []));
  assert.deepEqual(
    told.map(({ departure: { index, scope } }) => [index, scope]),
    [
      [0, { package: 'npm://n', version: '1.0.0' }],
      [0, { below: '/a' }],
      [0, { paths: ['/a'] }],
      [0, { paths: ['/a/b.txt', '/z'] }],
      [1, { package: 'npm://n', version: '1.0.0' }],
      [1, { below: '/a' }],
      [1, { paths: ['/a'] }],
      [1, { paths: ['/a/b.txt'] }],
    ],
  );
  assert.deepEqual(departuresOf([object], fatesOf([PATH], [end('SUCCESS', '/a/b.txt')])), []);
});
