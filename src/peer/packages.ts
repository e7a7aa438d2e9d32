/**
 * Packages and their versions (contract §2.6). The version written last is the package's latest: that is the protocol,
 * and a client sends the version that shall be latest at the end.
 */
import { Long, ObjectId } from 'mongodb';

import type { MetadataEntry } from '../engine/ports.ts';
import type { PackageDoc, PackageVersionDoc } from '../source/schema/documents.ts';
import { encodeDottedKeys } from '../source/schema/dotted-keys.ts';
import { encodeMetadata } from '../source/schema/metadata.ts';
import { now, type PeerContext } from './context.ts';
import { isDuplicateKey } from './database.ts';
import { PeerError } from './errors.ts';
import type { Fields } from './fields.ts';
import { requireRepository } from './repositories.ts';
import { versionOrdinal } from './version-ordinal.ts';

/** Contract §6.4: the repository types that have packages. */
const PACKAGE_TYPES = new Set(
  (
    'DOCKER MAVEN PYPI NPM HELM COMPOSER RPM NUGET GIT RDS OCI CONAN LFS DDC SVN S3 MEDIA OHPM CARGO HUGGINGFACE ' +
    'DRIVE SKILL'
  ).split(' '),
);

/** Most names in a package's history of versions. */
const MAX_HISTORY = 10_000;

export async function versionExists(context: PeerContext, body: Fields): Promise<boolean> {
  const packages = await context.database.packages();
  const found = await packages.findOne({
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    key: body.text('packageKey'),
  });
  if (found === null) return false;
  const versions = await context.database.versions();
  return (await versions.findOne({ packageId: found._id.toHexString(), name: body.text('versionName') })) !== null;
}

export interface VersionRequest {
  readonly projectId: string;
  readonly repoName: string;
  readonly name: string;
  readonly key: string;
  readonly type: string;
  /** undefined = not sent. */
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
  readonly versionExtension: Readonly<Record<string, unknown>>;
  readonly overwrite: boolean;
  readonly multiArtifact: boolean;
  readonly createdBy: string;
}

/** Fails with 250106 for a missing field or an unknown type. */
export function readVersion(body: Fields): VersionRequest {
  const type = body.text('packageType');
  const size = body.integer('size');
  if (!PACKAGE_TYPES.has(type) || size === undefined) throw new PeerError('contentInvalid');
  const tag = Object.entries(body.record('versionTag') ?? {}).map(([key, value]) => [key, String(value)]);
  return {
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    name: body.text('packageName'),
    key: body.text('packageKey'),
    type,
    description: body.optionalText('packageDescription'),
    extension: body.record('packageExtension'),
    versionTag: Object.fromEntries(tag) as Record<string, string>,
    version: body.text('versionName'),
    size,
    manifestPath: body.optionalText('manifestPath'),
    artifactPath: body.optionalText('artifactPath'),
    stageTag: body.textList('stageTag') ?? [],
    metadata: body.metadata('packageMetadata', 'metadata') ?? [],
    tags: body.textList('tags') ?? [],
    versionExtension: body.record('extension') ?? {},
    overwrite: body.flag('overwrite', false),
    multiArtifact: body.flag('multiArtifact', false),
    createdBy: body.text('createdBy'),
  };
}

/** Creates package and version, or replaces the version; fails with 251020 when it exists and `overwrite` is not set. */
export async function createVersion(context: PeerContext, request: VersionRequest): Promise<void> {
  await requireRepository(context, request.projectId, request.repoName);
  const found = await findOrCreatePackage(context, request);
  const isNew = await writeVersion(context, found, request);
  await finishPackage(context, found, request, isNew);
}

async function findOrCreatePackage(context: PeerContext, request: VersionRequest): Promise<PackageDoc> {
  const packages = await context.database.packages();
  const key = { projectId: request.projectId, repoName: request.repoName, key: request.key };
  const existing = await packages.findOne(key);
  if (existing !== null) return existing;
  const created: PackageDoc = {
    _id: new ObjectId(),
    ...audit(context, request),
    projectId: request.projectId,
    repoName: request.repoName,
    name: request.name,
    key: request.key,
    type: request.type,
    downloads: Long.ZERO,
    versions: Long.ZERO,
    description: request.description ?? null,
    versionTag: {},
    extension: request.extension === undefined ? null : encodeDottedKeys(request.extension),
    historyVersion: [],
  };
  try {
    await packages.insertOne(created);
    return created;
  } catch (error) {
    const winner = isDuplicateKey(error) ? await packages.findOne(key) : null;
    if (winner === null) throw error;
    return winner;
  }
}

/** true = there was none of that name. */
async function writeVersion(context: PeerContext, found: PackageDoc, request: VersionRequest): Promise<boolean> {
  const versions = await context.database.versions();
  const key = { packageId: found._id.toHexString(), name: request.version };
  try {
    if ((await versions.findOne(key)) === null) {
      await versions.insertOne(newVersion(context, key.packageId, request));
      return true;
    }
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  if (!request.overwrite) throw new PeerError('versionExisted', `${request.name}-${request.version}`);
  const existing = await versions.findOne(key);
  await versions.updateOne(key, {
    $set: {
      lastModifiedBy: request.createdBy,
      lastModifiedDate: now(context),
      ...content(request, request.multiArtifact ? (existing?.artifactPaths ?? []) : []),
    },
  });
  return false;
}

function newVersion(context: PeerContext, packageId: string, request: VersionRequest): PackageVersionDoc {
  return {
    _id: new ObjectId(),
    ...audit(context, request),
    packageId,
    name: request.version,
    ordinal: Long.fromNumber(versionOrdinal(request.version)),
    downloads: Long.ZERO,
    ...content(request, []),
  };
}

function content(
  request: VersionRequest,
  earlierPaths: readonly string[],
): Omit<PackageVersionDoc, '_id' | 'packageId' | 'name' | 'ordinal' | 'downloads' | keyof ReturnType<typeof audit>> {
  const paths = request.artifactPath === undefined ? [] : [request.artifactPath];
  return {
    size: Long.fromNumber(request.size),
    ...(request.manifestPath === undefined ? {} : { manifestPath: request.manifestPath }),
    ...(request.artifactPath === undefined ? {} : { artifactPath: request.artifactPath }),
    artifactPaths: [...new Set([...earlierPaths, ...paths])],
    stageTag: [...request.stageTag],
    metadata: encodeMetadata(request.metadata),
    tags: [...request.tags],
    extension: encodeDottedKeys(request.versionExtension),
  };
}

async function finishPackage(
  context: PeerContext,
  found: PackageDoc,
  request: VersionRequest,
  isNew: boolean,
): Promise<void> {
  const packages = await context.database.packages();
  const clears = context.settings.defects.absentClearsPackage;
  const { description, extension } = request;
  const versionTag = encodeDottedKeys(request.versionTag);
  await packages.updateOne({ _id: found._id }, [
    {
      $set: {
        latest: { $literal: request.version },
        lastModifiedBy: { $literal: request.createdBy },
        lastModifiedDate: now(context),
        versionTag: { $mergeObjects: ['$versionTag', { $literal: versionTag }] },
        versions: { $add: [{ $ifNull: ['$versions', Long.ZERO] }, Long.fromNumber(isNew ? 1 : 0)] },
        ...(description !== undefined || clears ? { description: { $literal: description ?? null } } : {}),
        ...(extension !== undefined || clears
          ? { extension: { $literal: extension === undefined ? null : encodeDottedKeys(extension) } }
          : {}),
      },
    },
  ]);
  await packages.updateOne(
    { _id: found._id, historyVersion: { $ne: request.version } },
    { $push: { historyVersion: { $each: [request.version], $slice: -MAX_HISTORY } } },
  );
}

function audit(
  context: PeerContext,
  request: VersionRequest,
): Pick<PackageDoc, 'createdBy' | 'createdDate' | 'lastModifiedBy' | 'lastModifiedDate'> {
  const time = now(context);
  const { createdBy } = request;
  return { createdBy, createdDate: time, lastModifiedBy: createdBy, lastModifiedDate: time };
}
