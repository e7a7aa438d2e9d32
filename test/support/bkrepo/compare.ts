import { isDeepStrictEqual } from 'node:util';
import type { ReadBackFile } from './read-back.ts';
import type { ReadPackage, ReadPackageMetadata, ReadVersion } from './read-packages.ts';

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
  return limited(differences, options);
}

export interface ComparePackagesOptions extends CompareOptions {
  /** Metadata keys of versions that do not count: what a receiving server adds by itself. Default: `sourceType`. */
  readonly ignoreMetadata?: readonly string[];
  /** Fields that do not count: of packages (`latest`, `description`, …) and of versions (`size`, …). Default: none. */
  readonly ignoreFields?: readonly string[];
  /** Of packages alone. Default: none. */
  readonly ignorePackageFields?: readonly string[];
}

/**
 * Everything in which the packages of two sides differ: package by package, version by version, field by field. Dates of
 * versions are not compared (a far side makes its own); `audit: false` leaves out createdBy too.
 */
export function comparePackages(
  a: ReadonlyMap<string, ReadPackage>,
  b: ReadonlyMap<string, ReadPackage>,
  options: ComparePackagesOptions = {},
): string[] {
  const [nameA, nameB] = options.names ?? ['source', 'far side'];
  const differences: string[] = [];
  const compareFields = (what: string, left: object, right: object, ignored = options.ignoreFields ?? []): void => {
    const rightFields: Readonly<Record<string, unknown>> = { ...right };
    for (const [field, x] of Object.entries(left)) {
      const y = rightFields[field];
      if (!ignored.includes(field) && !isDeepStrictEqual(x, y))
        differences.push(`${what}: ${field}: ${nameA} ${show(x)}, ${nameB} ${show(y)}`);
    }
  };
  const ofPackages = [...(options.ignoreFields ?? []), ...(options.ignorePackageFields ?? [])];
  for (const [key, left, right] of pairs(a, b)) {
    for (const problem of left?.problems ?? []) differences.push(`${key}: ${nameA}: ${problem}`);
    for (const problem of right?.problems ?? []) differences.push(`${key}: ${nameB}: ${problem}`);
    if (left === undefined) differences.push(`${key}: only at ${nameB}`);
    else if (right === undefined) differences.push(`${key}: only at ${nameA}`);
    else {
      compareFields(key, packageFields(left), packageFields(right), ofPackages);
      for (const [version, x, y] of pairs(left.versions, right.versions)) {
        if (x === undefined) differences.push(`${key}@${version}: only at ${nameB}`);
        else if (y === undefined) differences.push(`${key}@${version}: only at ${nameA}`);
        else compareFields(`${key}@${version}`, versionFields(x, options), versionFields(y, options));
      }
    }
  }
  return limited(differences, options);
}

function* pairs<T>(
  a: ReadonlyMap<string, T>,
  b: ReadonlyMap<string, T>,
): Generator<readonly [key: string, left: T | undefined, right: T | undefined]> {
  for (const key of [...new Set([...a.keys(), ...b.keys()])].sort()) yield [key, a.get(key), b.get(key)];
}

function packageFields({ versions: _versions, problems: _problems, ...fields }: ReadPackage): object {
  return fields;
}

function versionFields(version: ReadVersion, options: ComparePackagesOptions): object {
  const { createdDate: _created, lastModifiedDate: _modified, createdBy, metadata, ...fields } = version;
  const ignored = options.ignoreMetadata ?? ['sourceType'];
  const counts = (entry: ReadPackageMetadata): boolean => !ignored.includes(entry.key);
  return {
    ...fields,
    ...(options.metadata === false ? {} : { metadata: metadata.filter(counts) }),
    ...(options.audit === false ? {} : { createdBy }),
  };
}

function limited(differences: readonly string[], options: CompareOptions): string[] {
  const limit = options.limit ?? 50;
  if (differences.length <= limit) return [...differences];
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
  return (JSON.stringify(value) ?? 'nothing').slice(0, 500);
}
