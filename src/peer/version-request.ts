import type { MetadataEntry } from '../engine/ports/source.ts';
import { PeerError } from './errors.ts';
import type { Fields } from './fields.ts';

/** Contract §6.4: the repository types that have packages. */
const PACKAGE_TYPES = new Set(
  (
    'DOCKER MAVEN PYPI NPM HELM COMPOSER RPM NUGET GIT RDS OCI CONAN LFS DDC SVN S3 MEDIA OHPM CARGO HUGGINGFACE ' +
    'DRIVE SKILL'
  ).split(' '),
);

/** Body of `package/version/create` (contract §2.6); undefined = not sent. */
export interface VersionRequest {
  readonly projectId: string;
  readonly repoName: string;
  readonly name: string;
  readonly key: string;
  readonly type: string;
  readonly description: string | undefined;
  readonly extension: Readonly<Record<string, unknown>> | undefined;
  readonly versionTag: Readonly<Record<string, string>>;
  readonly version: string;
  /** Bytes. */
  readonly size: number;
  readonly manifestPath: string | undefined;
  readonly artifactPath: string | undefined;
  readonly stageTag: readonly string[];
  readonly metadata: readonly MetadataEntry[];
  readonly tags: readonly string[];
  readonly versionExtension: Readonly<Record<string, unknown>> | undefined;
  readonly overwrite: boolean;
  readonly multiArtifact: boolean;
  readonly createdBy: string;
}

/** Fails with 250106 for a missing field or an unknown type, with 250104 for a blank name. */
export function readVersion(body: Fields): VersionRequest {
  const type = body.text('packageType');
  const size = body.integer('size');
  if (!PACKAGE_TYPES.has(type) || size === undefined) throw new PeerError('contentInvalid');
  const tags = Object.entries(body.record('versionTag') ?? {}).map(([key, value]) => [key, String(value)] as const);
  return {
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    name: named(body, 'packageName'),
    key: named(body, 'packageKey'),
    type,
    description: body.optionalText('packageDescription'),
    extension: body.record('packageExtension'),
    versionTag: Object.fromEntries(tags),
    version: named(body, 'versionName'),
    size,
    manifestPath: body.optionalText('manifestPath'),
    artifactPath: body.optionalText('artifactPath'),
    stageTag: body.textList('stageTag') ?? [],
    metadata: body.metadata('packageMetadata', 'metadata') ?? [],
    tags: (body.textList('tags') ?? []).filter((tag) => tag.trim() !== ''),
    versionExtension: body.record('extension'),
    overwrite: body.flag('overwrite', false),
    multiArtifact: body.flag('multiArtifact', false),
    createdBy: body.text('createdBy'),
  };
}

function named(body: Fields, field: string): string {
  const text = body.text(field);
  if (text.trim() === '') throw new PeerError('parameterEmpty', field);
  return text;
}
