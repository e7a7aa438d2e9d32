/** What writes to a source in tests must itself leave a sound source, and the log of what it did. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Db, type Document, MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { shardOf } from '../../support/bkrepo/layout.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { readPackages } from '../../support/bkrepo/read-packages.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { printedSeed, seededRandom } from '../../support/seed.ts';
import { SourceFlood } from '../../support/source-flood.ts';
import { RandomSource } from '../../support/source-random.ts';
import type { SourceRepository } from '../../support/source-repository.ts';
import { putVersionOf, removeVersionOf } from '../../support/source-versions.ts';
import { RefusedError, SourceWriter, type SourceWriterOptions } from '../../support/source-writer.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

const PROJECT = 'acme';
let mongod: Mongod;
let client: MongoClient;
let directory: string;
const writers: SourceWriter[] = [];

before(async () => {
  mongod = await startMongod();
  client = await MongoClient.connect(mongod.uri, { writeConcern: { w: 1, j: false } });
  directory = await makeTempDir('source-writer');
});
after(async () => {
  for (const writer of writers) await writer.stop();
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

async function storeOf(name: string): Promise<{ readonly db: Db; readonly storeDir: string }> {
  const storeDir = path.join(directory, name);
  await mkdir(storeDir, { recursive: true });
  return { db: client.db(name), storeDir };
}

async function start(name: string, options: Partial<SourceWriterOptions> = {}): Promise<SourceWriter> {
  const writer = await SourceWriter.start({ ...(await storeOf(name)), ...options });
  writers.push(writer);
  return writer;
}

async function files(repository: SourceRepository): Promise<Readonly<Record<string, string>>> {
  const { builder, projectId, name } = repository;
  const found = await readBack(builder.db, builder.storeDir, projectId, name);
  for (const [fullPath, { problems }] of found) assert.deepEqual(problems, [], fullPath);
  const contents = await Promise.all(
    [...found.keys()].sort().map(async (key) => [key, String(await repository.content(key))]),
  );
  return Object.fromEntries(contents);
}

async function documents(repository: SourceRepository, fullPath: string): Promise<Document[]> {
  const nodes = repository.builder.db.collection(`node_${shardOf(repository.projectId)}`);
  return await nodes.find({ repoName: repository.name, fullPath }).sort({ _id: 1 }).toArray();
}

test('files are made, replaced, moved, copied, renamed and deleted as bk-repo does it', async () => {
  const writer = await start('files');
  const files_ = await writer.repository(PROJECT, 'files');
  const other = await writer.repository(PROJECT, 'other');
  for (const content of ['one', 'two']) await files_.putFile('/a/f', content);
  const [first, second] = await documents(files_, '/a/f');
  assert.ok(first?.['deleted'] instanceof Date, 'what was there is soft-deleted');
  await files_.rename('/a', '/b');
  assert.deepEqual((await documents(files_, '/b/f'))[0]?.['_id'], second?.['_id'], 'a renamed node keeps its _id');
  await files_.copy('/b', '/c');
  await files_.move('/b/f', '/moved', { to: other });
  assert.notDeepEqual((await documents(other, '/moved'))[0]?.['_id'], second?.['_id'], 'a moved one does not');
  assert.deepEqual([await files(files_), await files(other)], [{ '/c/f': 'two' }, { '/moved': 'two' }]);
  assert.equal(await files_.deleteFile('/c'), true);
  assert.equal(await files_.deleteFile('/c'), false);
  assert.deepEqual(await files(files_), {});
  await other.saveMetadata('/moved', [{ key: 'k.1', value: ['x', 1] }, { key: 'gone' }]);
  await other.deleteMetadata('/moved', ['gone']);
  await other.expire('/moved', 2);
  const [moved] = await documents(other, '/moved');
  assert.deepEqual(moved?.['metadata'], [{ key: 'k.1', value: ['x', 1], system: false }]);
  assert.ok(moved?.['expireDate'] > new Date());
  await assert.rejects(
    files_.rename('/nothing', '/x'),
    (error) => error instanceof RefusedError && error.answer.code === 251010,
  );
});

for (const type of ['MAVEN', 'NPM', 'HELM', 'OCI', 'DOCKER'])
  test(`versions of ${type} come, change and go with their files`, async () => {
    const writer = await start(`versions-${type}`, { eventLog: 'artifact_oplog' });
    const repository = await writer.repository(PROJECT, 'packages', type);
    const put = await putVersionOf(repository, 'lib', '1.0.0');
    const before_ = await files(repository);
    for (const one of put.paths) assert.ok(one in before_, one);
    await putVersionOf(repository, 'lib', '2.0.0');
    await putVersionOf(repository, 'lib', '1.0.0', 1);
    assert.notDeepEqual(await files(repository), before_);
    const packages = await readPackages(writer.builder.db, PROJECT, 'packages');
    const found = packages.get(put.packageKey);
    assert.deepEqual([...(found?.versions.keys() ?? [])].sort(), ['1.0.0', '2.0.0']);
    assert.deepEqual([found?.latest, found?.problems], ['1.0.0', []]);
    for (const version of ['1.0.0', '2.0.0', '2.0.0']) await removeVersionOf(repository, 'lib', version);
    assert.equal((await readPackages(writer.builder.db, PROJECT, 'packages')).size, 0);
    const left = Object.keys(await files(repository));
    assert.deepEqual(
      left.filter((one) => !one.includes('/maven-metadata.xml')),
      [],
    );
    await writer.stop();
    const [log] = await writer.builder.db.listCollections({ name: /^artifact_oplog/ }).toArray();
    const events = await writer.builder.db
      .collection(log?.name ?? '')
      .find({ type: /^VERSION/ })
      .toArray();
    const told = ['VERSION_CREATED', 'VERSION_CREATED', 'VERSION_UPDATED', 'VERSION_DELETED', 'VERSION_DELETED'];
    assert.deepEqual(
      events.map((event) => event['type']),
      told,
    );
  });

test('what is done at random leaves a sound source, and is the same for the same seed', async () => {
  const seed = printedSeed('source-writer');
  const told: string[][] = [];
  for (const side of ['first', 'second']) {
    const writer = await start(`random-${side}`);
    const types = ['GENERIC', 'GENERIC', 'MAVEN', 'NPM', 'HELM', 'OCI'];
    const repositories = [];
    for (const [index, type] of types.entries())
      repositories.push(await writer.repository(PROJECT, `${type.toLowerCase()}-${index}`, type));
    const source = new RandomSource(seededRandom(seed), repositories);
    const acts: string[] = [];
    for (let count = 0; count < 60; count += 1) acts.push(await source.act());
    told.push(acts);
    for (const repository of repositories) {
      await files(repository);
      for (const [key, { problems }] of await readPackages(writer.builder.db, PROJECT, repository.name))
        assert.deepEqual(problems, [], key);
    }
  }
  assert.deepEqual(told[1], told[0]);
  const refused = told[0]?.filter((text) => /: \d{6} /.test(text)) ?? [];
  assert.ok(refused.length < 30, `mostly it does something: ${refused.join('\n')}`);
  assert.deepEqual(
    told[0]?.filter((text) => text.includes('2501')),
    [],
  );
});

for (const eventLog of ['operate_log', 'artifact_oplog'] as const)
  test(`a flood has sound nodes, and an entry of ${eventLog} for each`, async () => {
    const { db, storeDir } = await storeOf(`flood-${eventLog}`);
    const repository = await new BkRepoBuilder(db, storeDir, { references: false }).repository(PROJECT, 'files');
    const flood = new SourceFlood(repository, { eventLog });
    const prepared = await flood.prepare(1_200);
    const rate = await flood.flow(prepared, 2_000, AbortSignal.timeout(20_000));
    assert.ok(rate > 200, `${rate} files/s`);
    for (let times = 0; times < 3; times += 1) await flood.put(prepared.slice(0, 2), { replacing: true });
    await flood.delete(prepared.slice(1_000));
    const found = await readBack(db, storeDir, PROJECT, 'files');
    assert.equal(found.size, 1_000);
    assert.equal(new Set([...found.values()].map(({ sha256 }) => sha256)).size, 1_000);
    assert.deepEqual(
      [...found.values()].flatMap(({ problems }) => problems),
      [],
    );
    const [log] = await db.listCollections({ name: /oplog|operate_log/ }).toArray();
    assert.equal(await db.collection(log?.name ?? '').countDocuments(), 1_200 + 6 + 200);
  });
