import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapperFor } from '../../../../src/domain/packages/mapper.ts';
import type { MapperInput } from '../../../../src/domain/packages/mapping.ts';
import { answered, filesOf } from './answer.ts';
import { reason, version } from './subjects.ts';

interface Case {
  readonly type: string;
  readonly what: string;
  readonly input: MapperInput;
  /** Live files that do not belong to the version. */
  readonly others?: readonly string[];
  /** In the order of commit. */
  readonly files: readonly string[];
  readonly indexes?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    type: 'MAVEN',
    what: 'the whole folder, checksum files first and the pom last',
    input: version('gav://com.example:lib', '1.0', { artifactPath: '/com/example/lib/1.0/lib-1.0-sources.jar' }),
    others: ['/com/example/lib/maven-metadata.xml', '/com/example/lib/1.0.1/lib-1.0.1.jar', '/com/example/lib.jar'],
    files: [
      '/com/example/lib/1.0/lib-1.0-sources.jar.asc',
      '/com/example/lib/1.0/lib-1.0.jar.sha1',
      '/com/example/lib/1.0/lib-1.0.pom.sha1',
      '/com/example/lib/1.0/deeper/notes.txt',
      '/com/example/lib/1.0/lib-1.0-sources.jar',
      '/com/example/lib/1.0/lib-1.0.jar',
      '/com/example/lib/1.0/lib-1.0.module',
      '/com/example/lib/1.0/lib-1.0.pom',
    ],
  },
  {
    type: 'MAVEN',
    what: 'a snapshot, whose maven-metadata.xml is an index',
    input: version('gav://g:a', '2-SNAPSHOT', { artifactPath: '/g/a/2-SNAPSHOT/a-2-20260101.000000-2.jar' }),
    others: [
      '/g/a/2-SNAPSHOT/maven-metadata.xml.sha1',
      '/g/a/2-SNAPSHOT/maven-metadata.xml.sha512',
      '/g/a/2-SNAPSHOT/deeper/maven-metadata.xml',
    ],
    files: [
      '/g/a/2-SNAPSHOT/a-2-20260101.000000-1.jar',
      '/g/a/2-SNAPSHOT/a-2-20260101.000000-2.jar',
      '/g/a/2-SNAPSHOT/a-2-20260101.000000-2.pom',
    ],
    indexes: ['/g/a/2-SNAPSHOT/maven-metadata.xml'],
  },
  {
    type: 'NPM',
    what: 'a scoped name that holds the scope twice',
    input: version('npm://@fx/lib', '1.0.0', {
      artifactPath: '/@fx/lib/-/@fx/lib-1.0.0.tgz',
      manifestPath: '/.npm/@fx/lib/@fx/lib-1.0.0.json',
    }),
    others: ['/.npm/@fx/lib/package.json', '/@fx/lib/-/@fx/lib-1.0.0-beta.tgz'],
    files: ['/@fx/lib/-/@fx/lib-1.0.0.tgz', '/.npm/@fx/lib/@fx/lib-1.0.0.json'],
  },
  {
    type: 'NPM',
    what: 'an old version that records nothing and lies below download',
    input: version('npm://lib', '0.1.0'),
    files: ['/lib/download/lib-0.1.0.tgz', '/.npm/lib/lib-0.1.0.json'],
  },
  {
    type: 'OHPM',
    what: 'the archive with what lies beside it',
    input: version('ohpm://@ohos/lib', '1.0.0', { artifactPath: '/@ohos/lib/-/@ohos/lib-1.0.0.har' }),
    files: [
      '/@ohos/lib/-/@ohos/lib-1.0.0/README.md',
      '/@ohos/lib/-/@ohos/lib-1.0.0.hsp',
      '/@ohos/lib/-/@ohos/lib-1.0.0.har',
      '/.npm/@ohos/lib/@ohos/lib-1.0.0.json',
    ],
  },
  {
    type: 'HELM',
    what: 'the chart behind its provenance file',
    input: version('helm://chart', '1.0.0', { artifactPath: '/chart-1.0.0.tgz' }),
    others: ['/index-cache.yaml', '/chart-1.0.0.tgz.bak'],
    files: ['/chart-1.0.0.tgz.prov', '/chart-1.0.0.tgz'],
  },
  {
    type: 'HELM',
    what: 'a chart that records nothing',
    input: version('helm://chart', '1.0.0'),
    files: ['/chart-1.0.0.tgz'],
  },
  {
    type: 'PYPI',
    what: 'all distributions, recorded or not',
    input: version('pypi://lib', '1.0', {
      artifactPath: '/lib/1.0/lib-1.0.tar.gz',
      artifactPaths: ['/lib/1.0/lib-1.0.tar.gz', '/wheels/lib-1.0-py3-none-any.whl'],
    }),
    others: ['/simple/lib/index.html', '/lib/1.0.1/lib-1.0.1.tar.gz'],
    files: [
      '/lib/1.0/lib-1.0-py2-none-any.whl.metadata',
      '/lib/1.0/lib-1.0.tar.gz',
      '/wheels/lib-1.0-py3-none-any.whl',
      '/lib/1.0/lib-1.0-py2-none-any.whl',
    ],
  },
  {
    type: 'NUGET',
    what: 'the package behind its specification',
    input: version('nuget://my.lib', '1.0.0-Beta'),
    files: ['/.nuspec/my.lib/my.lib.1.0.0-beta.nuspec', '/my.lib/my.lib.1.0.0-beta.nupkg'],
  },
  {
    type: 'RPM',
    what: 'the recorded file',
    input: version('rpm://el9/tool', '1.0-1', { artifactPath: '/el9/tool-1.0-1.x86_64.rpm' }),
    others: ['/el9/repodata/repomd.xml', '/el9/tool-1.0-2.x86_64.rpm'],
    files: ['/el9/tool-1.0-1.x86_64.rpm'],
  },
  {
    type: 'COMPOSER',
    what: 'the archive that is recorded as it is downloaded',
    input: version('composer://vendor/lib', '1.0', { artifactPath: '/direct-dists/vendor/lib-1.0.zip' }),
    others: ['/packages.json', '/p/vendor/lib.json'],
    files: ['/vendor/lib-1.0.zip'],
  },
  {
    type: 'CARGO',
    what: 'the crate and its document',
    input: version('cargo://serde', '1.0.1', { artifactPath: '/crates/serde/serde-1.0.1.crate' }),
    others: ['/index/se/rd/serde', '/crates/serde/serde-1.0.10.crate'],
    files: ['/crates/serde/serde-1.0.1.crate', '/.cargo/crates/serde/serde-1.0.1.json'],
  },
  {
    type: 'CONAN',
    what: 'all revisions, the lists of revisions as indexes',
    input: version('conan://_@zlib/_', '1.3', { artifactPath: '/_/zlib/1.3/_/r1/export/conanmanifest.txt' }),
    others: ['/_/zlib/1.3.1/_/index.json'],
    files: [
      '/_/zlib/1.3/_/r1/export/conanfile.py',
      '/_/zlib/1.3/_/r1/package/p1/q1/conan_package.tgz',
      '/_/zlib/1.3/_/r1/export/conanmanifest.txt',
    ],
    indexes: ['/_/zlib/1.3/_/r1/package/p1/index.json', '/_/zlib/1.3/_/index.json'],
  },
  {
    type: 'CONAN',
    what: 'an old key without user and channel, by the recorded path',
    input: version('conan://zlib', '1.3', { artifactPath: '/me/zlib/1.3/stable/0/export/conanmanifest.txt' }),
    files: ['/me/zlib/1.3/stable/0/export/conanfile.py', '/me/zlib/1.3/stable/0/export/conanmanifest.txt'],
  },
  {
    type: 'HUGGINGFACE',
    what: 'the folder that is recorded without slashes around it',
    input: version('huggingface://model/org/net', 'abc', { artifactPath: 'org/net/resolve/abc/' }),
    others: ['/org/net/resolve/abcd/model.bin'],
    files: ['/org/net/resolve/abc/config.json', '/org/net/resolve/abc/sub/model.bin'],
  },
  {
    type: 'SKILL',
    what: 'the folder of the version',
    input: version('skill://writer', '1.0.0', { artifactPath: '/writer/1.0.0/writer-1.0.0.zip' }),
    others: ['/writer/1.0.0.txt'],
    files: ['/writer/1.0.0/writer-1.0.0.zip', '/writer/1.0.0/SKILL.md'],
  },
  {
    type: 'A_TYPE_OF_TOMORROW',
    what: 'what it records, the manifest last',
    input: version('new://thing', '1', {
      artifactPath: '/x/a.bin',
      artifactPaths: ['/x/b.bin'],
      manifestPath: '/x/m.json',
    }),
    others: ['/x/c.bin'],
    files: ['/x/a.bin', '/x/b.bin', '/thing/1/more', '/x/m.json'],
  },
];

for (const { type, what, input, others = [], files, indexes = [] } of CASES) {
  test(`${type}: ${what}`, () => {
    const repository = filesOf([...others, ...indexes, ...files].sort());
    const mapping = answered(mapperFor(type).map(input), repository);
    assert.deepEqual(
      mapping.files.map((file) => file.fullPath),
      files,
    );
    assert.deepEqual(mapping.indexes, indexes);
  });
}

test('the version document of npm is rewritten for the far side', () => {
  const document = { name: 'lib', dist: { tarball: 'http://source.example/npm/p/r/lib/-/lib-1.0.0.tgz' } };
  const repository = filesOf(['/lib/-/lib-1.0.0.tgz'], { '/.npm/lib/lib-1.0.0.json': JSON.stringify(document) });
  const { files } = answered(mapperFor('NPM').map(version('npm://lib', '1.0.0')), repository);
  assert.deepEqual(
    files.map(({ rewrite }) => rewrite !== undefined),
    [false, true],
  );
  const content = repository.get('/.npm/lib/lib-1.0.0.json')?.content ?? new Uint8Array();
  const addresses = {
    origin: 'https://far.example',
    localProjectId: 'p',
    localRepoName: 'r',
    remoteProjectId: 'q',
    remoteRepoName: 's',
  };
  const rewritten = new TextDecoder().decode(files[1]?.rewrite?.(content, addresses));
  assert.match(rewritten, /https:\/\/far\.example\/.*q\/s\/lib\/-\/lib-1\.0\.0\.tgz/);
  assert.doesNotMatch(rewritten, /source\.example/);
});

for (const [type, what, input, paths, code, words] of [
  ['MAVEN', 'an empty folder', version('gav://g:a', '1'), [], 'ArtifactMissing', /no files in the folder "\/g\/a\/1"/],
  [
    'MAVEN',
    'a jar that is gone',
    version('gav://g:a', '1', { artifactPath: '/g/a/1/a-1.jar' }),
    ['/g/a/1/a-1.pom'],
    'ArtifactMissing',
    /"\/g\/a\/1\/a-1\.jar"/,
  ],
  [
    'MAVEN',
    'metadata and nothing else',
    version('gav://g:a', '1-SNAPSHOT'),
    ['/g/a/1-SNAPSHOT/maven-metadata.xml'],
    'ArtifactMissing',
    /no files/,
  ],
  ['NPM', 'no tarball', version('npm://a', '1'), ['/.npm/a/a-1.json'], 'ArtifactMissing', /\/a\/-\/a-1\.tgz/],
  ['NPM', 'no document', version('npm://a', '1'), ['/a/-/a-1.tgz'], 'ManifestMissing', /\/\.npm\/a\/a-1\.json/],
  ['HELM', 'no chart', version('helm://a', '1'), ['/a-1.tgz.prov'], 'ArtifactMissing', /\/a-1\.tgz/],
  [
    'PYPI',
    'one of two distributions gone',
    version('pypi://a', '1', { artifactPaths: ['/a/1/a.whl', '/a/1/a.tar.gz'] }),
    ['/a/1/a.whl'],
    'ArtifactMissing',
    /a\.tar\.gz/,
  ],
  ['PYPI', 'nothing at all', version('pypi://a', '1'), [], 'ArtifactMissing', /"\/a\/1"/],
  ['RPM', 'no recorded path', version('rpm://a', '1'), ['/a-1.rpm'], 'ArtifactMissing', /records no artifact/],
  [
    'CONAN',
    'an old key and no path',
    version('conan://zlib', '1'),
    [],
    'ArtifactMissing',
    /where the recipe "zlib" lies/,
  ],
  [
    'CONAN',
    'an old key and the path of another recipe',
    version('conan://zlib', '1', { artifactPath: '/me/other/1/stable/0/export/conanmanifest.txt' }),
    ['/me/other/1/stable/0/export/conanmanifest.txt'],
    'ArtifactMissing',
    /where the recipe "zlib" lies/,
  ],
  [
    'NUGET',
    'one of two recorded files gone',
    version('nuget://a', '1', { artifactPaths: ['/a/a.1.nupkg', '/gone.nupkg'] }),
    ['/a/a.1.nupkg'],
    'ArtifactMissing',
    /"\/gone\.nupkg"/,
  ],
  [
    'CARGO',
    'a recorded document that is gone',
    version('cargo://a', '1', { manifestPath: '/x.json' }),
    ['/crates/a/a-1.crate'],
    'ManifestMissing',
    /"\/x\.json"/,
  ],
  ['LFS', 'nothing at all', version('lfs://a', '1'), ['/a/2/x'], 'ArtifactMissing', /records no path.*"\/a\/1"/],
  ['LFS', 'a path that is gone', version('lfs://a', '1', { artifactPath: '/x' }), [], 'ArtifactMissing', /"\/x"/],
  ['LFS', 'a manifest that is gone', version('lfs://a', '1', { manifestPath: '/m' }), [], 'ManifestMissing', /"\/m"/],
  [
    'LFS',
    'the root as its path',
    version('lfs://a', '1', { artifactPath: '/' }),
    ['/x'],
    'PackagePathInvalid',
    /whole repository/,
  ],
  ['NPM', 'a key of another type', version('pypi://a', '1'), [], 'PackageKeyInvalid', /another type/],
  ['NPM', 'an empty key', version('', '1'), [], 'PackageKeyInvalid', /is empty/],
  ['LFS', 'no name', version('lfs://a', ' '), [], 'PackagePathInvalid', /has no name/],
] as const) {
  test(`${type}: a version with ${what} fails in words`, () => {
    assert.throws(() => answered(mapperFor(type).map(input), filesOf(paths)), reason(code, words));
  });
}

const TYPES = 'MAVEN NPM DOCKER OCI HELM PYPI NUGET RPM COMPOSER CONAN CARGO OHPM HUGGINGFACE SKILL LFS'.split(' ');
const KEYS: Readonly<Record<string, string>> = { MAVEN: 'gav://g:a', CONAN: 'conan://u@a/c' };

for (const type of TYPES) {
  const key = KEYS[type] ?? `${type.toLowerCase()}://a`;
  for (const path of [
    '/../etc/passwd',
    '/a/../../b',
    '/a//b',
    '/a/./b',
    '\\a',
    '/a\0b',
    '/ a',
    `/${'x/'.repeat(64)}y`,
  ]) {
    test(`${type}: the recorded path ${JSON.stringify(path.slice(0, 20))} is refused and claims nothing`, () => {
      const recorded = version(key, '1', { artifactPath: path, manifestPath: path });
      assert.throws(
        () => answered(mapperFor(type).map(recorded), filesOf([path])),
        reason('PackagePathInvalid', /the path/),
      );
      for (const claim of mapperFor(type).claims(recorded)) assert.doesNotMatch(claim, /\.\.|\/\/|\0|passwd/);
    });
  }
  test(`${type}: a version named .. leads out of no folder`, () => {
    const outside = version(key, '..', { artifactPath: '/x', manifestPath: '/x' });
    for (const claim of mapperFor(type).claims(outside)) assert.doesNotMatch(claim, /(?:^|\/)\.\.(?:\/|$)/);
    try {
      for (const { fullPath } of answered(mapperFor(type).map(outside), filesOf(['/x', '/a/x'])).files)
        assert.equal(fullPath, '/x');
    } catch (error) {
      assert.ok(
        reason('PackagePathInvalid', /the path/)(error) || reason('ManifestInvalid', /not JSON/)(error),
        String(error),
      );
    }
  });
}

for (const [type, input, claims] of [
  [
    'MAVEN',
    version('gav://com.example:lib', '1', { artifactPath: '/com/example/lib/1/lib-1.jar' }),
    ['/com/example/lib/1/', '/com/example/lib/1/lib-1.jar'],
  ],
  ['NPM', version('npm://@s/n', '1'), ['/.npm/@s/n/@s/n-1.json', '/@s/n/-/@s/n-1.tgz', '/@s/n/download/@s/n-1.tgz']],
  ['OCI', version('oci://team/app', '1'), ['/team/app/1/', '/team/app/blobs/1/', '/team/app/manifest/1/']],
  ['DOCKER', version('docker://app', 'blobs'), ['/app/blobs/blobs/', '/app/manifest/blobs/']],
  ['HELM', version('helm://c', '1'), ['/c-1.tgz', '/c-1.tgz.prov']],
  [
    'COMPOSER',
    version('composer://v/n', '1', { artifactPath: '/direct-dists/n.zip' }),
    ['/direct-dists/n.zip', '/n.zip'],
  ],
  ['CONAN', version('conan://u@n/c', '1'), ['/u/n/1/c/']],
  [
    'HUGGINGFACE',
    version('huggingface://model/o/n', 's', { artifactPath: 'o/n/resolve/s' }),
    ['/o/n/resolve/s', '/o/n/resolve/s/'],
  ],
  ['LFS', version('npm//broken', '1', { artifactPath: '/x' }), ['/x']],
] as const) {
  test(`${type}: ${input.package.key}@${input.version.name} claims its places without a question`, () => {
    assert.deepEqual([...mapperFor(type).claims(input)].sort(), claims);
  });
}

test('more than 10,000 files are no version', () => {
  const many = Array.from({ length: 10_001 }, (_, n) => `/g/a/1/f${n}`);
  assert.throws(
    () => answered(mapperFor('MAVEN').map(version('gav://g:a', '1')), filesOf(many)),
    reason('TooManyFiles', /./),
  );
});
