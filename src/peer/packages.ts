/**
 * Writing packages and their versions (contract §2.6). The version written last is the package's latest: that is the
 * protocol, and a client sends the version that shall be latest at the end. No document that grows with the number of
 * versions is read on the way.
 */
import { Long, ObjectId } from 'mongodb';

import type { PackageDoc, PackageVersionDoc } from '../source/schema/documents.ts';
import { encodeDottedKeys } from '../source/schema/dotted-keys.ts';
import { encodeMetadata } from '../source/schema/metadata.ts';
import { now, type PeerContext } from './context.ts';
import { EARLIER_WRITE, isDuplicateKey } from './database.ts';
import { PeerError } from './errors.ts';
import { requireRepository } from './repositories.ts';
import { versionOrdinal } from './version-ordinal.ts';
import type { VersionRequest } from './version-request.ts';

/** Most names in a package's history of versions. */
const MAX_HISTORY = 10_000;

/**
 * Creates package and version, or replaces the version; fails with 251020 when it exists and `overwrite` is not set.
 * true = there was none of that name.
 */
export async function createVersion(context: PeerContext, request: VersionRequest): Promise<boolean> {
  await requireRepository(context, request.projectId, request.repoName);
  const packageId = await findOrCreatePackage(context, request);
  const isNew = await writeVersion(context, packageId.toHexString(), request);
  await finishPackage(context, packageId, request, isNew);
  return isNew;
}

async function findOrCreatePackage(context: PeerContext, request: VersionRequest): Promise<ObjectId> {
  const packages = await context.database.packages();
  const key = { projectId: request.projectId, repoName: request.repoName, key: request.key };
  const find = async (): Promise<ObjectId | undefined> =>
    (await packages.findOne(key, { projection: { _id: 1 } }))?._id;
  const existing = await find();
  if (existing !== undefined) return existing;
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
    await packages.insertOne(created, EARLIER_WRITE);
    return created._id;
  } catch (error) {
    const winner = isDuplicateKey(error) ? await find() : undefined;
    if (winner === undefined) throw error;
    return winner;
  }
}

/** true = there was none of that name. */
async function writeVersion(context: PeerContext, packageId: string, request: VersionRequest): Promise<boolean> {
  const versions = await context.database.versions();
  const key = { packageId, name: request.version };
  const find = async (): Promise<Pick<PackageVersionDoc, 'artifactPaths'> | null> =>
    await versions.findOne(key, { projection: { artifactPaths: 1 } });
  let existing = await find();
  if (existing === null)
    try {
      await versions.insertOne(newVersion(context, packageId, request), EARLIER_WRITE);
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      existing = await find();
    }
  if (!request.overwrite) throw new PeerError('versionExisted', `${request.name}-${request.version}`);
  const { manifestPath, artifactPath } = request;
  const removed = Object.entries({ manifestPath, artifactPath }).filter(([, path]) => path === undefined);
  await versions.updateOne(
    key,
    {
      $set: {
        lastModifiedBy: request.createdBy,
        lastModifiedDate: now(context),
        ...content(request, existing?.artifactPaths ?? []),
      },
      ...(removed.length === 0 ? {} : { $unset: Object.fromEntries(removed.map(([field]) => [field, ''])) }),
    },
    EARLIER_WRITE,
  );
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

/** An artifact path stays alone, or joins the earlier ones with `multiArtifact`; without one there are none. */
function content(
  request: VersionRequest,
  earlierPaths: readonly string[],
): Omit<PackageVersionDoc, '_id' | 'packageId' | 'name' | 'ordinal' | 'downloads' | keyof ReturnType<typeof audit>> {
  const { manifestPath, artifactPath } = request;
  const kept = request.multiArtifact ? earlierPaths : [];
  return {
    size: Long.fromNumber(request.size),
    ...(manifestPath === undefined ? {} : { manifestPath }),
    ...(artifactPath === undefined ? {} : { artifactPath }),
    artifactPaths: artifactPath === undefined ? [] : [...new Set([...kept, artifactPath])],
    stageTag: [...request.stageTag],
    metadata: encodeMetadata(request.metadata),
    tags: [...request.tags],
    extension: encodeDottedKeys(request.versionExtension ?? {}),
  };
}

async function finishPackage(
  context: PeerContext,
  packageId: ObjectId,
  request: VersionRequest,
  isNew: boolean,
): Promise<void> {
  const packages = await context.database.packages();
  await packages.updateOne(
    { _id: packageId, historyVersion: { $ne: request.version } },
    { $push: { historyVersion: { $each: [request.version], $slice: -MAX_HISTORY } } },
    EARLIER_WRITE,
  );
  const versionTag = encodeDottedKeys(request.versionTag);
  // Tags are put into a map whose keys come from outside: only a pipeline takes them as they are.
  if (Object.keys(versionTag).length > 0)
    await packages.updateOne(
      { _id: packageId },
      [{ $set: { versionTag: { $mergeObjects: ['$versionTag', { $literal: versionTag }] } } }],
      EARLIER_WRITE,
    );
  await packages.updateOne(
    { _id: packageId },
    {
      $set: {
        latest: request.version,
        lastModifiedBy: request.createdBy,
        lastModifiedDate: now(context),
        ...describing(context, request),
      },
      $inc: { versions: Long.fromNumber(isNew ? 1 : 0) },
    },
  );
}

/** What becomes of the package's description and extension; a field that is not in the answer stays. */
function describing(
  context: PeerContext,
  { description, extension, versionExtension }: VersionRequest,
): Partial<Pick<PackageDoc, 'description' | 'extension'>> {
  const { absentClearsPackage, versionExtensionReplacesPackage } = context.settings.defects;
  const replacing = versionExtensionReplacesPackage ? (versionExtension ?? null) : extension;
  return {
    ...(description !== undefined || absentClearsPackage ? { description: description ?? null } : {}),
    ...(replacing !== undefined || absentClearsPackage
      ? { extension: replacing === undefined || replacing === null ? null : encodeDottedKeys(replacing) }
      : {}),
  };
}

function audit(
  context: PeerContext,
  { createdBy }: VersionRequest,
): Pick<PackageDoc, 'createdBy' | 'createdDate' | 'lastModifiedBy' | 'lastModifiedDate'> {
  const time = now(context);
  return { createdBy, createdDate: time, lastModifiedBy: createdBy, lastModifiedDate: time };
}
