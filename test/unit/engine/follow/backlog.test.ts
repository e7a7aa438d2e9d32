import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backlog } from '../../../../src/engine/follow/backlog.ts';
import { packagesOf } from '../../../../src/engine/follow/dirty-keys.ts';
import type { DirtyKey, Mark } from '../../../../src/engine/ports/follow-journal.ts';
import { printedSeed, seededRandom } from '../../../support/seed.ts';

function key(name: string): DirtyKey {
  return { repoName: 'generic', kind: 'path', name };
}

function mark(seq: number, name: string, at = seq): Mark {
  return { key: key(name), seq, at: new Date(at) };
}

function names(items: readonly { readonly key: DirtyKey }[]): readonly string[] {
  return items.map((item) => item.key.name);
}

test('the cursor stands before the first mark that is not dealt with', () => {
  const backlog = new Backlog(10);
  backlog.add([mark(11, '/a'), mark(12, '/b'), mark(13, '/c')]);
  const [a, b, c] = backlog.take(3);
  assert.ok(a && b && c);
  backlog.done([b, c]);
  assert.equal(backlog.cursor, 10);
  backlog.done([a]);
  assert.equal(backlog.cursor, 13);
  assert.equal(backlog.size, 0);
});

test('a key that changes while it is worked on waits for its end, and is not lost', () => {
  const backlog = new Backlog(0);
  backlog.add([mark(1, '/a')]);
  const first = backlog.take(5);
  backlog.add([mark(2, '/a'), mark(3, '/b')]);
  assert.deepEqual(names(backlog.take(5)), ['/b']);
  backlog.done(first);
  const again = backlog.take(5);
  assert.deepEqual(names(again), ['/a']);
  assert.equal(backlog.cursor, 1);
});

test('a file is worked on together with the version whose it may be, or when nobody works on that', () => {
  const backlog = new Backlog(0, packagesOf([{ localRepoName: 'npm', repoType: 'NPM' }]));
  const version: DirtyKey = { repoName: 'npm', kind: 'package', name: 'npm://lib', version: '1.0.0' };
  const file: DirtyKey = { repoName: 'npm', kind: 'path', name: '/.npm/lib/lib-1.0.0.json' };
  const other: DirtyKey = { repoName: 'npm', kind: 'path', name: '/.npm/lib/lib-2.0.0.json' };
  const add = (seq: number, one: DirtyKey): void => backlog.add([{ key: one, seq, at: new Date(seq) }]);
  add(1, version);
  const first = backlog.take(5);
  add(2, file);
  add(3, other);
  assert.deepEqual(names(backlog.take(5)), ['/.npm/lib/lib-2.0.0.json'], 'the file waits for its version');
  backlog.putBack(first);
  const both = backlog.take(5);
  assert.deepEqual(names(both), ['npm://lib', '/.npm/lib/lib-1.0.0.json']);
  backlog.done(both);
  add(4, file);
  const alone = backlog.take(5);
  add(5, version);
  add(6, { ...version, version: '2.0.0' });
  assert.deepEqual(backlog.take(5), [], 'versions wait for their files');
  backlog.done(alone);
  assert.deepEqual(
    backlog.take(5).map((item) => item.key.version),
    ['1.0.0'],
  );
});

test('what goes back comes first, joined with what came for it meanwhile', () => {
  const backlog = new Backlog(0);
  backlog.add([mark(1, '/a', 100), mark(2, '/b', 200)]);
  const taken = backlog.take(1);
  backlog.add([mark(3, '/a', 300)]);
  backlog.putBack(taken);
  assert.equal(backlog.oldest, 100);
  const [item] = backlog.take(1);
  assert.deepEqual([item?.key.name, item?.at, item?.seqs], ['/a', 100, [1, 3]]);
  if (item !== undefined) backlog.done([item]);
  assert.equal(backlog.cursor, 1);
});

test('a retry holds no cursor, and counts as no lag', () => {
  const backlog = new Backlog(7);
  backlog.addRetries([{ key: key('/r'), at: new Date(1), attempts: 2, dueAt: new Date(5) }]);
  assert.deepEqual([backlog.cursor, backlog.oldest, backlog.hasRetries, backlog.size], [7, undefined, true, 1]);
});

test('whatever happens in whatever order, the cursor never passes a mark that is not done', () => {
  const random = seededRandom(printedSeed('backlog'));
  const backlog = new Backlog(0);
  const open = new Set<number>();
  const busy: ReturnType<Backlog['take']>[number][] = [];
  let seq = 0;
  for (let step = 0; step < 5_000; step += 1) {
    const choice = random.below(4);
    if (choice === 0) {
      seq += 1 + random.below(3);
      backlog.add([mark(seq, `/${random.below(20)}`)]);
      open.add(seq);
    } else if (choice === 1) busy.push(...backlog.take(1 + random.below(5)));
    else if (busy.length > 0) {
      const [item] = busy.splice(random.below(busy.length), 1);
      if (item === undefined) continue;
      if (choice === 2) backlog.putBack([item]);
      else {
        backlog.done([item]);
        for (const done of item.seqs) open.delete(done);
      }
    }
    assert.equal(new Set(busy.map(({ text }) => text)).size, busy.length, 'a key is worked on twice at once');
    const first = Math.min(...open);
    assert.equal(backlog.cursor, open.size === 0 ? seq : first - 1);
  }
});
