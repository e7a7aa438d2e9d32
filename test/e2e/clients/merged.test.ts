import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { putHelm, putHelmIndex } from '../../support/bkrepo/packages/helm.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm, tagNpm } from '../../support/bkrepo/packages/npm.ts';
import { putPypi } from '../../support/bkrepo/packages/pypi.ts';
import { PROJECT } from '../../support/world.ts';
import { copyOf } from '../standalone/manifests.ts';
import { type PackageFarSide, Stage } from './stage.ts';

const MIRROR = 'mirror';
const SOURCE_HOST = 'http://127.0.0.1:9';

/** The far side has an older version of each package; the source has two more, of which the newest one is copied. */
describe('real clients, after one version of each package was copied to a far side that has others', () => {
  let stage: Stage;
  const farSides: PackageFarSide[] = [];

  before(async () => {
    stage = await Stage.start();
    await fill(stage.source, PROJECT, SOURCE_HOST, ['1.0.0', '1.1.0'], 'stable');
    for (const [name, faithful] of [
      ['sound', false],
      ['faithful', true],
    ] as const) {
      const far = await stage.farSide(name, { faithful });
      await fill(far.builder, MIRROR, far.server.url, ['0.9.0'], 'old');
      farSides.push(far);
    }
    const keys = {
      mvn: ['MAVEN', 'gav://com.acme:lib'],
      npm: ['NPM', 'npm://@acme/lib'],
      pypi: ['PYPI', 'pypi://acme-tool'],
      charts: ['HELM', 'helm://web'],
      oci: ['OCI', 'oci://team/app'],
    } as const;
    await stage.replicate('one', farSides, {
      replicaTaskObjects: Object.entries(keys).map(([name, [repoType, packageKey]]) =>
        copyOf(name, { repoType, packageConstraints: [{ packageKey, versions: ['1.1.0'] }] }),
      ),
    });
  });
  after(() => stage.stop());

  for (const [index, side] of ['a far side', 'a faithful far side'].entries()) {
    const far = (): PackageFarSide => {
      const found = farSides[index];
      assert.ok(found !== undefined);
      return found;
    };

    test(`mvn resolves both versions of ${side}, and the newer one as its release`, async () => {
      const url = far().server.repositoryUrl('maven', MIRROR, 'mvn');
      const wanted = ['0.9.0', '1.1.0', 'RELEASE'].map((version) => ({ coordinates: `com.acme:lib:${version}` }));
      const files = await stage.tools.maven(url, wanted);
      assert.deepEqual([...files.keys()], ['lib-0.9.0.jar', 'lib-1.1.0.jar']);
      const listed = await textOf(`${url}com/acme/lib/maven-metadata.xml`);
      assert.deepEqual(
        [...listed.matchAll(/<version>(.*?)<\/version>/g)].map(([, version]) => version),
        ['0.9.0', '1.1.0'],
      );
    });

    test(`npm installs both versions of ${side}, and nothing names one that it lacks`, async () => {
      const url = far().server.repositoryUrl('npm', MIRROR, 'npm');
      for (const [spec, version] of [
        ['@acme/lib@old', '0.9.0'],
        ['@acme/lib@1.1.0', '1.1.0'],
      ] as const) {
        const modules = await stage.tools.npm(url, [spec]);
        const text = await readFile(path.join(modules, '@acme', 'lib', 'package.json'), 'utf8');
        assert.equal(Reflect.get(JSON.parse(text) as object, 'version'), version);
      }
      const { versions, 'dist-tags': tags } = JSON.parse(await textOf(`${url}@acme/lib`)) as NpmDocument;
      assert.deepEqual(Object.keys(versions).sort(), ['0.9.0', '1.1.0']);
      for (const [tag, version] of Object.entries(tags)) assert.ok(version in versions, `${tag}: ${version}`);
    });

    test(`pip installs either version of ${side}`, async () => {
      const url = `${far().server.repositoryUrl('pypi', MIRROR, 'pypi')}simple/`;
      for (const version of ['0.9.0', '1.1.0']) {
        const target = await stage.tools.pip(url, [`acme-tool==${version}`]);
        const text = await readFile(path.join(target, 'acme_tool', '__init__.py'), 'utf8');
        assert.equal(text, `VERSION = "${version}"\n`);
      }
    });

    test(`helm pulls both versions of ${side}, and is offered no other`, async () => {
      const url = far().server.repositoryUrl('helm', MIRROR, 'charts');
      for (const version of ['0.9.0', '1.1.0'])
        assert.deepEqual([...(await stage.tools.helm(url, 'web', version)).keys()], [`web-${version}.tgz`]);
      await assert.rejects(stage.tools.helm(url, 'web', '1.0.0'), /chart "web" version "1\.0\.0" not found/);
    });

    test(`crane verifies the image that ${side} had, and the index that came`, async () => {
      for (const tag of ['0.9.0', '1.1.0']) {
        const reference = `${far().server.host}/${MIRROR}/oci/team/app:${tag}`;
        assert.match(await stage.tools.crane('validate', '--remote', reference), /PASS/);
      }
    });
  }
});

interface NpmDocument {
  readonly versions: Readonly<Record<string, unknown>>;
  readonly 'dist-tags': Readonly<Record<string, string>>;
}

/** A repository of each type with these versions of one package; `tag` names the first of them in npm. */
async function fill(
  builder: BkRepoBuilder,
  projectId: string,
  host: string,
  versions: readonly string[],
  tag: string,
): Promise<void> {
  const mvn = await builder.repository(projectId, 'mvn', { type: 'MAVEN' });
  for (const version of versions) await putMaven(mvn, 'com.acme', 'lib', version);
  const npm = await builder.repository(projectId, 'npm', { type: 'NPM' });
  for (const version of versions) await putNpm(npm, '@acme/lib', version, { host });
  await tagNpm(npm, '@acme/lib', { [tag]: versions[0] ?? null });
  const pypi = await builder.repository(projectId, 'pypi', { type: 'PYPI' });
  for (const version of versions) await putPypi(pypi, 'acme-tool', version);
  const charts = await builder.repository(projectId, 'charts', { type: 'HELM' });
  const entries = [];
  for (const version of versions) entries.push((await putHelm(charts, 'web', version)).entry);
  await putHelmIndex(charts, entries, host);
  const oci = await builder.repository(projectId, 'oci', { type: 'OCI' });
  for (const version of versions)
    await putImageIndex(oci, 'team/app', version, [await putImage(oci, 'team/app', `${version}-amd64`)]);
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  assert.ok(response.ok, `${url} answers ${response.status}`);
  return response.text();
}
