/**
 * JSON documents as text with known places: what is not changed keeps its bytes (indentation, order of keys, numbers
 * that JavaScript cannot hold). A document is checked by JSON.parse first; the scanner then relies on it.
 */
import { decodeText, indexInvalid, type Origin } from './document-text.ts';
import { firstJsonError } from './json-position.ts';

/** Deeper nesting than any package document has; it protects the recursion of whatever compares documents. */
const DEPTH_LIMIT = 200;

export interface JsonMember {
  readonly key: string;
  /** The value's text. */
  readonly start: number;
  readonly end: number;
}

export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
}

/** @throws {ReplicationError} unit `IndexInvalid`: not UTF-8, not JSON (with the position), not an object, too deep */
export function parseJsonDocument(content: Uint8Array, origin: Origin): JsonDocument {
  const text = decodeText(content, origin);
  const value = parseJson(text, origin);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw indexInvalid(origin, 'is not a JSON object');
  }
  if (depthOf(text) > DEPTH_LIMIT) throw indexInvalid(origin, `is nested deeper than ${DEPTH_LIMIT} levels`);
  return { text, value };
}

/** The message names the position only: V8's own message would quote the document. */
function parseJson(text: string, origin: Origin): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const before = text.slice(0, firstJsonError(text)).split('\n');
    const place = `line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw indexInvalid(origin, `is not JSON: error at ${place}`);
  }
}

/** The members of the object whose text begins at or after `start` (blanks before it are skipped). */
export function membersAt(text: string, start = 0): readonly JsonMember[] {
  const members: JsonMember[] = [];
  let position = skipBlanks(text, start);
  if (text[position] !== '{') return [];
  position = skipBlanks(text, position + 1);
  while (text[position] === '"') {
    const keyEnd = endOfString(text, position);
    const key = JSON.parse(text.slice(position, keyEnd)) as string;
    const valueStart = skipBlanks(text, skipBlanks(text, keyEnd) + 1);
    const valueEnd = endOfValue(text, valueStart);
    members.push({ key, start: valueStart, end: valueEnd });
    position = skipBlanks(text, valueEnd);
    if (text[position] === ',') position = skipBlanks(text, position + 1);
  }
  return members;
}

/** The member that JSON.parse would take: the last one of that name. */
export function memberAt(text: string, start: number, key: string): JsonMember | undefined {
  return membersAt(text, start).findLast((member) => member.key === key);
}

/** An object in the layout of bk-repo's own documents, from texts of values that stay as they are. */
export function objectText(members: Iterable<readonly [key: string, valueText: string]>, indent: string): string {
  const lines = [...members].map(([key, valueText]) => `${indent}  ${JSON.stringify(key)} : ${valueText}`);
  return lines.length === 0 ? '{ }' : `{\n${lines.join(',\n')}\n${indent}}`;
}

function skipBlanks(text: string, start: number): number {
  let position = start;
  while (position < text.length && text.charCodeAt(position) <= 0x20) position++;
  return position;
}

function endOfString(text: string, start: number): number {
  let position = start + 1;
  while (text[position] !== '"') position += text[position] === '\\' ? 2 : 1;
  return position + 1;
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  let position = start;
  if (first !== '{' && first !== '[') {
    while (position < text.length && !/[\s,}\]]/u.test(text.charAt(position))) position++;
    return position;
  }
  let depth = 0;
  do {
    const character = text[position];
    if (character === '"') {
      position = endOfString(text, position);
      continue;
    }
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    position++;
  } while (depth > 0);
  return position;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let position = 0;
  while (position < text.length) {
    const character = text[position];
    if (character === '"') {
      position = endOfString(text, position);
      continue;
    }
    if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    if (character === '}' || character === ']') depth--;
    position++;
  }
  return deepest;
}
