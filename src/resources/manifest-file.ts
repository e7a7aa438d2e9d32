/**
 * One file of manifests: its YAML documents (also inside a `v1 List`) sorted into what this program knows. Nothing is
 * thrown and nothing dropped silently: what is wrong comes back with file, line and field. Values never appear in
 * problems of Secrets.
 */
import { type Document, isAlias, isMap, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';

import { API_VERSION, GROUP } from '../api/names.ts';
import type { ResourceKind } from './store.ts';

export interface DirectoryProblem {
  /** Relative to the input directory; or a path in the state directory. */
  readonly file: string;
  /** From 1; absent when the whole file is meant. */
  readonly line?: number;
  /** E.g. `spec.url`. */
  readonly field?: string;
  readonly message: string;
}

export interface ManifestDocument {
  readonly kind: ResourceKind | 'Secret' | 'ConfigMap';
  readonly file: string;
  /** Where the document begins, from 1. */
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
  /** Line of a field, or of the closest one around it. */
  readonly lineOf: (field: string) => number;
}

export interface ManifestFile {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly DirectoryProblem[];
  /** `apiVersion kind` of what is not for us. */
  readonly foreign: readonly string[];
}

const MAX_ALIASES = 100;
const MAX_DOCUMENTS = 5_000;

export function parseManifestFile(file: string, text: string): ManifestFile {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false, logLevel: 'silent' });
  const documents: ManifestDocument[] = [];
  const problems: DirectoryProblem[] = [];
  const foreign: string[] = [];
  if (!Array.isArray(parsed)) return { documents, problems, foreign };
  if (parsed.length > MAX_DOCUMENTS) {
    const message = `more than ${MAX_DOCUMENTS} documents in one file`;
    return { documents, foreign, problems: [{ file, message }] };
  }
  for (const document of parsed) {
    const line = lineOfNode(document.contents, lineCounter);
    const [error] = document.errors;
    if (error !== undefined) {
      const message = `not valid YAML: ${error.message}`;
      problems.push({ file, line: lineCounter.linePos(error.pos[0]).line, message });
      continue;
    }
    const value = plain(document);
    if (value instanceof Error) problems.push({ file, line, message: value.message });
    else sort(value, [], { file, document, lineCounter, documents, problems, foreign });
  }
  return { documents, problems, foreign };
}

interface Sorting {
  readonly file: string;
  readonly document: Document;
  readonly lineCounter: LineCounter;
  readonly documents: ManifestDocument[];
  readonly problems: DirectoryProblem[];
  readonly foreign: string[];
}

/** `at` is where the object stands in its document: nowhere, or `items`, index. */
function sort(value: unknown, at: readonly (string | number)[], into: Sorting): void {
  const { file, document, lineCounter } = into;
  const lineOf = (field: string): number => lineAt(document, [...at, ...segmentsOf(field)], lineCounter);
  const line = lineOf('');
  if (value === null || value === undefined) return;
  if (!isRecord(value)) {
    into.problems.push({
      file,
      line,
      message: 'not a Kubernetes object: a mapping with apiVersion and kind is expected',
    });
    return;
  }
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    into.problems.push({ file, line, message: 'not a Kubernetes object: apiVersion and kind must be given' });
    return;
  }
  if (apiVersion === 'v1' && kind === 'List' && at.length === 0 && Array.isArray(value['items'])) {
    for (const [index, item] of value['items'].entries()) sort(item, ['items', index], into);
    return;
  }
  const known = knownKind(apiVersion, kind);
  if (known !== undefined) into.documents.push({ kind: known, file, line, value, lineOf });
  else if (apiVersion === GROUP || apiVersion.startsWith(`${GROUP}/`))
    into.problems.push({
      file,
      line,
      field: 'kind',
      message: `there is no ${kind} in ${apiVersion}: known are Cluster and ReplicaTask of ${API_VERSION}`,
    });
  else into.foreign.push(`${apiVersion} ${kind}`);
}

function knownKind(apiVersion: string, kind: string): ManifestDocument['kind'] | undefined {
  if (apiVersion === API_VERSION && (kind === 'Cluster' || kind === 'ReplicaTask')) return kind;
  if (apiVersion === 'v1' && (kind === 'Secret' || kind === 'ConfigMap')) return kind;
  return undefined;
}

function plain(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return new Error(`not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `spec.replicaTaskObjects[0].repoType` → its segments. */
function segmentsOf(field: string): readonly (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|\[([^\]]*)\]|([^.[\]]+)/g)].map(([, index, key, name]) =>
    index === undefined ? (key ?? name ?? '') : Number(index),
  );
}

function lineAt(document: Document, path: readonly (string | number)[], lineCounter: LineCounter): number {
  let node: unknown = document.contents;
  let line = lineOfNode(node, lineCounter);
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === String(segment));
      if (pair === undefined) break;
      line = lineOfNode(pair.key, lineCounter);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      if (node === undefined) break;
      line = lineOfNode(node, lineCounter);
    } else break;
  }
  return line;
}

function lineOfNode(node: unknown, lineCounter: LineCounter): number {
  const range = (node as Node | null | undefined)?.range;
  return range ? Math.max(1, lineCounter.linePos(range[0]).line) : 1;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
