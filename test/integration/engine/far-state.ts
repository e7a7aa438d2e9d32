/** What tests of package versions look at: the objects of a task, and everything that lies at a far side. */
import type { Document } from 'mongodb';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { Target } from '../../../src/engine/ports/target.ts';
import type { RunObject } from '../../../src/engine/run-types.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { shardOf } from '../../support/bkrepo/layout.ts';
import type { ReadPackage } from '../../support/bkrepo/read-packages.ts';
import { readPackages } from '../../support/bkrepo/read-packages.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, type FinishedRun, PROJECT, type World } from '../../support/world.ts';

export const MIRROR = 'mirror';

let made = 0;

/** A new repository of the source, empty, with a name of its own. */
export async function nextRepository({ builder }: World, name: string, type = 'GENERIC'): Promise<RepositoryBuilder> {
  made += 1;
  return await builder.repository(PROJECT, `${name}${made}`, { type });
}

/** A whole repository of a type, at the far side under the same name in project {@link MIRROR}. */
export function objectOf(repository: RepositoryBuilder, more: Partial<RunObject> = {}): RunObject {
  return {
    localRepoName: repository.name,
    remoteProjectId: MIRROR,
    remoteRepoName: repository.name,
    repoType: repository.type,
    paths: [],
    ...more,
  };
}

/** What fills a repository of a far side before a run. */
export function farRepository(farSide: FarSide, repository: RepositoryBuilder): Promise<RepositoryBuilder> {
  const builder = new BkRepoBuilder(farSide.db, farSide.storeDir);
  return builder.repository(MIRROR, repository.name, { type: repository.type });
}

export function farPackages(farSide: FarSide, repository: RepositoryBuilder): Promise<Map<string, ReadPackage>> {
  return readPackages(farSide.db, MIRROR, repository.name);
}

/** All node documents of a far-side repository below a path, folders and deleted ones too, in the order of their paths. */
export async function farNodes(farSide: FarSide, repository: RepositoryBuilder, below = '/'): Promise<Document[]> {
  const nodes = farSide.db.collection(`node_${shardOf(MIRROR)}`);
  const found = await nodes
    .find({ projectId: MIRROR, repoName: repository.name })
    .sort({ fullPath: 1, _id: 1 })
    .toArray();
  return found.filter(({ fullPath }) => String(fullPath).startsWith(below));
}

/** The document of one version as it is stored; null = none. */
export async function farVersion(
  farSide: FarSide,
  repository: RepositoryBuilder,
  key: string,
  name: string,
): Promise<Document | null> {
  const found = await farSide.db.collection('package').findOne({ projectId: MIRROR, repoName: repository.name, key });
  if (found === null) return null;
  return await farSide.db.collection('package_version').findOne({ packageId: found._id.toHexString(), name });
}

export function tallyOf({ outcome }: FinishedRun, position = 0) {
  const tally = outcome.farSides[position]?.tally;
  if (tally === undefined) throw new Error('no such far side in this run');
  const { success, unchanged, conflict, failed, notTried, sentBytes } = tally;
  return { success, unchanged, conflict, failed, notTried, sentBytes };
}

export function requestsTo(farSide: FarSide, call: string): number {
  return farSide.proxy.requests.filter(({ url }) => url.includes(call)).length;
}

/** The same far side with some of its calls performed otherwise. */
export function withTarget(farSide: FarSide, calls: Partial<Target>): FarSide {
  return { ...farSide, target: { ...farSide.target, ...calls } };
}

/** The same far side refusing these paths, wherever a node is created; `created` tells which it was asked for. */
export function refusing(farSide: FarSide, paths: Iterable<string>, created: string[] = []): FarSide {
  const refused = new Set(paths);
  return withTarget(farSide, {
    async createNode(repository, node, options, signal) {
      created.push(node.fullPath);
      if (refused.has(node.fullPath)) throw new ReplicationError('unit', 'Refused', `${node.fullPath} is refused`);
      return await farSide.target.createNode(repository, node, options, signal);
    },
  });
}

/** `unit STATUS reason` of each row, sorted. */
export function rowsOf(rows: ReadonlyMap<string, { readonly status: string; readonly reason?: string }>): string[] {
  return [...rows].map(([unit, { status, reason }]) => [unit, status, reason].filter(Boolean).join(' ')).sort();
}
