import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexRulesFor } from '../../../../src/domain/indexes/rules.ts';
import { mergeCase } from './far-world.ts';

for (const [type, path, expected] of [
  ['NPM', '/.npm/lib/package.json', true],
  ['NPM', '/.npm/@fx/lib/package.json', true],
  ['NPM', '/.npm/lib/lib-1.0.0.json', false],
  ['NPM', '/lib/package.json', false],
  ['HELM', '/index-cache.yaml', true],
  ['HELM', '/a/index-cache.yaml', false],
  ['COMPOSER', '/packages.json', true],
  ['COMPOSER', '/p/vendor/lib.json', true],
  ['COMPOSER', '/vendor/lib.json', false],
  ['CARGO', '/index/se/rd/serde', true],
  ['CARGO', '/index/3/f/foo', true],
  ['CARGO', '/index/1/a', true],
  ['CARGO', '/crates/serde/serde-1.0.0.crate', false],
  ['CONAN', '/user/lib/1.0/stable/index.json', true],
  ['CONAN', '/user/lib/1.0/stable/rev/package/id/index.json', true],
  ['CONAN', '/user/lib/1.0/stable/rev/export/index.json', false],
  ['RPM', '/a/repodata/repomd.xml', true],
  ['RPM', '/repodata/primary.xml.gz', true],
  ['RPM', `/repodata/${'0'.repeat(40)}-primary.xml.gz`, false],
  ['RPM', '/a/b.rpm', false],
  ['PYPI', '/simple/lib/index.html', false],
  ['NUGET', '/lib/index.json', false],
  ['DOCKER', '/app/1.0/manifest.json', false],
  ['GENERIC', '/.npm/lib/package.json', false],
  ['UNHEARD', '/maven-metadata.xml', false],
] as const) {
  test(`${type}: ${path} is ${expected ? 'an' : 'no'} index document`, () => {
    assert.equal(indexRulesFor(type).isIndex(path), expected);
  });
}

for (const [type, key, name, expected] of [
  ['NPM', 'npm://@fx/lib', '@fx/lib', ['/.npm/@fx/lib/package.json']],
  ['COMPOSER', 'composer://vendor/lib', 'vendor/lib', ['/p/vendor/lib.json']],
  ['CARGO', 'cargo://ab', 'ab', ['/index/2/ab']],
  ['CARGO', 'cargo://abc', 'abc', ['/index/3/a/abc']],
  ['CARGO', 'cargo://cargo', 'cargo', ['/index/ca/rg/cargo']],
  ['NPM', 'gav://a:b', 'b', []],
  ['HELM', 'helm://c', 'c', []],
  ['PYPI', 'pypi://lib', 'lib', []],
] as const) {
  test(`${type}: documents of ${name}`, () => {
    assert.deepEqual(indexRulesFor(type).ofPackage({ key, name }), expected);
  });
}

test('a type without index documents leaves everything as it is', () => {
  assert.equal(mergeCase({ type: 'PYPI', fullPath: '/x', source: 'x' }).kind, 'keep');
});

function composer(versions: Readonly<Record<string, string | null>>, more = ''): string {
  const entries = Object.entries(versions).map(([version, url]) => [version, url === null ? {} : { dist: { url } }]);
  return `{"packages":{"v/lib":${JSON.stringify(Object.fromEntries(entries))}}${more}}`;
}

test('a Composer package is merged by its files; versions kept elsewhere stay', () => {
  const { text } = mergeCase({
    type: 'COMPOSER',
    fullPath: '/p/v/lib.json',
    source: composer({
      '1': 'direct-dists/v/lib-1.zip',
      '2': 'direct-dists/v/lib-2.zip',
      '3': 'http://h/composer/fx/repo/direct-dists/v/lib-3.zip',
      '4': 'https://elsewhere.example/lib-4.zip',
      'dev-main': null,
    }),
    far: composer({ '9': 'direct-dists/v/lib-9.zip', '8': 'direct-dists/v/lib-8.zip' }),
    files: { '/v/lib-1.zip': 'same', '/v/lib-3.zip': 'same', '/v/lib-9.zip': 'different' },
  });
  const expected = composer({
    '1': 'direct-dists/v/lib-1.zip',
    '3': 'https://far.example:8443/composer/copy/mirror/direct-dists/v/lib-3.zip',
    '4': 'https://elsewhere.example/lib-4.zip',
    'dev-main': null,
    '9': 'direct-dists/v/lib-9.zip',
  });
  assert.deepEqual(JSON.parse(text ?? ''), JSON.parse(expected));
});

test('Composer’s list of the repository travels byte for byte, and an equal one stays', () => {
  const source = '{\n    "packages": {},\n    "providers-lazy-url": "/p/%package%.json"\n\n}';
  const document = { type: 'COMPOSER', fullPath: '/packages.json', source };
  assert.equal(mergeCase(document).kind, 'source');
  assert.equal(mergeCase({ ...document, far: JSON.stringify(JSON.parse(source)) }).kind, 'keep');
});

test('a run of one Composer version adds it alone', () => {
  const { text } = mergeCase({
    type: 'COMPOSER',
    fullPath: '/p/v/lib.json',
    source: composer({ '1': 'direct-dists/1.zip', '2': 'direct-dists/2.zip' }, ',"x":1'),
    far: composer({ '9': 'direct-dists/9.zip' }, ',"x":2'),
    selected: [{ packageKey: 'composer://v/lib', versions: ['2'] }],
    others: 'same',
  });
  const expected = composer({ '2': 'direct-dists/2.zip', '9': 'direct-dists/9.zip' }, ',"x":2');
  assert.deepEqual(JSON.parse(text ?? ''), JSON.parse(expected));
});

const line = (vers: string, yanked = false): string => `{"name":"cargo","vers":"${vers}","yanked":${yanked}}`;
const CARGO = { type: 'CARGO', fullPath: '/index/ca/rg/cargo' };
const crate = (vers: string): string => `/crates/cargo/cargo-${vers}.crate`;

test('a Cargo index is merged line by line', () => {
  const { text } = mergeCase({
    ...CARGO,
    source: [line('1.0.0', true), line('2.0.0'), line('3.0.0')].join('\n'),
    far: [line('1.0.0'), line('2.0.0', true), line('9.0.0'), line('8.0.0'), ''].join('\n'),
    files: { [crate('1.0.0')]: 'same', [crate('2.0.0')]: 'different', [crate('9.0.0')]: 'different' },
  });
  assert.equal(text, [line('1.0.0', true), line('2.0.0', true), line('9.0.0')].join('\n'));
});

test('a Cargo index without anything of the far side’s travels byte for byte, and an equal one stays', () => {
  const source = `${line('1.0.0')}\n${line('2.0.0')}\n`;
  assert.equal(mergeCase({ ...CARGO, source, others: 'same' }).kind, 'source');
  const far = source.trim().replaceAll(',', ', ');
  assert.equal(mergeCase({ ...CARGO, source, far, others: 'same' }).kind, 'keep');
});

test('a damaged line of a Cargo index is told by its number', () => {
  assert.throws(() => mergeCase({ ...CARGO, source: `${line('1.0.0')}\nsecret` }), {
    code: 'IndexInvalid',
    message: 'the index document /index/ca/rg/cargo of the source has no JSON object with a version in line 2',
  });
});

function revisions(...entries: readonly (readonly [revision: string, time: string])[]): string {
  return JSON.stringify({
    reference: 'lib/1.0@user/stable',
    revisions: entries.map(([revision, time]) => ({ revision, time })),
  });
}

for (const [fullPath, fileOf] of [
  ['/user/lib/1.0/stable/index.json', (rev: string) => `/user/lib/1.0/stable/${rev}/export/conanmanifest.txt`],
  [
    '/user/lib/1.0/stable/r/package/id/index.json',
    (rev: string) => `/user/lib/1.0/stable/r/package/id/${rev}/conaninfo.txt`,
  ],
] as const) {
  test(`revisions of ${fullPath} are merged, the newest first`, () => {
    const given = {
      type: 'CONAN',
      fullPath,
      source: revisions(['b', '2026-01-02T00:00:00Z'], ['a', '2026-01-01T00:00:00Z'], ['gone', '2026-01-01T00:00:00Z']),
      far: revisions(['own', '2026-01-03T00:00:00Z'], ['lost', '2026-01-04T00:00:00Z']),
      files: { [fileOf('a')]: 'same', [fileOf('b')]: 'same', [fileOf('own')]: 'different' },
    } as const;
    const { text } = mergeCase(given);
    assert.deepEqual(
      JSON.parse(text ?? ''),
      JSON.parse(
        revisions(['own', '2026-01-03T00:00:00Z'], ['b', '2026-01-02T00:00:00Z'], ['a', '2026-01-01T00:00:00Z']),
      ),
    );
    assert.equal(mergeCase({ ...given, far: text ?? '' }).kind, 'keep');
  });
}

test('repodata follows the source in runs of the whole repository only, and repomd.xml comes last', () => {
  const document = { type: 'RPM', fullPath: '/repodata/repomd.xml', source: 'new', far: 'old' };
  assert.equal(mergeCase(document).kind, 'source');
  assert.equal(mergeCase({ ...document, far: 'new' }).kind, 'keep');
  assert.equal(mergeCase({ ...document, selected: [{ packageKey: 'rpm://a' }] }).kind, 'keep');
  const paths = ['/repodata/repomd.xml.asc', '/repodata/repomd.xml', '/repodata/primary.xml.gz'];
  const { order } = indexRulesFor('RPM');
  assert.deepEqual(
    paths.toSorted((a, b) => order(a) - order(b)),
    paths.toReversed(),
  );
});
