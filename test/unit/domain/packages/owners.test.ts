import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapperFor } from '../../../../src/domain/packages/mapper.ts';

const cases: readonly (readonly [type: string, path: string, owners: readonly string[]])[] = [
  ['MAVEN', '/com/example/lib/1.0.0/lib-1.0.0-sources.jar', ['gav://com.example:lib@1.0.0', 'gav://com:example@lib']],
  ['MAVEN', '/lib.jar', []],
  ['NPM', '/@fx/lib/-/@fx/lib-1.0.0.tgz', ['npm://@fx/lib@1.0.0']],
  ['NPM', '/plain-lib/-/plain-lib-0.1.0-beta.1.tgz', ['npm://plain-lib@0.1.0-beta.1']],
  ['NPM', '/plain-lib/download/plain-lib-0.1.0.tgz', ['npm://plain-lib@0.1.0']],
  ['NPM', '/.npm/@fx/lib/@fx/lib-1.1.0.json', ['npm://@fx/lib@1.1.0']],
  ['NPM', '/.npm/@fx/lib/package.json', []],
  ['DOCKER', '/team/app-a/manifest/1.0/manifest.json', ['docker://team/app-a@1.0']],
  ['OCI', '/multi/manifest/1.0/list.manifest.json', ['oci://multi@1.0']],
  ['OCI', '/multi/blobs/arm64/sha256__00', ['oci://multi@arm64']],
  ['OCI', '/multi/blobs/sha256__00', []],
  ['OCI', '/old/1.0/manifest.json', ['oci://old@1.0']],
  ['OCI', '/a/blobs/b/blobs/1.0/sha256__00', ['oci://a@b', 'oci://a/blobs/b@1.0']],
  ['HELM', '/mychart-0.2.0.tgz', ['helm://mychart@0.2.0']],
  [
    'HELM',
    '/my-chart-0.2.0-rc.1.tgz.prov',
    ['helm://my-chart@0.2.0-rc.1', 'helm://my@chart-0.2.0-rc.1', 'helm://my-chart-0.2.0@rc.1'],
  ],
  ['HELM', '/index-cache.yaml', []],
  ['PYPI', '/requests/2.0/requests-2.0.tar.gz', ['pypi://requests@2.0']],
  ['NUGET', '/newtonsoft.json/newtonsoft.json.13.0.1.nupkg', ['nuget://newtonsoft.json@13.0.1']],
  ['NUGET', '/.nuspec/a/a.1.0.nuspec', ['nuget://a@1.0']],
  ['RPM', '/x86_64/tool-1.0.rpm', []],
  ['CONAN', '/demo/hello/0.1/stable/0/export/conanfile.py', ['conan://demo@hello/stable@0.1', 'conan://hello@0.1']],
  ['CARGO', '/crates/serde/serde-1.0.0.crate', ['cargo://serde@1.0.0']],
  ['CARGO', '/.cargo/crates/serde/serde-1.0.0.json', ['cargo://serde@1.0.0']],
  ['OHPM', '/@ohos/lib/-/@ohos/lib-1.0.0.hsp', ['ohpm://@ohos/lib@1.0.0']],
  ['OHPM', '/@ohos/lib/-/@ohos/lib-1.0.0/README.md', ['ohpm://@ohos/lib@1.0.0']],
  [
    'HUGGINGFACE',
    '/org/bert/resolve/main/config.json',
    ['huggingface://model/org/bert@main', 'huggingface://dataset/org/bert@main'],
  ],
  ['SKILL', '/writer/1.0/skill.zip', ['skill://writer@1.0']],
];
for (const [type, path, owners] of cases) {
  test(`${type} ${path} belongs to ${owners.length === 0 ? 'no version' : owners.join(' or ')}`, () => {
    const told = mapperFor(type)
      .owners(path)
      .map(({ packageKey, version }) => `${packageKey}@${version}`);
    assert.deepEqual(told, owners);
  });
}

test('what a version claims beyond what it records belongs to it', () => {
  const versions: readonly (readonly [type: string, key: string, version: string])[] = [
    ['MAVEN', 'gav://com.example:lib', '1.0.0'],
    ['NPM', 'npm://@fx/lib', '1.1.0'],
    ['DOCKER', 'docker://team/app-a', 'latest'],
    ['OCI', 'oci://app', 'sha256:00ff'],
    ['HELM', 'helm://my-chart', '0.1.0'],
    ['PYPI', 'pypi://requests', '2.0'],
    ['NUGET', 'nuget://a.b', '1.0.0'],
    ['CONAN', 'conan://demo@hello/stable', '0.1'],
    ['CARGO', 'cargo://serde', '1.0.0'],
    ['OHPM', 'ohpm://@ohos/lib', '1.0.0'],
    ['HUGGINGFACE', 'huggingface://model/org/bert', 'main'],
    ['SKILL', 'skill://writer', '1.0'],
  ];
  for (const [type, key, name] of versions) {
    const mapper = mapperFor(type);
    const version = { name, manifestPath: null, artifactPath: null, artifactPaths: [], metadata: [] };
    const claims = mapper.claims({ package: { key, name: key }, version });
    assert.ok(claims.length > 0, type);
    for (const claim of claims) {
      const path = claim.endsWith('/') ? `${claim}file` : claim;
      const owners = mapper.owners(path).map((owner) => `${owner.packageKey}@${owner.version}`);
      assert.ok(owners.includes(`${key}@${name}`), `${path} of ${key}@${name}: ${owners.join(' ')}`);
    }
  }
});
