import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lanes } from '../../../src/engine/pacing/lane.ts';
import type { Target } from '../../../src/engine/ports/target.ts';
import type { RunObject } from '../../../src/engine/run-types.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, REPOSITORY, World } from '../../support/world.ts';

const MB = 1_000_000;
/** Above 8 MiB: sent by chunks. */
const LARGE = 9 * 1024 * 1024;
const HUGE_TASK = 120;
const SMALL_TASK = 8;
const PATIENT = { patience: 60_000, attempts: 100, backoff: { base: 20, cap: 200 }, pageSize: 100, settleSize: 50 };

let world: World;

before(async () => {
  world = await World.start();
  const { files } = world;
  await files.putFile('/paced/large', seededBytes(LARGE, 1));
  await files.putFile('/paced/medium', seededBytes(2 * MB, 2));
  await files.putFiles(
    Array.from({ length: 20 }, (_, index) => ({ path: `/paced/${index}`, content: seededBytes(40_000, index + 3) })),
  );
  await files.putFile('/slow/file', seededBytes(6_000, 50));
  const numbered = (folder: string, count: number): { path: string; content: string }[] =>
    Array.from({ length: count }, (_, index) => ({ path: `/${folder}/${index}`, content: `${folder} ${index}` }));
  await files.putFiles([...numbered('huge', HUGE_TASK), ...numbered('small', SMALL_TASK)]);
});
after(() => world.stop());

const folder = (name: string): RunObject[] => [
  {
    localRepoName: REPOSITORY,
    remoteProjectId: 'mirror',
    remoteRepoName: REPOSITORY,
    repoType: 'GENERIC',
    paths: [`/${name}`],
  },
];
async function differences(farSide: FarSide, path: string): Promise<string[]> {
  return (await world.differences(farSide, { limit: 10_000 })).filter((line) => line.startsWith(path));
}

/** Bytes of uploads that reached a far side, looked at while `work` goes on: `[milliseconds, bytes]`. */
async function watched(farSide: FarSide, work: Promise<unknown>): Promise<readonly (readonly [number, number])[]> {
  const began = performance.now();
  const seen: [number, number][] = [];
  const timer = setInterval(() => seen.push([performance.now() - began, farSide.proxy.uploadedBytes()]), 20);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  return seen;
}

/** A far side of which each request that succeeded is told, and how many are under way. */
function observed(target: Target, onCreated: () => void): Target & { readonly atOnce: () => number } {
  let underWay = 0;
  const counted =
    <A extends unknown[], R>(call: (...input: A) => Promise<R>) =>
    async (...input: A): Promise<R> => {
      underWay += 1;
      try {
        return await call(...input);
      } finally {
        underWay -= 1;
      }
    };
  return {
    ...target,
    findNodes: counted((...input: Parameters<Target['findNodes']>) => target.findNodes(...input)),
    pushBlob: counted((...input: Parameters<Target['pushBlob']>) => target.pushBlob(...input)),
    readBack: counted((...input: Parameters<Target['readBack']>) => target.readBack(...input)),
    createNode: counted(async (...input: Parameters<Target['createNode']>) => {
      const result = await target.createNode(...input);
      onCreated();
      return result;
    }),
    atOnce: () => underWay,
  };
}

for (const [what, limit] of [
  ['rateLimit of the task', { rateLimit: 4 * MB }],
  ['bandwidth of the far side', { bandwidth: 4 * MB }],
] as const)
  test(`whole, streamed and chunked uploads together keep to the ${what}`, async () => {
    const farSide = await world.farSide(what.startsWith('rate') ? 'paced' : 'narrow');
    const work = world.run([farSide], { objects: folder('paced'), ...limit });
    const seen = await watched(farSide, work);
    const { outcome } = await work;
    const { success, sentBytes } = outcome.farSides[0]?.tally ?? { success: 0, sentBytes: 0 };
    assert.equal(success, 22);
    const seconds = ((seen.at(-1)?.[0] ?? 0) - (seen.find(([, bytes]) => bytes > 0)?.[0] ?? 0)) / 1_000;
    assert.ok(seconds > (sentBytes / (4 * MB)) * 0.85, `${sentBytes} bytes in ${seconds} s`);
    // Requests say more than payload: some hundred bytes each.
    const most = 4 * MB * 1.05 + 4 * MB * 0.25 + 100_000;
    for (const [at, bytes] of seen) {
      const before = seen.findLast(([time]) => time <= at - 1_000)?.[1] ?? 0;
      assert.ok(bytes - before <= most, `${bytes - before} bytes in the second before ${Math.round(at)} ms`);
    }
    assert.deepEqual(await differences(farSide, '/paced/'), []);
  });

test('a file that takes longer than every idle timeout at its rate is sent once, bit by bit', async () => {
  const farSide = await world.farSide('slow');
  const work = world.run([farSide], { objects: folder('slow'), rateLimit: 2_000 });
  const seen = await watched(farSide, work);
  const { outcome } = await work;
  const first = seen.find(([, bytes]) => bytes > 2_000)?.[0] ?? 0;
  const later = seen.findLast(([at]) => at <= first + 1_000)?.[1] ?? 0;
  assert.ok(later < 5_500, `${later} bytes a second after the first 2,000`);
  assert.equal(outcome.farSides[0]?.tally.success, 1);
  assert.equal(farSide.proxy.requests.filter(({ url }) => url.includes('/blob/push')).length, 1);
});

test('an upload that was cut off goes on without waiting again for what was sent', async () => {
  const farSide = await world.farSide('cut');
  let cut = false;
  farSide.proxy.setFault(({ method, headers }) => {
    if (cut || method !== 'PATCH' || !headers['content-range']?.startsWith('8388608-')) return undefined;
    cut = true;
    return { kind: 'reset' };
  });
  const began = performance.now();
  const object = { ...folder('paced')[0], paths: ['/paced/large'] } as RunObject;
  const { outcome } = await world.run([farSide], { objects: [object], rateLimit: 3 * MB });
  const seconds = (performance.now() - began) / 1_000;
  assert.equal(outcome.farSides[0]?.tally.success, 1);
  assert.ok(cut);
  assert.ok(seconds < (LARGE / (3 * MB)) * 1.6, `${seconds} s`);
});

test('a task with few files is done while one with very many goes on', async () => {
  const farSide = await world.farSide('shared');
  const lanes = new Lanes({ clock: systemClock, requests: 8 });
  let huge = 0;
  let small = 0;
  const hugeTarget = observed(farSide.target, () => {
    huge += 1;
  });
  const smallTarget = observed(farSide.target, () => {
    small += 1;
  });
  const record = await world.begin('huge-task');
  const hugeRun = world.run([{ ...farSide, target: hugeTarget }], {
    objects: folder('huge'),
    record,
    lanes,
    taskUid: 'huge',
  });
  await eventually(() => huge > 20, { timeoutMs: 20_000 });
  const before = huge;
  const smallRecord = await world.begin('small-task');
  await world.run([{ ...farSide, target: smallTarget }], {
    objects: folder('small'),
    record: smallRecord,
    lanes,
    taskUid: 'small',
  });
  const meanwhile = huge - before;
  assert.equal(small, SMALL_TASK);
  assert.ok(meanwhile > 0, 'the huge one went on, too');
  assert.ok(meanwhile < 6 * SMALL_TASK, `${meanwhile} files of the huge task against ${SMALL_TASK}`);
  const { outcome } = await hugeRun;
  assert.equal(outcome.farSides[0]?.tally.success, HUGE_TASK);
});

test('a far side that answers 429 and 503 gets fewer requests at once, and slows no other down', async () => {
  const [stormy, calm] = [await world.farSide('stormy'), await world.farSide('calm')];
  // As many as one far side may have: were they held by the stormy one, the calm one would stand still.
  const lanes = new Lanes({ clock: systemClock, requests: 8 });
  let calmDone = 0;
  let stormyDone = 0;
  let storm = false;
  let inStorm = 0;
  const atOnceInStorm: number[] = [];
  const stormyTarget = observed(stormy.target, () => {
    stormyDone += 1;
    // Each time some files have come through there is another storm, until the other far side has all.
    storm = stormyDone % 10 === 5 && calmDone < HUGE_TASK;
  });
  stormy.proxy.setFault(({ index }) => {
    if (!storm) return undefined;
    inStorm += 1;
    // What was under way when it broke out does not count.
    if (inStorm > 8) atOnceInStorm.push(stormyTarget.atOnce());
    if (calmDone >= HUGE_TASK) storm = false;
    return { kind: 'answer', status: index % 2 === 0 ? 429 : 503 };
  });
  const calmTarget = observed(calm.target, () => {
    calmDone += 1;
  });
  let doneWithCalm = 0;
  const run = world.run(
    [
      { ...stormy, target: stormyTarget },
      { ...calm, target: calmTarget },
    ],
    { objects: folder('huge'), lanes, patience: 60_000, deps: { limits: PATIENT } },
  );
  await eventually(() => calmDone >= HUGE_TASK, { timeoutMs: 30_000 });
  doneWithCalm = stormyDone;
  const { outcome } = await run;
  assert.ok(inStorm > 8, `${inStorm} requests were refused`);
  assert.ok(doneWithCalm < HUGE_TASK, 'the calm one was done first');
  assert.ok(Math.max(...atOnceInStorm) <= 2, `${Math.max(...atOnceInStorm)} requests at once into the storm`);
  assert.deepEqual(
    outcome.farSides.map(({ tally }) => tally.success),
    [HUGE_TASK, HUGE_TASK],
  );
  for (const farSide of [stormy, calm]) assert.deepEqual(await differences(farSide, '/huge/'), []);
});
