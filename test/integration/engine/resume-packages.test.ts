import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import { farPackages, MIRROR, objectOf, requestsTo, tallyOf } from './far-state.ts';

let world: World;
const repositories: RepositoryBuilder[] = [];
/** Of all repositories together. */
let units: number;
/** Requests that a whole run makes. */
let creates: { readonly nodes: number; readonly blobs: number };

before(async () => {
  world = await World.start();
  for (const type of ['RDS', 'MAVEN', 'NPM', 'OCI'])
    repositories.push(await world.builder.repository(PROJECT, type.toLowerCase(), { type }));
  const [things, maven, npm, oci] = repositories as [
    RepositoryBuilder,
    RepositoryBuilder,
    RepositoryBuilder,
    RepositoryBuilder,
  ];
  for (let index = 0; index < 6; index += 1) {
    const path = `/p/${index}/a`;
    await putGeneral(things, { key: 'rds://p', name: 'p' }, { name: `${index}`, artifactPath: path }, { [path]: path });
    await things.putFile(`/loose/${index}`, `loose ${index}`);
  }
  for (const version of ['1.0', '1.1', '2.0-SNAPSHOT']) await putMaven(maven, 'com.example', 'lib', version);
  for (const version of ['1.0.0', '1.1.0']) await putNpm(npm, '@fx/lib', version);
  const child = await putImage(oci, 'app', 'amd64');
  await putImageIndex(oci, 'app', '1.0', [child]);
  const fresh = await world.farSide('fresh', { faithful: true });
  units = tallyOf(await world.run([fresh], { objects: objects() })).success;
  creates = { nodes: requestsTo(fresh, 'node/create'), blobs: requestsTo(fresh, 'blob/push') };
});
after(() => world.stop());

const objects = () => repositories.map((repository) => objectOf(repository));

async function equal(farSide: FarSide): Promise<void> {
  for (const repository of repositories) {
    const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
    const there = await readBack(farSide.db, farSide.storeDir, MIRROR, repository.name);
    assert.deepEqual([...there.keys()].sort(), [...here.keys()].sort());
    if (repository.type !== 'NPM') assert.deepEqual(compareSides(here, there), []);
    for (const [key, found] of await farPackages(farSide, repository)) assert.deepEqual(found.problems, [], key);
  }
}

/** Where the process dies: at the so many-th of these requests. */
const CUTS = [
  { call: 'blob/push', at: 3 },
  { call: 'node/create', at: 14 },
  { call: 'version/create', at: 1 },
  { call: 'version/create', at: 9 },
  { call: 'mirror/oci', at: 1 },
];

for (const [position, { call, at }] of CUTS.entries()) {
  test(`a run cut off at ${call} number ${at} goes on under its record: each unit once, and equal at the end`, async () => {
    const farSide = await world.farSide(`cut-${position}`, { faithful: position % 2 === 0 });
    const cut = new AbortController();
    const begun = await world.begin();
    farSide.proxy.setFault(({ url }) => {
      if (url.includes(call) && requestsTo(farSide, call) >= at) cut.abort(new Error('the process died'));
      return undefined;
    });
    await assert.rejects(
      world.run([farSide], { objects: objects(), record: begun, signal: cut.signal }),
      /the process died/,
    );
    farSide.proxy.setFault(undefined);
    const before = await world.details(begun, farSide);
    const recorded = [...before].filter(([, { status }]) => status === 'SUCCESS').map(([unit]) => unit);
    const adopted = await world.journal.adopt(begun.id, AbortSignal.timeout(5000));
    assert.ok(adopted);
    farSide.proxy.forget();
    const run = await world.run([farSide], { objects: objects(), record: adopted });
    await equal(farSide);
    const rows = await world.details(run.record, farSide);
    const tally = tallyOf(run);
    assert.deepEqual([tally.failed, tally.conflict, tally.notTried], [0, 0, 0]);
    assert.equal(tally.success + tally.unchanged, units, 'each unit is counted once');
    assert.equal([...rows.values()].filter(({ status }) => status === 'SUCCESS').length, tally.success);
    assert.ok(
      [...rows.values()].every(({ status }) => status === 'SUCCESS'),
      'rows are of what was done',
    );
    for (const unit of recorded) assert.equal(rows.get(unit)?.status, 'SUCCESS', unit);
    const again = tallyOf(await world.run([farSide], { objects: objects() }));
    assert.deepEqual([again.success, again.unchanged, again.sentBytes], [0, units, 0]);
  });
}

test('what was recorded before the crash is neither sent nor created again', async () => {
  const farSide = await world.farSide('recorded', { faithful: true });
  const begun = await world.begin();
  const drain = new AbortController();
  farSide.proxy.setFault(({ url }) => {
    if (url.includes('version/create') && requestsTo(farSide, 'version/create') >= 7)
      drain.abort(new Error('asked to stop'));
    return undefined;
  });
  await assert.rejects(
    world.run([farSide], { objects: objects(), record: begun, deps: { drain: drain.signal } }),
    /asked to stop/,
  );
  farSide.proxy.setFault(undefined);
  const recorded = await world.details(begun, farSide);
  assert.ok(recorded.size >= 6, `${recorded.size} recorded`);
  const done = { nodes: requestsTo(farSide, 'node/create'), blobs: requestsTo(farSide, 'blob/push') };
  const adopted = await world.journal.adopt(begun.id, AbortSignal.timeout(5000));
  assert.ok(adopted);
  farSide.proxy.forget();
  const run = await world.run([farSide], { objects: objects(), record: adopted });
  assert.equal(tallyOf(run).success, units);
  assert.ok(requestsTo(farSide, 'node/create') <= creates.nodes - done.nodes + 5);
  assert.ok(requestsTo(farSide, 'blob/push') <= creates.blobs - done.blobs + 5);
  await equal(farSide);
});
