/**
 * Helm: `/index-cache.yaml` lists all charts of a repository. A real server makes it anew some seconds after an upload,
 * so a document that lists the same charts is left alone: two writers would never come to rest.
 */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { farAddress, localRepository, pathOfAddress, remoteRepository } from './addresses.ts';
import { type ChosenEntry, chooseEntries, selectionOf } from './choose-entries.ts';
import { parseSides, replaceRanges, type Side } from './document-text.ts';
import { type ChartEntry, type HelmIndex, parseHelmIndex, urlReplacement } from './helm-index.ts';
import type { IndexInput, IndexInquiry, IndexResult, IndexRules } from './index-document.ts';

const FILE = '/index-cache.yaml';

export const HELM_RULES: IndexRules = {
  isIndex: (fullPath) => fullPath === FILE,
  ofPackage: () => [],
  sharedWith: () => [],
  ofRepository: [FILE],
  mergedByPath: true,
  order: () => 0,
  checksumEndings: [],
  merge,
};

function* merge(input: IndexInput): IndexInquiry<IndexResult> {
  const { source, far } = parseSides(input, parseHelmIndex);
  if (source === undefined) return { kind: 'keep' };
  const chosen = yield* chooseEntries<ChartEntry>({
    source: source.entries,
    far: far?.entries ?? new Map(),
    selected: selector(input, source),
    pathsOf: (_id, entry, side) => chartPaths(entry, side, input),
    versionsOf: (_id, { chart, version }) => [{ packageKey: `helm://${chart}`, name: version }],
  });
  if (input.far === undefined && chosen.length === 0 && source.entries.size > 0) return { kind: 'keep' };
  if (far !== undefined && meansTheSame(chosen, far, input)) return { kind: 'keep' };
  const whole = chosen.length === source.entries.size && chosen.every(({ from }) => from === 'source');
  if (!whole) return { kind: 'content', content: new TextEncoder().encode(documentText(input, source, far, chosen)) };
  const text = rewriteUrls(source, input);
  return text === source.text ? { kind: 'source' } : { kind: 'content', content: new TextEncoder().encode(text) };
}

function selector(input: IndexInput, source: HelmIndex): (id: string) => boolean {
  const byChart = new Map<string, (version: string) => boolean>();
  return (id) => {
    const entry = source.entries.get(id);
    if (entry === undefined) return false;
    const known = byChart.get(entry.chart) ?? selectionOf(input, `helm://${entry.chart}`);
    byChart.set(entry.chart, known);
    return known(entry.version);
  };
}

/** Where a server stores the chart (contract §6.6), else the last segment of its address. */
function chartPaths(entry: ChartEntry, side: Side, { addresses }: IndexInput): readonly string[] {
  const repositories =
    side === 'source'
      ? [localRepository(addresses), remoteRepository(addresses)]
      : [remoteRepository(addresses), localRepository(addresses)];
  const named = entry.urls.flatMap(({ url }) => {
    const path = repositories.map((repository) => pathOfAddress(url, repository)).find((found) => found !== undefined);
    const relative = /^[a-z][a-z0-9+.-]*:/iu.test(url) ? undefined : `/${url.replace(/^\/+/u, '')}`;
    const found = path ?? relative;
    return found === undefined ? [] : [found.replace(/^\/charts\//u, '/')];
  });
  return [...new Set([`/${entry.chart}-${entry.version}.tgz`, ...named])];
}

/**
 * The same charts with the same digests: when they were made, in which order they stand and by which host the far side
 * names itself is its own affair. Only an entry copied from the source as it was, with the source's host, is not.
 */
function meansTheSame(chosen: readonly ChosenEntry<ChartEntry>[], far: HelmIndex, input: IndexInput): boolean {
  if (chosen.length !== far.entries.size) return false;
  return chosen.every(({ id, entry, from }) => {
    const present = far.entries.get(id);
    if (present === undefined) return false;
    if (from === 'far side') return true;
    const moved = movedEntry(entry, input);
    if (isDeepStrictEqual(present.value, moved)) return true;
    if (isDeepStrictEqual(present.value, entry.value)) return false;
    return entry.digest !== undefined && entry.digest === present.digest;
  });
}

/** The source's text with the far side's addresses. */
function rewriteUrls(source: HelmIndex, { addresses }: IndexInput): string {
  const replacements = [...source.entries.values()]
    .flatMap((entry) => entry.urls)
    .flatMap((url) => {
      const moved = farAddress(url.url, addresses);
      return moved === url.url ? [] : [urlReplacement(url, moved, source.text)];
    })
    .sort((a, b) => a.start - b.start);
  return replaceRanges(source.text, replacements);
}

function movedEntry(entry: ChartEntry, { addresses }: IndexInput): unknown {
  if (typeof entry.value !== 'object' || entry.value === null || entry.urls.length === 0) return entry.value;
  return { ...entry.value, urls: entry.urls.map(({ url }) => farAddress(url, addresses)) };
}

/** In a run of single packages the far side's fields stay. */
function documentText(
  input: IndexInput,
  source: HelmIndex,
  far: HelmIndex | undefined,
  chosen: readonly ChosenEntry<ChartEntry>[],
): string {
  const fields = input.wholeRepository || far === undefined ? source.fields : far.fields;
  const charts = new Map<string, unknown[]>();
  for (const { entry, from } of chosen) {
    const list = charts.get(entry.chart) ?? [];
    charts.set(entry.chart, list);
    list.push(from === 'source' ? movedEntry(entry, input) : entry.value);
  }
  const others = [...fields].filter(([name]) => name !== 'apiVersion');
  const document = new Map<string, unknown>([
    ['apiVersion', fields.get('apiVersion') ?? 'v1'],
    ['entries', charts],
    ...others,
  ]);
  return stringify(document, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });
}
