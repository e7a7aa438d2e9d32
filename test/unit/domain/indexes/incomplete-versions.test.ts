/** A version whose files are at the far side, but which is no package version there yet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Case, mergeCase } from './far-world.ts';

const npm = (...versions: string[]): string =>
  JSON.stringify({ name: 'lib', versions: Object.fromEntries(versions.map((name) => [name, { version: name }])) });
const maven = (...versions: string[]): string =>
  `<metadata><groupId>g</groupId><artifactId>lib</artifactId><versioning><versions>${versions
    .map((name) => `<version>${name}</version>`)
    .join('')}</versions></versioning></metadata>`;
const helm = (...versions: string[]): string =>
  `apiVersion: v1\nentries:\n  lib:\n${versions.map((name) => `  - {name: lib, version: "${name}", digest: d${name}, urls: [lib-${name}.tgz]}\n`).join('')}`;
const composer = (...versions: string[]): string =>
  JSON.stringify({
    packages: {
      'v/lib': Object.fromEntries(versions.map((name) => [name, { dist: { url: `direct-dists/${name}.zip` } }])),
    },
  });
const cargo = (...versions: string[]): string =>
  versions.map((vers) => JSON.stringify({ name: 'lib', vers })).join('\n');

const types: readonly (Pick<Case, 'type' | 'fullPath'> & {
  readonly document: (...versions: string[]) => string;
  readonly packageKey: string;
})[] = [
  { type: 'NPM', fullPath: '/.npm/lib/package.json', document: npm, packageKey: 'npm://lib' },
  { type: 'OHPM', fullPath: '/.npm/lib/package.json', document: npm, packageKey: 'ohpm://lib' },
  { type: 'MAVEN', fullPath: '/g/lib/maven-metadata.xml', document: maven, packageKey: 'gav://g:lib' },
  { type: 'HELM', fullPath: '/index-cache.yaml', document: helm, packageKey: 'helm://lib' },
  { type: 'COMPOSER', fullPath: '/p/v/lib.json', document: composer, packageKey: 'composer://v/lib' },
  { type: 'CARGO', fullPath: '/index/3/l/lib', document: cargo, packageKey: 'cargo://lib' },
];

const namedIn = (text: string | undefined): readonly string[] =>
  ['1.0.0', '1.1.0', '9.0.0'].filter((name) => text?.includes(name) === true);

for (const { type, fullPath, document, packageKey } of types) {
  const at = { type, fullPath, others: 'same' } as const;

  test(`${type}: a version that the source has and the far side not is not added to the document`, () => {
    const merged = mergeCase({
      ...at,
      source: document('1.0.0', '1.1.0'),
      far: document('9.0.0'),
      versions: ['1.0.0', '9.0.0'],
      missing: ['1.1.0'],
    });
    assert.deepEqual(namedIn(merged.text), ['1.0.0', '9.0.0']);
    const asked = merged.questions.filter(({ ask }) => ask === 'missing-versions');
    assert.deepEqual(
      asked.map((question) => 'packageKey' in question && question.packageKey),
      [packageKey],
    );
  });

  test(`${type}: no document is made of versions that the far side lacks`, () => {
    const merged = mergeCase({ ...at, source: document('1.0.0'), missing: ['1.0.0'] });
    assert.equal(merged.kind, 'keep');
  });

  test(`${type}: what is no package version at the source either stands by its file`, () => {
    const merged = mergeCase({ ...at, source: document('1.0.0', '1.1.0') });
    assert.deepEqual(namedIn(merged.text), ['1.0.0', '1.1.0']);
  });

  test(`${type}: what the far side's own document names stands by its file`, () => {
    const merged = mergeCase({
      ...at,
      source: document('1.0.0', '1.1.0'),
      far: document('1.1.0', '9.0.0'),
      missing: ['1.1.0', '9.0.0'],
    });
    assert.deepEqual(namedIn(merged.text), ['1.0.0', '1.1.0', '9.0.0']);
  });
}

test('npm’s tags do not name an incomplete version', () => {
  const merged = mergeCase({
    type: 'NPM',
    fullPath: '/.npm/lib/package.json',
    others: 'same',
    source: JSON.stringify({ 'dist-tags': { latest: '1.1.0' }, versions: { '1.0.0': {}, '1.1.0': {} } }),
    missing: ['1.1.0'],
  });
  assert.deepEqual(JSON.parse(merged.text ?? ''), { 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': {} } });
});

test('Conan’s list of revisions waits for its version, under both forms of its key', () => {
  const given = {
    type: 'CONAN',
    fullPath: '/user/lib/1.0/stable/index.json',
    others: 'same',
    source: JSON.stringify({ revisions: [{ revision: 'r1', time: '2026-01-01T00:00:00Z' }] }),
  } as const;
  const waiting = mergeCase({ ...given, missing: ['1.0'] });
  assert.equal(waiting.kind, 'keep');
  const keys = mergeCase(given).questions.flatMap((question) =>
    'packageKey' in question ? [question.packageKey] : [],
  );
  assert.deepEqual(keys, ['conan://user@lib/stable', 'conan://lib']);
  assert.equal(mergeCase(given).kind, 'source');
});

test('a snapshot’s builds wait for the snapshot', () => {
  const given = {
    type: 'MAVEN',
    fullPath: '/g/lib/1.0-SNAPSHOT/maven-metadata.xml',
    others: 'same',
    source:
      '<metadata><version>1.0-SNAPSHOT</version><versioning><snapshotVersions><snapshotVersion><extension>jar</extension>' +
      '<value>1.0-20260101.000000-1</value><updated>20260101000000</updated></snapshotVersion></snapshotVersions></versioning></metadata>',
  } as const;
  assert.equal(mergeCase({ ...given, missing: ['1.0-SNAPSHOT'] }).kind, 'keep');
  assert.notEqual(mergeCase(given).kind, 'keep');
});
