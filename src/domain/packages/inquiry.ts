/**
 * How a pure decision asks the outside: it is a generator that yields questions and is resumed with their answers. The
 * engine asks the source (and, for index documents, the far side); a test answers from a table. So the rules of a
 * package type stay free of I/O and read from top to bottom. Use the helpers with `yield*`: they give typed answers.
 */
import type { Entry } from '../compare.ts';

/** What a decision may know of one live file of the source's repository. */
export interface FileFacts {
  readonly fullPath: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly metadata: readonly Entry[];
}

export type Question =
  /** Which of these paths are live files? */
  | { readonly ask: 'files'; readonly paths: readonly string[] }
  /** All live files below a folder (at any depth), at most `limit`: more is the unit error `TooManyFiles`. */
  | { readonly ask: 'folder'; readonly path: string; readonly limit: number }
  /** The bytes of one live file of at most `limit` bytes: more is the unit error `DocumentTooLarge`. */
  | { readonly ask: 'content'; readonly path: string; readonly limit: number };

export type Answer = readonly FileFacts[] | Uint8Array | undefined;

/** A decision that ends with `R`. It may throw unit errors (`ReplicationError`): the reason that its unit fails with. */
export type Inquiry<R> = Generator<Question, R, Answer>;

export function* askFiles(paths: readonly string[]): Inquiry<ReadonlyMap<string, FileFacts>> {
  if (paths.length === 0) return new Map();
  const found = (yield { ask: 'files', paths }) as readonly FileFacts[];
  return new Map(found.map((file) => [file.fullPath, file]));
}

/** In the order of their paths. */
export function* askFolder(path: string, limit: number): Inquiry<readonly FileFacts[]> {
  return (yield { ask: 'folder', path, limit }) as readonly FileFacts[];
}

/** undefined = no such live file. */
export function* askContent(path: string, limit: number): Inquiry<Uint8Array | undefined> {
  return (yield { ask: 'content', path, limit }) as Uint8Array | undefined;
}
