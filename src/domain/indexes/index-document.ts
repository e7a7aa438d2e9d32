/**
 * Index documents: files that name other versions than one (npm's package.json, maven-metadata.xml, Helm's
 * index-cache.yaml, …). They are derived, so conflictStrategy does not apply to them. A whole-repository run makes them
 * equal to the source's where the far side has nothing of its own; else, and in a run of single packages, they are merged
 * by the type's own rules: nothing that the far side has is lost, and nothing names a version that it lacks.
 */
import type { Addresses, PackageFacts } from '../packages/mapping.ts';

/** A path that an index names, at both sides. `different` = the far side has a file there that is not the source's. */
export type Presence = 'same' | 'different' | 'absent';

export type IndexQuestion =
  /** Which of these versions does the far side have as package versions? → the names that it has. */
  | { readonly ask: 'far-versions'; readonly packageKey: string; readonly names: readonly string[] }
  /** Which of these does the source have as package versions, and the far side not? → the names of those. */
  | { readonly ask: 'missing-versions'; readonly packageKey: string; readonly names: readonly string[] }
  /** How do these files lie at the far side, compared with the source's? → Map path → Presence */
  | { readonly ask: 'presence'; readonly paths: readonly string[] };

export type IndexAnswer = ReadonlySet<string> | ReadonlyMap<string, Presence>;

/** Fails with unit errors (`IndexInvalid`, …) whose message names the document, the side and what is wrong. */
export type IndexInquiry<R> = Generator<IndexQuestion, R, IndexAnswer>;

export interface IndexInput {
  readonly fullPath: string;
  /** undefined = that side has no such document. At least one side has it. */
  readonly source: Uint8Array | undefined;
  readonly far: Uint8Array | undefined;
  /** The whole repository is copied, not single packages. */
  readonly wholeRepository: boolean;
  /**
   * In a run of single packages: their keys and versions (`versions` undefined = all of them). `any` = a run of paths: all
   * that the source's document names may be added to the far side's, which stays what it is otherwise.
   */
  readonly selected: readonly { readonly packageKey: string; readonly versions?: readonly string[] }[] | 'any';
  readonly addresses: Addresses;
}

/**
 * What the far side's document has to be: `keep` = as it is there now (equal in meaning, or nothing to add); else its
 * bytes: `source` = the source's bytes unchanged.
 */
export type IndexResult =
  | { readonly kind: 'keep' }
  | { readonly kind: 'source' }
  | { readonly kind: 'content'; readonly content: Uint8Array };

/** Bytes. A document that is larger is not read: the unit error `DocumentTooLarge`. */
export const INDEX_DOCUMENT_LIMIT = 64 * 1024 * 1024;

/** Paths or names of one question; longer lists are asked in parts. */
const QUESTION_LIMIT = 2_000;

/** A decision that needs no question. */
export function* decided(result: IndexResult): IndexInquiry<IndexResult> {
  const questions: readonly IndexQuestion[] = [];
  yield* questions;
  return result;
}

/** In parts, so that no question is longer than a far side takes. */
export function askFarVersions(packageKey: string, names: readonly string[]): IndexInquiry<ReadonlySet<string>> {
  return askVersions('far-versions', packageKey, names);
}

/** In parts. What lies at a far side of such a version is not complete yet: its files come before it. */
export function askMissingVersions(packageKey: string, names: readonly string[]): IndexInquiry<ReadonlySet<string>> {
  return askVersions('missing-versions', packageKey, names);
}

function* askVersions(
  ask: 'far-versions' | 'missing-versions',
  packageKey: string,
  names: readonly string[],
): IndexInquiry<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let start = 0; start < names.length; start += QUESTION_LIMIT) {
    const part = names.slice(start, start + QUESTION_LIMIT);
    for (const name of (yield { ask, packageKey, names: part }) as ReadonlySet<string>) found.add(name);
  }
  return found;
}

/** In parts. A path that the answer leaves out counts as absent. */
export function* askPresence(paths: readonly string[]): IndexInquiry<ReadonlyMap<string, Presence>> {
  const found = new Map<string, Presence>();
  for (let start = 0; start < paths.length; start += QUESTION_LIMIT) {
    const part = paths.slice(start, start + QUESTION_LIMIT);
    const answer = (yield { ask: 'presence', paths: part }) as ReadonlyMap<string, Presence>;
    for (const [path, presence] of answer) found.set(path, presence);
  }
  return found;
}

export interface IndexRules {
  /**
   * Whether a file is an index document (or the checksum file of one): such files are not copied as loose files. A
   * whole-repository run treats each one that its listing shows, also those that no list below names (the plugin list of
   * a Maven group, the repodata of RPM at any depth): at the end of the object, in ascending `order`.
   */
  readonly isIndex: (fullPath: string) => boolean;
  /** The index documents that one package owns, e.g. `/com/example/lib/maven-metadata.xml`. Without checksum files. */
  readonly ofPackage: (facts: PackageFacts) => readonly string[];
  /**
   * Index documents of the repository as a whole, e.g. `/index-cache.yaml`: treated at the end of an object. Without
   * checksum files.
   */
  readonly ofRepository: readonly string[];
  /**
   * Index documents that several packages share (the plugin list of a Maven group): treated once each, after all
   * versions of the run. Without checksum files.
   */
  readonly sharedWith: (facts: PackageFacts) => readonly string[];
  /** Whether runs of paths merge these documents, too; else they travel there as the files that they are. */
  readonly mergedByPath: boolean;
  /** Lower comes first at the end of an object: a document that names others (RPM's repomd.xml) comes after them. */
  readonly order: (fullPath: string) => number;
  /** Endings of files that hold a hex digest of the document beside it: `.md5`, `.sha1`, … They follow the document. */
  readonly checksumEndings: readonly string[];
  /** Deterministic: the same input gives the same bytes. */
  readonly merge: (input: IndexInput) => IndexInquiry<IndexResult>;
}
