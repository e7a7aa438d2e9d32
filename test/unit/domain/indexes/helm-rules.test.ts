import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type Case, type Merged, mergeCase } from './far-world.ts';

interface Chart {
  readonly name?: string;
  readonly version: string;
  readonly digest?: string;
  readonly url?: string;
  readonly created?: string;
}

const HOST = 'http://source.example/helm/fx/repo/charts';
const FAR_HOST = 'https://far.example:8443/helm/copy/mirror/charts';

function indexOf(charts: readonly Chart[], generated = '2026-01-01'): string {
  const names = [...new Set(charts.map(({ name = 'c' }) => name))];
  const lists = names.map((chart) => {
    const entries = charts.filter(({ name = 'c' }) => name === chart).map((entry) => entryText(chart, entry));
    return `  ${chart}:\n${entries.join('')}`;
  });
  return `apiVersion: "v1"\nentries:\n${lists.join('')}generated: "${generated}"\nserverInfo: {}\n`;
}

function entryText(chart: string, { version, digest = `d${version}`, url, created = '2026' }: Chart): string {
  return `  - created: "${created}"
    digest: "${digest}"
    name: "${chart}"
    urls:
    - "${url ?? `${HOST}/${chart}-${version}.tgz`}"
    version: "${version}"
`;
}

function merge(given: Omit<Case, 'type' | 'fullPath'>): Merged {
  return mergeCase({ type: 'HELM', fullPath: '/index-cache.yaml', ...given });
}

interface Parsed {
  readonly entries: Readonly<Record<string, readonly { version: string; digest: string; urls: readonly string[] }[]>>;
}

function digests({ text }: Merged): readonly string[] {
  return Object.values((parse(text ?? '') as Parsed).entries).flatMap((list) => list.map(({ digest }) => digest));
}

test('the source’s text travels with nothing but its addresses changed', () => {
  const source = `# kept\n${indexOf([{ version: '1' }, { version: '2', url: 'charts/c-2.tgz' }, { version: '3', url: 'https://elsewhere.example/c-3.tgz' }])}`;
  assert.equal(merge({ source, others: 'same' }).text, source.replace(HOST, FAR_HOST));
});

test('an index with relative addresses travels byte for byte', () => {
  const source = indexOf([{ version: '1', url: 'charts/c-1.tgz' }]);
  assert.equal(merge({ source, others: 'same' }).kind, 'source');
});

test('a chart is the source’s where its file is equal, else the far side’s own, and none without file', () => {
  const result = merge({
    source: indexOf([{ version: '1' }, { version: '2' }, { version: '3' }]),
    far: indexOf([
      { version: '2', digest: 'own' },
      { version: '8', digest: 'lost' },
      { version: '9', digest: 'kept' },
      { name: 'mine', version: '1', digest: 'mine' },
    ]),
    files: { '/c-1.tgz': 'same', '/c-2.tgz': 'different', '/c-9.tgz': 'different', '/mine-1.tgz': 'different' },
  });
  assert.deepEqual(digests(result), ['d1', 'own', 'kept', 'mine']);
});

test('an index that the far side made anew is left alone', () => {
  const far = indexOf(
    [
      { version: '2', url: 'http://b/x', created: '1' },
      { version: '1', url: 'http://a' },
    ],
    'later',
  );
  const source = indexOf([{ version: '1' }, { version: '2' }]);
  assert.equal(merge({ source, far, others: 'same' }).kind, 'keep');
});

test('an index that was copied with the source’s host is put right', () => {
  const source = indexOf([{ version: '1' }]);
  assert.equal(merge({ source, far: source, others: 'same' }).text, source.replace(HOST, FAR_HOST));
});

test('an index of the far side that has forgotten a chart is completed', () => {
  const result = merge({
    source: indexOf([{ version: '1' }, { version: '2' }]),
    far: indexOf([{ version: '2' }, { version: '3' }]),
    files: { '/c-1.tgz': 'same', '/c-2.tgz': 'same', '/c-3.tgz': 'different' },
  });
  assert.deepEqual(digests(result), ['d1', 'd2', 'd3']);
});

test('a run of single charts adds them and leaves the rest', () => {
  const result = merge({
    source: indexOf([{ version: '1' }, { version: '2' }, { name: 'other', version: '1', digest: 'other' }]),
    far: indexOf([{ version: '9' }], 'far'),
    selected: [{ packageKey: 'helm://c', versions: ['2'] }],
    others: 'same',
  });
  assert.deepEqual(digests(result), ['d2', 'd9']);
  assert.match(result.text ?? '', /generated: "far"/u);
});

test('versions that look like numbers stay texts', () => {
  const source = 'apiVersion: v1\nentries:\n  c:\n  - version: 1.10\n    appVersion: 2.0\n  - version: 1.20\n';
  const { text } = merge({ source, files: { '/c-1.10.tgz': 'same' } });
  const parsed = parse(text ?? '') as { entries: { c: readonly unknown[] } };
  assert.deepEqual(parsed.entries.c, [{ version: '1.10', appVersion: '2.0' }]);
});

for (const [name, source, problem] of [
  ['no YAML', 'entries:\n  c: [secret', /is not YAML: error at line 2/u],
  ['a list', '- secret', /is not a YAML mapping/u],
  ['a chart without list', 'entries:\n  c: secret\n', /has no list of versions for a chart at line 2 column 3/u],
  [
    'an entry without version',
    'entries:\n  c:\n  - name: secret\n',
    /has an entry without version at line 3 column 5/u,
  ],
  ['an alias', 'a: &a [secret]\nb: [*a, *a]\nentries: {}\n', /has YAML aliases: refused/u],
  ['nesting without end', `entries: ${'['.repeat(20_000)}`, /nested too deep|not YAML/u],
] as const) {
  test(`${name} is IndexInvalid`, () => {
    assert.throws(
      () => merge({ source }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'IndexInvalid', error.stack);
        assert.match(error.message, problem);
        assert.doesNotMatch(error.message, /secret/u);
        return true;
      },
    );
  });
}

test('a document that would hold everything else up is not parsed', () => {
  const source = `entries: {}\n#${' '.repeat(8 * 1024 * 1024)}`;
  assert.throws(() => merge({ source }), { code: 'DocumentTooLarge', message: /source has 8388621 bytes/u });
});
