/** Helm's index as text with known places, so that what is not changed keeps its bytes. */
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { decodeBounded, indexInvalid, type Origin, type Replacement } from './document-text.ts';

/** One version of a chart. */
export interface ChartEntry {
  readonly chart: string;
  readonly version: string;
  readonly digest: string | undefined;
  readonly urls: readonly ChartUrl[];
  readonly node: YAMLMap;
  /** For comparisons. */
  readonly value: unknown;
}

export interface ChartUrl {
  readonly url: string;
  /** The place of the scalar in the text. */
  readonly start: number;
  readonly end: number;
}

export interface HelmIndex {
  readonly text: string;
  /** Fields beside `entries`, for comparisons and for a new document. */
  readonly fields: ReadonlyMap<string, unknown>;
  readonly entries: ReadonlyMap<string, ChartEntry>;
}

/**
 * Aliases are refused: no index has them, and a few could stand for gigabytes.
 * @throws {ReplicationError} unit `DocumentTooLarge`, `IndexInvalid`: not YAML (with line and column), or not the shape of an index
 */
export function parseHelmIndex(content: Uint8Array, origin: Origin): HelmIndex {
  const text = decodeBounded(content, origin);
  const lines = new LineCounter();
  const document = parseYaml(text, lines, origin);
  const problem = document.errors[0];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw indexInvalid(origin, `is not YAML: error at line ${line} column ${col}`);
  }
  visit(document, {
    Alias: () => {
      throw indexInvalid(origin, 'has YAML aliases: refused');
    },
  });
  const root = document.contents;
  if (!isMap(root)) throw indexInvalid(origin, 'is not a YAML mapping');
  const charts = root.get('entries', true);
  if (charts !== undefined && !isMap(charts) && !(isScalar(charts) && charts.value === null)) {
    throw indexInvalid(origin, 'has entries that are no mapping');
  }
  const entries = new Map<string, ChartEntry>();
  for (const entry of isMap(charts) ? entriesOf(charts, origin) : []) {
    const id = entryId(entry.chart, entry.version);
    if (!entries.has(id)) entries.set(id, entry);
  }
  const fields = new Map<string, unknown>();
  for (const { key, value } of root.items) {
    const name = nameOf(key);
    if (name !== 'entries') fields.set(name, toPlain(value));
  }
  return { text, fields, entries };

  function* entriesOf(map: YAMLMap, from: Origin): Generator<ChartEntry> {
    for (const { key, value } of map.items) {
      if (!isSeq(value)) throw indexInvalid(from, `has no list of versions for a chart at ${placeOf(key)}`);
      for (const item of value.items) {
        if (!isMap(item)) throw indexInvalid(from, `has an entry that is no mapping at ${placeOf(item)}`);
        const version = item.get('version');
        if (typeof version !== 'string' && typeof version !== 'number') {
          throw indexInvalid(from, `has an entry without version at ${placeOf(item)}`);
        }
        yield chartEntry(nameOf(key), sourceText(item, 'version') ?? String(version), item);
      }
    }
  }

  function chartEntry(chart: string, version: string, node: YAMLMap): ChartEntry {
    const digest = node.get('digest');
    return {
      chart,
      version,
      digest: typeof digest === 'string' ? digest : undefined,
      urls: urlsOf(node),
      node,
      value: { ...(toPlain(node) as object), ...written(node, version) },
    };
  }

  function toPlain(node: unknown): unknown {
    return hasToJS(node) ? node.toJS(document) : null;
  }

  function placeOf(node: unknown): string {
    const start = hasRange(node) ? node.range[0] : 0;
    const { line, col } = lines.linePos(start);
    return `line ${line} column ${col}`;
  }
}

/** The parser recurses: nesting without end exhausts the stack, and is no index. */
function parseYaml(text: string, lineCounter: LineCounter, origin: Origin): Document.Parsed {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    if (error instanceof RangeError) throw indexInvalid(origin, 'is nested too deep');
    throw error;
  }
}

function entryId(chart: string, version: string): string {
  return `${chart} ${version}`;
}

/** The replacement of one address, in the quoting that it had. */
export function urlReplacement({ start, end }: ChartUrl, url: string, text: string): Replacement {
  const plain = !/^["']/u.test(text.charAt(start));
  return { start, end, text: plain ? url : JSON.stringify(url) };
}

function urlsOf(node: YAMLMap): readonly ChartUrl[] {
  const urls = node.get('urls');
  if (!isSeq(urls)) return [];
  return (urls as YAMLSeq).items.flatMap((item) =>
    isScalar(item) && typeof item.value === 'string' && item.range
      ? [{ url: item.value, start: item.range[0], end: item.range[1] }]
      : [],
  );
}

/** Versions stay the texts that they are meant to be. */
function written(node: YAMLMap, version: string): { readonly version: string; readonly appVersion?: string } {
  const appVersion = sourceText(node, 'appVersion');
  return { version, ...(appVersion === undefined ? {} : { appVersion }) };
}

/** As written: `1.10` without quotes is a number to YAML, but not to Helm. */
function sourceText(node: YAMLMap, key: string): string | undefined {
  const scalar = node.get(key, true);
  return isScalar(scalar) && typeof scalar.value === 'number' ? scalar.source : undefined;
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function hasToJS(node: unknown): node is { toJS(document: unknown): unknown } {
  return typeof node === 'object' && node !== null && 'toJS' in node;
}

function hasRange(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
