import type { SourcePackage, SourceVersion } from '../../engine/ports/source.ts';
import type { PackageDoc, PackageVersionDoc } from '../schema/documents.ts';
import { decodeDottedKeys } from '../schema/dotted-keys.ts';
import { decodeMetadata, decodeValue } from '../schema/metadata.ts';

/** The fields that {@link toSourcePackage} reads. */
export const PACKAGE_PROJECTION = {
  key: 1,
  name: 1,
  type: 1,
  latest: 1,
  description: 1,
  versionTag: 1,
  extension: 1,
} as const;

/** The fields that {@link toSourceVersion} reads. */
export const VERSION_PROJECTION = {
  _id: 1,
  name: 1,
  size: 1,
  manifestPath: 1,
  artifactPath: 1,
  artifactPaths: 1,
  stageTag: 1,
  tags: 1,
  metadata: 1,
  extension: 1,
  createdBy: 1,
  createdDate: 1,
  lastModifiedBy: 1,
  lastModifiedDate: 1,
} as const;

export type ProjectedPackage = Pick<PackageDoc, '_id' | keyof typeof PACKAGE_PROJECTION>;
export type ProjectedVersion = Pick<PackageVersionDoc, keyof typeof VERSION_PROJECTION>;

export function toSourcePackage(doc: ProjectedPackage): SourcePackage {
  return {
    id: doc._id.toHexString(),
    key: doc.key,
    name: doc.name,
    type: doc.type,
    latest: doc.latest ?? null,
    description: doc.description ?? null,
    versionTag: versionTagOf(doc.versionTag),
    extension: extensionOf(doc.extension),
  };
}

/** Older servers have no `artifactPaths`: then `artifactPath` is the only one. */
export function toSourceVersion(doc: ProjectedVersion): SourceVersion {
  const artifactPath = doc.artifactPath ?? null;
  const paths = [...(doc.artifactPaths ?? []), ...(artifactPath === null ? [] : [artifactPath])];
  return {
    id: doc._id.toHexString(),
    name: doc.name,
    size: Number(doc.size),
    manifestPath: doc.manifestPath ?? null,
    artifactPath,
    artifactPaths: [...new Set(paths)],
    stageTag: doc.stageTag ?? [],
    tags: doc.tags ?? [],
    metadata: decodeMetadata(doc.metadata),
    extension: extensionOf(doc.extension),
    createdBy: doc.createdBy,
    createdDate: doc.createdDate,
    lastModifiedBy: doc.lastModifiedBy,
    lastModifiedDate: doc.lastModifiedDate,
  };
}

/** A tag without a version names nothing. */
function versionTagOf(stored: PackageDoc['versionTag']): Readonly<Record<string, string>> {
  const tags = Object.entries(decodeDottedKeys(stored ?? {})).filter(([, version]) => typeof version === 'string');
  return Object.fromEntries(tags) as Record<string, string>;
}

function extensionOf(stored: PackageDoc['extension']): Readonly<Record<string, unknown>> {
  return decodeDottedKeys(stored ?? {}, decodeValue);
}
