import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Long } from 'mongodb';
import { FakeClock } from '../../support/fake-clock.ts';
import { NEVER, nodeOf, pagesOf, repositoryOf, SourceHarness } from './harness.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

let harness: SourceHarness;

before(async () => {
  harness = await SourceHarness.start();
});

after(() => harness.stop());

describe('listing a repository', () => {
  const NAMES = [
    '/a.txt',
    '/a/x.txt',
    '/a/b/deep.txt',
    '/a0',
    '/a b/c',
    '/aa/y',
    '/中文目录/说明 文件.txt',
    '/中文目录/子目录/报告（终版）.md',
    "/special/quo'te $set.txt",
    '/special/[1](2){3}^!|,+?\\d.*$.txt',
    '/special/percent%41#&=.txt',
    '/.hidden/..x',
    '/re(g)[x].+$/in.txt',
    '/reg[x].+$/not',
    '/order/\u{1f600}',
    '/order/\uff5e',
    '/order/\uffee/z',
    '/order/z',
  ];

  before(async () => {
    const builder = harness.builder('names', { references: false });
    const repository = await builder.repository('p', 'r');
    await repository.putFiles(NAMES.map((path) => ({ path, content: path })));
    const other = await builder.repository('p', 'r2');
    await other.putFiles([{ path: '/a/elsewhere', content: 'x' }]);
    await repository.makeFolders(['/emptydir/x', '/a/b/emptysub/x']);
    await repository.putFile('/a/overwritten', 'old');
    await repository.putFile('/a/overwritten', 'new');
    await repository.putFile('/a/deleted', 'x');
    await repository.deleteFile('/a/deleted');
    await repository.putFile('/a/expired', 'x', { expireDate: new Date(NOW) });
    await repository.putFile('/a/expires later', 'x', { expireDate: new Date(NOW + 1) });
    await repository.putFile('/a/null-deleted', 'x', { fields: { deleted: null, expireDate: null } });
  });

  const LIVE = [...NAMES, '/a/overwritten', '/a/expires later', '/a/null-deleted'];
  const inBytes = (paths: readonly string[]): string[] =>
    paths.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
  const source = () => harness.source('names', { clock: new FakeClock({ now: NOW }) });

  it('yields live, unexpired files once, in the order of UTF-8 bytes, whatever the page size', async () => {
    const expected = inBytes(LIVE);
    assert.notDeepEqual(expected, LIVE.toSorted(), 'the names must tell the two orders apart');
    const from = source();
    const repository = await repositoryOf(from, 'p', 'r');
    for (const size of [1, 2, 3, LIVE.length - 1, LIVE.length, LIVE.length + 1, 1000]) {
      const pages = await pagesOf(from, repository, {}, size);
      assert.deepEqual(pages.flat(), expected);
      assert.ok(
        pages.every((page, index) => page.length === size || index === pages.length - 1),
        `size ${size}`,
      );
    }
  });

  const scopes: readonly (readonly [path: string, expected: readonly string[] | 'nothing' | 'an empty page'])[] = [
    ['/', LIVE],
    ['/a.txt', ['/a.txt']],
    ['/a', ['/a/x.txt', '/a/b/deep.txt', '/a/overwritten', '/a/expires later', '/a/null-deleted']],
    ['/a/b', ['/a/b/deep.txt']],
    ['/a b', ['/a b/c']],
    ['/中文目录', ['/中文目录/说明 文件.txt', '/中文目录/子目录/报告（终版）.md']],
    ['/special/[1](2){3}^!|,+?\\d.', 'nothing'],
    ["/special/quo'te $set.txt", ["/special/quo'te $set.txt"]],
    ['/re(g)[x].+$', ['/re(g)[x].+$/in.txt']],
    ['/re.*', 'nothing'],
    ['/order/\uffee', ['/order/\uffee/z']],
    ['/a/deleted', 'nothing'],
    ['/a/expired', 'nothing'],
    ['/missing', 'nothing'],
    ['/A', 'nothing'],
    ['/emptydir', 'an empty page'],
    ['/a/b/emptysub', 'an empty page'],
    ['/a*', LIVE.filter((path) => path.startsWith('/a'))],
    ['/a/*.txt', ['/a/x.txt']],
    ['/a/*', ['/a/x.txt', '/a/b/deep.txt', '/a/overwritten', '/a/expires later', '/a/null-deleted']],
    ['/*.txt', ['/a.txt']],
    ['/special/*$*', ["/special/quo'te $set.txt", '/special/[1](2){3}^!|,+?\\d.*$.txt']],
    ['/special/[1](2){3}^!|,+?\\d.*$.txt', ['/special/[1](2){3}^!|,+?\\d.*$.txt']],
    ['/order/\u{1f600}*', ['/order/\u{1f600}']],
    ['/*/nothing', 'nothing'],
    ['/zzz*', 'nothing'],
  ];
  for (const [path, expected] of scopes) {
    it(`selects ${typeof expected === 'string' ? expected : `${expected.length} files`} by ${JSON.stringify(path)}`, async () => {
      const from = source();
      const repository = await repositoryOf(from, 'p', 'r');
      for (const size of [1, 2, 100]) {
        const pages = await pagesOf(from, repository, { path }, size);
        if (expected === 'nothing') assert.deepEqual(pages, []);
        else if (expected === 'an empty page') assert.deepEqual(pages, [[]]);
        else assert.deepEqual(pages.flat(), inBytes(expected));
      }
    });
  }

  it('goes on behind any path, also one that is gone', async () => {
    const from = source();
    const repository = await repositoryOf(from, 'p', 'r');
    for (const path of [undefined, '/a', '/a/*', '/a.txt']) {
      const scope = path === undefined ? {} : { path };
      const all = (await pagesOf(from, repository, scope)).flat();
      for (const [index, after] of all.entries()) {
        const rest = (await pagesOf(from, repository, { ...scope, after }, 2)).flat();
        assert.deepEqual(rest, all.slice(index + 1), `${path} behind ${after}`);
      }
      assert.deepEqual((await pagesOf(from, repository, { ...scope, after: '/ before all' })).flat(), all);
      assert.deepEqual((await pagesOf(from, repository, { ...scope, after: '/\u{10ffff}' })).flat(), []);
    }
    const rest = (await pagesOf(from, repository, { after: '/a/deleted' })).flat();
    assert.equal(rest[0], '/a/expires later');
  });

  it('finds named nodes as they are now, and leaves out what is not live', async () => {
    const from = source();
    const repository = await repositoryOf(from, 'p', 'r');
    const asked = [...LIVE, '/a/deleted', '/a/expired', '/a', '/emptydir', '/missing', '/a/elsewhere'];
    const found = await from.findNodes(repository, asked, NEVER);
    assert.deepEqual([...found.keys()].toSorted(), LIVE.toSorted());
    assert.equal(found.get('/a/overwritten')?.size, 3);
    assert.deepEqual(await from.findNodes(repository, [], NEVER), new Map());
  });
});

describe('listing many nodes', () => {
  it('reads 10,000 nodes in bounded pages, each by the index of its path', async () => {
    const database = harness.db('many');
    const repository = await harness.builder('many', { references: false }).repository('p', 'r');
    await repository.putFile('/f', 'x');
    const nodes = database.collection('node_112');
    const template = await nodes.findOne({ fullPath: '/f' }, { promoteValues: false, projection: { _id: 0 } });
    const path = (index: number): string => `/d${index % 10}/f${String(index).padStart(5, '0')}`;
    await nodes.insertMany(Array.from({ length: 10_000 }, (_, index) => ({ ...template, fullPath: path(index) })));
    await database.command({ profile: 2 });
    const source = harness.source('many');
    const pages = await pagesOf(source, await repositoryOf(source, 'p', 'r'), {}, 500);
    await database.command({ profile: 0 });
    assert.equal(pages.length, 21);
    assert.equal(new Set(pages.flat()).size, 10_001);
    assert.ok(pages.every((page) => page.length <= 500));
    const queries = await database
      .collection('system.profile')
      .find({ ns: 'many.node_112', op: { $in: ['query', 'getmore'] } })
      .toArray();
    assert.equal(queries.length, 21, 'one query for each page');
    for (const query of queries) {
      assert.ok(query['keysExamined'] <= 1100 && query['docsExamined'] <= 500, JSON.stringify(query['planSummary']));
      assert.equal(query['hasSortStage'] ?? false, false);
    }
    const found = await source.findNodes(await repositoryOf(source, 'p', 'r'), pages.flat(), NEVER);
    assert.equal(found.size, 10_001);
  });

  it('loses and repeats nothing that stays, while other files come and go between pages', async () => {
    const repository = await harness.builder('moving', { references: false }).repository('p', 'r');
    const stay = Array.from({ length: 40 }, (_, index) => `/s${String(index).padStart(2, '0')}`);
    await repository.putFiles(stay.map((path) => ({ path, content: path })));
    const source = harness.source('moving');
    const seen: string[] = [];
    for await (const page of source.nodes(await repositoryOf(source, 'p', 'r'), {}, 5, NEVER)) {
      seen.push(...page.map((node) => node.fullPath));
      await repository.putFile(`/a${seen.length}`, 'in front');
      await repository.putFile(stay[seen.length - 1] ?? '/s00', 'overwritten behind');
      await repository.putFile('/s20x', 'come');
      await repository.deleteFile('/s20x');
    }
    assert.deepEqual(seen, stay);
  });
});

describe('what a node says', () => {
  it('keeps every field: types of metadata, 64-bit sizes, dates, people', async () => {
    const repository = await harness.builder('fields').repository('p', 'r');
    const createdDate = new Date('2026-01-02T03:04:05.678Z');
    const lastModifiedDate = new Date('2026-02-03T04:05:06.789Z');
    const expireDate = new Date('2099-01-01T00:00:00Z');
    const { sha256, md5, crc64ecma } = await repository.putFile('/f', 'content', {
      createdBy: 'maker',
      lastModifiedBy: 'changer',
      createdDate,
      lastModifiedDate,
      expireDate,
      metadata: [
        { key: 'text', value: '7' },
        { key: 'num', value: 12 },
        { key: 'big', value: Long.fromString('9007199254740993') },
        { key: 'flag', value: true, system: true },
        { key: 'list', value: ['a', 'b'] },
        { key: 'described', value: 'v', description: 'why', link: 'http://example.com/x' },
      ],
      fields: { copyFromCredentialsKey: 'other', size: Long.fromString('5000000000') },
    });
    const source = harness.source('fields');
    const { id, ...node } = await nodeOf(source, await repositoryOf(source, 'p', 'r'), '/f');
    assert.match(id, /^[0-9a-f]{24}$/);
    assert.deepEqual(node, {
      fullPath: '/f',
      kind: 'file',
      size: 5_000_000_000,
      sha256,
      md5,
      crc64ecma,
      metadata: [
        { key: 'text', value: '7', system: false },
        { key: 'num', value: 12, system: false },
        { key: 'big', value: '9007199254740993', system: false },
        { key: 'flag', value: true, system: true },
        { key: 'list', value: ['a', 'b'], system: false },
        { key: 'described', value: 'v', system: false, description: 'why', link: 'http://example.com/x' },
      ],
      createdBy: 'maker',
      createdDate,
      lastModifiedBy: 'changer',
      lastModifiedDate,
      expireDate,
      copyFromCredentialsKey: 'other',
    });
  });
});

describe('looking up projects and repositories', () => {
  it('tells what is there, its category too, and takes a deleted repository as absent', async () => {
    const builder = harness.builder('catalog');
    await builder.project('p', { displayName: 'P 项目', description: 'd' });
    await builder.repository('p', 'proxy', { category: 'REMOTE', type: 'MAVEN', credentialsKey: 'k' });
    await builder.repository('p', 'old', { deleted: new Date() });
    const source = harness.source('catalog');
    assert.deepEqual(await source.project('p', NEVER), { name: 'p', displayName: 'P 项目', description: 'd' });
    assert.equal(await source.project('q', NEVER), undefined);
    assert.deepEqual(await source.repository('p', 'proxy', NEVER), {
      projectId: 'p',
      name: 'proxy',
      type: 'MAVEN',
      category: 'REMOTE',
      description: '',
      configuration: { type: 'local', webHook: { webHookList: [] }, settings: {} },
      credentialsKey: 'k',
    });
    assert.equal(await source.repository('p', 'old', NEVER), undefined);
    assert.equal(await source.repository('p', 'missing', NEVER), undefined);
  });

  it('fails with the unit error SourceDataInvalid, without its text, when a configuration is not JSON', async () => {
    await harness.builder('badconf').repository('p', 'r');
    await harness
      .db('badconf')
      .collection('repository')
      .updateOne({}, { $set: { configuration: '{"password":"s3cret"' } });
    await assert.rejects(harness.source('badconf').repository('p', 'r', NEVER), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SourceDataInvalid');
      assert.ok(!error.message.includes('s3cret'));
      return true;
    });
  });

  it('has no nodes in a repository of a project without a single node', async () => {
    await harness.builder('empty').repository('nothing-here', 'r');
    const source = harness.source('empty');
    const repository = await repositoryOf(source, 'nothing-here', 'r');
    assert.deepEqual(await pagesOf(source, repository), []);
    assert.deepEqual(await pagesOf(source, repository, { path: '/x' }), []);
    assert.deepEqual(await source.findNodes(repository, ['/x'], NEVER), new Map());
  });

  it('reads other shard counts', async () => {
    const repository = await harness.builder('shards', { shardCount: 16 }).repository('bkrepo', 'r');
    await repository.putFile('/f', 'x');
    const source = harness.source('shards', { shardCount: 9 });
    assert.deepEqual(await pagesOf(source, await repositoryOf(source, 'bkrepo', 'r')), [['/f']]);
    assert.equal(await harness.db('shards').collection('node_11').countDocuments(), 1);
  });
});
