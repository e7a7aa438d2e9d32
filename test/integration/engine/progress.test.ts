/** What a run tells of itself while it goes on: totals, what is done, payload on its way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SelectionCount, Source } from '../../../src/engine/ports/source.ts';
import { RunTotals } from '../../../src/engine/progress/run-totals.ts';
import type { FarSideProgress, RunObject } from '../../../src/engine/run-types.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, type RunOptions, World } from '../../support/world.ts';

const MB = 1_000_000;
/** Above 8 MiB: sent by chunks. */
const LARGE = 9 * 1024 * 1024;
const SMALL = 30;

let world: World;

before(async () => {
  world = await World.start();
  const { files } = world;
  await files.putFile('/large/one', seededBytes(LARGE, 1));
  await files.putFile('/plain/one', seededBytes(2 * MB, 2));
  await files.putFiles(
    Array.from({ length: SMALL }, (_, index) => ({ path: `/small/${index}`, content: seededBytes(1_000, index + 3) })),
  );
  const npm = await world.builder.repository(PROJECT, 'npm', { type: 'NPM' });
  for (const version of ['1.0.0', '1.1.0', '2.0.0']) await putNpm(npm, '@fx/lib', version);
  await putNpm(npm, 'plain', '0.1.0');
  await npm.putFiles(Array.from({ length: 7 }, (_, index) => ({ path: `/notes/${index}`, content: `loose ${index}` })));
  const maven = await world.builder.repository(PROJECT, 'maven', { type: 'MAVEN' });
  await putMaven(maven, 'com.example', 'lib', '1.0');
  await maven.putFile('/loose.txt', 'loose');
});
after(() => world.stop());

const object = (localRepoName: string, repoType: string, paths: readonly string[] = []): RunObject => ({
  localRepoName,
  remoteProjectId: 'mirror',
  remoteRepoName: localRepoName,
  repoType,
  paths,
});
const folder = (name: string): RunObject[] => [object(REPOSITORY, 'GENERIC', [`/${name}`])];

/** A run, and what was told of it. */
async function told(farSides: readonly FarSide[], options: RunOptions): Promise<readonly FarSideProgress[]> {
  const all: FarSideProgress[] = [];
  await world.run(farSides, { ...options, deps: { ...options.deps, onProgress: (one) => void all.push(one) } });
  for (const { clusterId } of all) honest(all.filter((one) => one.clusterId === clusterId));
  return all;
}

function done({ tally }: FarSideProgress): number {
  return tally.success + tally.unchanged + tally.conflict + tally.failed + tally.notTried;
}

/** Whatever happens: nothing falls, and there is never less to do than is done. */
function honest(one: readonly FarSideProgress[]): void {
  for (const [index, now] of one.entries()) {
    const before = one[index - 1] ?? now;
    assert.ok(done(now) >= done(before) && now.payloadBytes >= before.payloadBytes);
    if (now.total !== undefined) assert.ok(now.total.units >= done(now) && now.total.bytes >= now.tally.totalBytes);
  }
}

for (const [what, bytes] of [
  ['large', LARGE],
  ['plain', 2 * MB],
] as const)
  test(`a single ${what} upload shows life while it is under way, and how much there is to do`, async () => {
    const farSide = await world.farSide(`one-${what}`);
    const all = await told([farSide], { objects: folder(what), rateLimit: bytes / 2 });
    const underWay = all.filter((one) => done(one) === 0 && one.payloadBytes > 0);
    assert.ok(underWay.length >= 4, `told ${underWay.length} times`);
    assert.equal(new Set(underWay.map(({ payloadBytes }) => payloadBytes)).size, underWay.length);
    assert.ok(underWay.some(({ payloadBytes }) => payloadBytes > bytes / 4 && payloadBytes < (bytes * 3) / 4));
    assert.deepEqual(underWay.at(-1)?.total, { units: 1, bytes });
    const last = all.at(-1);
    assert.deepEqual([last?.tally.success, last?.payloadBytes, last?.tally.sentBytes], [1, bytes, bytes]);
  });

test('what is done is told while the run goes on, however few they are', async () => {
  const farSide = await world.farSide('few');
  let open = false;
  farSide.proxy.setFault(({ url }) =>
    url.includes(`/blob/push`) && !open && farSide.proxy.requests.length > 40 ? { kind: 'hold', ms: 300 } : undefined,
  );
  const all: FarSideProgress[] = [];
  const run = world.run([farSide], {
    objects: folder('small'),
    concurrency: 1,
    deps: { onProgress: (one) => void all.push(one) },
  });
  const partly = await eventually(() => all.find((one) => done(one) > 0 && done(one) < SMALL), { timeoutMs: 20_000 });
  open = true;
  await run;
  honest(all);
  assert.deepEqual(partly.total, { units: SMALL, bytes: SMALL * 1_000 });
  assert.equal(all.at(-1)?.tally.success, SMALL);
});

test('what is done is told while the last upload is under way', async () => {
  const farSide = await world.farSide('last');
  const objects = [object(REPOSITORY, 'GENERIC', ['/small', '/large'])];
  const all = await told([farSide], { objects, rateLimit: LARGE / 6, concurrency: SMALL });
  const whole = LARGE + SMALL * 1_000;
  assert.ok(all.some((one) => one.tally.success === SMALL && one.payloadBytes < whole));
  assert.equal(all.at(-1)?.tally.success, SMALL + 1);
});

test('packages are counted as versions, and loose files as they are met', async () => {
  const farSide = await world.farSide('packages');
  const objects = [object('npm', 'NPM'), object('maven', 'MAVEN')];
  const first = await told([farSide], { objects });
  const totals = first.flatMap(({ total }) => total?.units ?? []);
  assert.ok((totals[0] ?? 0) >= 4 + 1, 'versions at first');
  const last = first.at(-1);
  assert.ok(last !== undefined && last.total?.units === done(last) && done(last) >= 4 + 7 + 1 + 1);
  const again = (await told([farSide], { objects })).at(-1);
  assert.equal(again?.tally.unchanged, done(last));
  assert.deepEqual([again.total?.units, again.payloadBytes], [done(last), 0]);
});

test('a far side that gets blobs only has files to do where another has versions', async () => {
  const farSides = [await world.farSide('whole'), await world.farSide('edge')] as const;
  const counted: string[] = [];
  const source = counting((kind) => void counted.push(kind));
  const objects = [object('npm', 'NPM')];
  const all = await told([farSides[0]], { objects, deps: { source } });
  const edge = await told([farSides[1]], { objects, blobsOnly: true, deps: { source } });
  assert.deepEqual(counted, ['versions', 'files']);
  const last = edge.at(-1);
  assert.ok(last !== undefined && last.total?.units === done(last));
  assert.ok(done(last) > done(all.at(-1) ?? last), 'files of versions, too');
});

/** The source, and a word for each count. */
function counting(told: (kind: string) => void, count?: Source['count']): Source {
  const { source } = world;
  return {
    ...source,
    count: (repository, selection, signal) => {
      told(selection.kind);
      return count?.(repository, selection, signal) ?? source.count(repository, selection, signal);
    },
  };
}

test('each object is counted once for all far sides, and one that cannot be begun is one unit', async () => {
  const farSides = [await world.farSide('a'), await world.farSide('b'), await world.farSide('c')];
  let counts = 0;
  const source = counting(() => {
    counts += 1;
  });
  const objects = [...folder('small'), object('missing', 'GENERIC'), object('npm', 'GENERIC'), ...folder('small')];
  const all = await told(farSides, { objects, deps: { source } });
  assert.equal(counts, 1);
  for (const { target } of farSides) {
    const last = all.findLast(({ clusterId }) => clusterId === target.id);
    assert.equal(last?.tally.failed, 2);
    assert.equal(last.total?.units, 2 * SMALL + 2);
  }
});

const never: Source['count'] = (_repository, _selection, signal) =>
  new Promise<SelectionCount>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
for (const [what, count] of [
  ['fails', () => Promise.reject(new Error('no count today'))],
  ['never ends', never],
] as const)
  test(`a count that ${what} neither holds up nor fails the run: the total is not known`, async () => {
    const name = what.replace(' ', '-');
    const farSides = [await world.farSide(name), await world.farSide(`${name}-too`)];
    const ended: AbortSignal[] = [];
    const source = counting(
      () => {},
      (repository, selection, signal) => {
        ended.push(signal);
        return count(repository, selection, signal);
      },
    );
    const all = await told(farSides, { objects: folder('small'), deps: { source } });
    assert.equal(all.at(-1)?.tally.success, SMALL);
    assert.ok(all.every((one) => !('total' in one)));
    assert.ok(ended.length === 1 && ended[0]?.aborted === true, 'asked once, and it ends with the run');
  });

test('a retry has to do what failed, of each far side its own', async () => {
  const farSides = [await world.farSide('retried'), await world.farSide('well')] as const;
  farSides[0].proxy.setFault(({ url }) =>
    url.includes('/node/create') ? { kind: 'answer', status: 400, body: '{"code":250101,"message":"no"}' } : undefined,
  );
  const objects = [...folder('small'), object('missing', 'GENERIC')];
  const { record, outcome } = await world.run(farSides, { objects });
  assert.deepEqual(
    outcome.farSides.map(({ tally }) => tally.failed),
    [SMALL + 1, 1],
  );
  const totals = new RunTotals({
    plan: { localProjectId: PROJECT, objects, retryOf: record.id, setting: SETTING },
    farSides: farSides.map(({ target }) => ({ clusterId: target.id, blobsOnly: false })),
    source: world.source,
    journal: world.journal.runJournal(await world.begin()),
    onKnown: () => {},
  });
  await eventually(() => totals.of(farSides[1].target.id));
  assert.deepEqual(totals.of(farSides[0].target.id), { units: SMALL + 1, bytes: SMALL * 1_000 });
  assert.deepEqual(totals.of(farSides[1].target.id), { units: 1, bytes: 0 });
  await totals.end();
});

const SETTING = {
  includeMetadata: true,
  conflictStrategy: 'SKIP',
  errorStrategy: 'CONTINUE',
  automaticCreateRemoteRepo: true,
  recordUnchanged: false,
  storageConsistencyCheck: false,
  verifyIntervalMs: null,
} as const;
