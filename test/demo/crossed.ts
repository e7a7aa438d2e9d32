/** What a run wrote at the far sides, told from their databases before and after it. */
import type { Document, FindCursor, WithId } from 'mongodb';
import { shardOf } from '../support/bkrepo/layout.ts';
import type { Side } from './verdict.ts';

export interface Before {
  readonly nodes: ReadonlySet<string>;
  readonly versions: ReadonlySet<string>;
}

export interface Crossed {
  /** `{repository}/{path}` of each new file. */
  readonly paths: readonly string[];
  /** Of the new files; each crosses once to every far side. */
  readonly bytes: number;
  /** Package versions that were written, with or without need. */
  readonly versions: readonly string[];
}

/** All file nodes at the far sides, live or not, and all package versions as they are now. */
export async function noteBefore(farSides: readonly Side[]): Promise<Before> {
  const nodes = new Set<string>();
  const versions = new Set<string>();
  for (const side of farSides) {
    for await (const node of fileNodes(side)) nodes.add(String(node._id));
    for await (const version of packageVersions(side)) versions.add(stateOf(version));
  }
  return { nodes, versions };
}

/** The files that have a node at some far side which was not there before, and the versions with another date. */
export async function crossedSince(before: Before, farSides: readonly Side[]): Promise<Crossed> {
  const crossed = new Map<string, number>();
  const versions = new Set<string>();
  for (const side of farSides) {
    for await (const node of fileNodes(side))
      if (!before.nodes.has(String(node._id)))
        crossed.set(`${node['repoName']}${node['fullPath']}`, Number(node['size']));
    for await (const version of packageVersions(side))
      if (!before.versions.has(stateOf(version))) versions.add(String(version['name']));
  }
  return {
    paths: [...crossed.keys()].sort(),
    bytes: [...crossed.values()].reduce((sum, size) => sum + size, 0),
    versions: [...versions].sort(),
  };
}

function fileNodes({ db, projectId }: Side): FindCursor<WithId<Document>> {
  return db.collection(`node_${shardOf(projectId)}`).find({ projectId, folder: false });
}

function packageVersions({ db }: Side): FindCursor<WithId<Document>> {
  return db.collection('package_version').find({});
}

function stateOf(version: WithId<Document>): string {
  return `${version._id.toHexString()} ${(version['lastModifiedDate'] as Date).toISOString()}`;
}
