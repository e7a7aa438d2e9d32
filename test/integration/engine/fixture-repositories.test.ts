import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { comparePackages, compareSides } from '../../support/bkrepo/compare.ts';
import { FIXTURE_LIVE_FILES, FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { readPackages } from '../../support/bkrepo/read-packages.ts';
import { type FarSide, World } from '../../support/world.ts';

/*
 * A real bk-repo's repositories, whole, against the table of what did not arrive with bk-repo's own replication
 * (fixture README): every file and version arrives, but for a version without a manifest.
 */

interface Expected {
  readonly repoType: string;
  /** Units that fail, with their reason. */
  readonly failed?: Readonly<Record<string, string>>;
  /** Files whose addresses are rewritten to the far side's. */
  readonly rewritten?: readonly string[];
  readonly differences?: readonly RegExp[];
}

const REPOSITORIES: Readonly<Record<string, Expected>> = {
  gen: { repoType: 'GENERIC' },
  empty: { repoType: 'GENERIC' },
  mvn: { repoType: 'MAVEN' },
  docker: { repoType: 'DOCKER' },
  npm: {
    repoType: 'NPM',
    rewritten: [
      '/.npm/@fx/lib/@fx/lib-1.0.0.json',
      '/.npm/@fx/lib/@fx/lib-1.1.0.json',
      '/.npm/@fx/lib/package.json',
      '/.npm/plain-lib/package.json',
      '/.npm/plain-lib/plain-lib-0.1.0.json',
    ],
  },
  helm: { repoType: 'HELM', rewritten: ['/index-cache.yaml'] },
  oci: {
    repoType: 'OCI',
    failed: { 'oci://app-b@tmp': 'ManifestMissing' },
    differences: [
      /^\/app-b\/blobs\/tmp\/sha256__23c5\w+: only at source$/,
      /^\/app-b\/blobs\/tmp\/sha256__379b\w+: only at source$/,
      /^\/app-b\/blobs\/tmp\/sha256__b75f\w+: only at source$/,
      /^oci:\/\/app-b: latest: source "tmp", far side "edge"$/,
      /^oci:\/\/app-b@tmp: only at source$/,
    ],
  },
};

let world: World;
before(async () => {
  world = await World.start();
  if (fixtureMissing() === false) await loadFixture(world.builder.db, world.builder.storeDir);
});
after(() => world.stop());

for (const faithful of [false, true]) {
  for (const [name, expected] of Object.entries(REPOSITORIES)) {
    const kind = faithful ? 'faithful' : 'sound';
    test(`a real server's repository ${name} arrives whole at a ${kind} far side`, {
      skip: fixtureMissing(),
    }, async () => {
      const farSide = await world.farSide(`${name}-${kind}`, { faithful });
      const run = {
        project: FIXTURE_PROJECT,
        objects: [
          {
            localRepoName: name,
            remoteProjectId: 'mirror',
            remoteRepoName: name,
            repoType: expected.repoType,
            paths: [],
          },
        ],
      };
      const { record } = await world.run([farSide], run);
      const failed = [...(await world.details(record, farSide))].filter(([, { status }]) => status !== 'SUCCESS');
      assert.deepEqual(
        Object.fromEntries(failed.map(([unit, { reason }]) => [unit, reason])),
        expected.failed ?? {},
        'units',
      );
      await assertArrived(farSide, name, expected, faithful);
      const again = await world.run([farSide], run);
      const tally = again.outcome.farSides[0]?.tally;
      assert.deepEqual([tally?.success, tally?.conflict, tally?.sentBytes], [0, 0, 0], 'a second run');
      assert.equal(tally?.failed, Object.keys(expected.failed ?? {}).length);
    });
  }
}

async function assertArrived(farSide: FarSide, name: string, expected: Expected, faithful: boolean): Promise<void> {
  const here = await readBack(world.builder.db, world.builder.storeDir, FIXTURE_PROJECT, name);
  assert.equal(here.size, FIXTURE_LIVE_FILES[name]);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', name);
  const rewritten = expected.rewritten ?? [];
  for (const path of rewritten) {
    const ours = await text(world.builder.storeDir, here.get(path)?.sha256);
    const theirs = await text(farSide.storeDir, there.get(path)?.sha256);
    assert.notEqual(theirs, ours, path);
    assert.equal(withoutAddresses(theirs, 'mirror', name), withoutAddresses(ours, FIXTURE_PROJECT, name), path);
    assert.ok(theirs.includes(new URL(farSide.target.origin).host), `${path} leads to the far side`);
    assert.ok(!theirs.includes(`/${FIXTURE_PROJECT}/`), `${path} does not lead to the source`);
  }
  const files = compareSides(here, there).filter((line) => !rewritten.some((path) => line.startsWith(`${path}: `)));
  // A real server puts the version's extension in place of the package's.
  const packages = comparePackages(
    await readPackages(world.builder.db, FIXTURE_PROJECT, name),
    await readPackages(farSide.db, 'mirror', name),
    faithful ? { ignoreFields: ['extension'] } : {},
  );
  const differences = [...files, ...packages];
  const patterns = expected.differences ?? [];
  assert.equal(differences.length, patterns.length, differences.join('\n'));
  for (const [index, pattern] of patterns.entries()) assert.match(differences[index] ?? '', pattern);
}

async function text(storeDir: string, sha256: string | undefined): Promise<string> {
  return await readFile(blobPath(storeDir, sha256 ?? ''), 'utf8');
}

/** Scheme, host and port, and the repository, of every address in the text. */
function withoutAddresses(document: string, project: string, repository: string): string {
  return document.replaceAll(/https?:\/\/[^/"\s]+/g, 'HOST').replaceAll(`/${project}/${repository}/`, '/REPOSITORY/');
}
