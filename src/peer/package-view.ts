/** Packages and versions as the repository API shows them (bk-repo's `PackageSummary` and `PackageVersion`). */
import type { LocalTime } from '../lib/local-time.ts';
import type { PackageDoc, PackageVersionDoc } from '../source/schema/documents.ts';
import { decodeDottedKeys } from '../source/schema/dotted-keys.ts';
import { metadataList, metadataMap } from './node-view.ts';

type View = Readonly<Record<string, unknown>>;

export function packageSummary(found: PackageDoc, time: LocalTime): View {
  return {
    id: found._id.toHexString(),
    ...audit(found, time),
    projectId: found.projectId,
    repoName: found.repoName,
    name: found.name,
    key: found.key,
    type: found.type,
    latest: found.latest ?? '',
    downloads: Number(found.downloads ?? 0),
    versions: Number(found.versions ?? 0),
    description: found.description ?? null,
    versionTag: decodeDottedKeys(found.versionTag ?? {}),
    extension: decodeDottedKeys(found.extension ?? {}),
    historyVersion: found.historyVersion ?? [],
  };
}

export function packageVersion(version: PackageVersionDoc, time: LocalTime): View {
  const artifactPath = version.artifactPath ?? null;
  return {
    ...audit(version, time),
    name: version.name,
    size: Number(version.size),
    downloads: Number(version.downloads ?? 0),
    stageTag: version.stageTag ?? [],
    metadata: metadataMap(version.metadata),
    packageMetadata: metadataList(version.metadata),
    tags: version.tags ?? [],
    extension: decodeDottedKeys(version.extension ?? {}),
    contentPath: artifactPath,
    contentPaths: version.artifactPaths ?? (artifactPath === null ? null : [artifactPath]),
    manifestPath: version.manifestPath ?? null,
    clusterNames: null,
  };
}

function audit(doc: PackageDoc | PackageVersionDoc, time: LocalTime): View {
  return {
    createdBy: doc.createdBy,
    createdDate: time.format(doc.createdDate),
    lastModifiedBy: doc.lastModifiedBy,
    lastModifiedDate: time.format(doc.lastModifiedDate),
  };
}
