import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { BSON, MongoClient } from 'mongodb';
import { startPeer } from '../../../src/peer/server.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { cluster, login, PASSWORD, task } from './manifests.ts';
import { Site } from './site.ts';

/*
 * The program with the accounts that the documentation asks for and no more: `read` on the source, `readWrite` on its own
 * database. The source stays as it was, and no password leaves its place.
 */

const SOURCE_PASSWORD = 'p%40ss/of:source';
const JOURNAL_PASSWORD = 'p@ss+of=journal';

let mongod: Mongod;
let client: MongoClient;
let directory: string;
let proxy: FaultProxy;
const closing: (() => Promise<unknown>)[] = [];

before(async () => {
  mongod = await startMongod({
    users: [
      { name: 'source', password: SOURCE_PASSWORD, roles: [{ role: 'read', db: 'bkrepo' }] },
      { name: 'journal', password: JOURNAL_PASSWORD, roles: [{ role: 'readWrite', db: 'bkrepo_replicator' }] },
    ],
  });
  client = await MongoClient.connect(mongod.uri);
  directory = await makeTempDir('accounts');
  const builder = new BkRepoBuilder(client.db('bkrepo'), path.join(directory, 'store'));
  const files = await builder.repository('acme', 'files');
  await files.putFiles(
    Array.from({ length: 25 }, (_, index) => ({
      path: `/folder/${index % 3}/file-${index}`,
      content: `content ${index}`,
      metadata: [{ key: 'number', value: index }],
    })),
  );
  const storePath = path.join(directory, 'far-store');
  await mkdir(storePath);
  const peer = await startPeer({
    mongo: client.db('far'),
    storePath,
    users: [{ username: 'replicator', password: PASSWORD, admin: true }],
    faithful: false,
  });
  proxy = await startFaultProxy(peer.url);
  closing.push(
    () => proxy.close(),
    () => peer.close(),
  );
});
after(async () => {
  for (const close of closing) await close();
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

async function sourceHash(): Promise<unknown> {
  const { md5, collections } = await client.db('bkrepo').command({ dbHash: 1 });
  return { md5, collections };
}

test('a read-only source account is enough, the source stays as it was, and passwords appear nowhere', async () => {
  const before = await sourceHash();
  const site = await Site.create({
    source: mongod.uriFor('source'),
    storeDir: path.join(directory, 'store'),
    journal: mongod.uriFor('journal'),
  });
  closing.unshift(() => site.remove());
  await site.apply(
    'all',
    login('far'),
    cluster('far', proxy.url),
    login('wrong', 'a-wrong-one'),
    cluster('wrong', proxy.url),
    task('copy', ['far']),
    task('to-wrong', ['wrong']),
  );
  await site.start();
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  await site.condition('ReplicaTask', 'to-wrong', 'Ready', { status: 'False' });
  assert.deepEqual(
    compareSides(
      await readBack(client.db('bkrepo'), path.join(directory, 'store'), 'acme', 'files'),
      await readBack(client.db('far'), path.join(directory, 'far-store'), 'mirror', 'files'),
    ),
    [],
  );
  assert.deepEqual(await sourceHash(), before, 'the source database is the same, byte for byte');
  assert.equal(await site.stop(), 0);

  const journal = client.db('bkrepo_replicator');
  const documents: string[] = [];
  for (const { name } of await journal.listCollections().toArray())
    for await (const document of journal.collection(name).find()) documents.push(BSON.EJSON.stringify(document));
  assert.ok(documents.length > 0);
  const secrets = [PASSWORD, 'a-wrong-one', SOURCE_PASSWORD, JOURNAL_PASSWORD].flatMap((password) => [
    password,
    encodeURIComponent(password),
    Buffer.from(password).toString('base64'),
    Buffer.from(`replicator:${password}`).toString('base64'),
  ]);
  const places = new Map<string, string>([
    ...(await site.stateFiles()),
    ['output at level debug', site.output],
    ['journal', documents.join('\n')],
    [
      'requests but for Authorization',
      JSON.stringify(
        proxy.requests.map(({ url, headers }) => [
          url,
          Object.entries(headers).filter(([name]) => name !== 'authorization'),
        ]),
      ),
    ],
  ]);
  for (const [place, text] of places)
    for (const secret of secrets) assert.ok(!text.includes(secret), `${place} holds a password`);
  const shown = new Set(proxy.requests.map(({ headers }) => headers.authorization));
  assert.deepEqual(shown, new Set(['replicator:pass:word', 'replicator:a-wrong-one'].map(basic)));
});

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

const DENIED: readonly { readonly what: string; readonly words: RegExp; readonly place: 'source' | 'journal' }[] = [
  { what: 'the source', place: 'source', words: /source/i },
  { what: 'the journal', place: 'journal', words: /journal/i },
];

for (const { what, place, words } of DENIED) {
  test(`a wrong password of ${what} is told in words without it`, async () => {
    const wrong = (name: string): string => mongod.uriFor(name).replace(/:[^:@/]+@/, ':not-the-right-one@');
    const site = await Site.create({
      source: place === 'source' ? wrong('source') : mongod.uriFor('source'),
      storeDir: path.join(directory, 'store'),
      journal: place === 'journal' ? wrong('journal') : mongod.uriFor('journal'),
    });
    closing.unshift(() => site.remove());
    await site.apply('all', login('far'), cluster('far', proxy.url), task('copy', ['far']));
    if (place === 'source') {
      await site.start();
      const { message } = await site.condition('ReplicaTask', 'copy', 'Ready', {
        status: 'False',
        reason: 'SourceUnauthorized',
      });
      assert.match(message, words);
      assert.ok(!message.includes('not-the-right-one') && !site.output.includes('not-the-right-one'));
      return;
    }
    const failure = await site.start().then(
      () => '',
      (error: Error) => error.message,
    );
    assert.match(failure, /ended before it was ready/);
    assert.match(failure, words);
    assert.match(failure, /[Aa]uthentication/);
    assert.ok(!failure.includes('not-the-right-one'));
  });
}
