/** Answers the questions of a decision from a table of files, as the engine answers them from the source. */
import { hash } from 'node:crypto';
import { ReplicationError } from '../../../../src/domain/errors.ts';
import type { Answer, FileFacts, Inquiry, Question } from '../../../../src/domain/packages/inquiry.ts';

export interface TableFile {
  readonly content: Uint8Array;
  /** Other than that of the content, as a damaged repository may have it. */
  readonly sha256?: string;
  readonly metadata?: FileFacts['metadata'];
}

export type FileTable = ReadonlyMap<string, TableFile>;

/** A table of files: path → text. A path alone is its own content. */
export function filesOf(paths: readonly string[], texts: Readonly<Record<string, string | TableFile>> = {}): FileTable {
  const entries = [...paths.map((path) => [path, path] as const), ...Object.entries(texts)];
  return new Map(
    entries.map(([path, file]) => [
      path,
      typeof file === 'string' ? { content: new TextEncoder().encode(file) } : file,
    ]),
  );
}

/** @param told hears each question */
export function answered<R>(inquiry: Inquiry<R>, files: FileTable, told: (question: Question) => void = () => {}): R {
  let step = inquiry.next();
  while (!step.done) {
    told(step.value);
    step = inquiry.next(answerTo(step.value, files));
  }
  return step.value;
}

function answerTo(question: Question, files: FileTable): Answer {
  if (question.ask === 'files') return question.paths.flatMap((path) => factsOf(path, files));
  if (question.ask === 'content') {
    const content = files.get(question.path)?.content;
    if (content !== undefined && content.length > question.limit)
      throw new ReplicationError('unit', 'DocumentTooLarge', question.path);
    return content;
  }
  const inside = [...files.keys()].filter((path) => path.startsWith(`${question.path}/`)).sort();
  if (inside.length > question.limit) throw new ReplicationError('unit', 'TooManyFiles', question.path);
  return inside.flatMap((path) => factsOf(path, files));
}

function factsOf(fullPath: string, files: FileTable): readonly FileFacts[] {
  const file = files.get(fullPath);
  if (file === undefined) return [];
  const sha256 = file.sha256 ?? hash('sha256', file.content);
  return [{ fullPath, size: file.content.length, sha256, metadata: file.metadata ?? [] }];
}
