import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MongoClient, MongoServerError } from 'mongodb';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { eventually } from '../../support/wait.ts';

let mongod: Mongod;
before(async () => {
  mongod = await startMongod({
    users: [{ name: 'reader', password: 'p@ss:word', roles: [{ role: 'read', db: 'bkrepo' }] }],
  });
});
after(async () => {
  await mongod?.stop();
});

async function connected<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 });
  try {
    return await work(await client.connect());
  } finally {
    await client.close();
  }
}

test('it is a replica set whose change stream and tailable cursor deliver', async () => {
  await connected(mongod.uri, async (client) => {
    const db = client.db('streams');
    const log = await db.createCollection<{ n: number }>('log', { capped: true, size: 65_536 });
    await log.insertOne({ n: 1 });
    const tail = log.find({}, { tailable: true, awaitData: true, maxAwaitTimeMS: 1000 });
    assert.equal((await tail.next())?.n, 1);
    const changes = db.watch();
    const change = changes.next();
    await eventually(async () => {
      await log.insertOne({ n: 2 });
      return true;
    });
    assert.equal((await tail.next())?.n, 2);
    const seen = await change;
    assert.equal(seen.operationType, 'insert');
    await changes.close();
    await tail.close();
  });
});

test('an account with role read on one database reads it and is refused everything else', async () => {
  await connected(mongod.uri, (client) => client.db('bkrepo').collection('node_0').insertOne({ fullPath: '/a' }));
  await connected(mongod.uriFor('reader'), async (client) => {
    assert.equal(await client.db('bkrepo').collection('node_0').countDocuments(), 1);
    const refused = (error: unknown): boolean => error instanceof MongoServerError && error.code === 13;
    await assert.rejects(client.db('bkrepo').collection('node_0').insertOne({ fullPath: '/b' }), refused);
    await assert.rejects(client.db('other').collection('node_0').countDocuments(), refused);
  });
});

test('after a kill it starts again on the same port with the same data', async () => {
  await connected(mongod.uri, async (client) => {
    const kept = client.db('kept').collection('documents', { writeConcern: { w: 'majority', journal: true } });
    await kept.insertOne({ value: 42 });
    const { port, pid } = mongod;
    await mongod.kill('SIGKILL');
    await mongod.restart();
    assert.equal(mongod.port, port);
    assert.notEqual(mongod.pid, pid);
    assert.equal(await eventually(() => kept.countDocuments({ value: 42 })), 1);
  });
});

test('a paused server refuses connections until it is started again', async () => {
  await mongod.pause();
  assert.throws(() => mongod.pid, /not running/);
  await assert.rejects(
    new MongoClient(mongod.uri, { serverSelectionTimeoutMS: 300 }).connect(),
    /ECONNREFUSED|server selection/i,
  );
  await mongod.restart();
  await connected(mongod.uri, (client) => client.db('admin').command({ ping: 1 }));
});

test('a server and its data do not outlive a program that was killed', async () => {
  const support = join(import.meta.dirname, '../../support/mongod.ts');
  const program = `
    const { startMongod } = await import(${JSON.stringify(support)});
    const mongod = await startMongod();
    const { MongoClient } = await import('mongodb');
    const client = await new MongoClient(mongod.uri).connect();
    const options = await client.db('admin').command({ getCmdLineOpts: 1 });
    process.stdout.write(JSON.stringify({ pid: mongod.pid, dbPath: options.parsed.storage.dbPath }) + '\\n');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: import.meta.dirname,
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { pid, dbPath } = JSON.parse(line) as { pid: number; dbPath: string };
  assert.equal(existsSync(dbPath), true);
  process.kill(pid, 'SIGSTOP');
  child.kill('SIGKILL');
  await eventually(() => !alive(pid) && !existsSync(dbPath), { timeoutMs: 8000 });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
