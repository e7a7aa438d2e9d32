import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';

import { Long, ObjectId } from 'mongodb';

import type { PackageDoc, PackageVersionDoc } from '../../../src/source/schema/documents.ts';
import { ADMIN, type Answer, basic, PeerBed, type PeerSide, send } from './client.ts';

let bed: PeerBed;
before(async () => {
  bed = await PeerBed.start();
});
after(async () => await bed.stop());

const KEY = 'gav://com.ex:lib';
const version = (name: string, more: object = {}): object => ({
  projectId: 'rp1',
  repoName: 'mvn',
  packageName: 'lib',
  packageKey: KEY,
  packageType: 'MAVEN',
  versionName: name,
  size: 17,
  artifactPath: `/com/ex/lib/${name}/lib.jar`,
  createdBy: 'alice',
  ...more,
});
const create = async (side: PeerSide, name: string, more: object = {}): Promise<Answer> =>
  await side.post('/replica/package/version/create', version(name, more));

async function withRepository(name: string, options: Parameters<PeerBed['peer']>[1] = {}): Promise<PeerSide> {
  const side = await bed.peer(name, options);
  await side.repository('mvn', 'MAVEN');
  return side;
}

const packageDoc = async (side: PeerSide): Promise<PackageDoc | null> =>
  await side.db.collection<PackageDoc>('package').findOne({});
const versionDoc = async (side: PeerSide, name: string): Promise<PackageVersionDoc | null> =>
  await side.db.collection<PackageVersionDoc>('package_version').findOne({ name });

suite('package/version/create', () => {
  test('package and version have the documents of a real server', async () => {
    const side = await withRepository('documents');
    const metadata = [{ key: 'groupId', value: 'com.ex', system: false, description: null, link: null, color: null }];
    await create(side, '1.1.0', {
      packageMetadata: metadata,
      versionTag: { 'a.b': '1.1.0' },
      packageDescription: 'd',
      stageTag: ['@x'],
    });
    await create(side, '1.0.0', { packageExtension: { 'x.y': 1 } });
    const found = await packageDoc(side);
    assert.ok(found !== null);
    assert.deepEqual(
      { ...found, _id: 0, createdDate: 0, lastModifiedDate: 0 },
      {
        _id: 0,
        createdBy: 'alice',
        createdDate: 0,
        lastModifiedBy: 'alice',
        lastModifiedDate: 0,
        projectId: 'rp1',
        repoName: 'mvn',
        name: 'lib',
        key: KEY,
        type: 'MAVEN',
        downloads: 0,
        versions: 2,
        description: 'd',
        versionTag: { 'a#dot#b': '1.1.0' },
        extension: { 'x#dot#y': 1 },
        historyVersion: ['1.1.0', '1.0.0'],
        latest: '1.0.0',
      },
    );
    const one = await versionDoc(side, '1.1.0');
    assert.deepEqual(one?.metadata, [{ key: 'groupId', value: 'com.ex', system: false }]);
    assert.deepEqual(
      [one?.packageId, one?.ordinal, one?.artifactPaths],
      [found._id.toHexString(), 1_000_100_009_999, ['/com/ex/lib/1.1.0/lib.jar']],
    );
  });

  test('an existing version needs overwrite, also when many come at once', async () => {
    const side = await withRepository('existing');
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(side, '1.0.0')));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
    const again = await create(side, '1.0.0');
    assert.deepEqual([again.json.code, again.json.message], [251020, 'Package version [lib-1.0.0] existed']);
    assert.equal(Number((await packageDoc(side))?.versions), 1);
    const exist = async (name: string): Promise<unknown> =>
      (await side.post('/replica/package/version/exist', { ...version(name) })).json.data;
    assert.deepEqual([await exist('1.0.0'), await exist('2.0.0')], [true, false]);
  });

  test('an overwritten version keeps nothing that was not sent', async () => {
    const side = await withRepository('replaced');
    const full = { manifestPath: '/m', stageTag: ['@x'], tags: ['t'], extension: { a: 1 }, metadata: { k: 'v' } };
    await create(side, '1.0.0', full);
    await create(side, '1.0.0', { overwrite: true, size: 18, artifactPath: null });
    const found = await versionDoc(side, '1.0.0');
    assert.deepEqual(
      [found?.size, found?.manifestPath, found?.artifactPath, found?.artifactPaths],
      [18, undefined, undefined, []],
    );
    assert.deepEqual([found?.stageTag, found?.tags, found?.extension, found?.metadata], [[], [], {}, []]);
  });

  test('an artifact path is alone, or with multiArtifact added to the earlier ones', async () => {
    const side = await withRepository('paths');
    await create(side, '1.0.0', { artifactPath: '/a' });
    const paths = async (artifactPath: string, multiArtifact: boolean): Promise<unknown> => {
      await create(side, '1.0.0', { overwrite: true, artifactPath, multiArtifact });
      const found = await versionDoc(side, '1.0.0');
      return [found?.artifactPath, found?.artifactPaths];
    };
    assert.deepEqual(await paths('/b', true), ['/b', ['/a', '/b']]);
    assert.deepEqual(await paths('/a', true), ['/a', ['/a', '/b']]);
    assert.deepEqual(await paths('/c', false), ['/c', ['/c']]);
  });

  test('lists, numbers and booleans in metadata keep their type', async () => {
    const side = await withRepository('types');
    const values = ['text', 7, 5_000_000_000, 0.5, true, ['a', ['b', 1]]];
    const packageMetadata = values.map((value, at) => ({ key: `k${at}`, value, system: at % 2 === 0 }));
    await create(side, '1.0.0', { packageMetadata, metadata: { old: 'unread' } });
    const answer = await side.call('GET', `/repository/api/version/page/rp1/mvn?packageKey=${KEY}`);
    const [shown] = (answer.json.data as { records: Record<string, unknown>[] }).records;
    const fields = { description: null, link: null, color: null };
    assert.deepEqual(
      shown?.['packageMetadata'],
      packageMetadata.map((entry) => ({ ...entry, ...fields })),
    );
    assert.deepEqual(shown?.['metadata'], Object.fromEntries(packageMetadata.map(({ key, value }) => [key, value])));
  });

  for (const field of ['packageKey', 'packageName', 'versionName'])
    test(`a blank ${field} is 250104`, async () => {
      const side = await withRepository(`blank-${field}`);
      assert.equal((await create(side, '1.0.0', { [field]: ' ' })).json.code, 250104);
    });

  for (const [faithful, description, extension] of [
    [false, 'd', { p: 1 }],
    [true, null, { v: 2 }],
  ] as const)
    test(`what a real server does with the fields of a package is ${faithful ? '' : 'not '}done`, async () => {
      const side = await withRepository(`fields-${faithful}`, { faithful });
      await create(side, '1.0.0', { packageDescription: 'd', packageExtension: { p: 1 } });
      await create(side, '2.0.0', { extension: { v: 2 } });
      const found = await packageDoc(side);
      assert.deepEqual([found?.description, found?.extension], [description, extension]);
      assert.deepEqual((await versionDoc(side, '2.0.0'))?.extension, { v: 2 });
    });
});

suite('package/version/delete and package/delete', () => {
  const remove = async (side: PeerSide, more: object, call = 'package/version/delete'): Promise<Answer> =>
    await side.post(`/replica/${call}`, {
      projectId: 'rp1',
      repoName: 'mvn',
      packageKey: KEY,
      deletedDate: '2020-01-01T00:00:00',
      source: '',
      ...more,
    });
  const versions = async (side: PeerSide): Promise<string[]> =>
    (await side.db.collection<PackageVersionDoc>('package_version').find().toArray()).map(({ name }) => name).sort();

  test('a version goes, the highest of the others becomes latest, the last one takes the package along', async () => {
    const side = await withRepository('delete-version');
    for (const name of ['1.0.0', '1.10.0', '1.9.0', '0.1.0']) await create(side, name);
    assert.equal((await remove(side, { versionName: '1.0.0' })).status, 200);
    assert.equal((await packageDoc(side))?.latest, '0.1.0');
    await remove(side, { versionName: '0.1.0' });
    const left = await packageDoc(side);
    assert.deepEqual([left?.latest, Number(left?.versions)], ['1.10.0', 2]);
    assert.deepEqual(left?.historyVersion, ['1.0.0', '1.10.0', '1.9.0', '0.1.0'], 'the history keeps them');
    for (const versionName of ['1.10.0', '1.9.0']) await remove(side, { versionName });
    assert.deepEqual([await versions(side), await packageDoc(side)], [[], null]);
  });

  test('a package goes with all its versions, and its files stay', async () => {
    const side = await withRepository('delete-package');
    await side.push('one');
    await side.create('/com/ex/lib/1.0.0/lib.jar', 'one', { repoName: 'mvn' });
    for (const name of ['1.0.0', '2.0.0']) await create(side, name);
    assert.equal((await remove(side, {}, 'package/delete')).status, 200);
    assert.deepEqual([await versions(side), await packageDoc(side)], [[], null]);
    const file = { projectId: 'rp1', repoName: 'mvn', fullPathList: ['/com/ex/lib/1.0.0/lib.jar'] };
    assert.deepEqual((await side.post('/replica/node/exist/list', file)).json.data, file.fullPathList);
  });

  test('what is not there is a success', async () => {
    const side = await withRepository('delete-none');
    assert.equal((await remove(side, { versionName: '1.0.0' })).json.code, 0);
    await create(side, '1.0.0');
    assert.equal((await remove(side, { versionName: '2.0.0' })).json.code, 0);
    assert.equal((await remove(side, { packageKey: 'gav://x:y' }, 'package/delete')).json.code, 0);
    assert.equal(Number((await packageDoc(side))?.versions), 1);
  });

  test('source and deletedDate must be there', async () => {
    const side = await withRepository('delete-incomplete');
    for (const missing of ['source', 'deletedDate', 'versionName'])
      assert.equal((await remove(side, { versionName: '1.0.0', [missing]: null })).json.code, 250106, missing);
  });

  for (const [faithful, left] of [
    [true, ['1.0.0']],
    [false, []],
  ] as const)
    test(`with source, a newer version ${faithful ? 'stays' : 'goes all the same where there are no defects'}`, async () => {
      const side = await withRepository(`delete-source-${faithful}`, { faithful });
      await create(side, '1.0.0');
      assert.equal((await remove(side, { versionName: '1.0.0', source: 'other' })).status, 200);
      assert.deepEqual(await versions(side), left);
      await create(side, '1.0.0', { overwrite: true });
      assert.equal((await remove(side, { source: 'other' }, 'package/delete')).status, 200);
      assert.deepEqual(await versions(side), left);
    });
});

suite('the package calls of the repository API', () => {
  const get = async (side: PeerSide, path: string): Promise<Answer> =>
    await side.call('GET', `/repository/api/${path}`);
  const names = (answer: Answer, field = 'name'): unknown =>
    (answer.json.data as { records: Record<string, unknown>[] }).records.map((record) => record[field]);

  test('a package is shown in the fields of a real server', async () => {
    const clock = { now: () => Date.parse('2026-11-22T15:00:00.250Z'), monotonic: () => 0, sleep: async () => {} };
    const side = await withRepository('info', { faithful: true, clock });
    await create(side, '1.0.0', { packageDescription: 'd', versionTag: { 'a.b': '1.0.0' }, extension: { 'c.d': 1 } });
    const { id, ...shown } = (await get(side, `package/info/rp1/mvn?packageKey=${KEY}`)).json.data as {
      id: string;
    };
    assert.match(id, /^[0-9a-f]{24}$/);
    const date = '2026-11-22T23:00:00.25';
    assert.deepEqual(shown, {
      createdBy: 'alice',
      createdDate: date,
      lastModifiedBy: 'alice',
      lastModifiedDate: date,
      projectId: 'rp1',
      repoName: 'mvn',
      name: 'lib',
      key: KEY,
      type: 'MAVEN',
      latest: '1.0.0',
      downloads: 0,
      versions: 1,
      description: 'd',
      versionTag: { 'a.b': '1.0.0' },
      extension: { 'c.d': 1 },
      historyVersion: ['1.0.0'],
    });
    const page = await get(side, `version/page/rp1/mvn?packageKey=${KEY}`);
    assert.deepEqual((page.json.data as { records: unknown }).records, [
      {
        createdBy: 'alice',
        createdDate: date,
        lastModifiedBy: 'alice',
        lastModifiedDate: date,
        name: '1.0.0',
        size: 17,
        downloads: 0,
        stageTag: [],
        metadata: {},
        packageMetadata: [],
        tags: [],
        extension: { 'c.d': 1 },
        contentPath: '/com/ex/lib/1.0.0/lib.jar',
        contentPaths: ['/com/ex/lib/1.0.0/lib.jar'],
        manifestPath: null,
        clusterNames: null,
      },
    ]);
  });

  test('an unknown package is no data and has no versions; an unknown repository is an error', async () => {
    const side = await withRepository('unknown');
    const info = await get(side, 'package/info/rp1/mvn?packageKey=gav://no:no');
    assert.deepEqual([info.json.code, info.json.data], [0, null]);
    const page = await get(side, 'version/page/rp1/mvn?packageKey=gav://no:no');
    assert.deepEqual(page.json.data, {
      pageNumber: 1,
      pageSize: 20,
      totalRecords: 0,
      totalPages: 0,
      records: [],
      count: 0,
      page: 1,
    });
    for (const call of ['package/info', 'package/page', 'version/page']) {
      assert.equal((await get(side, `${call}/rp1/none?packageKey=${KEY}`)).json.code, 251006, call);
      if (call !== 'package/page') assert.equal((await get(side, `${call}/rp1/mvn`)).json.code, 250103, call);
    }
  });

  test('an account reads the packages of its projects alone, nobody reads none', async () => {
    const users = [ADMIN, { username: 'plain', password: 'good', projects: ['other'] }];
    for (const faithful of [false, true]) {
      const side = await withRepository(`accounts-${faithful}`, { users, faithful });
      const headers = { authorization: basic('plain', 'good'), 'content-type': 'application/json' };
      for (const [method, call] of [
        ['GET', 'package/info'],
        ['GET', 'package/page'],
        ['GET', 'version/page'],
        ['POST', 'version/list'],
      ] as const) {
        const path = `/repository/api/${call}/rp1/mvn?packageKey=${KEY}`;
        const plain = await send(side.peer.url, method, path, { headers, body: '{}' });
        assert.deepEqual([plain.status, plain.json.code], [403, 250113], call);
        assert.equal((await send(side.peer.url, method, path)).status, 401, call);
      }
    }
  });

  test('packages are listed by the beginning of their name, whatever its case', async () => {
    const side = await withRepository('list');
    for (const name of ['lib.a', 'Lib.b', 'libxa', 'other'])
      await create(side, '1.0.0', { packageName: name, packageKey: `gav://com.ex:${name}` });
    assert.deepEqual(names(await get(side, 'package/page/rp1/mvn?packageName=lib.')), ['lib.a', 'Lib.b']);
    const second = await get(side, 'package/page/rp1/mvn?pageNumber=2&pageSize=3');
    assert.deepEqual(names(second, 'key'), ['gav://com.ex:other']);
    assert.equal((second.json.data as { totalRecords: number }).totalRecords, 4);
  });

  test('versions are filtered by a pattern and stages, and come in the order of their ordinal', async () => {
    const side = await withRepository('filter');
    for (const name of ['1.9.0', '1.10.0', '1.0.0', '2.0.0-rc', '1x0'])
      await create(side, name, name.startsWith('1.') ? { stageTag: ['@a', '@b'] } : {});
    const page = async (query: string): Promise<Answer> =>
      await get(side, `version/page/rp1/mvn?packageKey=${KEY}&${query}`);
    assert.deepEqual(names(await page('')), ['2.0.0-rc', '1.10.0', '1.9.0', '1.0.0', '1x0']);
    assert.deepEqual(names(await page('direction=ASC&pageSize=2')), ['1x0', '1.0.0']);
    assert.deepEqual(names(await page('sortProperty=createdDate&pageSize=1')), ['1x0']);
    assert.deepEqual(names(await page('version=1.0')), ['1.0.0', '1x0']);
    assert.deepEqual(names(await page(`version=${encodeURIComponent('(1\\.9\\.0|1x0|1)$')}`)), ['1.9.0', '1x0']);
    assert.deepEqual(names(await page('stageTag=@a,@b')), ['1.10.0', '1.9.0', '1.0.0']);
    assert.equal((await page('version=%28')).json.code, 250131);
    assert.equal((await page('direction=UP')).json.code, 250131);
    assert.equal((await page('sortProperty=packageId')).json.code, 250105);
    const list = await side.post(`/repository/api/version/list/rp1/mvn?packageKey=${KEY}`, { version: '1\\.' });
    assert.deepEqual(
      (list.json.data as { name: string }[]).map(({ name }) => name),
      ['1.10.0', '1.9.0', '1.0.0'],
    );
  });

  test('more versions than can be shown at once are 250127, not a short list', async () => {
    const side = await withRepository('too-many');
    await create(side, '1.0.0');
    const template = await versionDoc(side, '1.0.0');
    assert.ok(template !== null);
    const copies = Array.from({ length: 20_000 }, (_, at) => ({
      _id: new ObjectId(),
      packageId: template.packageId,
      name: `2.${at}`,
      size: Long.ONE,
      ordinal: Long.fromNumber(at),
    }));
    await side.db.collection('package_version').insertMany(copies);
    const list = await side.post(`/repository/api/version/list/rp1/mvn?packageKey=${KEY}`, {});
    assert.deepEqual([list.status, list.json.code], [400, 250127]);
  });
});
