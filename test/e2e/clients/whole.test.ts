import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { shardOf } from '../../support/bkrepo/layout.ts';
import { putHelm, putHelmIndex } from '../../support/bkrepo/packages/helm.ts';
import { type PutImage, putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm, tagNpm } from '../../support/bkrepo/packages/npm.ts';
import { putPypi } from '../../support/bkrepo/packages/pypi.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { PROJECT } from '../../support/world.ts';
import { copyOf } from '../standalone/manifests.ts';
import { type PackageFarSide, Stage } from './stage.ts';

const MIRROR = 'mirror';
/** Nothing listens there: who follows an address of the source gets nothing. */
const SOURCE_HOST = 'http://127.0.0.1:9';

describe('real clients, after whole repositories were copied to an empty far side', () => {
  let stage: Stage;
  let far: PackageFarSide;
  let maven: RepositoryBuilder;
  let pypi: RepositoryBuilder;
  let charts: RepositoryBuilder;
  let index: PutImage;
  let child: PutImage;

  const repository = (name: string, type: string): Promise<RepositoryBuilder> =>
    stage.source.repository(PROJECT, name, { type });
  const url = (kind: 'maven' | 'npm' | 'pypi' | 'helm', name: string): string =>
    far.server.repositoryUrl(kind, MIRROR, name);
  const image = (repo: string, reference: string): string => `${far.server.host}/${MIRROR}/${repo}/${reference}`;

  before(async () => {
    stage = await Stage.start();
    maven = await repository('mvn', 'MAVEN');
    const jar = { classifier: 'sources', extension: 'jar' };
    await putMaven(maven, 'com.acme', 'parent', '1', { packaging: 'pom' });
    await putMaven(maven, 'com.acme', 'lib', '1.0.0', { files: [jar] });
    await putMaven(maven, 'com.acme', 'lib', '1.1.0', { files: [jar] });
    await putMaven(maven, 'com.acme', 'lib', '2.0.0-SNAPSHOT', {
      files: [jar],
      builds: [new Date('2026-11-02T10:00:00Z'), new Date('2026-11-03T10:00:00Z')],
    });
    const npm = await repository('npm', 'NPM');
    await putNpm(npm, 'left', '0.1.0', { host: SOURCE_HOST });
    await putNpm(npm, '@acme/lib', '1.0.0', { host: SOURCE_HOST });
    await putNpm(npm, '@acme/lib', '2.0.0-rc.1', {
      host: SOURCE_HOST,
      tags: ['next'],
      dependencies: { left: '^0.1.0' },
    });
    await tagNpm(npm, '@acme/lib', { stable: '1.0.0' });
    pypi = await repository('pypi', 'PYPI');
    await putPypi(pypi, 'Acme.Tool', '1.0.0');
    await putPypi(pypi, 'Acme.Tool', '1.2.0');
    charts = await repository('charts', 'HELM');
    const first = await putHelm(charts, 'web', '0.1.0');
    const second = await putHelm(charts, 'web', '0.2.0', { prov: true });
    await putHelmIndex(charts, [first.entry, second.entry], SOURCE_HOST);
    const oci = await repository('oci', 'OCI');
    child = await putImage(oci, 'team/app', 'amd64');
    const other = await putImage(oci, 'team/app', 'arm64', { architecture: 'arm64', byDigest: true });
    index = await putImageIndex(oci, 'team/app', '1.0', [child, other]);
    await putImage(oci, 'flat', '1.0', { layout: 'flat-blobs' });
    const docker = await repository('docker', 'DOCKER');
    await putImage(docker, 'team/app', '1.0', { layout: 'today' });
    await putImage(docker, 'old', '1.0', { layout: 'docker' });
    await putImageIndex(docker, 'team/app', 'multi', [await putImage(docker, 'team/app', 'amd64')]);

    far = await stage.farSide('fresh');
    const types = { mvn: 'MAVEN', npm: 'NPM', pypi: 'PYPI', charts: 'HELM', oci: 'OCI', docker: 'DOCKER' };
    await stage.replicate('everything', [far], {
      replicaTaskObjects: Object.entries(types).map(([name, repoType]) => copyOf(name, { repoType })),
    });
    await stage.replicate('lean', [far], {
      replicaTaskObjects: [
        copyOf('oci', { repoType: 'OCI', remoteRepoName: 'lean-oci' }),
        copyOf('docker', { repoType: 'DOCKER', remoteRepoName: 'lean-docker' }),
      ],
      setting: { includeMetadata: false },
    });
  });
  after(() => stage.stop());

  test('mvn resolves releases, classifiers, the newest build of a snapshot, and the newest release', async () => {
    const files = await stage.tools.maven(url('maven', 'mvn'), [
      { coordinates: 'com.acme:parent:1', type: 'pom' },
      { coordinates: 'com.acme:lib:1.0.0' },
      { coordinates: 'com.acme:lib:1.0.0', classifier: 'sources' },
      { coordinates: 'com.acme:lib:2.0.0-SNAPSHOT' },
      { coordinates: 'com.acme:lib:2.0.0-SNAPSHOT', classifier: 'sources' },
      { coordinates: 'com.acme:lib:RELEASE' },
    ]);
    const expected = {
      'parent-1.pom': '/com/acme/parent/1/parent-1.pom',
      'lib-1.0.0.jar': '/com/acme/lib/1.0.0/lib-1.0.0.jar',
      'lib-1.0.0-sources.jar': '/com/acme/lib/1.0.0/lib-1.0.0-sources.jar',
      'lib-2.0.0-SNAPSHOT.jar': '/com/acme/lib/2.0.0-SNAPSHOT/lib-2.0.0-20261103.100000-2.jar',
      'lib-2.0.0-SNAPSHOT-sources.jar': '/com/acme/lib/2.0.0-SNAPSHOT/lib-2.0.0-20261103.100000-2-sources.jar',
      'lib-1.1.0.jar': '/com/acme/lib/1.1.0/lib-1.1.0.jar',
    };
    assert.deepEqual([...files.keys()].sort(), Object.keys(expected).sort());
    for (const [name, stored] of Object.entries(expected))
      assert.deepEqual(files.get(name), await maven.content(stored), name);
  });

  test('npm installs a scoped package by dist-tag with what it depends on', async () => {
    const next = await stage.tools.npm(url('npm', 'npm'), ['@acme/lib@next']);
    assert.equal(await versionIn(next, '@acme/lib'), '2.0.0-rc.1');
    assert.equal(await versionIn(next, 'left'), '0.1.0');
    const stable = await stage.tools.npm(url('npm', 'npm'), ['@acme/lib@stable']);
    assert.equal(await versionIn(stable, '@acme/lib'), '1.0.0');
  });

  test('pip installs a distribution', async () => {
    const target = await stage.tools.pip(`${url('pypi', 'pypi')}simple/`, ['acme-tool']);
    assert.equal(await readFile(path.join(target, 'acme_tool', '__init__.py'), 'utf8'), 'VERSION = "1.2.0"\n');
  });

  test('helm pulls each version of a chart, and its provenance file', async () => {
    const first = await stage.tools.helm(url('helm', 'charts'), 'web', '0.1.0');
    assert.deepEqual(first.get('web-0.1.0.tgz'), await charts.content('/web-0.1.0.tgz'));
    const second = await stage.tools.helm(url('helm', 'charts'), 'web', '0.2.0', { prov: true });
    for (const name of ['web-0.2.0.tgz', 'web-0.2.0.tgz.prov'])
      assert.deepEqual(second.get(name), await charts.content(`/${name}`), name);
  });

  for (const repo of ['oci', 'lean-oci'])
    test(`crane pulls an index of ${repo} with all its images, by tag and by digest`, async () => {
      const blobs = await stage.tools.cranePull(image(repo, 'team/app:1.0'));
      assert.ok(blobs.includes(hexOf(index.descriptor.digest)));
      assert.ok(blobs.includes(hexOf(child.descriptor.digest)));
      assert.equal(blobs.length, 1 + 2 * 3, 'the index, and of each image manifest, configuration and layer');
      assert.deepEqual(await stage.tools.cranePull(image(repo, `team/app@${index.descriptor.digest}`)), blobs);
      assert.match(await stage.tools.crane('validate', '--remote', image(repo, 'team/app:1.0')), /PASS/);
    });

  for (const reference of [
    'oci/team/app:amd64',
    'oci/flat:1.0',
    'docker/team/app:1.0',
    'docker/team/app:multi',
    'docker/old:1.0',
    'lean-docker/team/app:multi',
    'lean-docker/old:1.0',
  ])
    test(`crane verifies every layer of ${reference}, by tag and by digest`, async () => {
      const byTag = `${far.server.host}/${MIRROR}/${reference}`;
      assert.match(await stage.tools.crane('validate', '--remote', byTag), /PASS/);
      const digest = (await stage.tools.crane('digest', byTag)).trim();
      const byDigest = `${byTag.slice(0, byTag.lastIndexOf(':'))}@${digest}`;
      assert.match(await stage.tools.crane('validate', '--remote', byDigest), /PASS/);
      assert.equal(await stage.tools.crane('manifest', byTag), await stage.tools.crane('manifest', byDigest));
    });

  test('crane could not pull an index without what the far side keeps of its type', async () => {
    const manifest = 'lean-docker/team/app:multi';
    await far.db
      .collection(`node_${shardOf(MIRROR)}`)
      .updateOne(
        { projectId: MIRROR, repoName: 'lean-docker', fullPath: '/team/app/manifest/multi/list.manifest.json' },
        { $set: { metadata: [] } },
      );
    await assert.rejects(stage.tools.crane('validate', '--remote', `${far.server.host}/${MIRROR}/${manifest}`));
  });
});

async function versionIn(modules: string, name: string): Promise<unknown> {
  const text = await readFile(path.join(modules, name, 'package.json'), 'utf8');
  return Reflect.get(JSON.parse(text) as object, 'version');
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
