import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import { systemClock } from '../../../src/lib/clock.ts';
import type { NodeDoc } from '../../../src/source/schema/documents.ts';
import { fileReferenceCollectionName, nodeCollectionName } from '../../../src/source/schema/sharding.ts';
import { blobFile } from '../../../src/source/schema/store-layout.ts';
import { type Answer, PeerBed, type PeerSide, sha256 } from './client.ts';

let bed: PeerBed;
before(async () => {
  bed = await PeerBed.start();
});
after(async () => await bed.stop());

async function start(name: string, options: Parameters<PeerBed['peer']>[1] = {}): Promise<PeerSide> {
  const side = await bed.peer(name, options);
  await side.repository();
  for (const bytes of ['one', 'two']) await side.push(bytes);
  return side;
}

async function documents(side: PeerSide, fullPath: string): Promise<NodeDoc[]> {
  const nodes = side.db.collection<NodeDoc>(nodeCollectionName('rp1'));
  return await nodes.find({ projectId: 'rp1', repoName: 'gen', fullPath }).sort({ _id: 1 }).toArray();
}

async function live(side: PeerSide): Promise<string[]> {
  const nodes = side.db.collection<NodeDoc>(nodeCollectionName('rp1'));
  const found = await nodes.find({ repoName: 'gen', folder: false, deleted: null }).sort({ fullPath: 1 }).toArray();
  return found.map((node) => `${node.fullPath} ${node.sha256 === sha256('one') ? 'one' : 'two'}`);
}

async function references(side: PeerSide, bytes: string): Promise<number> {
  const collection = side.db.collection(fileReferenceCollectionName(sha256(bytes)));
  const found = await collection.find({ sha256: sha256(bytes) }).toArray();
  assert.ok(found.length <= 1, 'one reference document a digest');
  return Number(found[0]?.['count'] ?? 0);
}

async function change(side: PeerSide, call: string, body: Readonly<Record<string, unknown>>): Promise<Answer> {
  return await side.post(`/replica/node/${call}`, { projectId: 'rp1', repoName: 'gen', operator: 'bob', ...body });
}

suite('node/create', () => {
  test('writes the document and its folders as a real server does', async () => {
    const side = await start('document');
    const answer = await side.create('/a/b/中 文 %25.txt', 'one', {
      nodeMetadata: [{ key: 'k.1', value: ['x', 1, true], system: true, description: 'd' }],
      createdBy: 'alice',
      createdDate: '2020-01-02T03:04:05.678',
      lastModifiedBy: 'bob',
      lastModifiedDate: '2021-01-02T03:04:05.678',
      crc64ecma: '123',
      expires: 2,
    });
    assert.equal(answer.status, 200);
    const [node] = await documents(side, '/a/b/中 文 %25.txt');
    assert.ok(node !== undefined);
    const { _id, lastAccessDate, expireDate, ...rest } = node;
    assert.deepEqual(rest, {
      createdBy: 'alice',
      createdDate: new Date('2020-01-02T03:04:05.678Z'),
      lastModifiedBy: 'bob',
      lastModifiedDate: new Date('2021-01-02T03:04:05.678Z'),
      folder: false,
      path: '/a/b/',
      name: '中 文 %25.txt',
      fullPath: '/a/b/中 文 %25.txt',
      size: 3,
      sha256: sha256('one'),
      md5: 'f97c5d29941bfb1b2fdab0874906ab82',
      crc64ecma: '123',
      metadata: [{ key: 'k.1', value: ['x', 1, true], system: true, description: 'd' }],
      projectId: 'rp1',
      repoName: 'gen',
    });
    assert.ok(lastAccessDate instanceof Date);
    assert.equal(
      expireDate === undefined || expireDate === null
        ? 0
        : Math.round((expireDate.getTime() - Date.now()) / 86_400_000),
      2,
    );
    const raw = await side.db.collection(nodeCollectionName('rp1')).findOne({ _id }, { promoteLongs: false });
    assert.equal(raw?.['size']?._bsontype, 'Long');
    for (const [path, name, parent] of [
      ['/a', 'a', '/'],
      ['/a/b', 'b', '/a/'],
    ] as const) {
      const [folder] = await documents(side, path);
      assert.deepEqual([folder?.folder, folder?.name, folder?.path, folder?.createdBy], [true, name, parent, 'admin']);
      assert.equal('lastAccessDate' in (folder ?? {}), false);
    }
  });

  test('makes the indexes a real server has', async () => {
    const side = await start('indexes');
    await side.create('/f', 'one');
    const names = (await side.db.collection(nodeCollectionName('rp1')).indexes()).map((index) => index.name);
    assert.ok(names.includes('projectId_repoName_fullPath_idx'));
  });

  const refused = [
    ['an existing path', { fullPath: '/old' }, 251012],
    ['a folder onto a file', { fullPath: '/old', folder: true, overwrite: true }, 251013],
    ['a file onto a folder', { fullPath: '/dir', overwrite: true }, 251013],
    ['a folder onto a folder', { fullPath: '/dir', folder: true, overwrite: true }, 251013],
    ['a file below a file', { fullPath: '/old/below' }, 251013],
    ['the root', { fullPath: '/' }, 250105],
    ['an unknown repository', { repoName: 'none' }, 251006],
    ['a digest that is not stored', { sha256: sha256('none') }, 251024],
    ["a size that is not the blob's", { size: 4 }, 251031],
    ['a digest that is none', { sha256: 'aa' }, 250105],
    ['a date that is none', { createdDate: 'yesterday' }, 250106],
  ] as const;
  test('refuses what cannot be', async () => {
    const side = await start('refuse');
    await side.create('/old', 'one');
    await side.create('/dir/x', 'one');
    for (const [what, fields, code] of refused) {
      const answer = await side.create('/new', 'one', fields);
      assert.deepEqual([answer.status, answer.json.code], [400, code], what);
    }
    assert.deepEqual(await live(side), ['/dir/x one', '/old one']);
    assert.equal(await references(side, 'one'), 2);
  });

  test('an overwrite soft-deletes the old node; both count as references', async () => {
    const side = await start('overwrite');
    await side.create('/f', 'one');
    assert.equal((await side.create('/f', 'two', { overwrite: true })).status, 200);
    const all = await documents(side, '/f');
    assert.deepEqual(
      all.map((node) => [node.sha256, node.deleted instanceof Date]),
      [
        [sha256('one'), true],
        [sha256('two'), false],
      ],
    );
    assert.deepEqual([await references(side, 'one'), await references(side, 'two')], [1, 1]);
  });

  test('of many creates of one path at once exactly one succeeds', async () => {
    const side = await start('race');
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) => side.create('/deep/er/f', at % 2 === 0 ? 'one' : 'two')),
    );
    assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
    assert.deepEqual(new Set(answers.map((answer) => answer.json.code)), new Set([0, 251012]));
    assert.equal((await live(side)).length, 1);
    assert.equal((await documents(side, '/deep/er')).length, 1);
    assert.equal((await references(side, 'one')) + (await references(side, 'two')), 1);
  });

  test('of many overwrites at once all succeed and one stands', async () => {
    const side = await start('overwrites');
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, at) => side.create('/f', at % 2 === 0 ? 'one' : 'two', { overwrite: true })),
    );
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    assert.equal((await live(side)).length, 1);
    assert.equal((await documents(side, '/f')).length, 16);
    assert.equal((await references(side, 'one')) + (await references(side, 'two')), 16);
  });

  test('a real server makes the creator the modifier, and takes a node without bytes', async () => {
    const side = await start('faithful', { faithful: true });
    await side.create('/f', 'one', { createdBy: 'alice', lastModifiedBy: 'bob' });
    assert.equal((await documents(side, '/f'))[0]?.lastModifiedBy, 'alice');
    assert.equal((await side.create('/ghost', 'none')).status, 200);
    const range = { total: null };
    assert.equal((await side.post('/replica/blob/pull', { sha256: sha256('none'), range })).status, 404);
  });

  test('with source a real server keeps what is newer, and merges metadata of the same digest', async () => {
    const side = await start('federation', { faithful: true, timeZone: 'UTC' });
    const at = (year: number): object => ({
      overwrite: true,
      source: 'far',
      lastModifiedDate: `${year}-01-01T00:00:00`,
    });
    await side.create('/f', 'one', { lastModifiedDate: '2020-01-01T00:00:00', metadata: { a: 1 } });
    assert.equal((await side.create('/f', 'two', { ...at(2019) })).status, 200);
    assert.deepEqual(await live(side), ['/f one']);
    await side.create('/f', 'one', { ...at(2019), metadata: { b: 2 } });
    assert.deepEqual(
      (await documents(side, '/f'))[0]?.metadata?.map((entry) => entry.key),
      ['a', 'b'],
    );
    await side.create('/f', 'two', { ...at(2021) });
    assert.deepEqual(await live(side), ['/f two']);
  });

  test('dates on the wire are local, in the document they are instants', async () => {
    const side = await start('zone', { timeZone: 'Asia/Shanghai' });
    const answer = await side.create('/f', 'one', { createdDate: '2026-01-01T00:00:00' });
    assert.equal((await documents(side, '/f'))[0]?.createdDate.toISOString(), '2025-12-31T16:00:00.000Z');
    assert.equal((answer.json.data as { createdDate: string }).createdDate, '2026-01-01T00:00:00');
    assert.equal(answer.headers['x-bkrepo-time-zone'], '+0800');
  });
});

suite('changes of nodes', () => {
  test('delete takes a folder and all below it, and nothing beside it', async () => {
    const side = await start('delete');
    for (const path of ['/d/x', '/d/e/y', '/d0', '/d-1', '/de/x']) await side.create(path, 'one');
    const answer = await change(side, 'delete', { fullPath: '/d' });
    const { deletedNumber, deletedSize } = answer.json.data as { deletedNumber: number; deletedSize: number };
    assert.deepEqual([deletedNumber, deletedSize], [2, 6]);
    assert.deepEqual(await live(side), ['/d-1 one', '/d0 one', '/de/x one']);
    assert.equal(await references(side, 'one'), 5);
    assert.equal((await change(side, 'delete', { fullPath: '/' })).json.code, 250112);
    assert.equal(
      ((await change(side, 'delete', { fullPath: '/none' })).json.data as { deletedNumber: number }).deletedNumber,
      0,
    );
  });

  test('a path can be deleted again within the same millisecond', async () => {
    const side = await start('again', { clock: { ...systemClock, now: () => Date.UTC(2026, 0, 1) } });
    for (let times = 0; times < 3; times += 1) {
      await side.create('/f', 'one');
      await change(side, 'delete', { fullPath: '/f' });
    }
    assert.deepEqual(await live(side), []);
    assert.equal((await documents(side, '/f')).length, 3);
  });

  const deletions = [
    ['without source', {}, true, true],
    ['with an empty source', { source: '' }, true, true],
    ['with source', { source: 'other' }, true, false],
    ['with source, of a peer without defects', { source: 'other' }, false, true],
  ] as const;
  for (const [what, more, faithful, gone] of deletions)
    test(`a delete that is older than the node, ${what}, ${gone ? 'takes it all the same' : 'leaves it'}`, async () => {
      const side = await start(`older-${what.length}`, { faithful, timeZone: 'UTC' });
      const before_ = Date.now();
      await side.create('/f', 'one');
      const answer = await change(side, 'delete', { fullPath: '/f', deletedDate: '2020-01-01T00:00:00', ...more });
      assert.deepEqual(
        [answer.status, (answer.json.data as { deletedNumber: number }).deletedNumber],
        [200, gone ? 1 : 0],
      );
      assert.equal((await live(side)).length, gone ? 0 : 1);
      const [document] = await documents(side, '/f');
      if (gone) assert.ok((document?.deleted?.getTime() ?? 0) >= before_, 'deleted when it was asked for');
      const later = await change(side, 'delete', { fullPath: '/f', deletedDate: '2099-01-01T00:00:00', ...more });
      assert.equal((later.json.data as { deletedNumber: number }).deletedNumber, gone ? 0 : 1);
    });

  test('rename keeps documents and takes what lies below', async () => {
    const side = await start('rename');
    for (const path of ['/d/x', '/d/e/y', '/d0']) await side.create(path, 'one');
    const [before_] = await documents(side, '/d/e/y');
    assert.equal((await change(side, 'rename', { fullPath: '/d', newFullPath: '/n/m' })).status, 200);
    assert.deepEqual(await live(side), ['/d0 one', '/n/m/e/y one', '/n/m/x one']);
    assert.equal((await documents(side, '/n/m/e/y'))[0]?._id.toHexString(), before_?._id.toHexString());
    assert.equal((await change(side, 'rename', { fullPath: '/d', newFullPath: '/z' })).json.code, 251010);
    assert.equal((await change(side, 'rename', { fullPath: '/n', newFullPath: '/d0' })).json.code, 251012);
    assert.equal((await change(side, 'rename', { fullPath: '/n', newFullPath: '/n/o' })).json.code, 251013);
  });

  const placements = [
    ['a new path', '/new', ['/new one']],
    ['an existing folder', '/into', ['/into/f one', '/into/x two']],
  ] as const;
  for (const call of ['copy', 'move'] as const)
    for (const [what, destFullPath, expected] of placements)
      test(`${call} to ${what}`, async () => {
        const side = await start(`${call}-${destFullPath.slice(1)}`);
        await side.create('/d/f', 'one');
        if (destFullPath === '/into') await side.create('/into/x', 'two');
        const body = { srcProjectId: 'rp1', srcRepoName: 'gen', srcFullPath: '/d/f', destFullPath };
        assert.equal((await change(side, call, body)).status, 200);
        assert.deepEqual(await live(side), [...(call === 'copy' ? ['/d/f one'] : []), ...expected]);
        const [node] = await documents(side, expected[0].split(' ')[0] ?? '');
        assert.equal(node?.createdBy, call === 'copy' ? 'admin' : 'bob');
        assert.equal(await references(side, 'one'), 2);
      });

  test('a copy into a repository with another store takes the bytes along', async () => {
    const side = await start('stores');
    const other = join(bed.directory, 'stores-other');
    const credentials = JSON.stringify({ type: 'filesystem', path: other });
    await side.db
      .collection<{ _id: string; credentials: string }>('storage_credentials')
      .insertOne({ _id: 'k', credentials });
    const repository = {
      projectId: 'rp1',
      name: 'far',
      type: 'GENERIC',
      category: 'LOCAL',
      storageCredentialsKey: 'k',
    };
    const made = await side.post('/replica/repo/create', repository);
    assert.deepEqual((made.json.data as { storageCredentials: unknown }).storageCredentials, {
      type: 'filesystem',
      key: 'k',
    });
    await side.create('/d/f', 'one');
    const body = {
      srcProjectId: 'rp1',
      srcRepoName: 'gen',
      srcFullPath: '/d',
      destRepoName: 'far',
      destFullPath: '/e',
    };
    assert.equal((await change(side, 'copy', body)).status, 200);
    assert.equal(await readFile(blobFile(other, sha256('one')), 'utf8'), 'one');
  });

  test('a move needs overwrite to replace, and never a folder', async () => {
    const side = await start('conflict');
    await side.create('/f', 'one');
    await side.create('/g', 'two');
    await side.create('/d/h', 'two');
    const move = async (srcFullPath: string, destFullPath: string, overwrite: boolean): Promise<number | undefined> =>
      (await change(side, 'move', { srcProjectId: 'rp1', srcRepoName: 'gen', srcFullPath, destFullPath, overwrite }))
        .json.code;
    assert.equal(await move('/f', '/g', false), 251013);
    assert.equal(await move('/d', '/g', true), 251013);
    assert.equal(await move('/d', '/d/e', true), 251013);
    assert.equal(await move('/none', '/x', true), 251010);
    assert.equal(await move('/f', '/g', true), 0);
    assert.deepEqual(await live(side), ['/d/h two', '/g one']);
  });

  test('update sets and clears the expiry', async () => {
    const side = await start('expiry');
    await side.create('/f', 'one');
    await change(side, 'update', { fullPath: '/f', expires: 3 });
    assert.ok((await documents(side, '/f'))[0]?.expireDate instanceof Date);
    await change(side, 'update', { fullPath: '/f', expires: 0 });
    assert.equal('expireDate' in ((await documents(side, '/f'))[0] ?? {}), false);
    assert.equal((await change(side, 'update', { fullPath: '/none', expires: 0 })).json.code, 251010);
  });

  test('metadata is merged, replaced and deleted by key', async () => {
    const side = await start('metadata');
    await side.create('/f', 'one', { metadata: { a: '1', b: '2' } });
    const save = async (body: object): Promise<Answer> =>
      await side.post('/replica/metadata/save', { projectId: 'rp1', repoName: 'gen', fullPath: '/f', ...body });
    const keys = async (): Promise<unknown> =>
      (await documents(side, '/f'))[0]?.metadata?.map((entry) => `${entry.key}=${String(entry.value)}`);
    await save({ metadata: { b: '3', '$c.d': '$a' } });
    assert.deepEqual(await keys(), ['a=1', 'b=3', '$c.d=$a']);
    await side.post('/replica/metadata/delete', {
      projectId: 'rp1',
      repoName: 'gen',
      fullPath: '/f',
      keyList: ['a', 'x'],
    });
    assert.deepEqual(await keys(), ['b=3', '$c.d=$a']);
    await save({ nodeMetadata: [{ key: 'only', value: 1 }], replace: true });
    assert.deepEqual(await keys(), ['only=1']);
    assert.equal((await save({ fullPath: '/none', metadata: {} })).json.code, 251010);
  });

  const names = [
    '/中文 目录/空 格.txt',
    '/a+b/%25/%',
    '/q?x=1&y=2#z;v.txt',
    "/it's/\u00e9\u{1f600}",
    `/${'长'.repeat(1000)}/${'名'.repeat(1000)}`,
  ];
  test('names of all kinds are the same in every call', async () => {
    const side = await start('names');
    for (const fullPath of names) {
      assert.equal((await side.create(fullPath, 'one')).json.code, 0);
      const encoded = fullPath.split('/').map(encodeURIComponent).join('/');
      const exist = await side.call('GET', `/replica/node/exist?projectId=rp1&repoName=gen&fullPath=${encoded}`);
      assert.equal(exist.json.data, true, fullPath);
      const detail = await side.call('GET', `/repository/api/node/detail/rp1/gen${encoded}`);
      assert.equal((detail.json.data as { fullPath: string }).fullPath, fullPath);
      assert.deepEqual((await change(side, 'exist/list', { fullPathList: [fullPath] })).json.data, [fullPath]);
    }
    assert.deepEqual(new Set(await live(side)), new Set(names.map((fullPath) => `${fullPath} one`)));
  });

  test('exist/list answers many paths, children a folder', async () => {
    const side = await start('children');
    for (const path of ['/d/x', '/d/e/y', '/z']) await side.create(path, 'one');
    const listed = await change(side, 'exist/list', { fullPathList: ['/z', '/none', 'd/x'] });
    assert.deepEqual([...(listed.json.data as string[])].sort(), ['/d/x', '/z']);
    const answer = await change(side, 'children', { fullPath: '/d', pageSize: 1 });
    assert.deepEqual(answer.json.data, {
      children: [{ fullPath: '/d/e', folder: true, size: 0, sha256: null }],
      hasMore: true,
    });
  });
});
