import { isDeepStrictEqual } from 'node:util';
import type { ReadBackFile } from './read-back.ts';

export interface CompareOptions {
  /** What the sides are called in the words. Default: `source` and `far side`. */
  readonly names?: readonly [string, string];
  /** false = metadata is not compared (tasks with includeMetadata=false). Default true. */
  readonly metadata?: boolean;
  /** false = createdBy, createdDate and lastModifiedDate are not compared. Default true. */
  readonly audit?: boolean;
  /** Differences told at most; what is left over is counted in one last line. Default 50. */
  readonly limit?: number;
}

/** Everything in which two sides differ, in words, one line each and sorted; empty = equal byte for byte. */
export function compareSides(
  a: ReadonlyMap<string, ReadBackFile>,
  b: ReadonlyMap<string, ReadBackFile>,
  options: CompareOptions = {},
): string[] {
  const [nameA, nameB] = options.names ?? ['source', 'far side'];
  const differences: string[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const left = a.get(path);
    const right = b.get(path);
    for (const problem of left?.problems ?? []) differences.push(`${path}: ${nameA}: ${problem}`);
    for (const problem of right?.problems ?? []) differences.push(`${path}: ${nameB}: ${problem}`);
    if (left === undefined) differences.push(`${path}: only at ${nameB}`);
    else if (right === undefined) differences.push(`${path}: only at ${nameA}`);
    else
      for (const [field, x, y] of fieldsOf(left, right, options)) {
        if (!isDeepStrictEqual(x, y)) differences.push(`${path}: ${field}: ${nameA} ${show(x)}, ${nameB} ${show(y)}`);
      }
  }
  const limit = options.limit ?? 50;
  if (differences.length <= limit) return differences;
  return [...differences.slice(0, limit), `… and ${differences.length - limit} more differences`];
}

function fieldsOf(
  left: ReadBackFile,
  right: ReadBackFile,
  options: CompareOptions,
): (readonly [field: string, left: unknown, right: unknown])[] {
  return [
    ['bytes', left.size, right.size],
    ['sha256', left.sha256, right.sha256],
    ['md5', left.md5, right.md5],
    ...(options.metadata === false ? [] : ([['metadata', left.metadata, right.metadata]] as const)),
    ...(options.audit === false
      ? []
      : ([
          ['createdBy', left.createdBy, right.createdBy],
          ['createdDate', left.createdDate, right.createdDate],
          ['lastModifiedDate', left.lastModifiedDate, right.lastModifiedDate],
        ] as const)),
  ];
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 500);
}
