/**
 * package/delete and package/version/delete (contract §2.5, bk-repo's PackageServiceImpl): the documents go for good, the
 * files of the versions stay. What is not there is a success. The last version takes its package with it.
 */
import { Long, type ObjectId } from 'mongodb';

import type { PackageDoc } from '../source/schema/documents.ts';
import type { PeerContext } from './context.ts';
import { EARLIER_WRITE } from './database.ts';
import { PeerError } from './errors.ts';
import { type ForeignDeletion, outlives } from './federation.ts';
import type { Fields } from './fields.ts';
import { readDate } from './node-create.ts';
import { findPackage, type PackageAddress } from './package-query.ts';

export interface PackageDeletion extends PackageAddress, ForeignDeletion {
  /** undefined = the whole package. */
  readonly version: string | undefined;
}

/** All of these must be there, as bk-repo's request class has no defaults; fails with 250106. */
export function readPackageDeletion(context: PeerContext, body: Fields, ofVersion: boolean): PackageDeletion {
  const deletedDate = readDate(context, body, 'deletedDate');
  if (deletedDate === undefined) throw new PeerError('contentInvalid');
  return {
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    key: body.text('packageKey'),
    version: ofVersion ? body.text('versionName') : undefined,
    deletedDate,
    source: body.text('source'),
  };
}

/** The package that lost a version or everything; undefined = nothing was there, or it stays. */
export async function deletePackage(context: PeerContext, deletion: PackageDeletion): Promise<PackageDoc | undefined> {
  const { projectId, repoName, key, version } = deletion;
  const found = await findPackage(context, { projectId, repoName, key });
  if (found === null) return undefined;
  const dates = version === undefined ? [found.createdDate, found.lastModifiedDate] : [found.createdDate];
  if (outlives(context, deletion, dates)) return undefined;
  if (version !== undefined) return (await deleteVersion(context, deletion, found, version)) ? found : undefined;
  await (await context.database.versions()).deleteMany({ packageId: found._id.toHexString() }, EARLIER_WRITE);
  await (await context.database.packages()).deleteOne({ _id: found._id });
  return found;
}

async function deleteVersion(
  context: PeerContext,
  deletion: PackageDeletion,
  { _id }: PackageDoc,
  name: string,
): Promise<boolean> {
  const versions = await context.database.versions();
  const found = await versions.findOne({ packageId: _id.toHexString(), name });
  if (found === null || outlives(context, deletion, [found.createdDate, found.lastModifiedDate])) return false;
  if ((await versions.deleteOne({ _id: found._id }, EARLIER_WRITE)).deletedCount === 0) return false;
  await forgetVersion(context, _id, name);
  return true;
}

/** One version fewer; the highest that is left becomes the latest. */
async function forgetVersion(context: PeerContext, packageId: ObjectId, name: string): Promise<void> {
  const packages = await context.database.packages();
  const left = await packages.findOneAndUpdate(
    { _id: packageId },
    { $inc: { versions: Long.NEG_ONE } },
    { ...EARLIER_WRITE, returnDocument: 'after', projection: { versions: 1, latest: 1 } },
  );
  if (left === null) return;
  if (Number(left.versions) <= 0) {
    await packages.deleteOne({ _id: packageId });
    return;
  }
  if (left.latest !== name) return;
  const versions = await context.database.versions();
  const highest = await versions.findOne(
    { packageId: packageId.toHexString() },
    { sort: { ordinal: -1, _id: -1 }, projection: { name: 1 } },
  );
  await packages.updateOne({ _id: packageId }, { $set: { latest: highest?.name ?? '' } });
}
