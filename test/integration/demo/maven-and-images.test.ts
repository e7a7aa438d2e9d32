import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { pushImages } from '../../demo/packages/images.ts';
import { deployArtifacts, fetchedArtifacts, type MavenArtifact } from '../../demo/packages/maven.ts';
import type { NpmPackage } from '../../demo/packages/npm.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { comparePackages, compareSides } from '../../support/bkrepo/compare.ts';
import { tgz } from '../../support/bkrepo/packages/archives.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { readPackages } from '../../support/bkrepo/read-packages.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir, tempDirFor } from '../../support/tempdir.ts';

let mongod: Mongod;
let client: MongoClient;
let directory: string;
before(async () => {
  mongod = await startMongod();
  client = await MongoClient.connect(mongod.uri);
  directory = await makeTempDir('demo-packages');
});
after(async () => {
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

const NPM_PACKAGES: readonly NpmPackage[] = [
  { name: '@s/a', version: '1.0.0', file: 's-a-1.0.0.tgz', tarball: tgz({ a: 'a' }), manifest: {} },
  { name: 'b', version: '2.0.0', file: 'b-2.0.0.tgz', tarball: tgz({ b: 'b' }), manifest: {} },
];
const LIBRARY: MavenArtifact = {
  group: 'org.example',
  artifact: 'lib',
  version: '1.0',
  packaging: 'jar',
  main: Buffer.from('the jar'),
  pom: Buffer.from('<project/>'),
  files: [{ classifier: 'sources', extension: 'jar', content: 'the sources' }],
};

test('without Maven the npm tarballs are the artifacts, and one line says so', async (t) => {
  const cache = await tempDirFor(t, 'no-maven');
  const said: string[] = [];
  const environment = { PATH: '/nonexistent', XDG_CACHE_HOME: cache, HOME: cache };
  const artifacts = await fetchedArtifacts(NPM_PACKAGES, (line) => said.push(line), environment);
  assert.deepEqual(
    artifacts.map(({ group, artifact, version, packaging, main }) => [group, artifact, version, packaging, main]),
    [
      ['com.example.demo.npm.s', 'a', '1.0.0', 'tgz', NPM_PACKAGES[0]?.tarball],
      ['com.example.demo.npm', 'b', '2.0.0', 'tgz', NPM_PACKAGES[1]?.tarball],
    ],
  );
  const lines = said.filter((line) => line.startsWith('no artifacts from Maven'));
  assert.equal(lines.length, 1, said.join('\n'));
  assert.match(lines[0] ?? '', /\(there is no mvn here; .*\): the MAVEN repository gets npm tarballs/);
  assert.doesNotMatch(lines[0] ?? '', /\n/);
});

test('artifacts are deployed with the bytes that Maven fetched, and the project that fetched them as a snapshot', async () => {
  const builder = new BkRepoBuilder(client.db('maven'), `${directory}/maven`);
  await deployArtifacts(await builder.repository('p', 'maven', { type: 'MAVEN' }), [LIBRARY]);
  const files = await readBack(builder.db, builder.storeDir, 'p', 'maven');
  const folder = '/org/example/lib/1.0';
  assert.equal(files.get(`${folder}/lib-1.0.jar`)?.size, Buffer.byteLength('the jar'));
  assert.equal(files.get(`${folder}/lib-1.0.pom`)?.size, Buffer.byteLength('<project/>'));
  assert.equal(files.get(`${folder}/lib-1.0-sources.jar`)?.size, Buffer.byteLength('the sources'));
  assert.ok(files.has(`${folder}/lib-1.0.jar.sha1`));
  const packages = await readPackages(builder.db, 'p', 'maven');
  assert.deepEqual([...packages.keys()], ['gav://com.example.demo:libraries', 'gav://org.example:lib']);
  assert.equal(packages.get('gav://com.example.demo:libraries')?.latest, '1.0-SNAPSHOT');
  const builds = [...files.keys()].filter((path) => /\/libraries\/1\.0-SNAPSHOT\/libraries-.*\.pom$/.test(path));
  assert.equal(builds.length, 2);
});

test('images are the same bytes each time, share layers between tags and architectures, and an index names both architectures', async () => {
  const now = (): Date => new Date('2026-11-22T12:00:00Z');
  const [one, two] = ['images_1', 'images_2'].map(
    (name) => new BkRepoBuilder(client.db(name), `${directory}/${name}`, { now }),
  );
  if (one === undefined || two === undefined) throw new Error('two builders');
  for (const builder of [one, two])
    await pushImages(await builder.repository('p', 'oci', { type: 'OCI' }), NPM_PACKAGES, [LIBRARY]);
  const files = await readBack(one.db, one.storeDir, 'p', 'oci');
  const packages = await readPackages(one.db, 'p', 'oci');
  assert.deepEqual(compareSides(files, await readBack(two.db, two.storeDir, 'p', 'oci')), []);
  assert.deepEqual(comparePackages(packages, await readPackages(two.db, 'p', 'oci')), []);
  assert.deepEqual(
    [...packages].map(([key, { versions }]) => [key, [...versions.keys()].sort()]),
    [
      ['oci://demo/service', ['1.0', 'amd64', 'arm64']],
      ['oci://demo/tools', ['1.0', 'latest']],
    ],
  );
  const blobs = [...files].filter(([path]) => path.includes('/blobs/')).map(([, { sha256 }]) => sha256);
  assert.ok(new Set(blobs).size <= blobs.length - 4, 'two tags share all three blobs, and all images one layer');
  const digest = (tag: string): string | undefined => files.get(`/demo/tools/manifest/${tag}/manifest.json`)?.sha256;
  assert.equal(digest('1.0'), digest('latest'));
  assert.ok(files.has('/demo/service/manifest/1.0/list.manifest.json'));
});
