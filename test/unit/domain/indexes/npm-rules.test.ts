import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, mergeCase } from './far-world.ts';

interface Document {
  readonly name: string;
  readonly 'dist-tags': Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, { readonly from?: string; readonly dist: { readonly tarball: string } }>>;
  readonly time: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly own?: string;
}

const HOST = 'http://source.example/npm/fx/repo';
const FAR_HOST = 'https://far.example:8443/npm/copy/mirror';

function tarball(version: string): string {
  return `/lib/-/lib-${version}.tgz`;
}

function documentOf(
  from: string,
  versions: readonly string[],
  tags: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
): string {
  const host = from === 'source' ? HOST : FAR_HOST;
  const entries = versions.map((version) => [version, { from, dist: { tarball: `${host}${tarball(version)}` } }]);
  const time = Object.fromEntries(versions.map((version) => [version, `2026-01-01T00:00:00Z ${from}`]));
  return JSON.stringify({ name: 'lib', 'dist-tags': tags, versions: Object.fromEntries(entries), time, ...more });
}

function merge(given: Omit<Case, 'type' | 'fullPath'>): Document {
  const { text } = mergeCase({ type: 'NPM', fullPath: '/.npm/lib/package.json', ...given });
  return JSON.parse(text ?? 'null') as Document;
}

function owners(document: Document): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(document.versions).map(([version, { from }]) => [version, from]));
}

test('a version is the source’s where its tarball is equal, else the far side’s own, and none without tarball', () => {
  const merged = merge({
    source: documentOf('source', ['1.0.0', '2.0.0', '3.0.0', '4.0.0'], { latest: '1.0.0' }),
    far: documentOf('far', ['9.0.0', '8.0.0', '2.0.0', '1.0.0', '3.0.0'], {}),
    files: {
      [tarball('1.0.0')]: 'same',
      [tarball('2.0.0')]: 'different',
      [tarball('4.0.0')]: 'different',
      [tarball('9.0.0')]: 'different',
    },
  });
  assert.deepEqual(Object.entries(owners(merged)), [
    ['1.0.0', 'source'],
    ['2.0.0', 'far'],
    ['9.0.0', 'far'],
  ]);
  assert.deepEqual(merged.time, {
    '1.0.0': '2026-01-01T00:00:00Z source',
    '2.0.0': '2026-01-01T00:00:00Z far',
    '9.0.0': '2026-01-01T00:00:00Z far',
  });
  assert.equal(merged.versions['1.0.0']?.dist.tarball, `${FAR_HOST}${tarball('1.0.0')}`);
});

test('tags of the source win, other tags of the far side stay, and none names a version that is not there', () => {
  const merged = merge({
    source: documentOf('source', ['1.0.0', '2.0.0'], { latest: '2.0.0', beta: '1.0.0', gone: '2.0.0' }),
    far: documentOf('far', ['1.0.0', '9.0.0'], { latest: '9.0.0', beta: '9.0.0', mine: '9.0.0', lost: '7.0.0' }),
    files: { [tarball('1.0.0')]: 'same', [tarball('9.0.0')]: 'different' },
  });
  assert.deepEqual(merged['dist-tags'], { latest: '9.0.0', beta: '1.0.0', mine: '9.0.0' });
});

for (const [name, versions, present, expected] of [
  ['the highest release', ['1.9.0', '1.10.0', '2.0.0-rc.1', '3.0.0'], ['1.9.0', '1.10.0', '2.0.0-rc.1'], '1.10.0'],
  [
    'the highest prerelease without releases',
    ['2.0.0-rc.2', '2.0.0-rc.10', '3.0.0'],
    ['2.0.0-rc.2', '2.0.0-rc.10'],
    '2.0.0-rc.10',
  ],
] as const) {
  test(`latest falls back to ${name}`, () => {
    const merged = merge({
      source: documentOf('source', versions, { latest: '3.0.0' }),
      files: Object.fromEntries(present.map((version) => [tarball(version), 'same' as const])),
    });
    assert.deepEqual(merged['dist-tags'], { latest: expected });
  });
}

test('latest is not invented for a package that has none', () => {
  const merged = merge({ source: documentOf('source', ['1.0.0'], { beta: '1.0.0' }), others: 'same' });
  assert.deepEqual(merged['dist-tags'], { beta: '1.0.0' });
});

test('a run of single versions adds them and leaves the far side’s tags and fields', () => {
  const merged = merge({
    source: documentOf('source', ['1.0.0', '2.0.0', '3.0.0'], { latest: '3.0.0', two: '2.0.0' }, { description: 's' }),
    far: documentOf('far', ['1.0.0', '3.0.0'], { latest: '1.0.0' }, { description: 'f', own: 'kept' }),
    selected: [
      { packageKey: 'npm://lib', versions: ['2.0.0'] },
      { packageKey: 'npm://other', versions: ['3.0.0'] },
    ],
    others: 'same',
  });
  assert.deepEqual(owners(merged), { '1.0.0': 'far', '2.0.0': 'source', '3.0.0': 'far' });
  assert.deepEqual(merged['dist-tags'], { latest: '1.0.0', two: '2.0.0' });
  assert.deepEqual([merged.description, merged.own], ['f', 'kept']);
});

test('a run of single versions to an empty far side names only them', () => {
  const merged = merge({
    source: documentOf('source', ['1.0.0', '2.0.0', '3.0.0'], { latest: '3.0.0', two: '2.0.0' }),
    selected: [{ packageKey: 'npm://lib', versions: ['2.0.0', '1.0.0'] }],
    others: 'same',
  });
  assert.deepEqual(owners(merged), { '1.0.0': 'source', '2.0.0': 'source' });
  assert.deepEqual(merged['dist-tags'], { latest: '2.0.0', two: '2.0.0' });
});

test('a whole package selected takes the source’s fields, and keeps those that only the far side has', () => {
  const merged = merge({
    source: documentOf('source', ['1.0.0'], { latest: '1.0.0' }, { description: 's' }),
    far: documentOf('far', ['1.0.0'], { latest: '1.0.0' }, { description: 'f', own: 'kept' }),
    selected: [{ packageKey: 'npm://lib' }],
    others: 'same',
  });
  assert.deepEqual([merged.description, merged.own, owners(merged)['1.0.0']], ['s', 'kept', 'source']);
});

test('a document that is equal in meaning stays as it lies there', () => {
  const text = documentOf('source', ['1.0.0'], { latest: '1.0.0' }).replaceAll(HOST, FAR_HOST);
  const result = mergeCase({
    type: 'NPM',
    fullPath: '/.npm/lib/package.json',
    source: text,
    far: JSON.stringify(JSON.parse(text), null, 4),
    others: 'same',
  });
  assert.equal(result.kind, 'keep');
});

test('numbers that JavaScript cannot hold survive a merge', () => {
  const source = '{"versions":{"1.0.0":{"n":12345678901234567890},"2.0.0":{}}}';
  const { text } = mergeCase({
    type: 'NPM',
    fullPath: '/.npm/lib/package.json',
    source,
    files: { [tarball('1.0.0')]: 'same' },
  });
  assert.match(text ?? '', /"n":12345678901234567890/u);
  assert.doesNotMatch(text ?? '', /2\.0\.0/u);
});

test('an OHPM package is merged by its own key and files', () => {
  const merged = mergeCase({
    type: 'OHPM',
    fullPath: '/.npm/@s/lib/package.json',
    source: '{"versions":{"1.0.0":{},"2.0.0":{}}}',
    selected: [{ packageKey: 'ohpm://@s/lib', versions: ['1.0.0'] }],
    files: { '/@s/lib/-/@s/lib-1.0.0.har': 'same' },
  });
  assert.deepEqual(JSON.parse(merged.text ?? ''), { versions: { '1.0.0': {} } });
});

test('many versions are asked for in parts', () => {
  const versions = Array.from({ length: 4_500 }, (_, index) => `1.0.${index}`);
  const { questions } = mergeCase({
    type: 'NPM',
    fullPath: '/.npm/lib/package.json',
    source: documentOf('source', versions, { latest: '1.0.0' }),
    others: 'same',
  });
  const lengths = questions.map((question) => [
    question.ask,
    'paths' in question ? question.paths.length : question.names.length,
  ]);
  assert.deepEqual(
    lengths,
    ['presence', 'missing-versions'].flatMap((ask) => [
      [ask, 2_000],
      [ask, 2_000],
      [ask, 500],
    ]),
  );
});
