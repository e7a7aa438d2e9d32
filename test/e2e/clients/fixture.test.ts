import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { copyOf } from '../standalone/manifests.ts';
import { Stage } from './stage.ts';

const REPOSITORIES = { mvn: 'MAVEN', npm: 'NPM', helm: 'HELM', docker: 'DOCKER', oci: 'OCI' } as const;

test("real clients read a real bk-repo's packages at the far side", { skip: fixtureMissing() }, async (context) => {
  const stage = await Stage.start();
  context.after(() => stage.stop());
  await loadFixture(stage.source.db, stage.source.storeDir);
  const far = await stage.farSide('fresh');
  await stage.replicate(
    'fixture',
    [far],
    {
      localProjectId: FIXTURE_PROJECT,
      replicaTaskObjects: Object.entries(REPOSITORIES).map(([name, repoType]) => copyOf(name, { repoType })),
    },
    // The version oci://app-b@tmp has no manifest in the fixture.
    { failed: 1 },
  );
  const { tools } = stage;

  await context.test('mvn: releases, sources, a snapshot, a pom', async () => {
    const files = await tools.maven(far.server.repositoryUrl('maven', 'mirror', 'mvn'), [
      { coordinates: 'com.example:lib:1.0.0' },
      { coordinates: 'com.example:lib:1.1.0', classifier: 'sources' },
      { coordinates: 'com.example:lib:2.0.0-SNAPSHOT' },
      { coordinates: 'com.example:parent:1', type: 'pom' },
    ]);
    assert.deepEqual(
      [...files.keys()],
      ['lib-1.0.0.jar', 'lib-1.1.0-sources.jar', 'lib-2.0.0-SNAPSHOT.jar', 'parent-1.pom'],
    );
  });

  await context.test('npm: a scoped package, and one by dist-tag', async () => {
    const modules = await tools.npm(far.server.repositoryUrl('npm', 'mirror', 'npm'), ['@fx/lib', 'plain-lib@beta']);
    for (const [name, version] of [
      ['@fx/lib', '1.1.0'],
      ['plain-lib', '0.1.0'],
    ] as const) {
      const text = await readFile(path.join(modules, name, 'package.json'), 'utf8');
      assert.equal(Reflect.get(JSON.parse(text) as object, 'version'), version);
    }
  });

  await context.test('helm: the chart that the index of the source lists', async () => {
    const files = await tools.helm(far.server.repositoryUrl('helm', 'mirror', 'helm'), 'mychart', '0.1.0');
    assert.deepEqual([...files.keys()], ['mychart-0.1.0.tgz']);
  });

  for (const image of ['docker/team/app-a:1.0', 'docker/multi:1.0', 'oci/team/app-a:latest', 'oci/multi:1.0'])
    await context.test(`crane: every layer of ${image}`, async () => {
      assert.match(await tools.crane('validate', '--remote', `${far.server.host}/mirror/${image}`), /PASS/);
    });

  await context.test('crane: an artifact that is no image', async () => {
    const manifest = await tools.crane('manifest', `${far.server.host}/mirror/oci/artifact:v1`);
    const { layers } = JSON.parse(manifest) as { layers: { digest: string; size: number }[] };
    const layer = layers[0];
    assert.ok(layer !== undefined);
    const content = await tools.crane('blob', `${far.server.host}/mirror/oci/artifact@${layer.digest}`);
    assert.equal(Buffer.byteLength(content), layer.size);
  });
});
