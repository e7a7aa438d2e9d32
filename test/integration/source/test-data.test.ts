/** The tools that build, load, read back and compare data judge everything else, so they are judged here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, readFile, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type Db, MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { Crc64 } from '../../support/bkrepo/crc64.ts';
import {
  FIXTURE_LIVE_FILES,
  FIXTURE_PROJECT,
  fixtureIndexes,
  fixtureMissing,
  loadFixture,
} from '../../support/bkrepo/fixture.ts';
import { INDEXES } from '../../support/bkrepo/indexes.ts';
import { blobPath, shardOf } from '../../support/bkrepo/layout.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

let mongod: Mongod;
let client: MongoClient;
let directory: string;

before(async () => {
  mongod = await startMongod();
  client = await new MongoClient(mongod.uri).connect();
  directory = await makeTempDir('test-data');
});

after(async () => {
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

function side(name: string): { db: Db; store: string } {
  return { db: client.db(name), store: `${directory}/${name}` };
}

async function fill({ db, store }: { db: Db; store: string }): Promise<BkRepoBuilder> {
  const builder = new BkRepoBuilder(db, store, { now: () => new Date('2026-11-01T00:00:00Z') });
  const repository = await builder.repository('p', 'r');
  await repository.putFile('/a/b/one.txt', 'one', { metadata: [{ key: 'k', value: 12 }], createdBy: 'someone' });
  await repository.putFile('/中文/名 字.txt', 'two');
  await repository.putFile('/big.bin', seededBytes(3_000_000, 7));
  await repository.putFile('/empty', '');
  await repository.putBlockFile('/blocks', ['first', 'second']);
  await repository.putFile('/gone', 'gone');
  await repository.deleteFile('/gone');
  await repository.putFile('/expired', 'x', { expireDate: new Date('2026-11-02T00:00:00Z') });
  return builder;
}

describe('built data', () => {
  it('is read back as it was put: live files only, blocks as one file, digests of the stored bytes', async () => {
    const one = side('built');
    await fill(one);
    const files = await readBack(one.db, one.store, 'p', 'r');
    assert.deepEqual([...files.keys()].sort(), ['/a/b/one.txt', '/big.bin', '/blocks', '/empty', '/中文/名 字.txt']);
    assert.equal(files.get('/blocks')?.sha256, createHash('sha256').update('firstsecond').digest('hex'));
    assert.equal(files.get('/blocks')?.size, 11);
    assert.equal(files.get('/a/b/one.txt')?.sha256, '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    assert.deepEqual(
      [...files.values()].flatMap((file) => file.problems),
      [],
    );
    const folders = await one.db.collection('node_112').find({ folder: true }).sort({ fullPath: 1 }).toArray();
    assert.deepEqual(
      folders.map((folder) => [folder['path'], folder['name'], 'deleted' in folder]),
      [
        ['/', 'a', false],
        ['/a/', 'b', false],
        ['/', '中文', false],
      ],
    );
  });

  it('keeps an overwritten file as a soft-deleted node, and counts both in file_reference', async () => {
    const one = side('overwritten');
    const repository = await new BkRepoBuilder(one.db, one.store).repository('p', 'r');
    const { sha256 } = await repository.putFile('/f', 'same');
    await repository.putFile('/f', 'same');
    const nodes = await one.db.collection('node_112').find({ fullPath: '/f' }).sort({ deleted: 1 }).toArray();
    assert.deepEqual(
      nodes.map((node) => node['deleted'] instanceof Date),
      [false, true],
    );
    const reference = await one.db.collection(`file_reference_${shardOf(sha256)}`).findOne({ sha256 });
    assert.equal(reference?.['count'], 2);
    assert.equal(reference?.['credentialsKey'], null);
  });

  it('compares equal to the same data elsewhere, and every difference is told', async () => {
    const one = side('left');
    const two = side('right');
    await fill(one);
    const other = await fill(two);
    const read = async (from: typeof one) => readBack(from.db, from.store, 'p', 'r');
    assert.deepEqual(compareSides(await read(one), await read(two)), []);

    const repository = await other.repository('p', 'r2');
    assert.ok(repository);
    const nodes = two.db.collection('node_112');
    await nodes.updateOne({ fullPath: '/a/b/one.txt' }, { $set: { 'metadata.0.value': 13, createdBy: 'x' } });
    await nodes.updateOne({ fullPath: '/empty' }, { $set: { fullPath: '/empty2' } });
    const big = (await read(one)).get('/big.bin')?.sha256 ?? '';
    await appendFile(blobPath(two.store, big), 'more');
    const two256 = '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3';
    await rm(blobPath(two.store, two256));
    const differences = compareSides(await read(one), await read(two));
    for (const expected of [
      /^\/a\/b\/one\.txt: metadata: source .*12.*, far side .*13/,
      /^\/a\/b\/one\.txt: createdBy: source "someone", far side "x"/,
      /^\/big\.bin: far side: declared 3000000 bytes, stored 3000004/,
      /^\/big\.bin: far side: declared sha256/,
      /^\/big\.bin: bytes: source 3000000, far side 3000004/,
      /^\/empty: only at source/,
      /^\/empty2: only at far side/,
      /^\/中文\/名 字\.txt: far side: the store has no bytes for 3fc4/,
    ])
      assert.ok(
        differences.some((line) => expected.test(line)),
        `${expected} in ${differences.join('\n')}`,
      );
    assert.match(compareSides(await read(one), await read(two), { limit: 2 })[2] ?? '', /and \d+ more/);
  });
});

describe('the fixture', { skip: fixtureMissing() }, () => {
  it('loads whole and sound, with as many live files as its description says', async () => {
    const one = side('fixture');
    await loadFixture(one.db, one.store);
    for (const [repository, count] of Object.entries(FIXTURE_LIVE_FILES)) {
      const files = await readBack(one.db, one.store, FIXTURE_PROJECT, repository);
      assert.equal(files.size, count, repository);
      assert.deepEqual(
        [...files.values()].flatMap((file) => file.problems),
        [],
      );
    }
  });

  it('has the shapes that the builder makes: fields in order, their types, checksums', async () => {
    const fixture = side('fixture');
    const built = side('shapes');
    const repository = await new BkRepoBuilder(built.db, built.store).repository('fx', 'gen');
    const path = '/meta/build.zip';
    const raw = { promoteValues: false } as const;
    const real = await fixture.db.collection('node_210').findOne({ fullPath: path }, raw);
    const digest = String((await fixture.db.collection('node_210').findOne({ fullPath: path }))?.['sha256']);
    await repository.putFile(path, await readFile(blobPath(fixture.store, digest)), {
      metadata: [{ key: 'empty', value: '' }],
    });
    const ours = await built.db.collection('node_210').findOne({ fullPath: path }, raw);
    const shape = (document: object | null) =>
      Object.entries(document ?? {}).map(([name, value]) => [name, (value as object).constructor.name]);
    assert.deepEqual(shape(ours), shape(real));
    for (const field of ['sha256', 'md5', 'crc64ecma', 'path', 'name']) assert.deepEqual(ours?.[field], real?.[field]);
    assert.equal(new Crc64().update(Buffer.from('123456789')).digest(), '11051210869376104954');

    const folder = { fullPath: '/meta', deleted: null };
    const names = (document: object | null) => Object.keys(document ?? {}).sort();
    const realFolder = names(await fixture.db.collection('node_210').findOne({ ...folder, repoName: 'gen' }));
    const ourFolder = names(await built.db.collection('node_210').findOne(folder));
    assert.deepEqual(
      ourFolder,
      realFolder.filter((name) => name !== 'nodeNum'),
    );

    const repoNames = names(await fixture.db.collection('repository').findOne({ name: 'mvn' }));
    assert.deepEqual(names(await built.db.collection('repository').findOne({ name: 'gen' })), repoNames);
  });

  it('has the indexes that the builder makes', async () => {
    const real = await fixtureIndexes();
    for (const [family, indexes] of Object.entries(INDEXES)) assert.deepEqual(indexes, real[family], family);
  });
});
