/** Reading packages and their versions, as bk-repo's PackageQueryHelper asks for them. */
import { type Filter, MongoServerError, type Sort } from 'mongodb';

import type { PackageDoc, PackageVersionDoc } from '../source/schema/documents.ts';
import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';

/** Milliseconds that a pattern of the caller's may take. */
const MAX_QUERY_MS = 10_000;
/** Most versions that are shown at once. */
const MAX_VERSIONS = 20_000;
const BAD_PATTERN = 51_091;

const SORT_FIELDS: ReadonlySet<string> = new Set(['ordinal', 'createdDate', 'lastModifiedDate', 'size', 'downloads']);

export interface PackageAddress {
  readonly projectId: string;
  readonly repoName: string;
  readonly key: string;
}

export async function findPackage(context: PeerContext, address: PackageAddress): Promise<PackageDoc | null> {
  const packages = await context.database.packages();
  return await packages.findOne({ ...address });
}

export async function versionExists(context: PeerContext, address: PackageAddress, name: string): Promise<boolean> {
  const packageId = await findPackageId(context, address);
  if (packageId === undefined) return false;
  const versions = await context.database.versions();
  return (await versions.findOne({ packageId, name }, { projection: { _id: 1 } })) !== null;
}

/** Packages whose name begins with `name`, whatever the case of its letters. */
export async function packagePage(
  context: PeerContext,
  place: { readonly projectId: string; readonly repoName: string },
  name: string | undefined,
  page: PageRequest,
): Promise<Page<PackageDoc>> {
  const packages = await context.database.packages();
  const begins = name === undefined ? {} : { name: { $regex: `^${escapeRegex(name)}`, $options: 'i' } };
  const filter: Filter<PackageDoc> = { ...place, ...begins };
  const total = await packages.countDocuments(filter);
  const records = await packages.find(filter).sort({ _id: 1 }).skip(page.skip).limit(page.size).toArray();
  return pageOf(page, total, records);
}

export interface VersionQuery {
  /** Goes unescaped behind `^` into a regular expression. */
  readonly version?: string | undefined;
  /** All of them, separated by commas. */
  readonly stageTag?: string | undefined;
  /** A name among `SORT_FIELDS`; default, and for `name`, by ordinal. */
  readonly sortProperty?: string | undefined;
  readonly direction?: string | undefined;
}

/** An unknown package has no versions. Fails with 250131 for a pattern that is none. */
export async function versionPage(
  context: PeerContext,
  address: PackageAddress,
  query: VersionQuery,
  page: PageRequest,
): Promise<Page<PackageVersionDoc>> {
  const sort = versionSort(query);
  const packageId = await findPackageId(context, address);
  if (packageId === undefined) return pageOf(page, 0, []);
  const versions = await context.database.versions();
  const filter = versionFilter(packageId, query);
  return await withPattern(async () => {
    const total = await versions.countDocuments(filter, { maxTimeMS: MAX_QUERY_MS });
    const cursor = versions.find(filter, { maxTimeMS: MAX_QUERY_MS }).sort(sort).skip(page.skip).limit(page.size);
    return pageOf(page, total, await cursor.toArray());
  });
}

/** All at once; fails with 250127 when they are too many to be shown. */
export async function allVersions(
  context: PeerContext,
  address: PackageAddress,
  query: VersionQuery,
): Promise<readonly PackageVersionDoc[]> {
  const first = await versionPage(context, address, query, { number: 1, size: 1, skip: 0 });
  if (first.totalRecords > MAX_VERSIONS) throw new PeerError('resultTooLarge');
  return (await versionPage(context, address, query, { number: 1, size: MAX_VERSIONS, skip: 0 })).records;
}

async function findPackageId(context: PeerContext, address: PackageAddress): Promise<string | undefined> {
  const packages = await context.database.packages();
  return (await packages.findOne({ ...address }, { projection: { _id: 1 } }))?._id.toHexString();
}

function versionFilter(packageId: string, { version, stageTag }: VersionQuery): Filter<PackageVersionDoc> {
  return {
    packageId,
    ...(version === undefined ? {} : { name: { $regex: `^${version}` } }),
    ...(stageTag === undefined ? {} : { stageTag: { $all: stageTag.split(',') } }),
  };
}

function versionSort({ sortProperty = '', direction = 'DESC' }: VersionQuery): Sort {
  const field = sortProperty.trim() === '' || sortProperty === 'name' ? 'ordinal' : sortProperty;
  if (!SORT_FIELDS.has(field)) throw new PeerError('parameterInvalid', 'sortProperty');
  if (direction !== 'ASC' && direction !== 'DESC') throw new PeerError('queryInvalid', 'direction');
  const order = direction === 'ASC' ? 1 : -1;
  return { [field]: order, _id: order };
}

async function withPattern<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MongoServerError && error.code === BAD_PATTERN)
      throw new PeerError('queryInvalid', 'version', { cause: error });
    throw error;
  }
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
