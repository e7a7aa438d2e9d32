/**
 * What a far side's answer about one file means, and what a task does about it (design §3: compare, conflictStrategy).
 * Pure: the engine gathers, this file judges.
 */

type Scalar = string | number | boolean | null;
type Value = Scalar | readonly Value[];

export interface Entry {
  readonly key: string;
  readonly value: Value;
  readonly system: boolean;
}

interface SourceFile<E extends Entry> {
  readonly sha256: string;
  readonly size: number;
  readonly metadata: readonly E[];
}

interface FarFile {
  readonly folder: boolean;
  readonly sha256: string | null;
  readonly size: number;
  readonly metadata: readonly Entry[];
}

export type Verdict = 'absent' | 'same' | 'metadata-differs' | 'different' | 'folder';

/** What is to be done about a unit. `fail` carries the reason that its record gets. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | { readonly kind: 'overwrite' }
  | { readonly kind: 'repair-metadata' }
  | { readonly kind: 'conflict'; readonly message: string }
  /** What the far side has is newer than what the source has. */
  | { readonly kind: 'keep'; readonly message: string }
  | { readonly kind: 'fail'; readonly reason: string; readonly message: string };

/** Metadata keys by which bk-repo bans an artifact; they travel whatever `includeMetadata` says. */
const FORBID_KEYS: ReadonlySet<string> = new Set(['forbidStatus', 'forbidUser', 'forbidType']);

/** The entries that travel: all, or with `includeMetadata: false` only system entries and bans. */
export function travellingMetadata<E extends Entry>(metadata: readonly E[], includeMetadata: boolean): readonly E[] {
  return includeMetadata ? metadata : metadata.filter((entry) => entry.system || FORBID_KEYS.has(entry.key));
}

export interface MetadataDifference<E extends Entry> {
  /** Entries to save at the far side. */
  readonly save: readonly E[];
  /** Keys to delete there: only keys that this task wrote. */
  readonly remove: readonly string[];
}

/**
 * Compares what should travel with what is there. Keys that only the far side has are its own and no difference, unless
 * this task wrote them (`ownedKeys`) and the source has dropped them since.
 */
export function metadataDifference<E extends Entry>(
  wanted: readonly E[],
  present: readonly Entry[],
  ownedKeys: readonly string[],
): MetadataDifference<E> {
  const there = new Map(present.map((entry) => [entry.key, entry]));
  const wantedKeys = new Set(wanted.map((entry) => entry.key));
  return {
    save: wanted.filter((entry) => {
      const found = there.get(entry.key);
      return found === undefined || found.system !== entry.system || !sameValue(found.value, entry.value);
    }),
    remove: ownedKeys.filter((key) => there.has(key) && !wantedKeys.has(key)),
  };
}

export function judge<E extends Entry>(
  source: SourceFile<E>,
  far: FarFile | undefined,
  ownedKeys: readonly string[],
): Verdict {
  if (far === undefined) return 'absent';
  if (far.folder) return 'folder';
  if (far.sha256 !== source.sha256 || far.size !== source.size) return 'different';
  const { save, remove } = metadataDifference(source.metadata, far.metadata, ownedKeys);
  return save.length === 0 && remove.length === 0 ? 'same' : 'metadata-differs';
}

interface DatedFile {
  readonly sha256: string | null;
  readonly lastModifiedDate?: Date;
}

/**
 * Which of two contents of one path stays where two clusters replicate to each other: the later one, of two equally old
 * ones the one with the greater digest. So both sides decide alike and end equal. Without both dates it is the source's.
 */
export function farSideIsNewer(source: DatedFile, far: DatedFile | undefined): boolean {
  if (source.sha256 === null || !source.lastModifiedDate || !far?.sha256 || !far.lastModifiedDate) return false;
  const ahead = far.lastModifiedDate.getTime() - source.lastModifiedDate.getTime();
  return ahead === 0 ? far.sha256 > source.sha256 : ahead > 0;
}

/**
 * `ownWrite`: what lies there is as this task left it, from a state of the source that has passed. `keepNewer`: the task
 * follows its source and {@link farSideIsNewer}.
 */
export function decide(
  verdict: Verdict,
  conflictStrategy: 'SKIP' | 'OVERWRITE' | 'FAST_FAIL',
  ownWrite: boolean,
  keepNewer: boolean = false,
): Action {
  switch (verdict) {
    case 'absent':
      return { kind: 'create' };
    case 'same':
      return { kind: 'none' };
    case 'folder':
      return conflictStrategy === 'SKIP'
        ? { kind: 'conflict', message: 'the far side has a folder of this name' }
        : {
            kind: 'fail',
            reason: 'FolderAtFarSide',
            message: 'the far side has a folder of this name; a file never replaces a folder',
          };
    case 'different':
    case 'metadata-differs':
      if (keepNewer && !ownWrite && conflictStrategy === 'OVERWRITE')
        return { kind: 'keep', message: `${conflictText(verdict)}, and it is newer there` };
      if (ownWrite || conflictStrategy === 'OVERWRITE') {
        return { kind: verdict === 'different' ? 'overwrite' : 'repair-metadata' };
      }
      return conflictStrategy === 'SKIP'
        ? { kind: 'conflict', message: conflictText(verdict) }
        : { kind: 'fail', reason: 'Conflict', message: `${conflictText(verdict)} (conflictStrategy FAST_FAIL)` };
  }
}

function conflictText(verdict: 'different' | 'metadata-differs'): string {
  return verdict === 'different'
    ? 'the far side has another content under this path'
    : 'the far side has the same content with other metadata';
}

function sameValue(a: Value, b: Value): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameValue(item, b[index] ?? null));
  }
  return a === b;
}
