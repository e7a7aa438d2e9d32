/** What a task that follows its source does where somebody else has written the far side since. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { RunSetting } from '../../../src/engine/run-types.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type BkRepoSource, createBkRepoSource } from '../../../src/source/bkrepo-source.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { printedSeed, seededRandom } from '../../support/seed.ts';
import { type FarSide, type FinishedRun, type RunOptions, World } from '../../support/world.ts';

const NOON = new Date('2026-11-01T12:00:00.000Z');
const LATER = new Date('2026-11-01T12:00:00.001Z');
const digestOf = (content: string): string => createHash('sha256').update(content).digest('hex');
const [LESS = '', GREATER = ''] = ['one', 'two'].toSorted((a, b) => (digestOf(a) < digestOf(b) ? -1 : 1));
const FOLLOWING = { conflictStrategy: 'OVERWRITE', following: 'written' } as const satisfies Partial<RunSetting>;

let world: World;
before(async () => {
  world = await World.start();
  const put = (path: string, content: string, lastModifiedDate: Date, value = 'source'): Promise<unknown> =>
    world.files.putFile(path, content, { lastModifiedDate, metadata: [{ key: 'k', value }] });
  await put('/newer-here', 'here', LATER);
  await put('/newer-there', 'here', NOON);
  await put('/greater-there', LESS, NOON);
  await put('/greater-here', GREATER, NOON);
  await put('/metadata-newer', 'equal', NOON);
  await put('/metadata-equal', 'equal', NOON);
});
after(() => world.stop());

async function other(name: string, faithful: boolean): Promise<{ farSide: FarSide; files: RepositoryBuilder }> {
  const farSide = await world.farSide(name, { faithful });
  const files = await new BkRepoBuilder(farSide.db, farSide.storeDir).repository('mirror', 'files');
  const put = (path: string, content: string, lastModifiedDate: Date): Promise<unknown> =>
    files.putFile(path, content, { lastModifiedDate, metadata: [{ key: 'k', value: 'far side' }] });
  await put('/newer-here', 'there', NOON);
  await put('/newer-there', 'there', LATER);
  await put('/greater-there', GREATER, NOON);
  await put('/greater-here', LESS, NOON);
  await put('/metadata-newer', 'equal', LATER);
  await put('/metadata-equal', 'equal', NOON);
  return { farSide, files };
}

/** Path → how it was recorded, and whose it is afterwards. */
async function outcome(farSide: FarSide, options: RunOptions): Promise<Record<string, string>> {
  const { record } = await world.run([farSide], options);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', 'files');
  const details = await world.details(record, farSide);
  return Object.fromEntries(
    [...there].map(([path, node]) => {
      const { status, reason } = details.get(path) ?? {};
      return [path, `${reason ?? status}: ${String(node.metadata.find(({ key }) => key === 'k')?.value)}`];
    }),
  );
}

for (const faithful of [false, true]) {
  const mode = faithful ? 'faithful' : 'sound';

  test(`the later file stays, of two equally old ones the greater digest, at a ${mode} far side`, async () => {
    const { farSide } = await other(`follows-${mode}`, faithful);
    const expected = {
      '/newer-here': 'SUCCESS: source',
      '/newer-there': 'FarSideNewer: far side',
      '/greater-there': 'FarSideNewer: far side',
      '/greater-here': 'SUCCESS: source',
      '/metadata-newer': 'FarSideNewer: far side',
      '/metadata-equal': 'SUCCESS: source',
    };
    assert.deepEqual(await outcome(farSide, { setting: FOLLOWING }), expected);
  });

  test(`a task that does not follow replaces all the same, at a ${mode} far side`, async () => {
    const { farSide } = await other(`scheduled-${mode}`, faithful);
    const all = await outcome(farSide, { setting: { conflictStrategy: 'OVERWRITE' } });
    assert.deepEqual([...new Set(Object.values(all))], ['SUCCESS: source']);
  });
}

test('a far side that tells no dates is overwritten', async () => {
  const { farSide } = await other('dateless', false);
  const target: FarSide['target'] = {
    ...farSide.target,
    findNodes: async (...call) => {
      const found = await farSide.target.findNodes(...call);
      return new Map(
        [...found].map(([path, { fullPath, folder, size, sha256, metadata }]) => [
          path,
          { fullPath, folder, size, sha256, metadata },
        ]),
      );
    },
  };
  const all = await outcome({ ...farSide, target }, { setting: FOLLOWING });
  assert.deepEqual([...new Set(Object.values(all))], ['SUCCESS: source']);
});

test('a newer file that comes between the commit and its reading back stays, and is not begun again', async () => {
  const { farSide, files } = await other('meanwhile', false);
  let creates = 0;
  const target: FarSide['target'] = {
    ...farSide.target,
    createNode: async (...call) => {
      const answer = await farSide.target.createNode(...call);
      if (call[1].fullPath !== '/newer-here') return answer;
      creates += 1;
      const lastModifiedDate = new Date(LATER.getTime() + creates);
      await files.putFile('/newer-here', `again ${creates}`, { lastModifiedDate });
      return answer;
    },
  };
  const all = await outcome({ ...farSide, target }, { setting: FOLLOWING });
  assert.equal(all['/newer-here'], 'FarSideNewer: undefined');
  assert.equal(creates, 1);
});

/** Copies one side to the other, as one of two tasks that follow each other's far side. */
async function copy(source: BkRepoSource, to: FarSide, task: string): Promise<FinishedRun> {
  const object = { localRepoName: 'files', remoteProjectId: 'mirror', remoteRepoName: 'files', repoType: 'GENERIC' };
  return await world.run([to], {
    project: 'mirror',
    objects: [{ ...object, paths: [] }],
    setting: FOLLOWING,
    deps: { source },
    record: await world.begin(task),
  });
}

test('two clusters that replicate to each other at the same time end equal, and then nothing crosses', async () => {
  const random = seededRandom(printedSeed('newest-wins'));
  const sides = await Promise.all(['east', 'west'].map((name) => world.farSide(name)));
  const [east, west] = sides as [FarSide, FarSide];
  const sources = sides.map(({ db, storeDir }) =>
    createBkRepoSource({
      uri: world.mongod.uri,
      database: db.databaseName,
      storage: { type: 'filesystem', path: storeDir },
      clock: systemClock,
      logger: silentLogger,
    }),
  );
  const [fromEast, fromWest] = sources as [BkRepoSource, BkRepoSource];
  try {
    const repositories = await Promise.all(
      sides.map(async ({ db, storeDir }) => await new BkRepoBuilder(db, storeDir).repository('mirror', 'files')),
    );
    for (let round = 0; round < 3; round += 1) {
      for (const [side, repository] of repositories.entries())
        for (let file = 0; file < 30; file += 1) {
          if (random.below(2) === 0) continue;
          const lastModifiedDate = new Date(NOON.getTime() + round * 10 + random.below(3));
          await repository.putFile(`/${file}`, `${side} ${round} ${random.below(9)}`, { lastModifiedDate });
        }
      const runs = [copy(fromEast, west, 'east-to-west'), copy(fromWest, east, 'west-to-east')];
      for (const { outcome } of await Promise.all(runs)) assert.equal(outcome.farSides[0]?.tally.failed, 0);
      const [here, there] = await Promise.all(
        sides.map(({ db, storeDir }) => readBack(db, storeDir, 'mirror', 'files')),
      );
      assert.ok(here !== undefined && there !== undefined && here.size > 0);
      assert.deepEqual(compareSides(here, there), []);
    }
    for (const again of [copy(fromEast, west, 'east-to-west'), copy(fromWest, east, 'west-to-east')]) {
      const tally = (await again).outcome.farSides[0]?.tally;
      assert.deepEqual([tally?.success, tally?.conflict, tally?.failed], [0, 0, 0]);
    }
  } finally {
    for (const source of sources) await source.close();
  }
});
