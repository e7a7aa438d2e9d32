/**
 * Every live file of the package repositories of a real bk-repo belongs to exactly the versions that it should belong to,
 * or is an index document, or is only claimed (what is left of a version whose manifest is gone).
 * Needs `../shared/fixtures/bkrepo-source`; without it this part says that it did not run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexRulesFor } from '../../../../src/domain/indexes/rules.ts';
import { mapperFor } from '../../../../src/domain/packages/mapper.ts';
import { Claims } from '../../../../src/engine/packages/claims.ts';
import { answered } from './answer.ts';
import { type FixtureRepository, fixtureRepository, HAVE_FIXTURE } from './fixture-data.ts';
import { reason } from './subjects.ts';

if (!HAVE_FIXTURE) console.log('../shared/fixtures/bkrepo-source is absent: mapping a real repository did not run');
const options = { skip: !HAVE_FIXTURE };

const INDEX = 'index document';
const CLAIMED = 'claimed';
const LOOSE = 'loose';

/** `key@version`s that a file belongs to, or what else it is. */
type Owners = readonly string[];

function imageOwners(scheme: string): (path: string) => Owners {
  return (path) => {
    const [, name, tag] = /^\/(.+)\/(?:blobs|manifest)\/([^/]+)\/[^/]+$/.exec(path) ?? [];
    if (name === 'app-b' && tag === 'tmp') return [CLAIMED];
    const own = `${scheme}://${name}@${tag}`;
    return name === 'multi' && tag !== '1.0' ? [`${scheme}://multi@1.0`, own] : [own];
  };
}

for (const [repoName, type, files, ownersOf] of [
  [
    'mvn',
    'MAVEN',
    52,
    (path: string): Owners => {
      if (path.includes('/maven-metadata.xml')) return [INDEX];
      const [, artifact, version] = /^\/com\/example\/([^/]+)\/([^/]+)\/[^/]+$/.exec(path) ?? [];
      return [`gav://com.example:${artifact}@${version}`];
    },
  ],
  [
    'npm',
    'NPM',
    8,
    (path: string): Owners => {
      if (path.endsWith('/package.json')) return [INDEX];
      const [, name, version] =
        /^(?:\/\.npm)?\/((?:@fx\/)?[a-z-]+)\/(?:-\/)?\1-([\d.]+)\.(?:tgz|json)$/.exec(path) ?? [];
      return [`npm://${name}@${version}`];
    },
  ],
  ['docker', 'DOCKER', 24, imageOwners('docker')],
  ['oci', 'OCI', 30, imageOwners('oci')],
  [
    'helm',
    'HELM',
    4,
    (path: string): Owners =>
      path === '/index-cache.yaml' ? [INDEX] : [`helm://mychart@${/\d\.\d\.\d/.exec(path)?.[0]}`],
  ],
] as const) {
  test(`every live file of the real ${type} repository is where it belongs`, options, () => {
    const repository = fixtureRepository(repoName);
    assert.equal(repository.files.size, files);
    const found = foundOwners(repository, type);
    for (const path of repository.files.keys()) assert.deepEqual(found.get(path), ownersOf(path), path);
  });
}

test('the real image whose manifest was deleted is ManifestMissing', options, () => {
  const { versions, files } = fixtureRepository('oci');
  const dangling = versions.filter(({ version }) => version.name === 'tmp');
  assert.equal(dangling.length, 1);
  for (const input of dangling)
    assert.throws(
      () => answered(mapperFor('OCI').map(input), files),
      reason('ManifestMissing', /"\/app-b\/manifest\/tmp\/manifest\.json"/),
    );
});

test('the index of the real snapshot is its own, and its parts come before what names them', options, () => {
  const { versions, files } = fixtureRepository('mvn');
  const snapshot = versions.find(({ version }) => version.name === '2.0.0-SNAPSHOT');
  assert.ok(snapshot);
  const mapping = answered(mapperFor('MAVEN').map(snapshot), files);
  assert.deepEqual(mapping.indexes, ['/com/example/lib/2.0.0-SNAPSHOT/maven-metadata.xml']);
  assert.deepEqual(
    mapping.files.slice(-4).map((file) => file.fullPath.slice(-5)),
    ['1.jar', '2.jar', '1.pom', '2.pom'],
  );
});

function foundOwners({ files, versions }: FixtureRepository, type: string): ReadonlyMap<string, Owners> {
  const claims = new Claims();
  const owners = new Map<string, string[]>();
  for (const input of versions) {
    for (const claim of mapperFor(type).claims(input)) claims.add(claim);
    for (const path of mappedPaths(input, files, type)) {
      assert.ok(claims.has(path), `${path} is claimed without a question`);
      const key = `${input.package.key}@${input.version.name}`;
      owners.set(path, [...(owners.get(path) ?? []), key].sort());
    }
  }
  const elsewhere = (path: string) => (claims.has(path) ? CLAIMED : LOOSE);
  const isIndex = indexRulesFor(type).isIndex;
  return new Map(
    [...files.keys()].map((path) => {
      const own = owners.get(path);
      assert.ok(own === undefined || !isIndex(path), `${path} is an index document`);
      return [path, own ?? [isIndex(path) ? INDEX : elsewhere(path)]];
    }),
  );
}

/** Of a version whose manifest is gone: nothing. */
function mappedPaths(
  input: FixtureRepository['versions'][number],
  files: FixtureRepository['files'],
  type: string,
): readonly string[] {
  try {
    return answered(mapperFor(type).map(input), files).files.map((file) => file.fullPath);
  } catch (error) {
    if (reason('ManifestMissing', /./)(error)) return [];
    throw error;
  }
}
