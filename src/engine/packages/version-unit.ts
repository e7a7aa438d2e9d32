/** A package version on its way to one far side. */
import type { ReplicationError } from '../../domain/errors.ts';
import type { VersionMapping } from '../../domain/packages/mapping.ts';
import { versionFingerprint } from '../../domain/quarantine.ts';
import type { ObjectContext } from '../context.ts';
import type { UnitDetail, UnitStatus } from '../ports/journal.ts';
import type { SourceNode, SourcePackage, SourceVersion } from '../ports/source.ts';

export interface VersionUnit {
  readonly package: SourcePackage;
  readonly version: SourceVersion;
  readonly startTime: Date;
  /** The record of this run has a row for it from before a crash. */
  readonly prior: UnitDetail | undefined;
}

export interface VersionFile {
  /** As it has to be at the far side: what travels of its metadata is selected, a rewritten document has its new digest. */
  readonly node: SourceNode;
  /** Set for a rewritten document. */
  readonly content: Uint8Array | undefined;
  /** Of a document that may have to be rewritten: what its bytes have to be at the far side. */
  readonly rewrite: ((content: Uint8Array) => Uint8Array) | undefined;
  /** sha256 at the source. */
  readonly origin: string;
}

export interface VersionPlan {
  /** In the order of their commit. */
  readonly files: readonly VersionFile[];
  readonly indexes: VersionMapping['indexes'];
}

export function versionName({ package: { key }, version }: Pick<VersionUnit, 'package' | 'version'>): string {
  return `${key}@${version.name}`;
}

export function versionKey(index: number, packageKey: string, version: string): string {
  return `${index}:${packageKey}@${version}`;
}

export interface VersionEnd {
  readonly status: UnitStatus;
  readonly bytesSent: number;
  /** Digest of the artifact, or else of the manifest, when the version could be planned. */
  readonly sha256: string;
  /** How many it consists of, when it could be planned. */
  readonly files?: number | undefined;
  readonly error?: ReplicationError | undefined;
  /** Of a failure that is held against the version. */
  readonly fingerprint?: string | undefined;
}

export function finishVersion(
  { recorder, index, object }: ObjectContext,
  unit: VersionUnit,
  { status, bytesSent, sha256, files, error, fingerprint }: VersionEnd,
  signal: AbortSignal,
): Promise<void> {
  const { version } = unit;
  const { key, name } = unit.package;
  return recorder.record(
    {
      unitKey: versionKey(index, key, version.name),
      object,
      node: { fullPath: version.artifactPath ?? version.manifestPath ?? '', size: version.size, sha256 },
      artifact: {
        packageKey: key,
        packageName: name,
        version: version.name,
        ...(files === undefined ? {} : { files }),
      },
      status,
      bytesSent,
      startTime: unit.startTime,
      replaces: unit.prior !== undefined,
      fingerprint,
      ...(error === undefined ? {} : { reason: error.code, message: error.message }),
    },
    signal,
  );
}

/** State of a version at the source as far as it is known without planning it. */
export async function fingerprintOfVersion(
  { reader, repository }: ObjectContext,
  version: SourceVersion,
  signal: AbortSignal,
): Promise<string> {
  const { manifestPath, artifactPath, artifactPaths } = version;
  const paths = new Set([manifestPath, artifactPath, ...artifactPaths].filter((path) => path !== null));
  const nodes = await reader.findNodes(repository, [...paths], signal);
  const files = [...paths].flatMap((path) => nodes.get(path) ?? []);
  return versionFingerprint(version, files);
}

/** The file whose digest stands for the version in its record. */
export function mainDigest({ version }: VersionUnit, { files }: VersionPlan): string {
  const at = (path: string | null): string | undefined => files.find(({ node }) => node.fullPath === path)?.node.sha256;
  return at(version.artifactPath) ?? at(version.manifestPath) ?? files.at(-1)?.node.sha256 ?? '';
}
