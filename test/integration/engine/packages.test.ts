import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';

let world: World;
const repositories = new Map<string, RepositoryBuilder>();

before(async () => {
  world = await World.start();
  for (const type of ['MAVEN', 'NPM', 'OCI', 'DOCKER']) {
    repositories.set(type, await world.builder.repository(PROJECT, type.toLowerCase(), { type }));
  }
  const maven = repositories.get('MAVEN') as RepositoryBuilder;
  await putMaven(maven, 'com.example', 'lib', '1.0.0', { files: [{ classifier: 'sources', extension: 'jar' }] });
  await putMaven(maven, 'com.example', 'lib', '1.1.0');
  await putMaven(maven, 'com.example', 'lib', '2.0.0-SNAPSHOT', {
    builds: [new Date('2026-03-01T10:00:00Z'), new Date('2026-03-02T10:00:00Z')],
  });
  const npm = repositories.get('NPM') as RepositoryBuilder;
  await putNpm(npm, '@fx/lib', '1.0.0');
  await putNpm(npm, '@fx/lib', '1.1.0');
  await putNpm(npm, 'plain', '0.1.0');
  for (const type of ['OCI', 'DOCKER']) {
    const repository = repositories.get(type) as RepositoryBuilder;
    const amd64 = await putImage(repository, 'team/app', 'amd64', { architecture: 'amd64' });
    const arm64 = await putImage(repository, 'team/app', 'arm64', { architecture: 'arm64' });
    await putImageIndex(repository, 'team/app', '1.0', [amd64, arm64]);
    await putImage(repository, 'other', 'latest');
  }
});
after(() => world.stop());

const objects = (...types: readonly string[]) =>
  types.map((repoType) => ({
    localRepoName: repoType.toLowerCase(),
    remoteProjectId: 'mirror',
    remoteRepoName: repoType.toLowerCase(),
    repoType,
    paths: [],
  }));

async function differences(farSide: FarSide, type: string): Promise<readonly string[]> {
  const name = type.toLowerCase();
  const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, name);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', name);
  return compareSides(here, there);
}

for (const faithful of [false, true]) {
  for (const type of ['MAVEN', 'OCI', 'DOCKER', 'NPM']) {
    test(`a whole ${type} repository arrives at a ${faithful ? 'faithful' : 'sound'} far side, and a second run moves nothing`, async () => {
      const farSide = await world.farSide(`${type.toLowerCase()}-${faithful ? 'f' : 's'}`, { faithful });
      const first = await world.run([farSide], { objects: objects(type) });
      const details = await world.details(first.record, farSide);
      assert.deepEqual(
        [...details].filter(([, { status }]) => status !== 'SUCCESS'),
        [],
      );
      if (type !== 'NPM') assert.deepEqual(await differences(farSide, type), []);
      const second = await world.run([farSide], { objects: objects(type) });
      const tally = second.outcome.farSides[0]?.tally;
      assert.equal(tally?.sentBytes, 0);
      assert.equal(tally?.unchanged, details.size);
      assert.equal((tally?.success ?? 0) + (tally?.failed ?? 0) + (tally?.conflict ?? 0), 0);
    });
  }
}
