/**
 * `package` and `package_version` documents as a server writes them when a version is published: field order, types,
 * counters, history, and the rule that the version written last is the latest. The types beside this file make the
 * nodes; this is all that a type without a file of its own needs.
 */
import { type Document, Long, ObjectId } from 'mongodb';
import type { RepositoryBuilder, StoredMetadata } from '../repository-builder.ts';

export interface PackageSpec {
  /** Contract §6.5. */
  readonly key: string;
  readonly name: string;
  /** PackageType. */
  readonly type: string;
  readonly description?: string | null;
  /** Keys as they are meant: dots are stored as the server stores them. */
  readonly versionTag?: Readonly<Record<string, string>>;
  readonly extension?: Readonly<Record<string, unknown>> | null;
}

export interface VersionSpec {
  readonly name: string;
  /** Bytes. Default 0. */
  readonly size?: number;
  readonly manifestPath?: string | null;
  readonly artifactPath?: string | null;
  /** Default: `artifactPath` alone; null = a server that does not know the field. */
  readonly artifactPaths?: readonly string[] | null;
  readonly stageTag?: readonly string[];
  readonly tags?: readonly string[];
  readonly metadata?: readonly StoredMetadata[];
  readonly extension?: Readonly<Record<string, unknown>>;
  readonly createdBy?: string;
  readonly createdDate?: Date;
  /** Any further or wrong fields of the version document. */
  readonly fields?: Document;
}

/** What has been put: the package's key, the version, and the paths of its nodes in the order of their upload. */
export interface PutResult {
  readonly packageKey: string;
  readonly version: string;
  readonly paths: readonly string[];
}

/** Writes a version of a package, which it makes or changes; a version of that name is replaced, with a new date. */
export async function putVersion(
  repository: RepositoryBuilder,
  packageSpec: PackageSpec,
  version: VersionSpec,
): Promise<void> {
  if (repository.publish !== undefined) return await repository.publish(packageSpec, version);
  const { builder, projectId, name: repoName } = repository;
  const packages = await builder.collection('package');
  const versions = await builder.collection('package_version');
  const now = version.createdDate ?? builder.now();
  const audit = builder.audit(now);
  const { key, name, type } = packageSpec;
  const packageId = await idOf(repository, packageSpec, audit);
  const existing = await versions.findOne({ packageId: packageId.toHexString(), name: version.name });
  const user = version.createdBy ?? builder.user;
  const document = {
    ...audit,
    createdBy: user,
    lastModifiedBy: user,
    ...(existing === null ? {} : { createdBy: existing['createdBy'], createdDate: existing['createdDate'] }),
    packageId: packageId.toHexString(),
    name: version.name,
    size: Long.fromNumber(version.size ?? 0),
    ordinal: ordinalOf(version.name),
    downloads: Long.ZERO,
    ...pathsOf(version),
    stageTag: [...(version.stageTag ?? [])],
    metadata: (version.metadata ?? []).map((entry) => ({ ...entry, system: entry.system ?? false })),
    tags: [...(version.tags ?? [])],
    extension: stored(version.extension ?? {}),
    ...version.fields,
  };
  if (existing === null) await versions.insertOne({ _id: new ObjectId(), ...document });
  else await versions.replaceOne({ _id: existing._id }, document);
  await packages.updateOne(
    { projectId, repoName, key },
    {
      $set: {
        name,
        type,
        latest: version.name,
        lastModifiedDate: now,
        ...(packageSpec.description === undefined ? {} : { description: packageSpec.description }),
        ...(packageSpec.versionTag === undefined ? {} : { versionTag: stored(packageSpec.versionTag) }),
        ...(packageSpec.extension === undefined
          ? {}
          : { extension: packageSpec.extension === null ? null : stored(packageSpec.extension) }),
      },
      $inc: { versions: existing === null ? Long.ONE : Long.ZERO },
      $addToSet: { historyVersion: version.name },
    },
  );
}

/** Removes a version for good, and the package with its last one; its nodes stay. */
export async function removeVersion(repository: RepositoryBuilder, key: string, name: string): Promise<void> {
  const { builder, projectId, name: repoName } = repository;
  const packages = await builder.collection('package');
  const versions = await builder.collection('package_version');
  const found = await packages.findOne({ projectId, repoName, key });
  if (found === null) throw new Error(`no package ${key} in ${projectId}/${repoName}`);
  const packageId = found._id.toHexString();
  const { deletedCount } = await versions.deleteOne({ packageId, name });
  if (deletedCount !== 1) throw new Error(`no version ${name} of ${key}`);
  const last = await versions.find({ packageId }).sort({ ordinal: -1 }).limit(1).next();
  if (last === null) await packages.deleteOne({ _id: found._id });
  else
    await packages.updateOne({ _id: found._id }, { $set: { latest: last['name'] }, $inc: { versions: Long.NEG_ONE } });
}

async function idOf(repository: RepositoryBuilder, spec: PackageSpec, audit: Document): Promise<ObjectId> {
  const { builder, projectId, name: repoName } = repository;
  const packages = await builder.collection('package');
  const found = await packages.findOne({ projectId, repoName, key: spec.key });
  if (found !== null) return found._id;
  const _id = new ObjectId();
  await packages.insertOne({
    _id,
    ...audit,
    projectId,
    repoName,
    name: spec.name,
    key: spec.key,
    type: spec.type,
    downloads: Long.ZERO,
    versions: Long.ZERO,
    description: spec.description ?? null,
    versionTag: stored(spec.versionTag ?? {}),
    extension: null,
    historyVersion: [],
  });
  return _id;
}

function pathsOf(version: VersionSpec): Document {
  const { manifestPath = null, artifactPath = null } = version;
  const artifactPaths =
    version.artifactPaths === undefined && artifactPath !== null ? [artifactPath] : version.artifactPaths;
  return {
    ...(manifestPath === null ? {} : { manifestPath }),
    ...(artifactPath === null ? {} : { artifactPath }),
    ...(artifactPaths === undefined || artifactPaths === null ? {} : { artifactPaths: [...artifactPaths] }),
  };
}

/** Maps with their dots as the server stores them (contract §3.5). */
function stored(map: Readonly<Record<string, unknown>>): Document {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key.split('.').join('#dot#'), value]));
}

/** Four digits each of minor, patch and pre-release behind the major number; a name that is no number counts as zeros. */
function ordinalOf(name: string): Long {
  const [, major = '0', minor = '0', patch = '0', rest = ''] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/.exec(name) ?? [];
  const last = rest === '' ? 9999 : 0;
  return Long.fromNumber(Number(major) * 1e12 + Number(minor) * 1e8 + Number(patch) * 1e4 + last);
}
