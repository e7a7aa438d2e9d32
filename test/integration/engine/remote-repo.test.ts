import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { World } from '../../support/world.ts';

let world: World;
before(async () => {
  world = await World.start();
  await world.files.putFile('/a', 'one');
  await world.files.putFile('/b/c', 'two');
});
after(() => world.stop());

for (const faithful of [false, true]) {
  const where = `at a ${faithful ? 'faithful' : 'sound'} far side`;
  const suffix = faithful ? 'f' : 's';

  test(`a repository that is missing and must not be created ends the far side, ${where}`, async () => {
    const farSide = await world.farSide(`missing-${suffix}`, { faithful });
    const { outcome } = await world.run([farSide], { setting: { automaticCreateRemoteRepo: false } });
    assert.equal(outcome.farSides[0]?.error?.reason, 'RemoteRepoMissing');
    for (const collection of ['project', 'repository'])
      assert.equal(await farSide.db.collection(collection).countDocuments(), 0, collection);
    assert.deepEqual(writes(farSide.proxy.requests), []);
  });

  test(`a repository that is there is used, and nothing is created, ${where}`, async () => {
    const farSide = await world.farSide(`there-${suffix}`, { faithful });
    await new BkRepoBuilder(farSide.db, farSide.storeDir).repository('mirror', 'files');
    const { outcome } = await world.run([farSide], { setting: { automaticCreateRemoteRepo: false } });
    assert.deepEqual([outcome.farSides[0]?.error, outcome.farSides[0]?.tally.success], [undefined, 2]);
    assert.deepEqual(await world.differences(farSide), []);
    const created = farSide.proxy.requests.filter(({ url }) => /(project|repo)\/create/.test(url));
    assert.deepEqual(created, []);
  });

  for (const automaticCreateRemoteRepo of [false, true])
    test(`a repository of another type is left alone, ${automaticCreateRemoteRepo ? 'asked to create' : 'asked to look'}, ${where}`, async () => {
      const farSide = await world.farSide(`type-${automaticCreateRemoteRepo}-${suffix}`, { faithful });
      const builder = new BkRepoBuilder(farSide.db, farSide.storeDir);
      await builder.repository('mirror', 'files', { type: 'MAVEN' });
      const { outcome } = await world.run([farSide], { setting: { automaticCreateRemoteRepo } });
      assert.equal(outcome.farSides[0]?.error?.reason, 'RepositoryTypeMismatch');
      assert.equal(outcome.farSides[0]?.tally.failed, 1);
      assert.deepEqual(
        outcome.farSides[0]?.examples.map(({ unit, reason }) => [unit, reason]),
        [['/', 'RepositoryTypeMismatch']],
      );
      assert.deepEqual(
        writes(farSide.proxy.requests),
        automaticCreateRemoteRepo ? ['project/create', 'repo/create'] : [],
      );
      const repositories = await farSide.db.collection('repository').find().toArray();
      assert.deepEqual(
        repositories.map(({ type }) => type as unknown),
        ['MAVEN'],
      );
    });
}

/** Of the requests those that would change the far side, by their last two words. */
function writes(requests: readonly { readonly url: string }[]): string[] {
  return requests.flatMap(({ url }) => /(?:[a-z]+\/(?:create|push|save|delete)|blobs\/uploads)/.exec(url)?.[0] ?? []);
}
