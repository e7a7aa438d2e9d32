/** What a package version consists of: the result of a mapper, and what a mapper is given. */
import type { Entry } from '../compare.ts';
import type { Inquiry } from './inquiry.ts';

export interface PackageFacts {
  /** Contract §6.5, e.g. `gav://com.example:lib`. */
  readonly key: string;
  readonly name: string;
}

export interface VersionFacts {
  readonly name: string;
  readonly manifestPath: string | null;
  readonly artifactPath: string | null;
  readonly artifactPaths: readonly string[];
  readonly metadata: readonly Entry[];
}

export interface MapperInput {
  readonly package: PackageFacts;
  readonly version: VersionFacts;
}

/** Where documents that name addresses have to point. */
export interface Addresses {
  /** Scheme, host and port of the far side: `https://far.example:8443`. */
  readonly origin: string;
  readonly localProjectId: string;
  readonly localRepoName: string;
  readonly remoteProjectId: string;
  readonly remoteRepoName: string;
}

export interface MappedFile {
  readonly fullPath: string;
  /**
   * Set for a document whose content depends on where it lies. Gives the bytes for the far side (the same object when
   * nothing has to change); fails with a unit error when they are not what they should be.
   */
  readonly rewrite?: (content: Uint8Array, addresses: Addresses) => Uint8Array;
}

export interface VersionMapping {
  /** In the order of their commit: what names others comes after them. Never an index document. */
  readonly files: readonly MappedFile[];
  /** Index documents of this version alone (maven-metadata.xml of a snapshot): made equal after the version. */
  readonly indexes: readonly string[];
}

/** A package, or one version of it. */
export interface VersionName {
  readonly packageKey: string;
  readonly version?: string;
}

export interface Mapper {
  /** Versions that this path may belong to, told from the path alone: those whose claims would hold it, likelier ones first. */
  readonly owners: (fullPath: string) => readonly VersionName[];
  /**
   * The paths that belong to this version whether or not they are there: exact paths, or folders with a trailing slash.
   * They never travel as loose files, not even when the version cannot be copied. Needs no question.
   */
  readonly claims: (input: MapperInput) => readonly string[];
  /**
   * Fails with a unit error: `PackageKeyInvalid`, `PackagePathInvalid`, `ManifestMissing`, `ManifestInvalid`,
   * `ArtifactMissing`, `IndexCycle`, … whose message names the path and what is wrong.
   */
  readonly map: (input: MapperInput) => Inquiry<VersionMapping>;
}
