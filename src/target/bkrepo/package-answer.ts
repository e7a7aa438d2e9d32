/** Packages and versions as bk-repo's repository API shows them (`PackageSummary`, `PackageVersion`). */
import { z } from 'zod';

import type { TargetPackage, TargetVersion } from '../../engine/ports/target.ts';
import { metadataEntriesSchema, metadataMapSchema, readMetadata } from './metadata.ts';

const extensionSchema = z.record(z.string(), z.unknown()).nullish();
const textsSchema = z.array(z.string()).nullish();

export const packageSchema = z.object({
  key: z.string(),
  latest: z.string().nullish(),
  description: z.string().nullish(),
  versionTag: z.record(z.string(), z.string()).nullish(),
  extension: extensionSchema,
});

/** Servers call `artifactPath` `contentPath` here; those before August 2023 have neither `contentPaths` nor the list form of metadata. */
export const versionSchema = z.object({
  name: z.string(),
  size: z.number(),
  manifestPath: z.string().nullish(),
  contentPath: z.string().nullish(),
  contentPaths: textsSchema,
  stageTag: textsSchema,
  tags: textsSchema,
  metadata: metadataMapSchema,
  packageMetadata: metadataEntriesSchema,
  extension: extensionSchema,
  createdBy: z.string(),
});

/** A package whose versions are all gone has an empty `latest`. */
export function targetPackage(answer: z.infer<typeof packageSchema>): TargetPackage {
  return {
    key: answer.key,
    latest: answer.latest === undefined || answer.latest === '' ? null : answer.latest,
    description: answer.description ?? null,
    versionTag: answer.versionTag ?? {},
    extension: answer.extension ?? {},
  };
}

export function targetVersion(answer: z.infer<typeof versionSchema>): TargetVersion {
  const artifactPath = answer.contentPath ?? null;
  return {
    name: answer.name,
    size: answer.size,
    manifestPath: answer.manifestPath ?? null,
    artifactPath,
    artifactPaths: [...new Set([...(answer.contentPaths ?? []), ...(artifactPath === null ? [] : [artifactPath])])],
    stageTag: answer.stageTag ?? [],
    tags: answer.tags ?? [],
    metadata: readMetadata({ metadata: answer.metadata, nodeMetadata: answer.packageMetadata }),
    extension: answer.extension ?? {},
    createdBy: answer.createdBy,
  };
}
