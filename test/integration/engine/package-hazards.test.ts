import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { RunJournal } from '../../../src/engine/ports/journal.ts';
import type { SourceNode } from '../../../src/engine/ports/source.ts';
import type { Target } from '../../../src/engine/ports/target.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import type { PutResult } from '../../support/bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import { farNodes, farPackages, farRepository, farVersion, objectOf, tallyOf } from './far-state.ts';

/* What happens between two requests: others who write the same, a source that changes, ends in the middle. */

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

/** A far side some of whose requests go another way. */
function changed(farSide: FarSide, changes: (target: Target) => Partial<Target>): FarSide {
  return { ...farSide, target: { ...farSide.target, ...changes(farSide.target) } };
}

const KEY = 'rds://p';
function put(repository: RepositoryBuilder, version: string, content = `a of ${version}`): Promise<PutResult> {
  const artifactPath = `/p/${version}/a`;
  return putGeneral(repository, { key: KEY, name: 'p' }, { name: version, artifactPath }, { [artifactPath]: content });
}

async function sides(name: string, versions: readonly string[]): Promise<{ src: RepositoryBuilder; farSide: FarSide }> {
  const src = await world.builder.repository(PROJECT, name, { type: 'RDS' });
  for (const version of versions) await put(src, version);
  return { src, farSide: await world.farSide(name) };
}

const only = (src: RepositoryBuilder, version: string) =>
  objectOf(src, { packages: [{ packageKey: KEY, versions: [version] }] });

test('a file that somebody else put there while ours was created is not ours to replace', async () => {
  const { src, farSide } = await sides('race-file', ['1']);
  const far = await farRepository(farSide, src);
  let raced = false;
  const racing = changed(farSide, (target) => ({
    async createNode(repository, node, options, signal) {
      if (raced) return await target.createNode(repository, node, options, signal);
      raced = true;
      await far.putFile(node.fullPath, 'theirs');
      return 'created';
    },
  }));
  const run = await world.run([racing], { objects: [objectOf(src)], setting: { conflictStrategy: 'SKIP' } });
  assert.equal(tallyOf(run).conflict, 1);
  const nodes = await farNodes(farSide, src, '/p/1/a');
  assert.deepEqual(
    nodes.map(({ size, deleted }) => [Number(size), deleted ?? null]),
    [[6, null]],
  );
});

test('a plain file that somebody else put there while ours was created is not ours to replace', async () => {
  const farSide = await world.farSide('race-plain');
  const src = await world.builder.repository(PROJECT, 'race-plain');
  await src.putFile('/file', 'ours');
  const far = await farRepository(farSide, src);
  let raced = false;
  const racing = changed(farSide, (target) => ({
    async createNode(repository, node, options, signal) {
      if (raced) return await target.createNode(repository, node, options, signal);
      raced = true;
      await far.putFile('/file', 'theirs!');
      await src.putFile('/file', 'ours, changed');
      return 'created';
    },
  }));
  const run = await world.run([racing], { objects: [objectOf(src)], setting: { conflictStrategy: 'SKIP' } });
  assert.equal(tallyOf(run).conflict, 1);
  const live = (await farNodes(farSide, src, '/file')).filter(({ deleted }) => (deleted ?? null) === null);
  assert.deepEqual(
    live.map(({ size }) => Number(size)),
    [7],
  );
});

test('a version that somebody else made while ours was created is not ours to replace', async () => {
  const { src, farSide } = await sides('race-version', ['1']);
  const far = await farRepository(farSide, src);
  let raced = false;
  const racing = changed(farSide, (target) => ({
    async createVersion(repository, request, signal) {
      if (raced) return await target.createVersion(repository, request, signal);
      raced = true;
      await putGeneral(
        far,
        { key: KEY, name: 'p' },
        { name: '1', artifactPath: '/p/1/z', tags: ['theirs'] },
        { '/p/1/z': 'z' },
      );
      return 'created';
    },
  }));
  const run = await world.run([racing], { objects: [objectOf(src)], setting: { conflictStrategy: 'SKIP' } });
  assert.equal(tallyOf(run).conflict, 1);
  assert.deepEqual((await farVersion(farSide, src, KEY, '1'))?.['tags'], ['theirs']);
});

test("a far side's own latest is put back without touching that version's artifact paths, and after a cut, too", async () => {
  const { src, farSide } = await sides('latest-back', ['1', '2', '3']);
  const far = await farRepository(farSide, src);
  const paths = ['/p/9/a', '/p/9/b', '/p/9/c'];
  await putGeneral(
    far,
    { key: KEY, name: 'p' },
    { name: '9', artifactPath: '/p/9/c', artifactPaths: paths, createdBy: 'somebody' },
    Object.fromEntries(paths.map((path) => [path, path])),
  );
  let found = 0;
  const dying = changed(farSide, (target) => ({
    async findPackage(...args) {
      found += 1;
      if (found > 1) throw new ReplicationError('cluster', 'FarSideUnavailable', 'the far side has died');
      return await target.findPackage(...args);
    },
  }));
  await world.run([dying], { objects: [only(src, '1')] });
  assert.equal((await farPackages(farSide, src)).get(KEY)?.latest, '1', 'cut off before latest was put back');
  await world.run([farSide], { objects: [only(src, '1')] });
  assert.equal((await farPackages(farSide, src)).get(KEY)?.latest, '9');
  await world.run([farSide], { objects: [only(src, '2')] });
  assert.equal((await farPackages(farSide, src)).get(KEY)?.latest, '9');
  const version = await farVersion(farSide, src, KEY, '9');
  assert.deepEqual([version?.['artifactPath'], version?.['artifactPaths'].toSorted()], ['/p/9/c', paths]);
  assert.equal(version?.['createdBy'], 'somebody');
});

test("two tasks at one package do not take each other's passing latest for the far side's own", async () => {
  const { src, farSide } = await sides('latest-two', ['1', '2', '3']);
  await put(await farRepository(farSide, src), '9');
  const slow = changed(farSide, (target) => ({
    async createVersion(...args) {
      const answer = await target.createVersion(...args);
      await delay(300);
      return answer;
    },
  }));
  const run = async (uid: string, version: string): Promise<unknown> =>
    await world.run([slow], { objects: [only(src, version)], taskUid: uid, record: await world.begin(uid) });
  await Promise.all([run('a', '1'), run('b', '2')]);
  const found = (await farPackages(farSide, src)).get(KEY);
  assert.deepEqual([found?.latest, [...(found?.versions.keys() ?? [])].toSorted()], ['9', ['1', '2', '9']]);
});

test('the blobs of a version that keeps failing cross once', async () => {
  const { src, farSide } = await sides('poison', ['1']);
  const refusing = changed(farSide, () => ({
    createNode: () => Promise.reject(new ReplicationError('unit', 'Refused', 'no such file here')),
  }));
  const sent: (number | undefined)[] = [];
  for (let round = 0; round < 3; round += 1) {
    const run = await world.run([refusing], { objects: [objectOf(src)] });
    assert.equal(tallyOf(run).failed, 1);
    sent.push(tallyOf(run).sentBytes);
  }
  assert.deepEqual(sent, ['a of 1'.length, 0, 0]);
});

test('a version that the source removes while it is copied is told, with the bytes that were sent', async () => {
  const { src, farSide } = await sides('gone', ['1']);
  const removing = changed(farSide, (target) => ({
    async createNode(repository, node: SourceNode, options, signal) {
      const answer = await target.createNode(repository, node, options, signal);
      await world.builder.db.collection('package_version').deleteMany({ artifactPath: '/p/1/a' });
      await src.deleteFile('/p/1/a');
      return answer;
    },
  }));
  const { record, outcome } = await world.run([removing], { objects: [objectOf(src)] });
  assert.deepEqual(
    [...(await world.details(record, farSide))].map(([unit, { status, reason }]) => [unit, status, reason]),
    [[`${KEY}@1`, 'FAILED', 'VersionGone']],
  );
  assert.equal(outcome.farSides[0]?.tally.sentBytes, 'a of 1'.length);
  assert.equal(await farVersion(farSide, src, KEY, '1'), null);
});

test('a far side that has moved to another address keeps its documents under SKIP, and gets the new one under OVERWRITE', async () => {
  const src = await world.builder.repository(PROJECT, 'moved', { type: 'NPM' });
  await putNpm(src, 'lib', '1.0.0');
  await world.run([await world.farSide('moved')], { objects: [objectOf(src)] });
  const moved = await world.farSide('moved');
  const kept = tallyOf(await world.run([moved], { objects: [objectOf(src)] }));
  assert.deepEqual([kept.conflict, kept.failed], [0, 0]);
  const overwrite = { objects: [objectOf(src)], setting: { conflictStrategy: 'OVERWRITE' } } as const;
  assert.equal(tallyOf(await world.run([moved], overwrite)).failed, 0);
  const last = tallyOf(await world.run([moved], overwrite));
  assert.deepEqual([last.success, last.sentBytes], [0, 0]);
});

test('nothing is written after a run has ended because another leader has its record', async () => {
  const src = await world.builder.repository(PROJECT, 'ended', { type: 'RDS' });
  for (let version = 0; version < 30; version += 1) await put(src, String(version));
  const farSide = await world.farSide('ended');
  const drain = new AbortController();
  let ended = false;
  let late = 0;
  const counting = changed(farSide, (target) => ({
    async createNode(...args) {
      if (ended) late += 1;
      drain.abort(new Error('told to stop'));
      await delay(20);
      return await target.createNode(...args);
    },
  }));
  const record = await world.begin('ended');
  const lost: Pick<RunJournal, 'writeProofs'> = {
    writeProofs: () =>
      Promise.reject(new ReplicationError('cluster', 'EpochLost', 'another leader has adopted the run')),
  };
  const journal: RunJournal = Object.assign(Object.create(world.journal.runJournal(record)), lost);
  const running = world.run([counting], {
    record,
    objects: [objectOf(src)],
    deps: { drain: drain.signal, journal },
  });
  await assert.rejects(running, { code: 'EpochLost' });
  ended = true;
  await delay(200);
  assert.equal(late, 0);
});
