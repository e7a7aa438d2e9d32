/** Packages and live files of a real bk-repo, read from `../shared/fixtures/bkrepo-source` without a database. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BSON } from 'mongodb';
import type { MapperInput, VersionFacts } from '../../../../src/domain/packages/mapping.ts';
import type { FileTable, TableFile } from './answer.ts';

const DIRECTORY = fileURLToPath(new URL('../../../../../shared/fixtures/bkrepo-source', import.meta.url));

export const HAVE_FIXTURE = existsSync(path.join(DIRECTORY, 'mongo'));

interface NodeDoc {
  readonly repoName: string;
  readonly fullPath: string;
  readonly folder: boolean;
  readonly sha256: string;
  readonly deleted?: unknown;
  readonly metadata?: TableFile['metadata'];
}

interface PackageDoc {
  readonly _id: { toHexString(): string };
  readonly repoName: string;
  readonly key: string;
  readonly name: string;
}

interface VersionDoc extends Partial<Omit<VersionFacts, 'name'>> {
  readonly packageId: string;
  readonly name: string;
}

export interface FixtureRepository {
  readonly files: FileTable;
  readonly versions: readonly MapperInput[];
}

export function fixtureRepository(repoName: string): FixtureRepository {
  const live = documents<NodeDoc>('node_210').filter(
    (node) => node.repoName === repoName && !node.folder && !node.deleted,
  );
  const packages = documents<PackageDoc>('package').filter((item) => item.repoName === repoName);
  const versions = documents<VersionDoc>('package_version');
  return {
    files: new Map(live.map((node) => [node.fullPath, fileOf(node)])),
    versions: packages.flatMap(({ _id, key, name }) =>
      versions
        .filter(({ packageId }) => packageId === _id.toHexString())
        .map((version) => ({ package: { key, name }, version: factsOf(version) })),
    ),
  };
}

function fileOf({ sha256, metadata = [] }: NodeDoc): TableFile {
  const blob = path.join(DIRECTORY, 'store', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  return { content: readFileSync(blob), sha256, metadata };
}

function factsOf({ name, manifestPath, artifactPath, artifactPaths, metadata }: VersionDoc): VersionFacts {
  return {
    name,
    manifestPath: manifestPath ?? null,
    artifactPath: artifactPath ?? null,
    artifactPaths: artifactPaths ?? [],
    metadata: metadata ?? [],
  };
}

function documents<T>(collection: string): readonly T[] {
  const text = readFileSync(path.join(DIRECTORY, 'mongo', `${collection}.ejsonl`), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => BSON.EJSON.parse(line, { relaxed: true }) as T);
}
