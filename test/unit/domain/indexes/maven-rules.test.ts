import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexRulesFor } from '../../../../src/domain/indexes/rules.ts';
import { type Case, mergeCase } from './far-world.ts';

const ARTIFACT = '/com/example/lib/maven-metadata.xml';
const SNAPSHOT = '/com/example/lib/2-SNAPSHOT/maven-metadata.xml';
const GROUP = '/com/example/maven-metadata.xml';

interface Versioning {
  readonly versions: readonly string[];
  readonly latest?: string;
  readonly release?: string;
  readonly updated?: string;
}

function artifactDocument({ versions, latest, release, updated }: Versioning): string {
  const field = (name: string, text: string | undefined): string =>
    text === undefined ? '' : `    <${name}>${text}</${name}>\n`;
  const list = versions.map((version) => `      <version>${version}</version>\n`).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<metadata>
  <groupId>com.example</groupId>
  <artifactId>lib</artifactId>
  <versioning>
${field('latest', latest)}${field('release', release)}    <versions>
${list}    </versions>
${field('lastUpdated', updated)}  </versioning>
</metadata>
`;
}

function merge(fullPath: string, given: Omit<Case, 'type' | 'fullPath'>): ReturnType<typeof mergeCase> {
  return mergeCase({ type: 'MAVEN', fullPath, ...given });
}

for (const [name, given, expected] of [
  [
    'versions that the far side lacks are left out, and its own stay',
    {
      source: { versions: ['1', '2', '3'], release: '3', latest: '3', updated: '20260103000000' },
      far: { versions: ['0', '1', '9'], release: '9', latest: '9', updated: '20260104000000' },
      versions: ['1', '2', '9'],
    },
    { versions: ['1', '2', '9'], latest: '9', release: '9', updated: '20260104000000' },
  ],
  [
    'the source’s release and latest win where their versions are there',
    {
      source: { versions: ['1', '2-SNAPSHOT'], release: '1', latest: '2-SNAPSHOT', updated: '20260105000000' },
      far: { versions: ['0'], release: '0', latest: '0', updated: '20260104000000' },
      versions: ['0', '1', '2-SNAPSHOT'],
    },
    { versions: ['1', '2-SNAPSHOT', '0'], latest: '2-SNAPSHOT', release: '1', updated: '20260105000000' },
  ],
  [
    'release falls back to the last version that is no snapshot',
    { source: { versions: ['1', '3-SNAPSHOT', '4'], release: '4', latest: '4' }, versions: ['1', '3-SNAPSHOT'] },
    { versions: ['1', '3-SNAPSHOT'], latest: '3-SNAPSHOT', release: '1' },
  ],
  [
    'a run of single versions adds them and leaves the rest',
    {
      source: { versions: ['1', '2', '3'], release: '3', updated: '20260103000000' },
      far: { versions: ['0', '1'], release: '0', updated: '20260101000000' },
      versions: ['0', '1', '2', '3'],
      selected: [{ packageKey: 'gav://com.example:lib', versions: ['2'] }],
    },
    { versions: ['0', '1', '2'], release: '0', updated: '20260103000000' },
  ],
] as const) {
  test(`${name}`, () => {
    const far = 'far' in given ? { far: artifactDocument(given.far) } : {};
    const selected = 'selected' in given ? { selected: given.selected } : {};
    const { text } = merge(ARTIFACT, {
      source: artifactDocument(given.source),
      ...far,
      ...selected,
      versions: given.versions,
    });
    assert.equal(text, artifactDocument(expected));
  });
}

test('a version without package is there when its pom is', () => {
  const source = artifactDocument({ versions: ['1', '2'], release: '2' });
  const { text } = merge(ARTIFACT, { source, files: { '/com/example/lib/1/lib-1.pom': 'different' } });
  assert.equal(text, artifactDocument({ versions: ['1'], release: '1' }));
});

test('the source’s bytes travel where the far side has nothing of its own, and stay where they mean the same', () => {
  const source = artifactDocument({ versions: ['1'], release: '1', updated: '20260103000000' }).replaceAll(
    '\n',
    '\r\n',
  );
  assert.equal(merge(ARTIFACT, { source, versions: ['1'] }).kind, 'source');
  const far = artifactDocument({ versions: ['1'], release: '1', updated: '20260103000000' });
  assert.equal(merge(ARTIFACT, { source, far, versions: ['1'] }).kind, 'keep');
});

test('elements and attributes that nobody knows survive', () => {
  const source = artifactDocument({ versions: ['1', '2'] }).replace(
    '<versioning>',
    '<x:own xmlns:x="urn:a&amp;b" kept="&lt;yes&gt;">ä &amp; ö</x:own>\n  <versioning>',
  );
  const { text } = merge(ARTIFACT, { source, versions: ['1'] });
  assert.match(text ?? '', /<x:own xmlns:x="urn:a&amp;b" kept="&lt;yes&gt;">ä &amp; ö<\/x:own>/u);
});

interface Build {
  readonly extension: string;
  readonly classifier?: string;
  readonly stamp: string;
  readonly number: number;
}

function valueOf({ stamp, number }: Build): string {
  return `2-${stamp}-${number}`;
}

function fileOf(build: Build): string {
  const suffix = build.classifier === undefined ? '' : `-${build.classifier}`;
  return `/com/example/lib/2-SNAPSHOT/lib-${valueOf(build)}${suffix}.${build.extension}`;
}

function snapshotDocument(builds: readonly Build[], updated: string, snapshot?: Build): string {
  const list = builds
    .map((build) => {
      const classifier = build.classifier === undefined ? '' : `\n        <classifier>${build.classifier}</classifier>`;
      return `      <snapshotVersion>${classifier}
        <extension>${build.extension}</extension>
        <value>${valueOf(build)}</value>
        <updated>${build.stamp.replace('.', '')}</updated>
      </snapshotVersion>
`;
    })
    .join('');
  const newest = snapshot ?? builds[0];
  return `<?xml version="1.0" encoding="UTF-8"?>
<metadata modelVersion="1.1.0">
  <groupId>com.example</groupId>
  <artifactId>lib</artifactId>
  <version>2-SNAPSHOT</version>
  <versioning>
    <snapshot>
      <timestamp>${newest?.stamp ?? ''}</timestamp>
      <buildNumber>${newest?.number ?? 0}</buildNumber>
    </snapshot>
    <lastUpdated>${updated}</lastUpdated>
    <snapshotVersions>
${list}    </snapshotVersions>
  </versioning>
</metadata>
`;
}

const OLD: Build = { extension: 'jar', stamp: '20260101.000000', number: 1 };
const NEW: Build = { extension: 'jar', stamp: '20260202.000000', number: 2 };
const POM: Build = { extension: 'pom', stamp: '20260101.000000', number: 1 };
const SOURCES: Build = { extension: 'jar', classifier: 'sources', stamp: '20260103.000000', number: 3 };

for (const [name, source, far, lacks, expected] of [
  ['the source’s newer build wins', [NEW, POM], [OLD], [], { builds: [NEW, POM], updated: '20260202000000' }],
  ['the far side’s newer build stays', [OLD, POM], [NEW], [], { builds: [NEW, POM], updated: '20260202000000' }],
  ['an own classifier stays', [NEW], [OLD, SOURCES], [], { builds: [NEW, SOURCES], updated: '20260202000000' }],
  ['a build without file is left out', [NEW, POM], [OLD], [NEW], { builds: [POM, OLD], updated: '20260202000000' }],
] as const) {
  test(`in a snapshot’s folder ${name}`, () => {
    const all = [...source, ...far];
    const lacking = new Set(lacks.map((build) => fileOf(build)));
    const updated = (builds: readonly Build[]): string =>
      builds
        .map(({ stamp }) => stamp.replace('.', ''))
        .toSorted()
        .at(-1) ?? '';
    const { text } = merge(SNAPSHOT, {
      source: snapshotDocument(source, updated(source)),
      far: snapshotDocument(far, updated(far)),
      files: Object.fromEntries(
        all
          .map(fileOf)
          .filter((file) => !lacking.has(file))
          .map((file) => [file, 'different']),
      ),
    });
    assert.equal(text, snapshotDocument(expected.builds, expected.updated));
  });
}

test('a snapshot that the run did not select keeps the far side’s builds', () => {
  const far = snapshotDocument([OLD], '20260101000000');
  const source = snapshotDocument([NEW], '20260202000000');
  const selected = [{ packageKey: 'gav://com.example:lib', versions: ['1'] }];
  assert.equal(merge(SNAPSHOT, { source, far, selected, others: 'same' }).text, far);
});

function pluginDocument(...plugins: readonly (readonly [prefix: string, artifactId: string])[]): string {
  const list = plugins.map(
    ([prefix, artifactId]) =>
      `    <plugin>\n      <name>${prefix}</name>\n      <prefix>${prefix}</prefix>\n      <artifactId>${artifactId}</artifactId>\n    </plugin>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<metadata>\n  <plugins>\n${list.join('')}  </plugins>\n</metadata>\n`;
}

test('plugins of a group are merged by prefix', () => {
  const { text } = merge(GROUP, {
    source: pluginDocument(['a', 'a-maven-plugin'], ['b', 'b-maven-plugin'], ['c', 'c-maven-plugin']),
    far: pluginDocument(['b', 'other-maven-plugin'], ['c', 'own-maven-plugin'], ['d', 'd-maven-plugin']),
    files: {
      '/com/example/a-maven-plugin/maven-metadata.xml': 'same',
      '/com/example/b-maven-plugin/maven-metadata.xml': 'different',
    },
  });
  assert.equal(
    text,
    pluginDocument(
      ['a', 'a-maven-plugin'],
      ['b', 'b-maven-plugin'],
      ['c', 'own-maven-plugin'],
      ['d', 'd-maven-plugin'],
    ),
  );
});

test('a run of single packages adds only their plugins', () => {
  const { text } = merge(GROUP, {
    source: pluginDocument(['a', 'a-maven-plugin'], ['b', 'b-maven-plugin']),
    selected: [{ packageKey: 'gav://com.example:b-maven-plugin', versions: ['1'] }],
    others: 'same',
  });
  assert.equal(text, pluginDocument(['b', 'b-maven-plugin']));
});

for (const [name, source, code, problem] of [
  ['a document type', '<!DOCTYPE m [<!ENTITY a "aa">]><metadata>&a;</metadata>', 'IndexInvalid', /document type/u],
  ['an unknown entity', '<metadata>\n&a;</metadata>', 'IndexInvalid', /not well-formed XML: error at line 1 column 1/u],
  ['an open element', '<metadata>\n<versioning></metadata>', 'IndexInvalid', /error at line 2 column 1/u],
  ['no element', 'secret', 'IndexInvalid', /not well-formed/u],
  ['deep nesting', `${'<a>'.repeat(33)}${'</a>'.repeat(33)}`, 'IndexInvalid', /deeper than 32/u],
  ['more than 8 MiB', `<metadata>${' '.repeat(8 * 1024 * 1024)}</metadata>`, 'DocumentTooLarge', /8388629 bytes/u],
] as const) {
  test(`${name} fails the unit with ${code}`, () => {
    assert.throws(
      () => merge(ARTIFACT, { source }),
      (error: Error & { code?: string; errorClass?: string }) => {
        assert.deepEqual([error.code, error.errorClass], [code, 'unit']);
        assert.match(error.message, problem);
        assert.match(error.message, /\/com\/example\/lib\/maven-metadata\.xml of the source/u);
        assert.doesNotMatch(error.message, /secret/u);
        return true;
      },
    );
  });
}

test('documents and their checksum files are known by name', () => {
  const rules = indexRulesFor('MAVEN');
  const paths = [
    ARTIFACT,
    `${ARTIFACT}.sha512`,
    `${ARTIFACT}.md5`,
    '/com/example/lib/1/lib-1.pom.sha1',
    `${ARTIFACT}.asc`,
  ];
  assert.deepEqual(paths.map(rules.isIndex), [true, true, true, false, false]);
  assert.deepEqual(rules.ofPackage({ key: 'gav://com.example:lib', name: 'lib' }), [ARTIFACT]);
  assert.deepEqual(rules.sharedWith({ key: 'gav://com.example:lib', name: 'lib' }), [GROUP]);
  assert.deepEqual(rules.ofPackage({ key: 'gav://broken', name: 'lib' }), []);
});
