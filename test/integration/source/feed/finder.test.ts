import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MongoClient, ObjectId } from 'mongodb';
import type { FeedKind, FeedRequest, FeedVerdict } from '../../../../src/engine/ports/feed.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { type BkRepoSource, createBkRepoSource } from '../../../../src/source/bkrepo-source.ts';
import type { FeedOptions } from '../../../../src/source/options.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { type SingleMongod, startSingleMongod } from '../../../support/single-mongod.ts';
import { eventually } from '../../../support/wait.ts';
import { NEVER, SourceHarness } from '../harness.ts';

const MINUTE = 60_000;
const AUTO: FeedRequest = { choice: 'auto', silent: [], convert: false };

let harness: SourceHarness;
let single: SingleMongod;
let client: MongoClient;
const sources: BkRepoSource[] = [];

before(async () => {
  [harness, single] = await Promise.all([SourceHarness.start(), startSingleMongod()]);
  client = await new MongoClient(single.uri).connect();
});

after(async () => {
  await Promise.all(sources.map((source) => source.close()));
  await client.close();
  await Promise.all([harness.stop(), single.stop()]);
});

/** What is found at a source, by an account of the replica set, or at the single server. */
async function find(
  request: Partial<FeedRequest>,
  { database = 'bkrepo', user, feed }: { database?: string; user?: string; feed?: FeedOptions } = {},
): Promise<FeedVerdict> {
  const source = createBkRepoSource({
    uri: user === undefined ? single.uri : user === 'root' ? harness.mongod.uri : harness.mongod.uriFor(user),
    database,
    clock: systemClock,
    logger: silentLogger,
    ...(feed === undefined ? {} : { feed }),
  });
  sources.push(source);
  return await source.feeds.find({ ...AUTO, ...request }, NEVER);
}

const words = ({ feed, reason }: FeedVerdict) => [feed?.kind, feed?.name, reason];

/** Logs and nodes of so many minutes ago, in a database of their own at the single server. */
async function sourceWith(
  database: string,
  {
    oplog,
    capped = true,
    eventlog,
    node,
  }: { oplog?: number | 'empty'; capped?: boolean; eventlog?: number; node?: number },
): Promise<void> {
  const db = client.db(database);
  const ago = (minutes: number) => new Date(Date.now() - minutes * MINUTE);
  if (oplog !== undefined) {
    const log = await db.createCollection('operate_log', capped ? { capped: true, size: 100_000 } : {});
    if (oplog !== 'empty')
      await log.insertOne({ createdDate: ago(oplog), resourceType: 'NODE', operateType: 'CREATE' });
  }
  if (eventlog !== undefined) {
    await db.collection('artifact_oplog_202610').insertOne({ createdDate: ago(50_000), type: 'NODE_CREATED' });
    await db.collection('artifact_oplog_202611').insertOne({ createdDate: ago(eventlog), type: 'NODE_CREATED' });
    await db.createCollection('artifact_oplog_202612');
  }
  if (node === undefined) return;
  const seconds = Math.floor(ago(node).getTime() / 1_000);
  for (const [collection, time] of [
    ['node_7', seconds],
    ['node_200', seconds - 3_600],
  ] as const)
    await db.collection(collection).insertOne({ _id: ObjectId.createFromTime(time), fullPath: '/f' });
}

describe('the change stream', () => {
  it('is the first choice on a replica set, and the role read is enough', async () => {
    const verdict = await find(AUTO, { user: 'strict' });
    assert.deepEqual(words(verdict), ['changeStream', 'bkrepo', 'ChangeStream']);
    assert.match(verdict.message, /replica set \(rs0\)/);
  });

  it('is not there on a single server', async () => {
    const verdict = await find({ choice: 'changeStream' });
    assert.deepEqual(words(verdict), [undefined, undefined, 'NoFeed']);
    assert.match(verdict.message, /not part of a replica set/);
  });

  it('is forbidden to an account without the right, which is told what it needs', async () => {
    const admin = harness.db('admin');
    const resource = { db: 'bkrepo', collection: '' };
    const privileges = [{ resource, actions: ['find', 'listCollections', 'collStats'] }];
    await admin.command({ createRole: 'finder', privileges, roles: [] });
    await admin.command({ updateUser: 'stranger', roles: ['finder'] });
    const verdict = await find({ choice: 'changeStream' }, { user: 'stranger' });
    assert.deepEqual(words(verdict), [undefined, undefined, 'FeedForbidden']);
    assert.match(verdict.message, /actions find and changeStream on all collections of bkrepo, .* role "read"/);
    const auto = await find(AUTO, { user: 'stranger' });
    assert.equal(auto.reason, 'NoFeed');
    assert.match(auto.message, /find and changeStream/);
  });

  it('that was silent is passed over', async () => {
    await harness.db('bkrepo').createCollection('operation_log', { capped: true, size: 100_000 });
    assert.deepEqual(words(await find({ silent: ['changeStream'] }, { user: 'strict' })), [
      'oplog',
      'operation_log',
      'OperateLog',
    ]);
  });
});

describe('of the logs, auto takes', () => {
  const rows: readonly (readonly [
    what: string,
    there: Parameters<typeof sourceWith>[1],
    silent: readonly FeedKind[],
    taken: FeedKind | undefined,
    words: RegExp,
  ])[] = [
    ['a capped operation log with a recent entry', { oplog: 1, eventlog: 1, node: 1 }, [], 'oplog', /"operate_log"/],
    ['one whose entry is older than a node by little', { oplog: 8, node: 1 }, [], 'oplog', /newest entry is of/],
    ['an old one of a source that is quiet', { oplog: 9_000, node: 9_001 }, [], 'oplog', /newest entry is of/],
    ['an old one of a source without files', { oplog: 9_000 }, [], 'oplog', /newest entry is of/],
    ['none that is older than the source', { oplog: 70, node: 1 }, [], undefined, /although the source made/],
    ['none that is empty', { oplog: 'empty', node: 1 }, [], undefined, /and empty, although the source made/],
    ['the event log where the operation log is old', { oplog: 70, eventlog: 1, node: 1 }, [], 'eventlog', /202611"/],
    ['the event log where there is no other', { eventlog: 1, node: 1 }, [], 'eventlog', /no collection operate_log or/],
    ['the event log where the other was silent', { oplog: 1, eventlog: 1 }, ['oplog'], 'eventlog', /told nothing/],
    ['none that was silent', { oplog: 1, eventlog: 1 }, ['oplog', 'eventlog'], undefined, /told nothing.*told nothing/],
    [
      'the event log where the operation log is not capped',
      { oplog: 1, capped: false, eventlog: 1 },
      [],
      'eventlog',
      /convertToCapped/,
    ],
    [
      'none where there is none, and names what it looked for',
      {},
      [],
      undefined,
      /change stream.*operate_log or operation_log.*artifact_oplog_YYYYMM/,
    ],
  ];
  for (const [index, [what, there, silent, taken, message]] of rows.entries())
    it(what, async () => {
      const database = `auto${index}`;
      await sourceWith(database, there);
      const verdict = await find({ silent }, { database });
      assert.equal(verdict.feed?.kind, taken, verdict.message);
      assert.match(verdict.message, message);
      if (taken === undefined) assert.equal(verdict.reason, 'NoFeed');
    });

  it('what was asked for is taken also when it is old', async () => {
    await sourceWith('asked', { oplog: 70, eventlog: 70, node: 1 });
    for (const choice of ['oplog', 'eventlog'] as const)
      assert.equal((await find({ choice }, { database: 'asked' })).feed?.kind, choice);
  });

  it('what was asked for and is not there is not replaced by another', async () => {
    for (const choice of ['oplog', 'eventlog'] as const) {
      const verdict = await find({ choice }, { database: 'nothing' });
      assert.deepEqual(words(verdict), [undefined, undefined, 'NoFeed']);
      assert.match(verdict.message, /nothing has no collection/);
    }
  });
});

describe('the operation log', () => {
  it('has the name that is configured', async () => {
    await client.db('named').createCollection('our_log', { capped: true, size: 100_000 });
    const options = { database: 'named', feed: { operateLog: 'our_log' } };
    assert.deepEqual(words(await find({}, options)), ['oplog', 'our_log', 'OperateLog']);
    const verdict = await find({ choice: 'oplog' }, { database: 'named', feed: { operateLog: 'other_log' } });
    assert.match(verdict.message, /no collection other_log/);
  });

  it('that is too small says so, with its capacity for the hours that are wanted', async () => {
    const log = await client.db('small').createCollection('operate_log', { capped: true, size: 100_000 });
    const entries = Array.from({ length: 5_000 }, () => ({ createdDate: new Date(), text: 'x'.repeat(200) }));
    await log.insertMany(entries);
    const verdict = await find({}, { database: 'small', feed: { operateLogHours: 48 } });
    assert.equal(verdict.feed?.kind, 'oplog');
    assert.ok((verdict.capacity?.suggestedSize ?? 0) > 100_000);
    assert.match(verdict.warning ?? '', /less than the 48 h/);
  });

  it('that is not capped is told with the command that caps it, which does', async () => {
    await sourceWith('uncapped', { oplog: 1, capped: false });
    for (const choice of ['auto', 'oplog'] as const) {
      const verdict = await find({ choice }, { database: 'uncapped' });
      assert.deepEqual(words(verdict), [undefined, undefined, 'OperateLogNotCapped']);
      assert.match(verdict.message, /keeps its 1 entries/);
      assert.match(verdict.message, /convert-operate-log: "true"/);
    }
    const { message } = await find({}, { database: 'uncapped' });
    const command = /db\.runCommand\((\{.*?\})\)/.exec(message)?.[1] ?? assert.fail(message);
    await client.db('uncapped').command(JSON.parse(command));
    assert.deepEqual(words(await find({}, { database: 'uncapped' })), ['oplog', 'operate_log', 'OperateLog']);
  });

  it('is converted when that is asked for, or configured; a dead one is not', async () => {
    for (const [database, request, feed] of [
      ['asked-to', { convert: true }, {}],
      ['configured', {}, { convertOperateLog: true }],
    ] as const) {
      await sourceWith(database, { oplog: 1, capped: false, eventlog: 1 });
      const verdict = await find(request, { database, feed });
      assert.deepEqual(words(verdict), ['oplog', 'operate_log', 'OperateLog']);
      assert.ok((verdict.capacity?.size ?? 0) >= (verdict.capacity?.suggestedSize ?? 1));
      assert.equal(await client.db(database).collection('operate_log').isCapped(), true);
    }
    await sourceWith('dead', { oplog: 70, capped: false, eventlog: 1, node: 1 });
    assert.equal((await find({ convert: true }, { database: 'dead' })).feed?.kind, 'eventlog');
    assert.equal(await client.db('dead').collection('operate_log').isCapped(), false);
  });

  it('that the account may not convert stays as it is, and the message says what is needed', async () => {
    await harness.db('bkrepo').createCollection('operate_log');
    await harness.db('bkrepo').collection('operate_log').insertOne({ createdDate: new Date() });
    const verdict = await find({ choice: 'oplog', convert: true }, { user: 'strict' });
    assert.deepEqual(words(verdict), [undefined, undefined, 'OperateLogNotCapped']);
    assert.match(verdict.message, /may not convert .* needs the action "convertToCapped"/);
    const allowed = await find({ choice: 'oplog', convert: true }, { user: 'root' });
    assert.deepEqual(words(allowed), ['oplog', 'operate_log', 'OperateLog']);
  });
});

describe('a source', () => {
  it('gives the same feed to all who ask: its followers share a reader', async () => {
    const source = createBkRepoSource({
      uri: harness.mongod.uriFor('strict'),
      clock: systemClock,
      logger: silentLogger,
    });
    sources.push(source);
    const found = await Promise.all([AUTO, AUTO, AUTO].map((request) => source.feeds.find(request, NEVER)));
    assert.equal(new Set(found.map(({ feed }) => feed)).size, 1);
  });

  it('that does not answer is the retryable error SourceUnavailable, for every choice; then it is found', async () => {
    const uri = `${harness.mongod.uriFor('strict')}&serverSelectionTimeoutMS=500`;
    const source = createBkRepoSource({ uri, clock: systemClock, logger: silentLogger });
    sources.push(source);
    await harness.mongod.pause();
    for (const choice of ['auto', 'changeStream', 'oplog', 'eventlog'] as const)
      await assert.rejects(source.feeds.find({ ...AUTO, choice }, NEVER), {
        code: 'SourceUnavailable',
        errorClass: 'retryable',
      });
    await harness.mongod.restart();
    assert.ok(await eventually(async () => (await source.feeds.find(AUTO, NEVER)).feed));
  });
});
