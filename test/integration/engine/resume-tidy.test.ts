import assert from 'node:assert/strict';
import { Transform } from 'node:stream';
import { after, before, test } from 'node:test';
import type { Source } from '../../../src/engine/ports/source.ts';
import type { RunRecord } from '../../../src/journal/records.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { removeVersion } from '../../support/bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, type FinishedRun, PROJECT, type RunOptions, World } from '../../support/world.ts';
import { nextRepository, objectOf, refusing, rowsOf, tallyOf } from './far-state.ts';

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

const repositoryOf = (type?: string): Promise<RepositoryBuilder> => nextRepository(world, 'tidy', type);

/** Runs until so many nodes were created, then the process dies or is asked to stop, and another one adopts the record. */
async function cutOff(
  farSide: FarSide,
  creates: number,
  options: RunOptions,
  how: 'dies' | 'stops' = 'dies',
): Promise<RunRecord> {
  const cut = new AbortController();
  const record = await world.begin();
  const { target } = farSide;
  let seen = 0;
  const dying = {
    ...target,
    createNode: (...given: Parameters<typeof target.createNode>) => {
      seen += 1;
      if (seen > creates) cut.abort(new Error('the process ended'));
      return target.createNode(...given);
    },
  };
  const end = how === 'dies' ? { signal: cut.signal } : { deps: { ...options.deps, drain: cut.signal } };
  const run = world.run([{ ...farSide, target: dying }], { ...options, record, ...end });
  await assert.rejects(run, /the process ended/);
  return await adopted(record);
}

async function adopted({ id }: RunRecord): Promise<RunRecord> {
  const record = await world.journal.adopt(id, AbortSignal.timeout(5_000));
  assert.ok(record);
  return record;
}

/** Rows by status are the tally. */
async function tidy(run: FinishedRun, farSide: FarSide): Promise<string[]> {
  const rows = await world.details(run.record, farSide);
  const count = (wanted: string): number => [...rows.values()].filter(({ status }) => status === wanted).length;
  const { success, conflict, failed, notTried } = tallyOf(run);
  assert.deepEqual(
    { success, conflict, failed, notTried },
    { success: count('SUCCESS'), conflict: count('CONFLICT'), failed: count('FAILED'), notTried: count('NOT_TRIED') },
  );
  return rowsOf(rows);
}

const LIMITS = { patience: 5_000, attempts: 3, backoff: { base: 5, cap: 20 }, pageSize: 10, settleSize: 5 };

test('units that left the source between a crash and the adoption: what was done is counted, of the rest nothing stays', async () => {
  const files = await repositoryOf();
  const things = await repositoryOf('RDS');
  for (let at = 0; at < 30; at += 1) {
    const path = `/p/${at}`;
    await files.putFile(`/f${at}`, `content of file ${at}`);
    await putGeneral(things, { key: 'rds://p', name: 'p' }, { name: `${at}`, artifactPath: path }, { [path]: path });
  }
  const farSide = await world.farSide('left', { faithful: true });
  const poison = ['/f0', '/f1', '/f10', '/p/0', '/p/1'];
  const options = { objects: [objectOf(files), objectOf(things)], deps: { limits: LIMITS }, concurrency: 2 };
  const record = await cutOff(refusing(farSide, poison), 40, options, 'stops');
  const before = await world.details(record, farSide);
  const done = [...before].filter(([, { status }]) => status === 'SUCCESS').map(([unit]) => unit);
  const failed = [...before].filter(([, { status }]) => status === 'FAILED').map(([unit]) => unit);
  assert.ok(done.length > 20 && failed.length >= 2, `${done.length} done, ${failed.length} failed`);
  const gone = [
    done.find((unit) => unit.startsWith('/f')),
    done.find((unit) => unit.startsWith('rds:')),
    '/f0',
    'rds://p@0',
  ];
  for (const unit of gone) {
    assert.ok(unit);
    if (unit.startsWith('/')) await files.deleteFile(unit);
    else await removeVersion(things, 'rds://p', unit.slice('rds://p@'.length));
  }
  const run = await world.run([refusing(farSide, ['/f1', '/p/1'])], { ...options, record });
  const rows = await tidy(run, farSide);
  assert.ok(rows.includes(`${gone[0]} SUCCESS`) && rows.includes(`${gone[1]} SUCCESS`), 'it was done in this run');
  assert.deepEqual(
    rows.filter((row) => !row.endsWith(' SUCCESS')),
    ['/f1 FAILED Refused', 'rds://p@1 FAILED Refused'],
  );
  for (const unit of done) assert.ok(rows.includes(`${unit} SUCCESS`), unit);
});

test('the row of an object that could not be begun goes when the adopted run begins it', async () => {
  const farSide = await world.farSide('object');
  const name = 'tidy-late';
  const first = await repositoryOf();
  for (let at = 0; at < 8; at += 1) await first.putFile(`/f${at}`, `content ${at}`);
  const objects = [{ ...objectOf(first), localRepoName: name, remoteRepoName: name }, objectOf(first)];
  const record = await cutOff(farSide, 6, {
    objects,
    concurrency: 1,
    deps: { limits: { ...LIMITS, pageSize: 2, settleSize: 1 } },
  });
  await world.journal
    .runJournal(record)
    .findDetails(farSide.target.id, ['0:/'], AbortSignal.timeout(5_000))
    .then((found) => assert.equal(found.get('0:/')?.status, 'FAILED'));
  const late = await world.builder.repository(PROJECT, name);
  await late.putFile('/late', 'late');
  const run = await world.run([farSide], { objects, record });
  const rows = await tidy(run, farSide);
  assert.equal(tallyOf(run).success + tallyOf(run).unchanged, 9);
  assert.ok(rows.includes('/late SUCCESS') && rows.every((row) => row.endsWith(' SUCCESS')));
});

test('adopted twice, a run still says of each unit one thing', async () => {
  const files = await repositoryOf();
  for (let at = 0; at < 40; at += 1) await files.putFile(`/f${at}`, `content of file ${at}`);
  const farSide = await world.farSide('twice');
  const options = { objects: [objectOf(files)], deps: { limits: LIMITS }, concurrency: 2 };
  let record = await cutOff(refusing(farSide, ['/f3']), 15, options);
  await assert.rejects(
    world.run([farSide], { ...options, record, signal: AbortSignal.abort(new Error('again')) }),
    /again/,
  );
  const done = [...(await world.details(record, farSide))].find(([, { status }]) => status === 'SUCCESS')?.[0];
  assert.ok(done);
  await files.deleteFile(done);
  record = await adopted(record);
  const run = await world.run([farSide], { ...options, record });
  const rows = await tidy(run, farSide);
  assert.ok(rows.includes(`${done} SUCCESS`) && rows.every((row) => row.endsWith(' SUCCESS')));
  assert.equal(tallyOf(run).success + tallyOf(run).unchanged, 40);
});

test('of what was finished before a crash no byte is read at the source nor sent again: files, versions, a far side of blobs', async () => {
  const files = await repositoryOf();
  const maven = await repositoryOf('MAVEN');
  for (let at = 0; at < 8; at += 1) {
    await files.putFile(`/f${at}`, `content of file ${at} of ${files.name}`);
    await putMaven(maven, 'com.example', 'lib', `1.${at}`);
  }
  for (const blobsOnly of [false, true]) {
    const farSide = await world.farSide(`bytes-${blobsOnly ? 'edge' : 'standalone'}`, { faithful: true });
    const packages = [{ packageKey: 'gav://com.example:lib', versions: [] }];
    const objects = [objectOf(files), objectOf(maven, blobsOnly ? { packages } : {})];
    const options = { objects, blobsOnly, deps: { limits: LIMITS }, concurrency: 2 };
    const record = await world.begin();
    const drain = new AbortController();
    const pushes = { seen: 0 };
    const { target } = farSide;
    const stopping = {
      ...target,
      pushBlob: (...given: Parameters<typeof target.pushBlob>) => {
        pushes.seen += 1;
        if (pushes.seen > 30) drain.abort(new Error('asked to stop'));
        return target.pushBlob(...given);
      },
    };
    await assert.rejects(
      world.run([{ ...farSide, target: stopping }], {
        ...options,
        record,
        deps: { limits: LIMITS, drain: drain.signal },
      }),
      /asked to stop/,
    );
    const finished = new Set((await world.details(record, farSide)).keys());
    assert.ok(finished.size > 8, `${finished.size} finished`);
    const read = new Map<string, number>();
    const again = { ...options, record: await adopted(record), deps: { limits: LIMITS, source: counting(read) } };
    farSide.proxy.forget();
    const run = await world.run([farSide], again);
    assert.equal(tallyOf(run).failed, 0);
    const ofFinished = [...read.keys()].filter((path) => finished.has(path) || finished.has(versionOf(path)));
    assert.deepEqual(ofFinished, [], 'read at the source');
    const sizes = [...read.values()].reduce((sum, size) => sum + size, 0);
    assert.ok(sizes > 0 && farSide.proxy.uploadedBytes() > 0);
    await tidy(run, farSide);
  }
});

function versionOf(path: string): string {
  const [, version = ''] = /^\/com\/example\/lib\/([^/]+)\//u.exec(path) ?? [];
  return `gav://com.example:lib@${version}`;
}

/** The source, telling the bytes read of each path. */
function counting(read: Map<string, number>): Source {
  const { source } = world;
  return new Proxy(source, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'open') return value.bind(target);
      return async (...given: Parameters<Source['open']>) => {
        const bytes = await target.open(...given);
        const { fullPath } = given[1];
        const counter = new Transform({
          transform(chunk: Buffer, _encoding, done) {
            read.set(fullPath, (read.get(fullPath) ?? 0) + chunk.length);
            done(undefined, chunk);
          },
        });
        bytes.once('error', (error) => counter.destroy(error));
        return bytes.pipe(counter);
      };
    },
  });
}
