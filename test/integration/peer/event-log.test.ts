/** The logs of changes that the receiving side writes as real servers of two generations do. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Document } from 'mongodb';

import type { PeerOptions } from '../../../src/peer/options.ts';
import { eventually } from '../../support/wait.ts';
import { PeerBed, type PeerSide } from './client.ts';

let bed: PeerBed;
before(async () => {
  bed = await PeerBed.start();
});
after(async () => await bed.stop());

const PLACE = { projectId: 'rp1', repoName: 'gen', operator: 'bob' };

async function start(name: string, options: Partial<PeerOptions>): Promise<PeerSide> {
  const side = await bed.peer(name, options);
  await side.repository();
  await side.push('one');
  return side;
}

/** Everything of a log once it has `count` entries. */
async function entries(side: PeerSide, count: number): Promise<Document[]> {
  const read = async (): Promise<Document[]> => {
    const [log] = await side.db.listCollections({ name: /oplog|operate_log/ }).toArray();
    return log === undefined ? [] : await side.db.collection(log.name).find().sort({ $natural: 1 }).toArray();
  };
  await eventually(async () => (await read()).length >= count);
  return await read();
}

/** One change of every kind. */
async function everything(side: PeerSide): Promise<void> {
  const node = async (call: string, body: object): Promise<void> => {
    const answer = await side.post(`/replica/${call}`, { ...PLACE, ...body });
    assert.equal(answer.status, 200, `${call}: ${answer.json.message}`);
  };
  await side.create('/a/f', 'one');
  await side.create('/a/f', 'one', { overwrite: true });
  await node('metadata/save', { fullPath: '/a/f', nodeMetadata: [{ key: 'k.1', value: 1 }] });
  await node('metadata/save', { fullPath: '/a/f', metadata: { old: 1 } });
  await node('metadata/delete', { fullPath: 'a/f/', keyList: ['old'] });
  await node('node/update', { fullPath: '/a/f', expires: 3 });
  await node('node/rename', { fullPath: '/a/f', newFullPath: '/a/g' });
  const to = { srcProjectId: 'rp1', srcRepoName: 'gen', destFullPath: '/c' };
  await node('node/copy', { ...to, srcFullPath: '/a' });
  await node('node/move', { ...to, srcFullPath: '/a/g', destFullPath: '/d/g' });
  await node('node/delete', { fullPath: 'c/' });
  await node('node/delete', { fullPath: '/never-there' });
  const lib = { projectId: 'rp1', repoName: 'gen', packageName: 'x', packageKey: 'npm://x', packageType: 'NPM' };
  const version = { ...lib, versionName: '1.0', size: 1, createdBy: 'carol' };
  await node('package/version/create', version);
  await node('package/version/create', { ...version, overwrite: true });
  const gone = { ...lib, deletedDate: '2026-01-01T00:00:00', source: '' };
  await node('package/version/delete', { ...gone, versionName: '1.0' });
  await node('package/version/delete', { ...gone, versionName: '1.0' });
  await node('package/version/create', { ...version, versionName: '2.0' });
  await node('package/delete', gone);
  await node('repo/delete', { name: 'gen', forced: true });
}

for (const faithful of [false, true])
  test(`the event log is that of a ${faithful ? 'real' : 'tidy'} server`, async () => {
    const side = await start(`events-${faithful}`, { eventLog: 'artifact_oplog', faithful, timeZone: 'UTC' });
    await everything(side);
    const log = await entries(side, 18);
    const asGiven = (raw: string, clean: string): string => (faithful ? raw : clean);
    assert.deepEqual(
      log.map(({ type, resourceKey }) => `${type} ${resourceKey}`),
      [
        'REPO_CREATED gen',
        'NODE_CREATED /a/f',
        'NODE_DELETED /a/f',
        'NODE_CREATED /a/f',
        'METADATA_SAVED /a/f',
        'METADATA_SAVED /a/f',
        `METADATA_DELETED ${asGiven('a/f/', '/a/f')}`,
        'NODE_RENAMED /a/f',
        'NODE_COPIED /a',
        'NODE_MOVED /a/g',
        `NODE_DELETED ${asGiven('c/', '/c')}`,
        'VERSION_CREATED npm://x-1.0',
        'VERSION_UPDATED npm://x-1.0',
        'VERSION_DELETED npm://x-1.0',
        'VERSION_CREATED npm://x-2.0',
        'VERSION_DELETED npm://x-null',
        'NODE_DELETED /',
        'REPO_DELETED gen',
      ],
    );
    const [metadata, oldMetadata] = log.filter(({ type }) => type === 'METADATA_SAVED');
    const saved = { 'k#dot#1': { key: 'k.1', value: 1, system: false } };
    assert.deepEqual(metadata?.['description'], { metadata: saved, replace: false });
    assert.deepEqual(oldMetadata?.['description'], { metadata: {}, replace: false });
    const of = (type: string): Document => log.find((entry) => entry['type'] === type) ?? {};
    const { _id, createdDate, ...moved } = of('NODE_MOVED');
    assert.ok(createdDate instanceof Date);
    assert.deepEqual(moved, {
      type: 'NODE_MOVED',
      projectId: 'rp1',
      repoName: 'gen',
      resourceKey: '/a/g',
      userId: 'bob',
      clientAddress: '127.0.0.1',
      description: {
        dstProjectId: 'rp1',
        dstRepoName: 'gen',
        dstFullPath: '/d/g',
        overwrite: false,
        dstRootNodeFullPath: '/d/g',
      },
    });
    assert.equal(of('NODE_COPIED')['description'].dstRootNodeFullPath, '/c/');
    assert.deepEqual(of('NODE_RENAMED')['description'], { newFullPath: '/a/g' });
    const { deletedDate, ...deleted } = log.findLast(({ type }) => type === 'VERSION_DELETED')?.['description'] ?? {};
    assert.match(deletedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}$/);
    assert.deepEqual(deleted, {
      packageKey: 'npm://x',
      packageType: 'NPM',
      packageName: 'x',
      packageVersion: '',
      realIpAddress: '127.0.0.1',
    });
    const [collection] = await side.db.listCollections({ name: /oplog/ }).toArray();
    assert.match(collection?.name ?? '', /^artifact_oplog_\d{6}$/);
  });

test('the event log says nothing of new nodes of packages', async () => {
  const side = await start('events-npm', { eventLog: 'artifact_oplog' });
  await side.repository('npm', 'NPM');
  for (const overwrite of [false, true]) await side.create('/f', 'one', { repoName: 'npm', overwrite });
  const log = await entries(side, 3);
  assert.deepEqual(
    log.map(({ type, resourceKey }) => `${type} ${resourceKey}`),
    ['REPO_CREATED gen', 'REPO_CREATED npm', 'NODE_DELETED /f'],
  );
});

for (const faithful of [false, true])
  test(`the operation log ${faithful ? 'says nothing of deletions' : 'has deletions, too'}`, async () => {
    const side = await start(`operations-${faithful}`, { eventLog: 'operate_log', faithful, operateLogBytes: 8192 });
    await everything(side);
    const log = await entries(side, faithful ? 12 : 13);
    assert.deepEqual(
      log.map(({ resourceType, operateType, resourceKey }) => `${resourceType} ${operateType} ${resourceKey}`),
      [
        'PROJECT CREATE rp1',
        'REPOSITORY CREATE /rp1/gen',
        'NODE CREATE /rp1/gen/a/f',
        'NODE CREATE /rp1/gen/a/f',
        'METADATA UPDATE /rp1/gen/a/f',
        'METADATA UPDATE /rp1/gen/a/f',
        'METADATA UPDATE /rp1/gen/a/f',
        'NODE UPDATE /rp1/gen/a/f',
        'NODE RENAME /rp1/gen/a/f',
        'NODE COPY /rp1/gen/a',
        'NODE MOVE /rp1/gen/a/g',
        ...(faithful ? [] : ['NODE DELETE /rp1/gen/c']),
        'REPOSITORY DELETE /rp1/gen',
      ],
    );
    const renamed = log.find(({ operateType }) => operateType === 'RENAME') ?? {};
    const { request, ...description } = renamed['description'];
    assert.deepEqual(description, { projectId: 'rp1', repoName: 'gen' });
    assert.deepEqual(JSON.parse(request), { ...PLACE, fullPath: '/a/f', newFullPath: '/a/g' });
    assert.match(request, /\n {2}"fullPath"/);
    const saved = log.find(({ resourceType }) => resourceType === 'METADATA') ?? {};
    assert.deepEqual(saved['description'], {
      request: { ...PLACE, fullPath: '/a/f', nodeMetadata: [{ key: 'k.1', value: 1 }] },
    });
    const { capped, maxSize } = await side.db
      .collection('operate_log')
      .aggregate([{ $collStats: { storageStats: {} } }])
      .map(({ storageStats }) => storageStats)
      .next();
    assert.deepEqual([capped, maxSize], [true, 8192]);
  });

test('an operation log that is there is written as it is; an orderly end writes what waits', async () => {
  const db = bed.client.db('operations-there');
  await db.createCollection('operate_log');
  const side = await start('operations-there', { eventLog: 'operate_log', random: () => 0.99 });
  await side.create('/last', 'one');
  await side.peer.close();
  const log = await db.collection('operate_log').find().toArray();
  assert.equal(log.at(-1)?.['resourceKey'], '/rp1/gen/last');
  assert.equal((await db.collection('operate_log').options())['capped'], undefined);
});

test('without being told to, nothing is logged', async () => {
  const side = await start('silent', {});
  await side.create('/f', 'one');
  await side.peer.close();
  assert.deepEqual(await side.db.listCollections({ name: /log/ }).toArray(), []);
});
