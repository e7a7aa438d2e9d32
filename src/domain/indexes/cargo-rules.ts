/** Cargo: `/index/{ca}/{rg}/{crate}` has one JSON object a line for each version of a crate. It names no address. */
import { isDeepStrictEqual } from 'node:util';
import { chooseEntries, nameOfKey, selectionOf } from './choose-entries.ts';
import { decodeText, indexInvalid, type Origin, parseSides } from './document-text.ts';
import type { IndexInput, IndexInquiry, IndexResult, IndexRules } from './index-document.ts';

interface Line {
  readonly text: string;
  readonly value: unknown;
}

type Lines = ReadonlyMap<string, Line>;

export const CARGO_RULES: IndexRules = {
  isIndex: (fullPath) => /^\/index\/(?:1|2|3\/[^/]+|[^/]{2}\/[^/]{1,2})\/[^/]+$/u.test(fullPath),
  ofPackage: ({ key }) => {
    const name = nameOfKey(key, 'cargo');
    return name === undefined ? [] : [`/index/${folderOf(name)}/${name}`];
  },
  sharedWith: () => [],
  ofRepository: [],
  mergedByPath: true,
  order: () => 0,
  checksumEndings: [],
  merge,
};

/** The layout of every Cargo index. */
function folderOf(name: string): string {
  if (name.length <= 2) return String(name.length);
  return name.length === 3 ? `3/${name.charAt(0)}` : `${name.slice(0, 2)}/${name.slice(2, 4)}`;
}

function* merge(input: IndexInput): IndexInquiry<IndexResult> {
  const { source, far } = parseSides(input, parseLines);
  if (source === undefined) return { kind: 'keep' };
  const name = input.fullPath.slice(input.fullPath.lastIndexOf('/') + 1);
  const chosen = yield* chooseEntries<Line>({
    source,
    far: far ?? new Map(),
    selected: selectionOf(input, `cargo://${name}`),
    pathsOf: (version) => [`/crates/${name}/${name}-${version}.crate`],
    versionsOf: (version) => [{ packageKey: `cargo://${name}`, name: version }],
  });
  if (input.far === undefined && chosen.length === 0) return { kind: 'keep' };
  const lines = chosen.map(({ entry }) => entry);
  if (far !== undefined && sameLines(lines, far)) return { kind: 'keep' };
  if (sameLines(lines, source)) return { kind: 'source' };
  return { kind: 'content', content: new TextEncoder().encode(lines.map(({ text }) => text).join('\n')) };
}

function sameLines(lines: readonly Line[], document: Lines): boolean {
  const values = [...document.values()].map(({ value }) => value);
  return isDeepStrictEqual(
    lines.map(({ value }) => value),
    values,
  );
}

/** Of two lines for one version the later counts, as for Cargo itself. */
function parseLines(content: Uint8Array, origin: Origin): Lines {
  const lines = new Map<string, Line>();
  for (const [index, line] of decodeText(content, origin).split('\n').entries()) {
    const text = line.trim();
    if (text === '') continue;
    const value = parseLine(text, index + 1, origin);
    lines.set(value.vers, { text, value });
  }
  return lines;
}

function parseLine(text: string, number: number, origin: Origin): { readonly vers: string } {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('vers' in value) || typeof value.vers !== 'string') {
    throw indexInvalid(origin, `has no JSON object with a version in line ${number}`);
  }
  return { ...value, vers: value.vers };
}

/** undefined = not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
