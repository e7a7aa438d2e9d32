/** Bytes of index documents as text, and the errors that say which document of which side is damaged, and where. */
import { ReplicationError } from '../errors.ts';
import type { IndexInput } from './index-document.ts';

export type Side = 'source' | 'far side';

/** The document whose text is read, for error messages. */
export interface Origin {
  readonly fullPath: string;
  readonly side: Side;
}

/** `where`: a position, never content of the document. */
export function indexInvalid(origin: Origin, problem: string): ReplicationError {
  return new ReplicationError(
    'unit',
    'IndexInvalid',
    `the index document ${origin.fullPath} of the ${origin.side} ${problem}`,
  );
}

/**
 * Bytes of XML or YAML. Their parsers need up to half a second for one MiB, and nothing else runs meanwhile: the lease
 * must still be renewed in time.
 */
const SLOW_PARSER_LIMIT = 8 * 1024 * 1024;

/** Text for a slow parser. @throws {ReplicationError} unit `DocumentTooLarge`, and as {@link decodeText} */
export function decodeBounded(content: Uint8Array, origin: Origin): string {
  if (content.byteLength <= SLOW_PARSER_LIMIT) return decodeText(content, origin);
  const size = `${content.byteLength} bytes, more than ${SLOW_PARSER_LIMIT}`;
  const message = `the index document ${origin.fullPath} of the ${origin.side} has ${size}`;
  throw new ReplicationError('unit', 'DocumentTooLarge', message);
}

/** @throws {ReplicationError} unit `IndexInvalid`: not UTF-8 */
export function decodeText(content: Uint8Array, origin: Origin): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw indexInvalid(origin, 'is not UTF-8 text');
  }
}

export interface Sides<T> {
  readonly source: T | undefined;
  readonly far: T | undefined;
}

/**
 * Both sides' documents, parsed. A damaged document of the far side counts as none in a run of the whole repository, which
 * replaces it; a run of single packages must not, for it does not know what else that document named.
 * @throws {ReplicationError} what `parse` throws for the source, and in a run of single packages for the far side
 */
export function parseSides<T>(input: IndexInput, parse: (content: Uint8Array, origin: Origin) => T): Sides<T> {
  const { fullPath, source, far } = input;
  return {
    source: source === undefined ? undefined : parse(source, { fullPath, side: 'source' }),
    far: far === undefined ? undefined : parseFar(input, far, parse),
  };
}

function parseFar<T>(
  input: IndexInput,
  far: Uint8Array,
  parse: (content: Uint8Array, origin: Origin) => T,
): T | undefined {
  try {
    return parse(far, { fullPath: input.fullPath, side: 'far side' });
  } catch (error) {
    const damaged = error instanceof ReplicationError && error.code === 'IndexInvalid';
    if (damaged && input.wholeRepository && input.source !== undefined) return undefined;
    throw error;
  }
}

export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Replaces ranges of a text; they are in ascending order and do not overlap. */
export function replaceRanges(text: string, replacements: readonly Replacement[]): string {
  let result = '';
  let position = 0;
  for (const { start, end, text: replacement } of replacements) {
    result += text.slice(position, start) + replacement;
    position = end;
  }
  return result + text.slice(position);
}
