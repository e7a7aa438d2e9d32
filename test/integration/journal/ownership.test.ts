import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';

import { type Db, MongoClient } from 'mongodb';

import type { FollowJournal, OwnedFile, OwnedScope } from '../../../src/engine/ports/follow-journal.ts';
import type { OwnedFileState, OwnedNode, RunJournal } from '../../../src/engine/ports/journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { begin, closeAll, failure, never, open, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const repository = { projectId: 'mirror', name: 'files', storageKey: null };

function state(sourceId: string, changes: Partial<OwnedFileState> = {}): OwnedFileState {
  return { sha256: `digest of ${sourceId}`, sourceId, ...changes };
}

describe('what a task that follows its source owns', () => {
  let mongod: StandaloneMongod;
  let client: MongoClient;
  let db: Db;
  let journal: Journal;
  let run: RunJournal;
  let follower: FollowJournal;
  let task: { readonly taskKey: string; readonly taskUid: string };
  const clock = new FakeClock();
  const database = unique('ownership');

  before(async () => {
    mongod = await startStandaloneMongod();
    client = await MongoClient.connect(mongod.uri);
    db = client.db(database);
    journal = await open(mongod.uri, { database, clock });
  });
  after(async () => {
    await closeAll();
    await client?.close();
    await mongod?.stop();
  });
  beforeEach(async () => {
    task = { taskKey: unique('key'), taskUid: unique('uid') };
    run = journal.runJournal(await begin(journal, task));
    follower = await journal.follow({ ...task, namespace: 'team', name: 'live' }, never);
  });

  function write(owned: readonly OwnedNode[], clusterId = 'a', at = repository): Promise<void> {
    return run.writeOwnedKeys(clusterId, at, owned, never);
  }

  /** Without when it was written. */
  async function owned(
    scope: OwnedScope,
    page = 100,
    clusterId = 'a',
  ): Promise<readonly Omit<OwnedFile, 'updatedAt'>[]> {
    const found: Omit<OwnedFile, 'updatedAt'>[] = [];
    for (;;) {
      const some = await follower.owned(clusterId, repository, scope, found.at(-1)?.fullPath, page, never);
      assert.ok(some.length <= page);
      if (some.length === 0) return found;
      for (const { updatedAt: _, ...file } of some) found.push(file);
    }
  }

  function asOfNow(paths: readonly string[]): readonly Pick<OwnedFile, 'fullPath' | 'updatedAt'>[] {
    return paths.map((fullPath) => ({ fullPath, updatedAt: new Date(clock.now()) }));
  }

  async function names(scope: OwnedScope, page?: number): Promise<readonly string[]> {
    return (await owned(scope, page)).map(({ fullPath }) => fullPath);
  }

  async function stored(): Promise<readonly (readonly [string, readonly string[], boolean])[]> {
    const documents = await db
      .collection('owned_metadata')
      .find({ taskUid: task.taskUid })
      .sort({ fullPath: 1 })
      .toArray();
    return documents.map((one) => [one['fullPath'], one['keys'], 'sourceId' in one]);
  }

  it('is told of keys and of the file, each without touching the other, and forgotten when nothing is left', async () => {
    const file = state('1');
    const cases: readonly (readonly [string, readonly OwnedNode[], readonly string[], boolean])[] = [
      ['keys', [{ fullPath: '/f', keys: ['k'] }], ['k'], false],
      [
        'keys, then none',
        [
          { fullPath: '/f', keys: ['k'] },
          { fullPath: '/f', keys: [] },
        ],
        [],
        false,
      ],
      ['more keys than none', [{ fullPath: '/f', moreKeys: ['k'] }], ['k'], false],
      ['a file and more keys than none', [{ fullPath: '/f', file, moreKeys: ['k'] }], ['k'], true],
      ['a file', [{ fullPath: '/f', file }], [], true],
      ['a file and keys', [{ fullPath: '/f', file, keys: ['k'] }], ['k'], true],
      [
        'keys, then a file',
        [
          { fullPath: '/f', keys: ['k'] },
          { fullPath: '/f', file },
        ],
        ['k'],
        true,
      ],
      [
        'a file, then keys',
        [
          { fullPath: '/f', file },
          { fullPath: '/f', keys: ['k'] },
        ],
        ['k'],
        true,
      ],
      [
        'a file and keys, then more keys',
        [
          { fullPath: '/f', file, keys: ['k'] },
          { fullPath: '/f', moreKeys: ['l', 'k'] },
        ],
        ['k', 'l'],
        true,
      ],
      [
        'a file, then no keys',
        [
          { fullPath: '/f', file },
          { fullPath: '/f', keys: [] },
        ],
        [],
        true,
      ],
      [
        'both, then no keys',
        [
          { fullPath: '/f', file, keys: ['k'] },
          { fullPath: '/f', keys: [] },
        ],
        [],
        true,
      ],
      [
        'both, then no file',
        [
          { fullPath: '/f', file, keys: ['k'] },
          { fullPath: '/f', file: null },
        ],
        ['k'],
        false,
      ],
      [
        'a file, then none',
        [
          { fullPath: '/f', file },
          { fullPath: '/f', file: null },
        ],
        [],
        false,
      ],
      [
        'both, then neither',
        [
          { fullPath: '/f', file, keys: ['k'] },
          { fullPath: '/f', file: null, keys: [] },
        ],
        [],
        false,
      ],
      [
        'no file, keys',
        [
          { fullPath: '/f', file },
          { fullPath: '/f', file: null, keys: ['k'] },
        ],
        ['k'],
        false,
      ],
      ['nothing', [{ fullPath: '/f' }], [], false],
      ['no file that was none', [{ fullPath: '/f', file: null }], [], false],
    ];
    for (const together of [false, true])
      for (const [what, nodes, keys, isFile] of cases) {
        await db.collection('owned_metadata').deleteMany({ taskUid: task.taskUid });
        for (const some of together ? [nodes] : nodes.map((node) => [node])) await write(some);
        const expected = keys.length > 0 || isFile ? [['/f', keys, isFile]] : [];
        assert.deepEqual(await stored(), expected, `${what}${together ? ', in one call' : ''}`);
        const found = await run.findOwnedKeys('a', repository, ['/f'], never);
        assert.deepEqual(found.get('/f') ?? [], keys, what);
        assert.equal(await follower.countOwned('a', never), isFile ? 1 : 0, what);
      }
  });

  it('says what lies there, what lay there, and what it is part of: as it was told last', async () => {
    const name = 'npm://@scope/a@1.0';
    await write([{ fullPath: '/f', file: state('1', { formerly: ['old'], partOf: name }) }]);
    await write([{ fullPath: name, file: state('v', { sha256: null }) }]);
    const first = { fullPath: '/f', sha256: 'digest of 1', formerly: ['old'], partOf: name };
    assert.deepEqual(await owned({ paths: ['/f', '/g'] }), [first]);
    assert.deepEqual(
      await run.findOwnedFiles('a', repository, ['/f', '/g', name], never),
      new Map([
        ['/f', state('1', { formerly: ['old'], partOf: name })],
        [name, state('v', { sha256: null })],
      ]),
    );
    await write([
      { fullPath: '/f', file: state('2') },
      { fullPath: '/k', keys: ['k'] },
    ]);
    const second = { fullPath: '/f', sha256: 'digest of 2', formerly: ['digest of 1', 'old'] };
    assert.deepEqual(await owned({ paths: ['/f', '/k'] }), [second]);
    assert.deepEqual(
      await owned({ package: 'npm://@scope/a' }),
      [{ fullPath: name, sha256: null }],
      'no part any more',
    );
    assert.equal((await run.findOwnedFiles('a', repository, ['/k'], never)).size, 0);
  });

  it('is given by path, folder, package and version, page by page and without patterns', async () => {
    const part = (fullPath: string, partOf: string): OwnedNode => ({ fullPath, file: state(fullPath, { partOf }) });
    const version = (fullPath: string): OwnedNode => ({ fullPath, file: state(fullPath, { sha256: null }) });
    const plain = ['/a', '/a/b', '/a/b/c', '/a/bc', '/a.b/c', '/a0', '/A/x', '/a/%2F', '/a/.*', '/a/é', '/z/名'];
    await write([
      ...plain.map((fullPath) => ({ fullPath, file: state(fullPath) })),
      { fullPath: '/a/keys', keys: ['k'] },
      { fullPath: 'latest:npm://a', keys: ['1.0'] },
      { fullPath: 'index:/a', keys: ['k'] },
      ...['npm://a@1.0', 'npm://a@1.0.1', 'npm://a@b@1.0', 'npm://@s/a@1.0', 'npm://ab@1.0', '.x://a@1'].map(version),
      part('/pkg/a-1.0.tgz', 'npm://a@1.0'),
      part('/pkg/a-1.0.tgz.md5', 'npm://a@1.0'),
      part('/pkg/a-1.0.1.tgz', 'npm://a@1.0.1'),
      part('/pkg/ab.tgz', 'npm://ab@1.0'),
      part('/pkg/deep/a-b.tgz', 'npm://a@b@1.0'),
    ]);
    for (const elsewhere of [
      { ...repository, name: 'other' },
      { ...repository, projectId: 'other' },
    ])
      await write([{ fullPath: '/a/elsewhere', file: state('e') }, version('npm://a@9')], 'a', elsewhere);
    await write([{ fullPath: '/a/elsewhere', file: state('e') }, version('npm://a@9')], 'b');
    const pkg = ['/pkg/a-1.0.1.tgz', '/pkg/a-1.0.tgz', '/pkg/a-1.0.tgz.md5', '/pkg/ab.tgz', '/pkg/deep/a-b.tgz'];
    const cases: readonly (readonly [OwnedScope, readonly string[]])[] = [
      [{ paths: ['/a/b', '/a/keys', '/none', '/a'] }, ['/a', '/a/b']],
      [{ paths: [] }, []],
      [{ below: '/a' }, ['/a/%2F', '/a/.*', '/a/b', '/a/b/c', '/a/bc', '/a/é']],
      [{ below: '/a/b' }, ['/a/b/c']],
      [{ below: '/a/.' }, []],
      [{ below: '/a/.*' }, []],
      [{ below: '/' }, [...plain, ...pkg]],
      [
        { versions: true },
        ['.x://a@1', 'npm://@s/a@1.0', 'npm://a@1.0', 'npm://a@1.0.1', 'npm://a@b@1.0', 'npm://ab@1.0'],
      ],
      [
        { package: 'npm://a' },
        ['/pkg/a-1.0.1.tgz', '/pkg/a-1.0.tgz', '/pkg/a-1.0.tgz.md5', 'npm://a@1.0', 'npm://a@1.0.1'],
      ],
      [{ package: 'npm://a', version: '1.0' }, ['/pkg/a-1.0.tgz', '/pkg/a-1.0.tgz.md5', 'npm://a@1.0']],
      [{ package: 'npm://a@b' }, ['/pkg/deep/a-b.tgz', 'npm://a@b@1.0']],
      [{ package: 'npm://' }, []],
      [{ package: 'npm://a', version: '1' }, []],
    ];
    for (const [scope, expected] of cases)
      for (const page of [1, 2, 100]) {
        const sorted = expected.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        assert.deepEqual(await names(scope, page), sorted, `${JSON.stringify(scope)} by ${page}`);
      }
  });

  it('goes on behind what was disowned meanwhile', async () => {
    await write(['/1', '/2', '/3', '/4'].map((fullPath) => ({ fullPath, keys: ['k'], file: state(fullPath) })));
    await follower.disown('b', repository, asOfNow(['/2']), never);
    await follower.disown('a', { ...repository, name: 'other' }, asOfNow(['/2']), never);
    assert.equal((await stored()).length, 4);
    await follower.disown('a', repository, asOfNow(['/2', '/3', '/none']), never);
    const next = await follower.owned('a', repository, { below: '/' }, '/2', 10, never);
    assert.deepEqual(
      next.map(({ fullPath }) => fullPath),
      ['/4'],
    );
    assert.equal(
      (await run.findOwnedKeys('a', repository, ['/2'], never)).size,
      0,
      'whoever puts it there has its keys',
    );
  });

  it('stays when it was put down anew since it was read', async () => {
    await write([{ fullPath: '/again', file: state('1') }]);
    const read = asOfNow(['/again']);
    clock.advance(5);
    await write([{ fullPath: '/again', file: state('2') }]);
    await follower.disown('a', repository, read, never);
    const again = { fullPath: '/again', sha256: 'digest of 2', formerly: ['digest of 1'] };
    assert.deepEqual(await owned({ paths: ['/again'] }), [again]);
  });

  it('remembers what its writers meant lately, whatever each of them knows of the others; ten minutes, and eight digests', async () => {
    const there = async (): Promise<readonly (readonly string[] | undefined)[]> =>
      (await owned({ paths: ['/f'] })).map(({ sha256, formerly }) => [String(sha256), ...(formerly ?? [])]);
    await write([{ fullPath: '/f', keys: ['k'], file: state('1') }]);
    await write([{ fullPath: '/f', moreKeys: ['$k', 'k'], file: state('2', { formerly: ['digest of 0'] }) }]);
    await write([{ fullPath: '/f', file: state('3', { formerly: ['digest of 0'] }) }]);
    assert.deepEqual(await there(), [['digest of 3', 'digest of 0', 'digest of 2', 'digest of 1']]);
    assert.deepEqual((await run.findOwnedKeys('a', repository, ['/f'], never)).get('/f'), ['k', '$k']);
    await write([{ fullPath: '/f', file: state('1') }]);
    assert.deepEqual(await there(), [['digest of 1', 'digest of 3', 'digest of 0', 'digest of 2']], 'back to what was');
    for (let n = 10; n < 20; n++) await write([{ fullPath: '/f', file: state(String(n)) }]);
    const last = [19, 18, 17, 16, 15, 14, 13, 12, 11].map((n) => `digest of ${n}`);
    assert.deepEqual(await there(), [last]);
    clock.advance(600_001);
    await write([{ fullPath: '/f', file: state('20', { formerly: ['digest of 19'] }) }]);
    assert.deepEqual(await there(), [['digest of 20', 'digest of 19']]);
    await write([{ fullPath: '/f', keys: [], file: null }]);
    assert.equal(await db.collection('owned_metadata').countDocuments({ taskUid: task.taskUid }), 0);
  });

  it('is counted by far side; a great number is counted once a minute, less what is disowned', async () => {
    await write([
      { fullPath: '/keys', keys: ['k'] },
      { fullPath: 'npm://a@1', file: state('v', { sha256: null }) },
    ]);
    await write([{ fullPath: '/b', file: state('b') }], 'b');
    assert.deepEqual([await follower.countOwned('a', never), await follower.countOwned('c', never)], [1, 0]);
    const many = Array.from({ length: 10_100 }, (_, n) => ({ fullPath: `/${n}`, file: state(String(n)) }));
    await write(many);
    assert.equal(await follower.countOwned('a', never), 10_101);
    await write([{ fullPath: '/one more', file: state('more') }]);
    await follower.disown('a', repository, asOfNow(['/1', '/2', '/keys', '/none']), never);
    assert.ok((await follower.countOwned('a', never)) <= 10_099, 'what was counted, less what is gone');
    clock.advance(60_001);
    assert.equal(await follower.countOwned('a', never), 10_100);
  });

  it('is found by the documents of the source that it came from, once for each place', async () => {
    const other = { ...repository, name: 'other' };
    await write([
      { fullPath: '/1', file: state('s1') },
      { fullPath: '/2', file: state('s2') },
    ]);
    await write([{ fullPath: '/1', file: state('s1') }], 'b');
    await write([{ fullPath: '/copy', file: state('s1') }], 'b', other);
    await write([{ fullPath: 'npm://a@1', file: state('v', { sha256: null }) }], 'b', other);
    const ids = [...Array.from({ length: 2_000 }, (_, n) => `none ${n}`), 's1', 'v'];
    const found = await follower.ownedFrom(ids, never);
    assert.deepEqual(
      new Set(found.map((place) => Object.values(place).join(' '))),
      new Set(['mirror files /1', 'mirror other /copy', 'mirror other npm://a@1']),
    );
    assert.equal(found.length, 3);
    await write([
      { fullPath: '/2', file: state('s3') },
      { fullPath: '/1', file: null },
    ]);
    await write([{ fullPath: '/1', file: null }], 'b');
    assert.deepEqual(await follower.ownedFrom(['s2', 's1'], never), [
      { projectId: 'mirror', repoName: 'other', fullPath: '/copy' },
    ]);
  });

  it('is nobody’s when its task is made anew, and goes with the task', async () => {
    await write([{ fullPath: '/1', file: state('s1') }]);
    const again = await journal.follow({ ...task, taskUid: unique('uid'), namespace: 'team', name: 'live' }, never);
    assert.deepEqual(await again.owned('a', repository, { below: '/' }, undefined, 10, never), []);
    assert.deepEqual([await again.countOwned('a', never), await again.ownedFrom(['s1'], never)], [0, []]);
    clock.advance(1_000);
    await journal.sweep(new Set(), new Date(clock.now()), never);
    assert.deepEqual(await stored(), []);
    await assert.rejects(follower.disown('a', repository, asOfNow(['/1']), never), failure('cluster', 'EpochLost'));
  });

  it('can be read where an earlier release wrote it', async () => {
    await write([{ fullPath: '/1', keys: ['k'] }]);
    assert.deepEqual(await stored(), [['/1', ['k'], false]]);
    assert.deepEqual(await names({ below: '/' }), []);
    await write([{ fullPath: '/1', file: state('s') }]);
    assert.deepEqual(await names({ below: '/' }), ['/1']);
  });
});
