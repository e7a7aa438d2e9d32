import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { type CommandStartedEvent, MongoClient } from 'mongodb';

import { DurableDirectories } from '../../../src/peer/durable-directories.ts';
import { startPeer } from '../../../src/peer/server.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { ADMIN, PeerBed, PeerSide } from './client.ts';

const WRITES = new Set(['insert', 'update', 'delete', 'findAndModify']);

test('of the writes of one node/create the reference comes first, and only the node, the last, is waited for', async () => {
  const bed = await PeerBed.start();
  const client = await MongoClient.connect(bed.mongod.uri, { monitorCommands: true });
  const storePath = join(bed.directory, 'durability');
  const peer = await startPeer({ mongo: client.db('durability'), storePath, users: [ADMIN] });
  const side = new PeerSide(peer, client.db('durability'), storePath);
  try {
    await side.repository();
    const seen: { readonly collection: string; readonly waits: boolean }[] = [];
    client.on('commandStarted', ({ command, commandName }: CommandStartedEvent) => {
      if (!WRITES.has(commandName)) return;
      const { w, j } = (command['writeConcern'] ?? {}) as { w?: unknown; j?: unknown };
      seen.push({ collection: String(command[commandName]).replace(/_\d+$/, ''), waits: !(w === 1 && j === false) });
    });
    for (const [bytes, more] of [
      ['one', {}],
      ['two', { overwrite: true }],
    ] as const) {
      await side.push(bytes);
      assert.equal((await side.create('/a/b/c', bytes, more)).status, 200);
      assert.equal(seen.at(-1)?.collection, 'node');
      assert.deepEqual(
        seen.map(({ waits }) => waits),
        seen.map((_, at) => at === seen.length - 1),
        JSON.stringify(seen),
      );
      assert.equal(seen.at(-2)?.collection, 'file_reference');
      seen.length = 0;
    }
  } finally {
    await peer.close();
    await client.close();
    await bed.stop();
  }
});

test('directories are made once by many at a time, and again after they were removed', async () => {
  const root = await makeTempDir('directories');
  try {
    const directories = new DurableDirectories(root);
    const make = async (path: string): Promise<void> => {
      const { made, durable } = directories.make(join(root, path));
      await Promise.all([made, durable]);
    };
    await mkdir(join(root, 'aa'));
    await Promise.all(['aa/01', 'aa/01', 'bb/01', 'bb/02', 'bb/01'].map(make));
    assert.deepEqual((await readdir(root, { recursive: true })).sort(), ['aa', 'aa/01', 'bb', 'bb/01', 'bb/02']);
    await removeDir(join(root, 'bb'));
    await make('bb/01');
    assert.deepEqual(await readdir(join(root, 'bb')), ['01']);
  } finally {
    await removeDir(root);
  }
});

test('a directory that cannot be made is an error to all who want it, and is tried again', async () => {
  const root = await makeTempDir('directories');
  await removeDir(root);
  await writeFile(root, '');
  const directories = new DurableDirectories(root);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { made, durable } = directories.make(join(root, 'aa', 'bb'));
    const results = await Promise.allSettled([made, durable]);
    assert.deepEqual([...new Set(results.map(({ status }) => status))], ['rejected']);
  }
  await removeDir(root);
});
