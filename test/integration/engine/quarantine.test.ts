import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { RunJournal } from '../../../src/engine/ports/journal.ts';
import type { RunDeps } from '../../../src/engine/run-types.ts';
import type { RunRecord } from '../../../src/journal/records.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { printedSeed, seededRandom } from '../../support/seed.ts';
import { type FarSide, type FinishedRun, type RunOptions, World } from '../../support/world.ts';
import { nextRepository, objectOf, refusing, requestsTo, rowsOf, withTarget } from './far-state.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world.stop());

const repositoryOf = (type?: string): Promise<RepositoryBuilder> => nextRepository(world, 'held', type);

function clockOf(now: () => number): Clock {
  return {
    now,
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
}

/** A task of its own, run by its schedule at the times that a test says. */
class Ticking {
  readonly task: string;
  readonly farSide: FarSide;
  readonly options: RunOptions;
  #later = 0;

  constructor(farSide: FarSide, options: RunOptions) {
    this.task = `held-task-${farSide.target.name}`;
    this.farSide = farSide;
    this.options = options;
  }

  get clock(): Clock {
    return clockOf(() => systemClock.now() + this.#later);
  }

  async run(after: number, farSide: FarSide = this.farSide, deps: Partial<RunDeps> = {}): Promise<FinishedRun> {
    this.#later += after;
    const record = await world.begin(this.task);
    const { clock } = this;
    return await world.run([farSide], { ...this.options, record, deps: { requested: false, clock, ...deps } });
  }

  async rows({ record }: FinishedRun): Promise<string[]> {
    return rowsOf(await world.details(record, this.farSide));
  }
}

function tallyOf({ outcome }: FinishedRun) {
  const tally = outcome.farSides[0]?.tally;
  assert.ok(tally);
  const { success, unchanged, failed, quarantined, notTried } = tally;
  return { success, unchanged, failed, quarantined, notTried };
}

test('a file that fails is tried again after a minute, then after two; after five failures only when its source changes', async () => {
  const files = await repositoryOf();
  for (const path of ['/a', '/poison', '/z']) await files.putFile(path, `content of ${path}`);
  const ticking = new Ticking(await world.farSide('file'), { objects: [objectOf(files)] });
  const created: string[] = [];
  const bad = refusing(ticking.farSide, ['/poison'], created);
  const plan: readonly (readonly [after: number, expected: string])[] = [
    [0, 'Refused'],
    [MINUTE - 10_000, 'BackingOff'],
    [10_001, 'Refused'],
    [MINUTE, 'BackingOff'],
    [MINUTE + 5_000, 'Refused'],
    [5 * MINUTE, 'Refused'],
    [9 * MINUTE, 'Refused'],
    [HOUR, 'Quarantined'],
    [24 * HOUR, 'Quarantined'],
  ];
  for (const [at, [later, expected]] of plan.entries()) {
    created.length = 0;
    const run = await ticking.run(later, bad);
    assert.deepEqual(
      (await ticking.rows(run)).filter((row) => row.includes('poison')),
      [`/poison FAILED ${expected}`],
    );
    assert.equal(created.includes('/poison'), expected === 'Refused', `run ${at}`);
    const quarantined = expected === 'Quarantined' ? 1 : 0;
    const { success, unchanged, ...others } = tallyOf(run);
    assert.deepEqual([success + unchanged, others], [2, { failed: 1, quarantined, notTried: 0 }]);
  }
  const { record, outcome } = await ticking.run(0);
  const { errorReason } = (await world.details(record, ticking.farSide)).get('/poison') ?? {};
  assert.match(errorReason ?? '', /failed 5 times in a row, .*\/poison is refused;.*retry-requested/);
  assert.equal(outcome.farSides[0]?.examples[0]?.reason, 'Quarantined');

  await files.putFile('/poison', 'another content');
  assert.deepEqual(await ticking.rows(await ticking.run(0)), ['/poison SUCCESS'], 'at once, since it has changed');
  await files.putFile('/poison', 'a third content');
  const objects = { setting: { conflictStrategy: 'OVERWRITE' } } as const;
  Object.assign(ticking.options, objects);
  assert.deepEqual(await ticking.rows(await ticking.run(0, bad)), ['/poison FAILED Refused']);
  assert.deepEqual(await ticking.rows(await ticking.run(MINUTE + 1)), ['/poison SUCCESS'], 'failures count anew');
});

test('a run that somebody asked for tries what is quarantined; when it succeeds, all is forgotten', async () => {
  const files = await repositoryOf();
  await files.putFile('/poison', 'content');
  const ticking = new Ticking(await world.farSide('asked'), { objects: [objectOf(files)] });
  const bad = refusing(ticking.farSide, ['/poison']);
  for (let times = 0; times < 5; times += 1) await ticking.run(HOUR, bad);
  assert.deepEqual(await ticking.rows(await ticking.run(HOUR)), ['/poison FAILED Quarantined']);
  const asked = await ticking.run(0, bad, { requested: true });
  assert.deepEqual(await ticking.rows(asked), ['/poison FAILED Refused']);
  assert.deepEqual(await ticking.rows(await ticking.run(HOUR)), ['/poison FAILED Quarantined']);
  assert.deepEqual(await ticking.rows(await ticking.run(0, ticking.farSide, { requested: true })), ['/poison SUCCESS']);
  const record = await world.begin(ticking.task);
  const journal = world.journal.runJournal(record);
  assert.equal(await journal.hasFailures(ticking.farSide.target.id, AbortSignal.timeout(5_000)), false);
});

test('versions, index documents and block files are held back like files, and tried when what makes them up changes', async () => {
  const maven = await repositoryOf('MAVEN');
  const things = await repositoryOf('RDS');
  const files = await repositoryOf();
  await putMaven(maven, 'com.example', 'lib', '1.0');
  const put = (content: string): Promise<unknown> =>
    putGeneral(things, { key: 'rds://p', name: 'p' }, { name: '1', artifactPath: '/p/1' }, { '/p/1': content });
  await put('first');
  await files.putBlockFile('/block', [Buffer.from('one'), Buffer.from('two')]);
  const ticking = new Ticking(await world.farSide('kinds'), {
    objects: [maven, things, files].map((repository) => objectOf(repository)),
    setting: { conflictStrategy: 'OVERWRITE' },
  });
  const document = '/com/example/lib/maven-metadata.xml';
  const bad = refusing(ticking.farSide, [document, '/p/1', '/block']);
  const failed = (reason: string): string[] => [
    `/block FAILED ${reason}`,
    `${document} FAILED ${reason}`,
    `rds://p@1 FAILED ${reason}`,
  ];
  const without = async (run: FinishedRun): Promise<string[]> =>
    (await ticking.rows(run)).filter((row) => !row.startsWith('gav:'));
  assert.deepEqual(await without(await ticking.run(0, bad)), failed('Refused'));
  ticking.farSide.proxy.forget();
  assert.deepEqual(await without(await ticking.run(1_000)), failed('BackingOff'));
  assert.equal(
    ticking.farSide.proxy.requests.filter(({ url }) => /blob|node\/create|version\/create/.test(url)).length,
    0,
  );
  for (let times = 1; times < 5; times += 1) await ticking.run(HOUR, bad);
  assert.deepEqual(await without(await ticking.run(HOUR)), failed('Quarantined'));
  await put('second');
  assert.deepEqual(await without(await ticking.run(0)), [...failed('Quarantined').slice(0, 2), 'rds://p@1 SUCCESS']);
  await maven.putFile('/com/example/lib/1.0/lib-1.0.jar', 'another jar');
  const last = await without(await ticking.run(0));
  assert.deepEqual(
    last,
    ['/block FAILED Quarantined', `${document} SUCCESS`],
    'a document that names what was written now',
  );
});

test('EDGE: what failed is held back: files, versions and documents', async () => {
  const npm = await repositoryOf('NPM');
  await putNpm(npm, 'lib', '1.0.0');
  const files = await repositoryOf();
  await files.putFile('/a', `an edge file of ${files.name}`);
  const packages = [{ packageKey: 'npm://lib', versions: [] }];
  const ticking = new Ticking(await world.farSide('edge', { faithful: true }), {
    objects: [objectOf(files), objectOf(npm, { packages })],
    blobsOnly: true,
  });
  const bad = withTarget(ticking.farSide, {
    pushBlob: () => Promise.reject(new ReplicationError('unit', 'Refused', 'refused')),
  });
  const failed = (reason: string): string[] =>
    ['/.npm/lib/package.json', '/a', 'npm://lib@1.0.0'].map((unit) => `${unit} FAILED ${reason}`);
  assert.deepEqual(await ticking.rows(await ticking.run(0, bad)), failed('Refused'));
  ticking.farSide.proxy.forget();
  assert.deepEqual(await ticking.rows(await ticking.run(0)), failed('BackingOff'));
  assert.equal(ticking.farSide.proxy.requests.length, 0);
  assert.equal(tallyOf(await ticking.run(MINUTE + 1)).success, 3);
});

test('under FAST_FAIL what is held back is not in the way; a failure of its own is', async () => {
  const files = await repositoryOf();
  for (const path of ['/a', '/poison', '/z']) await files.putFile(path, `content of ${path}`);
  const ticking = new Ticking(await world.farSide('fast'), {
    objects: [objectOf(files)],
    setting: { errorStrategy: 'FAST_FAIL' },
    concurrency: 1,
  });
  const bad = refusing(ticking.farSide, ['/poison']);
  assert.deepEqual(
    (await ticking.rows(await ticking.run(0, bad))).filter((row) => row.includes('FAILED')),
    ['/poison FAILED Refused'],
  );
  const held = await ticking.run(0);
  assert.equal(held.outcome.farSides[0]?.error, undefined);
  const { success, unchanged, failed, notTried } = tallyOf(held);
  assert.deepEqual([success + unchanged, failed, notTried], [2, 1, 0]);
  const again = await ticking.run(MINUTE + 1, bad);
  assert.equal(again.outcome.farSides[0]?.error?.reason, 'FastFail');
});

test('what failed now is told before what is held back', async () => {
  const files = await repositoryOf();
  const known = Array.from({ length: 7 }, (_, at) => `/a${at}`);
  for (const path of [...known, '/z']) await files.putFile(path, `content of ${path}`);
  const ticking = new Ticking(await world.farSide('news'), { objects: [objectOf(files)] });
  await ticking.run(0, refusing(ticking.farSide, known));
  await files.putFile('/z', 'changed');
  const run = await ticking.run(0, refusing(ticking.farSide, ['/z']), {});
  const reasons = run.outcome.farSides[0]?.examples.map(({ unit, reason }) => `${unit} ${reason}`) ?? [];
  assert.equal(reasons.length, 5);
  assert.ok(reasons.includes('/z Conflict') || reasons.includes('/z Refused'), reasons.join(', '));
});

test('what failed with its far side is not held against a unit, nor what was not tried', async () => {
  const files = await repositoryOf();
  for (const path of ['/a', '/b', '/c']) await files.putFile(path, `content of ${path}`);
  const ticking = new Ticking(await world.farSide('refusing'), { objects: [objectOf(files)] });
  const bad = withTarget(ticking.farSide, {
    createNode: () => Promise.reject(new ReplicationError('cluster', 'FarSideFull', 'no space left')),
  });
  const first = tallyOf(await ticking.run(0, bad));
  assert.equal(first.failed + first.notTried, 3);
  assert.deepEqual(tallyOf(await ticking.run(0)), { success: 3, unchanged: 0, failed: 0, quarantined: 0, notTried: 0 });
});

test('where nothing ever failed, one question of the whole run is about failures', async () => {
  const files = await repositoryOf();
  await files.putFiles(Array.from({ length: 120 }, (_, at) => ({ path: `/f${at}`, content: `content ${at}` })));
  const ticking = new Ticking(await world.farSide('spotless'), { objects: [objectOf(files)] });
  const asked: string[] = [];
  const counting = (journal: RunJournal): RunJournal => ({
    ...journal,
    hasFailures: (...given) => (asked.push('has'), journal.hasFailures(...given)),
    findFailures: (...given) => (asked.push('find'), journal.findFailures(...given)),
    writeFailures: (...given) => (asked.push('write'), journal.writeFailures(...given)),
    deleteFailures: (...given) => (asked.push('delete'), journal.deleteFailures(...given)),
  });
  for (let times = 0; times < 2; times += 1) {
    const record: RunRecord = await world.begin(ticking.task);
    const journal = counting(world.journal.runJournal(record));
    const run = await world.run([ticking.farSide], { ...ticking.options, record, deps: { requested: false, journal } });
    assert.equal(tallyOf(run).failed, 0);
  }
  assert.deepEqual(asked, ['has', 'has']);
});

test('over many runs with random failures: rows are the tally, what is held back is not asked for, and a change frees it', async () => {
  const random = seededRandom(printedSeed('quarantine'));
  const files = await repositoryOf();
  const paths = Array.from({ length: 12 }, (_, at) => `/d${at % 3}/f${at}`);
  for (const path of paths) await files.putFile(path, `first ${path}`);
  const ticking = new Ticking(await world.farSide('random', { faithful: true }), {
    objects: [objectOf(files)],
    setting: { conflictStrategy: 'OVERWRITE' },
  });
  const poison = new Set(random.shuffle(paths).slice(0, 5));
  const changed = new Set<string>();
  for (let round = 0; round < 25; round += 1) {
    for (const path of paths) if (random.below(4) === 0 && !poison.delete(path)) poison.add(path);
    if (random.below(3) === 0) {
      const path = random.pick(paths);
      await files.putFile(path, `content ${round} of ${path}`);
      changed.add(path);
    }
    const created: string[] = [];
    const run = await ticking.run(random.below(20) * MINUTE, refusing(ticking.farSide, poison, created));
    const found = await world.details(run.record, ticking.farSide);
    const { success, unchanged, failed, quarantined, notTried } = tallyOf(run);
    const count = (test: (row: { status: string; reason?: string }) => boolean): number =>
      [...found.values()].filter(test).length;
    assert.deepEqual(
      [success, failed, quarantined, notTried],
      [
        count(({ status }) => status === 'SUCCESS'),
        count(({ status }) => status === 'FAILED'),
        count(({ reason }) => reason === 'Quarantined'),
        count(({ status }) => status === 'NOT_TRIED'),
      ],
    );
    assert.equal(success + unchanged + failed, paths.length);
    for (const [path, { reason = '' }] of found) {
      const held = reason === 'BackingOff' || reason === 'Quarantined';
      if (held) assert.ok(!created.includes(path), `${path} is held back`);
      assert.ok(!(held && changed.has(path)), `${path} has changed`);
    }
    changed.clear();
  }
  const last = await ticking.run(0, ticking.farSide, { requested: true });
  assert.equal(tallyOf(last).failed, 0);
  ticking.farSide.proxy.forget();
  assert.equal(tallyOf(await ticking.run(0)).unchanged, paths.length);
  assert.equal(requestsTo(ticking.farSide, 'blob'), 0);
});
