/**
 * Comparing a package version with its like at the far side, and what a task does about it (design §3). A version is
 * the *same* when all its files are and its own fields are. Pure: the engine gathers, this file judges.
 */
import { type Action, decide, type Entry, metadataDifference, type Verdict } from './compare.ts';

/** Fields of a version that travel and can be read back. Dates, downloads and the ordinal are the server's own. */
export interface VersionFields {
  /** Bytes. */
  readonly size: number;
  readonly manifestPath: string | null;
  readonly artifactPath: string | null;
  readonly artifactPaths: readonly string[];
  readonly stageTag: readonly string[];
  readonly tags: readonly string[];
  readonly metadata: readonly Entry[];
  readonly extension: Readonly<Record<string, unknown>>;
}

/** Names of the fields that differ. Metadata keys and extension keys that only the far side has are its own. */
export function differingFields(
  source: VersionFields,
  far: VersionFields,
  ownedKeys: readonly string[],
): readonly string[] {
  const metadata = metadataDifference(source.metadata, far.metadata, ownedKeys);
  const differs: Readonly<Record<string, boolean>> = {
    size: source.size !== far.size,
    manifestPath: source.manifestPath !== far.manifestPath,
    artifactPath: source.artifactPath !== far.artifactPath,
    artifactPaths: source.artifactPaths.some((path) => !far.artifactPaths.includes(path)),
    stageTag: !sameSet(source.stageTag, far.stageTag),
    tags: !sameSet(source.tags, far.tags),
    metadata: metadata.save.length > 0 || metadata.remove.length > 0,
    extension: Object.entries(source.extension).some(([key, value]) => !sameJson(value, far.extension[key])),
  };
  return Object.keys(differs).filter((field) => differs[field] === true);
}

/**
 * Whether the far side's version is one whose create was cut off: some of its artifact paths are missing, which come one
 * call at a time, and nothing else differs. To add them replaces nothing.
 */
export function isUnfinished(source: VersionFields, far: VersionFields, differing: readonly string[]): boolean {
  return (
    differing.includes('artifactPaths') &&
    differing.every((field) => field === 'artifactPaths' || field === 'artifactPath') &&
    far.artifactPaths.every((path) => source.artifactPaths.includes(path))
  );
}

/** The metadata to send: the source's, and what only the far side has; a create replaces what is left out. */
export function mergedMetadata<E extends Entry>(
  source: readonly E[],
  far: readonly E[],
  ownedKeys: readonly string[],
): readonly E[] {
  const known = new Set([...source.map(({ key }) => key), ...ownedKeys]);
  return [...source, ...far.filter(({ key }) => !known.has(key))];
}

export interface FileVerdict {
  readonly fullPath: string;
  readonly verdict: Verdict;
}

export interface VersionComparison {
  readonly files: readonly FileVerdict[];
  /** undefined = the far side has no such version. */
  readonly differing: readonly string[] | undefined;
  /** Its create was cut off. */
  readonly unfinished: boolean;
}

export type VersionAction =
  | Extract<Action, { readonly kind: 'none' | 'conflict' | 'fail' }>
  | { readonly kind: 'write' };

/** What this very run has committed of a version, from a state of the source that may have passed: ours to replace. */
export interface OwnWrites {
  readonly files: ReadonlySet<string>;
  /** The version itself. */
  readonly version: boolean;
}

/**
 * What is absent is added under every strategy, as long as nothing that is there differs: that replaces nothing. A
 * version of which one file or field differs is a conflict as a whole: never half of one and half of the other.
 */
export function decideVersion(
  { files, differing, unfinished }: VersionComparison,
  conflictStrategy: 'SKIP' | 'OVERWRITE' | 'FAST_FAIL',
  own: OwnWrites,
): VersionAction {
  for (const kind of ['folder', 'different', 'metadata-differs'] as const) {
    for (const { fullPath } of files.filter(({ verdict }) => verdict === kind)) {
      const action = decide(kind, conflictStrategy, own.files.has(fullPath));
      if (action.kind === 'conflict' || action.kind === 'fail')
        return { ...action, message: `${fullPath}: ${action.message}` };
    }
  }
  const differs = differing !== undefined && differing.length > 0 && !unfinished && !own.version;
  if (differs && conflictStrategy !== 'OVERWRITE') {
    const message = `the far side has this version with another ${differing.join(', ')}`;
    return conflictStrategy === 'SKIP'
      ? { kind: 'conflict', message }
      : { kind: 'fail', reason: 'Conflict', message: `${message} (conflictStrategy FAST_FAIL)` };
  }
  const same = differing?.length === 0 && files.every(({ verdict }) => verdict === 'same');
  return { kind: same ? 'none' : 'write' };
}

export interface PackageFields {
  readonly description: string | null;
  /** Tag → version. */
  readonly versionTag: Readonly<Record<string, string>>;
  readonly extension: Readonly<Record<string, unknown>>;
}

/**
 * The package fields to send with each version, because a create sets what is left out to null: with OVERWRITE the
 * source's win, else those that the far side has. A tag travels only when its version is there (`has`).
 */
export function mergedPackage(
  source: PackageFields,
  far: PackageFields | undefined,
  conflictStrategy: 'SKIP' | 'OVERWRITE' | 'FAST_FAIL',
  has: (version: string) => boolean,
): PackageFields {
  const tags = Object.fromEntries(Object.entries(source.versionTag).filter(([, version]) => has(version)));
  if (far === undefined) return { ...source, versionTag: tags };
  const [weak, strong] =
    conflictStrategy === 'OVERWRITE' ? [far, { ...source, versionTag: tags }] : [{ ...source, versionTag: tags }, far];
  return {
    description: strong.description ?? weak.description,
    versionTag: { ...weak.versionTag, ...strong.versionTag },
    extension: { ...weak.extension, ...strong.extension },
  };
}

/** Without `extension`: some real servers put the version's there whatever is sent, so it would never become equal. */
export function samePackage(a: PackageFields, b: PackageFields): boolean {
  return a.description === b.description && sameJson(a.versionTag, b.versionTag);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const there = new Set(b);
  return a.every((item) => there.has(item)) && there.size === new Set(a).size;
}

/** Equal as JSON: the order of an object's keys does not count. */
function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && sameJson(value, right.get(key)));
}
