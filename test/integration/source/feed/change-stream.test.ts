import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Document, ObjectId } from 'mongodb';
import type { FeedPosition } from '../../../../src/engine/ports/feed.ts';
import { SourceDatabase } from '../../../../src/source/database/database.ts';
import { openChangeStream } from '../../../../src/source/feed/change-stream.ts';
import type { OrderedFeed } from '../../../../src/source/feed/ordered-feed.ts';
import { putVersion } from '../../../support/bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../../../support/bkrepo/repository-builder.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER, SourceHarness } from '../harness.ts';
import { Reading } from './reading.ts';

let harness: SourceHarness;
let repository: RepositoryBuilder;
let database: SourceDatabase;
let feed: OrderedFeed;
let nodes: (filter: Document) => Promise<Document>;

before(async () => {
  harness = await SourceHarness.start();
  repository = await harness.builder('bkrepo').repository('p', 'r');
  await repository.putFiles(['/a/1', '/a/2', '/a/b/3', '/x'].map((path) => ({ path, content: path })));
  // Whatever is read here is read with the role `read` on this one database.
  database = new SourceDatabase({ uri: harness.mongod.uriFor('strict') });
  feed = openChangeStream(database);
  nodes = async (filter) => (await collection('node_112').findOne(filter)) ?? assert.fail('no such node');
});

after(async () => {
  await database.close();
  await harness.stop();
});

const collection = (name: string) => harness.db('bkrepo').collection(name);

/** Reads from now on while `use` works. */
async function following<T>(use: (reading: Reading) => Promise<T>, from?: FeedPosition): Promise<T> {
  const reading = new Reading(feed, from ?? (await feed.end(NEVER)));
  try {
    return await use(reading);
  } finally {
    await reading.stop();
  }
}

let marks = 0;

/** What is told of `change`, and nothing of what was before or comes behind. */
async function toldOf(change: () => Promise<unknown>): Promise<readonly string[]> {
  return await following(async (reading) => {
    await change();
    marks += 1;
    await collection('repository').insertOne({ projectId: 'mark', name: `${marks}` });
    const told = await reading.take(`repository mark/${marks}`);
    assert.equal(reading.unknown, 0);
    return told;
  });
}

const set = (fullPath: string, $set: Document) => collection('node_112').updateMany({ fullPath }, { $set });

describe('what the change stream tells of files', () => {
  it('a new one is told by its path, the folders above it are not', async () => {
    assert.deepEqual(await toldOf(() => repository.putFile('/new/folder/f', 'new')), ['node p/r/new/folder/f']);
  });

  it('one that is overwritten is told by its path', async () => {
    const told = await toldOf(() => repository.putFile('/new/folder/f', 'other'));
    assert.deepEqual(new Set(told), new Set(['node p/r/new/folder/f']));
  });

  it('a soft-deleted one is told by its path', async () => {
    assert.deepEqual(await toldOf(() => repository.deleteFile('/new/folder/f')), ['node p/r/new/folder/f']);
  });

  it('metadata, expiry and archiving are told by the path', async () => {
    for (const change of [
      { metadata: [{ key: 'k', value: 1 }] },
      { 'metadata.0.value': 2 },
      { expireDate: new Date() },
      { archived: true },
    ])
      assert.deepEqual(await toldOf(() => set('/x', change)), ['node p/r/x'], JSON.stringify(change));
    const unset = () => collection('node_112').updateOne({ fullPath: '/x' }, { $unset: { archived: '' } });
    assert.deepEqual(await toldOf(unset), ['node p/r/x']);
    await set('/x', { metadata: Array.from({ length: 40 }, (_, key) => ({ key: `key ${key}`, value: key })) });
    const shorter = () =>
      collection('node_112').updateOne({ fullPath: '/x' }, [{ $set: { metadata: { $slice: ['$metadata', 30] } } }]);
    assert.deepEqual(await toldOf(shorter), ['node p/r/x']);
  });

  it('that one was read is not told', async () => {
    const read = () => set('/x', { lastAccessDate: new Date() });
    assert.deepEqual(await toldOf(read), []);
    assert.deepEqual(await toldOf(() => set('/x', { lastAccessDate: new Date(), expireDate: new Date() })), [
      'node p/r/x',
    ]);
  });

  it('a renamed one is told by its new path, and by its document for the old one', async () => {
    const { _id } = await nodes({ fullPath: '/x' });
    const told = await toldOf(() => set('/x', { path: '/y/', name: 'z', fullPath: '/y/z' }));
    assert.deepEqual(told, ['node p/r/y/z', `document ${_id}`]);
  });

  it('one whose document is replaced or removed is told by its document', async () => {
    const { _id, ...fields } = await nodes({ fullPath: '/y/z' });
    const replaced = await toldOf(() => collection('node_112').replaceOne({ _id }, { ...fields, fullPath: '/x' }));
    assert.deepEqual(replaced, ['node p/r/x', `document ${_id}`]);
    assert.deepEqual(await toldOf(() => collection('node_112').deleteOne({ _id })), [`document ${_id}`]);
  });

  it('one that changed and is gone when it is looked at is told by its document', async () => {
    await repository.putFile('/brief', 'x');
    const { _id } = await nodes({ fullPath: '/brief' });
    const from = await feed.end(NEVER);
    await set('/brief', { expireDate: new Date() });
    await collection('node_112').deleteOne({ _id });
    await following(async (reading) => {
      await repository.putFile('/behind', 'x');
      assert.deepEqual(await reading.take('node p/r/behind'), [`document ${_id}`, `document ${_id}`]);
    }, from);
  });

  it('a block is told by the path of its file, unless its upload has not ended; its clearing away is not told', async () => {
    await repository.putBlockFile('/blocks', ['a', 'b']);
    const blocks = await harness.builder('bkrepo').shard('block_node', 'r');
    const { _id, ...block } = (await blocks.findOne({})) ?? assert.fail('no block');
    assert.deepEqual(await toldOf(() => blocks.insertOne({ ...block })), ['node p/r/blocks']);
    assert.deepEqual(await toldOf(() => blocks.insertOne({ ...block, uploadId: 'u' })), []);
    const end = () => blocks.updateOne({ uploadId: 'u' }, { $unset: { uploadId: '' } });
    assert.deepEqual(await toldOf(end), ['node p/r/blocks']);
    assert.deepEqual(await toldOf(() => blocks.deleteOne({ _id })), []);
  });
});

describe('what the change stream tells of folders', () => {
  it('a folder that is made, or gets its size, is not told', async () => {
    assert.deepEqual(await toldOf(() => repository.makeFolders(['/empty/f'])), []);
    assert.deepEqual(await toldOf(() => set('/empty', { size: 7, nodeNum: 1, lastModifiedDate: new Date() })), []);
  });

  it('one that is deleted is told with what is below it', async () => {
    const told = await toldOf(() => set('/empty', { deleted: new Date() }));
    assert.deepEqual(told, ['node p/r/empty and below']);
  });

  it('one that is deleted with its files is told with each of them', async () => {
    const told = await toldOf(() =>
      collection('node_112').updateMany(
        { projectId: 'p', repoName: 'r', fullPath: { $regex: '^/a(/|$)' } },
        { $set: { deleted: new Date() } },
      ),
    );
    const wanted = ['/a and below', '/a/1', '/a/2', '/a/b and below', '/a/b/3'];
    assert.deepEqual(told.toSorted(), wanted.map((path) => `node p/r${path}`).toSorted());
  });
});

describe('what the change stream tells of packages', () => {
  it('a version that is put is told by its package, and so is the package, by its latest', async () => {
    const put = (name: string) => putVersion(repository, { key: 'npm://a', name: 'a', type: 'NPM' }, { name });
    await put('1.0.0');
    for (const name of ['1.1.0', '1.0.0'])
      assert.deepEqual(new Set(await toldOf(() => put(name))), new Set([`package p/r npm://a@${name}`]));
  });

  it('downloads are not told, tags and descriptions are', async () => {
    const versions = collection('package_version');
    const packages = collection('package');
    const count = { $inc: { downloads: 1 }, $set: { lastModifiedDate: new Date(), recentlyUseDate: new Date() } };
    assert.deepEqual(await toldOf(() => versions.updateOne({ name: '1.0.0' }, count)), []);
    assert.deepEqual(await toldOf(() => packages.updateOne({ key: 'npm://a' }, count)), []);
    const stage = () => versions.updateOne({ name: '1.1.0' }, { $set: { stageTag: ['@release'] } });
    assert.deepEqual(await toldOf(stage), ['package p/r npm://a@1.1.0']);
    const describe = () => packages.updateOne({ key: 'npm://a' }, { $set: { description: 'new' } });
    assert.deepEqual(await toldOf(describe), ['package p/r npm://a@1.0.0']);
    const young = () => packages.updateOne({ key: 'npm://a' }, { $unset: { latest: '' } });
    assert.deepEqual(await toldOf(young), ['package p/r npm://a']);
  });

  it('one that is removed is told by its document, and so is a version whose package is gone when it is looked at', async () => {
    const versions = collection('package_version');
    const version = (await versions.findOne({ name: '1.1.0' })) ?? assert.fail('no version');
    const { _id: packageId } = (await collection('package').findOne({ key: 'npm://a' })) ?? assert.fail('no package');
    assert.deepEqual(await toldOf(() => versions.deleteOne({ _id: version._id })), [`document ${String(version._id)}`]);
    const orphan = new ObjectId();
    const told = await toldOf(() => versions.insertOne({ _id: orphan, packageId: String(new ObjectId()), name: '9' }));
    assert.deepEqual(told, [`document ${String(orphan)}`]);
    assert.deepEqual(await toldOf(() => collection('package').deleteOne({ _id: packageId })), [
      `document ${String(packageId)}`,
    ]);
  });
});

describe('what the change stream tells of the rest', () => {
  it('a repository is told when it is made, changed or deleted, not when its use is counted', async () => {
    const repositories = collection('repository');
    const change = (update: Document) => () => repositories.updateOne({ projectId: 'p', name: 'r' }, update);
    assert.deepEqual(await toldOf(change({ $inc: { used: 5 }, $set: { lastModifiedDate: new Date() } })), []);
    assert.deepEqual(await toldOf(change({ $set: { description: 'new' } })), ['repository p/r']);
    assert.deepEqual(await toldOf(() => harness.builder('bkrepo').repository('p', 'other')), ['repository p/other']);
    const remove = { $set: { deleted: new Date() } };
    assert.deepEqual(await toldOf(() => repositories.updateOne({ name: 'other' }, remove)), ['repository p/other']);
  });

  it('other collections, and other databases, are not told', async () => {
    const told = await toldOf(async () => {
      for (const name of [
        'project',
        'file_reference_3',
        'artifact_oplog_202611',
        'node_backup',
        'xnode_1',
        'package_downloads',
      ])
        await collection(name).insertOne({ projectId: 'p', repoName: 'r', fullPath: '/f', name });
      await harness.db('elsewhere').collection('node_1').insertOne({ projectId: 'p', repoName: 'r', fullPath: '/f' });
      await collection('xnode_1').drop();
    });
    assert.deepEqual(told, []);
  });

  it('a document that is none of bk-repo is counted, and does not stop the others', async () => {
    await following(async (reading) => {
      await collection('node_3').insertMany([{ fullPath: '/f' }, { projectId: 1, repoName: [], fullPath: {} }]);
      await collection('package').insertOne({ key: 'k' });
      await collection('node_3').insertOne({ projectId: 'p', repoName: 'r', fullPath: '/f' });
      assert.deepEqual(await reading.take('node p/r/f'), []);
      assert.equal(reading.unknown, 3);
    });
  });

  it('a change whose event would be larger than 16 MB, with all that MongoDB puts into it, is told like any other', async () => {
    const large = 'x'.repeat(9_000_000);
    const file = { projectId: 'p', repoName: 'r', folder: false, fullPath: '/large', metadata: large };
    await collection('node_3').insertOne(file);
    const update = { $set: { metadata: large.replaceAll('x', 'y') } };
    const told = await toldOf(() => collection('node_3').updateOne({ fullPath: '/large' }, update));
    assert.deepEqual(told, ['node p/r/large']);
  });

  it('a change has the time at which the source made it', async () => {
    const earliest = Date.now();
    await following(async (reading) => {
      await repository.putFile('/timed', 'x');
      await reading.take('node p/r/timed');
      const latest = Date.now();
      for (const batch of reading.batches) {
        for (const { at } of batch.changes) assert.ok(at.getTime() >= earliest && at.getTime() <= latest);
        assert.ok(Math.abs(batch.position.at.getTime() - latest) < 5_000);
      }
    });
  });
});

describe('the way of the change stream', () => {
  it('batches hold at most 1,000 changes, and many are told in their order', async () => {
    const from = await feed.end(NEVER);
    const paths = Array.from({ length: 3_000 }, (_, index) => `/many/${index}`);
    await collection('node_9').insertMany(paths.map((fullPath) => ({ projectId: 'p', repoName: 'r', fullPath })));
    await collection('node_9').updateMany({}, [{ $set: { fullPath: { $concat: ['$fullPath', '-'] } } }]);
    await following(async (reading) => {
      const told = await reading.take('node p/r/many/2999-');
      assert.equal(told.filter((text) => text.startsWith('node')).length, 5_999);
      assert.ok(reading.batches.every(({ changes }) => changes.length <= 1_000));
      assert.ok(reading.batches.length < 20, `${reading.batches.length} batches`);
    }, from);
  });

  it('without changes it gives a sign of life with a position that moves on', async () => {
    await following(async (reading) => {
      const writing = setInterval(() => void harness.db('elsewhere').collection('other').insertOne({}), 100);
      try {
        await eventually(() => reading.batches.length > 0, { timeoutMs: 9_900 });
      } finally {
        clearInterval(writing);
      }
      const [first] = reading.batches;
      assert.deepEqual(first?.changes, []);
      assert.ok((feed.order(first.position, await feed.end(NEVER)) ?? 0) <= 0);
      assert.ok(Date.now() - first.position.at.getTime() < 4_000, 'the position stands where it stood');
    });
  });

  it('ends at once when it is told to, with the reason, and leaves no cursor', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const _ of feed.read(await feed.end(NEVER), stop.signal));
    })();
    await eventually(async () => (await streams()) === 1);
    const asked = performance.now();
    stop.abort(reason);
    await assert.rejects(reading, reason);
    assert.ok(performance.now() - asked < 500);
    await eventually(async () => {
      // A server lets go of a cursor that waits when something happens.
      await harness.db('elsewhere').collection('other').insertOne({});
      return (await streams()) === 0;
    });
  });
});

async function streams(): Promise<number> {
  const idle = { $currentOp: { allUsers: true, idleCursors: true } };
  const ours = {
    $match: { 'cursor.tailable': true, 'cursor.originatingCommand.pipeline.0.$changeStream': { $exists: true } },
  };
  return (await harness.db('admin').aggregate([idle, ours]).toArray()).length;
}
