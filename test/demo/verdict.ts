/** Reads all sides back without any code of the program, and says whether they are equal. */
import type { Db } from 'mongodb';
import { comparePackages, compareSides } from '../support/bkrepo/compare.ts';
import { type ReadBackFile, readBack } from '../support/bkrepo/read-back.ts';
import { type ReadPackage, readPackages } from '../support/bkrepo/read-packages.ts';
import { inColumns } from './columns.ts';
import { settleAddresses } from './npm-addresses.ts';

export interface Side {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
  readonly projectId: string;
  /** Scheme, host and port of its services. */
  readonly origin: string;
}

/** A repository of the source, and what it is called at the far sides. */
export interface Copied {
  readonly type: string;
  readonly repoName: string;
  readonly remoteRepoName: string;
}

/** One repository at one far side. */
export interface Verdict {
  readonly cluster: string;
  readonly type: string;
  readonly files: number;
  readonly bytes: number;
  /** Package versions. */
  readonly versions: number;
  readonly equal: boolean;
  /** The first few, in words. */
  readonly differences: readonly string[];
}

interface Content {
  readonly files: ReadonlyMap<string, ReadBackFile>;
  readonly packages: ReadonlyMap<string, ReadPackage>;
}

const LIMIT = 10;

export async function compareFarSides(
  source: Side,
  farSides: readonly Side[],
  repositories: readonly Copied[],
): Promise<readonly Verdict[]> {
  const here = new Map<Copied, Content>();
  for (const repository of repositories) here.set(repository, await read(source, repository.repoName));
  const verdicts: Verdict[] = [];
  for (const side of farSides)
    for (const [repository, content] of here) verdicts.push(await compare(source, content, side, repository));
  return verdicts;
}

async function compare(source: Side, here: Content, side: Side, copied: Copied): Promise<Verdict> {
  const there = await read(side, copied.remoteRepoName);
  const { files, problems } =
    copied.type === 'NPM'
      ? await settleAddresses(
          { storeDir: source.storeDir, files: here.files, address: npmAddress(source, copied.repoName) },
          { storeDir: side.storeDir, files: there.files, address: npmAddress(side, copied.remoteRepoName) },
        )
      : { files: there.files, problems: [] };
  const options = { names: ['source', side.name] as const, limit: LIMIT };
  const differences = [
    ...compareSides(here.files, files, options),
    ...problems.slice(0, LIMIT),
    ...comparePackages(here.packages, there.packages, options),
  ];
  return {
    cluster: side.name,
    type: copied.type,
    files: there.files.size,
    bytes: [...there.files.values()].reduce((sum, { size }) => sum + size, 0),
    versions: versionsIn(there),
    equal: here.files.size > 0 && differences.length === 0 && (copied.type === 'GENERIC' || versionsIn(here) > 0),
    differences,
  };
}

async function read({ db, storeDir, projectId }: Side, repoName: string): Promise<Content> {
  return {
    files: await readBack(db, storeDir, projectId, repoName),
    packages: await readPackages(db, projectId, repoName),
  };
}

function npmAddress({ origin, projectId }: Side, repoName: string): string {
  return `${origin}/npm/${projectId}/${repoName}`;
}

function versionsIn({ packages }: Content): number {
  return [...packages.values()].reduce((sum, { versions }) => sum + versions.size, 0);
}

/** All repositories of each far side together. */
export function byFarSide(
  verdicts: readonly Verdict[],
): readonly { readonly cluster: string; readonly files: number; readonly bytes: number; readonly equal: boolean }[] {
  return [...Map.groupBy(verdicts, ({ cluster }) => cluster)].map(([cluster, own]) => ({
    cluster,
    files: own.reduce((sum, { files }) => sum + files, 0),
    bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
    equal: own.every(({ equal }) => equal),
  }));
}

export interface TypeVerdict {
  /** At one far side; the smaller number if they differ. */
  readonly files: number;
  readonly versions: number;
  /** At all far sides. */
  readonly equal: boolean;
}

export function byType(verdicts: readonly Verdict[]): Readonly<Record<string, TypeVerdict>> {
  return Object.fromEntries(
    [...Map.groupBy(verdicts, ({ type }) => type)].map(([type, own]) => [
      type,
      {
        files: Math.min(...own.map(({ files }) => files)),
        versions: Math.min(...own.map(({ versions }) => versions)),
        equal: own.every(({ equal }) => equal),
      },
    ]),
  );
}

export function table(verdicts: readonly Verdict[]): string {
  const rows = [
    ['FAR SIDE', 'TYPE', 'FILES', 'BYTES', 'VERSIONS', 'EQUAL'],
    ...verdicts.map(({ cluster, type, files, bytes, versions, equal }) => [
      cluster,
      type,
      String(files),
      String(bytes),
      type === 'GENERIC' ? '-' : String(versions),
      equal ? 'yes' : 'NO',
    ]),
  ];
  return [...inColumns(rows), ...verdicts.flatMap(({ differences }) => differences.map((line) => `  ${line}`))].join(
    '\n',
  );
}
