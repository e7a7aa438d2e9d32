import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Collection, Document } from 'mongodb';
import { SourceDatabase } from '../../../../src/source/database/database.ts';
import { convertOplog } from '../../../../src/source/feed/oplog-convert.ts';
import { inspectOplog, OPLOG_NAMES, type OplogReport } from '../../../../src/source/feed/oplog-inspect.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { NEVER, SourceHarness } from '../harness.ts';
import { created } from './oplog-writer.ts';

const MIB = 2 ** 20;
const QUESTION = { names: OPLOG_NAMES, hours: 24 };

let harness: SourceHarness;
let reader: SourceDatabase;
let log: Collection<Document>;

before(async () => {
  harness = await SourceHarness.start();
  reader = new SourceDatabase({ uri: harness.mongod.uriFor('strict') });
  log = harness.db('bkrepo').collection('operate_log');
});

beforeEach(async () => {
  for (const name of OPLOG_NAMES) await harness.db('bkrepo').collection(name).drop();
});

after(async () => {
  await reader.close();
  await harness.stop();
});

async function inspected(question = QUESTION): Promise<OplogReport> {
  return (await inspectOplog(reader, question, NEVER)) ?? assert.fail('no log was found');
}

async function make(size: number, entries: readonly Document[]): Promise<void> {
  await harness.db('bkrepo').createCollection('operate_log', { capped: true, size });
  if (entries.length > 0) await log.insertMany([...entries]);
}

/** One a minute, the last one now. */
const lately = (count: number) => Array.from({ length: count }, (_, index) => created(`/${index}`, index - count));

describe('looking at an operation log', () => {
  it('says that there is none', async () => {
    assert.equal(await inspectOplog(reader, QUESTION, NEVER), undefined);
    await harness.db('bkrepo').createCollection('operate_log', { viewOn: 'project', pipeline: [] });
    assert.equal(await inspectOplog(reader, QUESTION, NEVER), undefined);
  });

  it('tells of one that is not capped how to cap it, in bytes, and what that discards', async () => {
    await log.insertMany(lately(100));
    await log.createIndex({ resourceKey: 1 });
    const report = await inspected();
    assert.deepEqual([report.name, report.capped, report.count, report.capacity.size], ['operate_log', false, 100, 0]);
    assert.ok(Date.now() - (report.newest?.getTime() ?? 0) < 120_000);
    assert.equal(report.command, `db.runCommand({"convertToCapped":"operate_log","size":${64 * MIB}})`);
    assert.match(report.discards ?? '', /keeps its 100 entries, removes all its indexes but that on _id/);
    assert.equal(report.warning, undefined);
  });

  it('says how many entries would go', async () => {
    const large = { ...created('/x'), filler: 'x'.repeat(MIB) };
    for (let index = 0; index < 100; index += 1) await log.insertOne({ ...large, _id: created('/x')['_id'] });
    const { discards, capacity } = await inspected({ ...QUESTION, hours: 0.001 });
    assert.equal(capacity.suggestedSize, 64 * MIB);
    assert.match(discards ?? '', /discards about 3[67] of its 100 entries/);
  });

  it('suggests a size for the rate and the hours that are wanted', async () => {
    // About 450 bytes a minute.
    await log.insertMany(lately(2_000));
    const { bytes, count } = await inspected();
    const { capacity } = await inspected({ ...QUESTION, hours: 8_760 });
    const wanted = (bytes / count) * 60 * 8_760 * 1.5;
    assert.ok(
      capacity.suggestedSize >= wanted && capacity.suggestedSize < wanted + 65 * MIB,
      `${capacity.suggestedSize}`,
    );
  });

  it('measures the rate of lately, not only that of the whole log', async () => {
    const old = Array.from({ length: 100 }, (_, index) => created(`/${index}`, (index - 200) * 1_440));
    const busy = Array.from({ length: 20_000 }, (_, index) => created(`/${index}`, (index - 20_000) / 1_000));
    await log.insertMany([...old, ...busy]);
    const { bytes, count, capacity } = await inspected();
    assert.ok(capacity.suggestedSize >= (bytes / count) * 1_000 * 60 * 24, `${capacity.suggestedSize}`);
  });

  it('tells how long the history of a capped one is, and warns when it is too short, before it wraps', async () => {
    await make(100_000, lately(20));
    const young = await inspected();
    assert.equal(young.capped, true);
    assert.equal(young.capacity.size, 100_096);
    const [least, most] = [3 * 3_600_000, 8 * 3_600_000];
    assert.ok(young.capacity.holdsMs > least && young.capacity.holdsMs < most, `${young.capacity.holdsMs}`);
    assert.match(young.warning ?? '', /holds about [3-7]\.\d h at 1 entries a minute, less than the 24 h it should/);
    assert.match(young.warning ?? '', /db\.runCommand\(\{"collMod":"operate_log","cappedSize":67108864\}\)/);
    await log.insertMany(lately(1_000));
    const { capacity, warning } = await inspected();
    const held = ((await log.countDocuments()) - 1) * 60_000;
    assert.ok(Math.abs(capacity.holdsMs - held) < 60_000, `${capacity.holdsMs} and not ${held}`);
    assert.match(warning ?? '', /less than the 24 h/);
  });

  it('does not warn of one that is large enough, or empty', async () => {
    await make(64 * MIB, lately(100));
    assert.equal((await inspected()).warning, undefined);
    await log.drop();
    await make(100_000, []);
    const { newest, warning, capacity } = await inspected();
    assert.deepEqual([newest, warning, Number.isFinite(capacity.holdsMs)], [undefined, undefined, true]);
  });

  it('takes the one that is written to, or a name that is configured', async () => {
    const other = harness.db('bkrepo').collection('operation_log');
    await log.insertOne(created('/x', -60));
    await other.insertOne(created('/x', -1));
    assert.equal((await inspected()).name, 'operation_log');
    await log.insertOne(created('/x'));
    assert.equal((await inspected()).name, 'operate_log');
    assert.equal((await inspected({ ...QUESTION, names: ['operation_log'] })).name, 'operation_log');
    assert.equal(await inspectOplog(reader, { ...QUESTION, names: ['my.log'] }, NEVER), undefined);
  });

  it('takes the capped one of two that are empty', async () => {
    await harness.db('bkrepo').createCollection('operate_log');
    await harness.db('bkrepo').createCollection('operation_log', { capped: true, size: 4_096 });
    assert.equal((await inspected()).name, 'operation_log');
  });

  it('is not confused by entries that are none', async () => {
    await log.insertMany([{}, { createdDate: 'x' }, { createdDate: null }]);
    const { count, newest, capacity } = await inspected();
    assert.deepEqual([count, newest, capacity.suggestedSize], [3, undefined, 64 * MIB]);
  });
});

describe('converting the operation log', () => {
  const convert = (database: SourceDatabase) => convertOplog(database, QUESTION, silentLogger, NEVER);

  it('makes it a capped one of the suggested size, with its entries, and leaves a capped one as it is', async () => {
    const writer = new SourceDatabase({ uri: harness.mongod.uri, database: 'bkrepo' });
    try {
      await log.insertMany(lately(100));
      const report = await convert(writer);
      assert.deepEqual([report.capped, report.capacity.size, report.count], [true, 64 * MIB, 100]);
      const { uuid } = (await harness.db('bkrepo').collection('operate_log').options()) as { uuid?: unknown };
      assert.deepEqual(await convert(writer), report);
      assert.equal(((await log.options()) as { uuid?: unknown }).uuid, uuid);
      assert.equal((await log.options())['size'], 64 * MIB);
    } finally {
      await writer.close();
    }
  });

  it('needs a right that the role read does not have, and says which', async () => {
    await log.insertOne(created('/x'));
    await assert.rejects(convert(reader), {
      code: 'OperateLogConvertForbidden',
      errorClass: 'spec',
      message: /action "convertToCapped".*roles "readWrite" and "dbAdmin".*db\.runCommand/,
    });
    assert.equal((await inspected()).capped, false);
  });

  it('fails when there is nothing to convert', async () => {
    await assert.rejects(convert(reader), { code: 'OperateLogMissing', errorClass: 'spec' });
  });
});
