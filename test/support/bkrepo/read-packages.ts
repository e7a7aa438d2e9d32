/**
 * The packages and versions that really lie in a bk-repo database, read without any code of the program: it judges both
 * sides of a replication.
 */
import { BSON, type Db, type Document } from 'mongodb';

export interface ReadPackageMetadata {
  readonly key: string;
  readonly value: unknown;
  readonly system: boolean;
  readonly description: string | null;
  readonly link: string | null;
}

export interface ReadVersion {
  readonly size: number;
  readonly manifestPath: string | null;
  readonly artifactPath: string | null;
  /** Sorted; `artifactPath` among them. */
  readonly artifactPaths: readonly string[];
  readonly stageTag: readonly string[];
  /** Sorted. */
  readonly tags: readonly string[];
  /** Sorted by key. */
  readonly metadata: readonly ReadPackageMetadata[];
  readonly extension: Readonly<Record<string, unknown>>;
  readonly createdBy: string;
  readonly createdDate: Date;
  readonly lastModifiedDate: Date;
}

export interface ReadPackage {
  readonly name: string;
  readonly type: string;
  readonly latest: string | null;
  readonly description: string | null;
  readonly versionTag: Readonly<Record<string, string>>;
  readonly extension: Readonly<Record<string, unknown>>;
  readonly versions: ReadonlyMap<string, ReadVersion>;
  /** What is wrong with this package by itself, in words. Empty = sound. */
  readonly problems: readonly string[];
}

/** All packages of one repository by key. */
export async function readPackages(db: Db, projectId: string, repoName: string): Promise<Map<string, ReadPackage>> {
  const packages = new Map<string, ReadPackage>();
  for await (const item of db.collection('package').find({ projectId, repoName }).sort({ key: 1 })) {
    const versions = new Map<string, ReadVersion>();
    for await (const version of db.collection('package_version').find({ packageId: item._id.toHexString() }))
      versions.set(String(version['name']), readVersion(version));
    packages.set(String(item['key']), {
      name: String(item['name']),
      type: String(item['type']),
      latest: textOf(item['latest']),
      description: textOf(item['description']),
      versionTag: undotted(item['versionTag']) as Record<string, string>,
      extension: undotted(item['extension']),
      versions,
      problems: problemsOf(item, versions),
    });
  }
  return packages;
}

function problemsOf(item: Document, versions: ReadonlyMap<string, ReadVersion>): string[] {
  const problems: string[] = [];
  const latest = textOf(item['latest']);
  if (latest !== null && !versions.has(latest)) problems.push(`latest ${latest} is no version`);
  if (Number(item['versions']) !== versions.size)
    problems.push(`counts ${item['versions']} versions and has ${versions.size}`);
  return problems;
}

function readVersion(version: Document): ReadVersion {
  const artifactPath = textOf(version['artifactPath']);
  const paths = [...listOf(version['artifactPaths']), ...(artifactPath === null ? [] : [artifactPath])];
  return {
    size: Number(version['size']),
    manifestPath: textOf(version['manifestPath']),
    artifactPath,
    artifactPaths: [...new Set(paths)].sort(),
    stageTag: listOf(version['stageTag']),
    tags: listOf(version['tags']).toSorted(),
    metadata: ((version['metadata'] ?? []) as Document[])
      .map((entry) => ({
        key: String(entry['key']),
        value: entry['value'] ?? null,
        system: entry['system'] === true,
        description: textOf(entry['description']),
        link: textOf(entry['link']),
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    extension: undotted(version['extension']),
    createdBy: String(version['createdBy']),
    createdDate: version['createdDate'] as Date,
    lastModifiedDate: version['lastModifiedDate'] as Date,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A stored map with its keys as they were meant (contract §3.5) and its values as JSON would have them. */
function undotted(map: unknown): Record<string, unknown> {
  const text = BSON.EJSON.stringify(map ?? {}, { relaxed: true });
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key.split('#dot#').join('.'), one]))
      : value,
  ) as Record<string, unknown>;
}
