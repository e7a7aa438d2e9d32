/** What every merge guarantees, over random documents: a failure comes again with the printed TEST_SEED. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Presence } from '../../../../src/domain/indexes/index-document.ts';
import { printedSeed, seededRandom } from '../../../support/seed.ts';
import { type Case, mergeCase } from './far-world.ts';

const ROUNDS = 200;
const NAMES = ['1.0.0', '1.1.0', '2.0.0-rc.1', '2.0.0', '3.0.0-SNAPSHOT', '10.0.0'];
const TAGS = ['latest', 'beta', 'next'];
const PRESENCES: readonly Presence[] = ['same', 'different', 'absent'];

type Tags = Readonly<Record<string, string>>;

interface Kind {
  readonly type: string;
  readonly fullPath: string;
  readonly packageKey: string;
  readonly document: (side: string, versions: readonly string[], tags: Tags) => string;
  /** The file (or, without one, the package version) that an entry needs. */
  readonly fileOf?: (version: string) => readonly string[];
  /** The version that the whole document belongs to: selected or not at all. */
  readonly owner?: string;
  /** What a document names: its versions, and what its tags point to. */
  readonly named: (text: string) => { readonly versions: readonly string[]; readonly pointed: readonly string[] };
}

interface NpmText {
  readonly versions: Readonly<Record<string, unknown>>;
  readonly 'dist-tags': Tags;
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

const KINDS: readonly Kind[] = [
  {
    type: 'NPM',
    fullPath: '/.npm/lib/package.json',
    packageKey: 'npm://lib',
    document: (side, versions, tags) =>
      JSON.stringify({
        side,
        [side]: 1,
        'dist-tags': tags,
        versions: Object.fromEntries(versions.map((version) => [version, { side }])),
        time: Object.fromEntries([...versions, 'modified'].map((version) => [version, `2026-0${side.length}-01`])),
      }),
    fileOf: (version) => [`/lib/-/lib-${version}.tgz`],
    named: (text) => {
      const value = JSON.parse(text) as NpmText;
      return { versions: Object.keys(value.versions), pointed: Object.values(value['dist-tags']) };
    },
  },
  {
    type: 'MAVEN',
    fullPath: '/g/lib/maven-metadata.xml',
    packageKey: 'gav://g:lib',
    document: (side, versions, { latest, beta }) => {
      const list = versions.map((version) => `<version>${version}</version>`).join('');
      const tags = `${latest === undefined ? '' : `<latest>${latest}</latest>`}${beta === undefined ? '' : `<release>${beta}</release>`}`;
      return `<metadata><versioning>${tags}<versions>${list}</versions><lastUpdated>20260${side.length}</lastUpdated></versioning></metadata>`;
    },
    named: (text) => ({
      versions: matches(text, /<version>(.*?)<\/version>/gu),
      pointed: matches(text, /<(?:latest|release)>(.*?)</gu),
    }),
  },
  {
    type: 'HELM',
    fullPath: '/index-cache.yaml',
    packageKey: 'helm://lib',
    document: (side, versions) =>
      `generated: ${side}\nentries:\n  lib:${versions.length === 0 ? ' []' : ''}\n${versions
        .map(
          (version) =>
            `  - version: ${version}\n    digest: ${side}${version}\n    urls: [http://h/helm/fx/repo/charts/lib-${version}.tgz]\n`,
        )
        .join('')}`,
    fileOf: (version) => [`/lib-${version}.tgz`],
    named: (text) => {
      const { entries } = parse(text) as { entries: Readonly<Record<string, readonly { version: string }[]>> };
      return { versions: Object.values(entries).flatMap((list) => list.map(({ version }) => version)), pointed: [] };
    },
  },
  {
    type: 'MAVEN',
    fullPath: '/g/lib/2-SNAPSHOT/maven-metadata.xml',
    packageKey: 'gav://g:lib',
    document: (side, versions, { latest }) => {
      const builds = versions.map((version) => {
        const updated = `2026010${side.length}00000${version.length % 10}`;
        return `<snapshotVersion><classifier>${version}</classifier><extension>jar</extension><value>2-${side}</value><updated>${updated}</updated></snapshotVersion>`;
      });
      const snapshot = `<snapshot><timestamp>20260101.00000${latest?.length ?? 0}</timestamp></snapshot>`;
      return `<metadata><versioning>${snapshot}<lastUpdated>20260${side.length}</lastUpdated><snapshotVersions>${builds.join('')}</snapshotVersions></versioning></metadata>`;
    },
    owner: '2-SNAPSHOT',
    fileOf: (version) => [
      `/g/lib/2-SNAPSHOT/lib-2-source-${version}.jar`,
      `/g/lib/2-SNAPSHOT/lib-2-far-${version}.jar`,
    ],
    named: (text) => ({ versions: matches(text, /<classifier>(.*?)</gu), pointed: [] }),
  },
  {
    type: 'COMPOSER',
    fullPath: '/p/v/lib.json',
    packageKey: 'composer://v/lib',
    document: (side, versions, tags) =>
      JSON.stringify({
        [side]: tags,
        packages: {
          'v/lib': Object.fromEntries(
            versions.map((version) => [version, { side, dist: { url: `direct-dists/${version}` } }]),
          ),
        },
      }),
    fileOf: (version) => [`/${version}`],
    named: (text) => {
      const { packages } = JSON.parse(text) as {
        packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
      };
      return { versions: Object.values(packages).flatMap((list) => Object.keys(list)), pointed: [] };
    },
  },
  {
    type: 'CARGO',
    fullPath: '/index/3/l/lib',
    packageKey: 'cargo://lib',
    document: (side, versions) => versions.map((vers) => JSON.stringify({ vers, side })).join('\n'),
    fileOf: (version) => [`/crates/lib/lib-${version}.crate`],
    named: (text) => ({ versions: matches(text, /"vers":"(.*?)"/gu), pointed: [] }),
  },
];

for (const kind of KINDS) {
  test(`merging ${kind.type} documents (${kind.fullPath}) keeps what is there, names nothing else, and comes to rest`, () => {
    const random = seededRandom(printedSeed(`merge ${kind.type}`));
    const some = (): readonly string[] => random.shuffle(NAMES).slice(0, random.below(NAMES.length + 1));
    const tagsOf = (versions: readonly string[]): Tags =>
      versions.length === 0
        ? {}
        : Object.fromEntries(TAGS.filter(() => random.below(2) === 0).map((tag) => [tag, random.pick(versions)]));
    for (let round = 0; round < ROUNDS; round++) {
      const source = some();
      const far = some();
      const world = new Map(NAMES.map((version) => [version, random.pick(PRESENCES)]));
      const selected = random.below(2) === 0 ? undefined : kind.owner === undefined ? some() : [kind.owner];
      const given: Case = {
        type: kind.type,
        fullPath: kind.fullPath,
        source: kind.document('source', source, tagsOf(source)),
        ...(random.below(4) === 0 ? {} : { far: kind.document('far', far, tagsOf(far)) }),
        ...(selected === undefined ? {} : { selected: [{ packageKey: kind.packageKey, versions: selected }] }),
        files: Object.fromEntries(
          [...world].flatMap(([version, state]) => (kind.fileOf?.(version) ?? []).map((file) => [file, state])),
        ),
        versions: kind.fileOf ? [] : NAMES.filter((version) => world.get(version) !== 'absent'),
      };
      const where = `round ${round}: ${JSON.stringify(given)}`;
      const merged = mergeCase(given);
      assert.deepEqual(mergeCase(given), merged, `deterministic, ${where}`);
      const named = merged.text === undefined ? { versions: [], pointed: [] } : kind.named(merged.text);
      for (const version of named.versions) assert.notEqual(world.get(version), 'absent', `names ${version}, ${where}`);
      for (const version of named.pointed)
        assert.ok(named.versions.includes(version), `points to ${version}, ${where}`);
      for (const version of given.far === undefined ? [] : far) {
        if (world.get(version) === 'absent') continue;
        assert.ok(named.versions.includes(version), `drops ${version}, ${where}`);
      }
      for (const version of source) {
        if (world.get(version) !== 'same' || selected?.includes(kind.owner ?? version) === false) continue;
        assert.ok(named.versions.includes(version), `lacks ${version}, ${where}`);
      }
      if (merged.text === undefined) continue;
      const again = mergeCase({ ...given, far: merged.text });
      assert.equal(again.kind, 'keep', `comes to rest, ${where}: ${merged.text} → ${again.text}`);
    }
  });
}
