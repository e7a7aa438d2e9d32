/** The node tree of a repository: finding, making folders, soft deletion (contract §5.2). */
import { type Filter, Long, ObjectId, type UpdateOptions } from 'mongodb';

import type { NodeDoc } from '../source/schema/documents.ts';
import { ancestorFolders, belowFolder, splitFullPath } from '../source/schema/paths.ts';
import { now, type PeerContext } from './context.ts';
import { EARLIER_WRITE, isDuplicateKey } from './database.ts';
import { PeerError } from './errors.ts';

/** Times a deletion is tried with the next millisecond, because the path has a generation that was deleted in this one. */
const MAX_DELETED_AT = 1000;

export async function findLive(
  context: PeerContext,
  projectId: string,
  repoName: string,
  fullPath: string,
): Promise<NodeDoc | null> {
  const nodes = await context.database.nodes(projectId);
  return await nodes.findOne({ projectId, repoName, fullPath, deleted: null });
}

/** Fails with 251010. */
export async function requireLive(
  context: PeerContext,
  projectId: string,
  repoName: string,
  fullPath: string,
  status = 400,
): Promise<NodeDoc> {
  const node = await findLive(context, projectId, repoName, fullPath);
  if (node === null) throw new PeerError('nodeNotFound', fullPath, { status });
  return node;
}

/** A node and, when it is a folder, all live nodes below it. */
export function subtree(projectId: string, repoName: string, fullPath: string): Filter<NodeDoc> {
  return { projectId, repoName, deleted: null, $or: [{ fullPath }, below(fullPath)] };
}

export function below(folder: string): Filter<NodeDoc> {
  const { from, before } = belowFolder(folder);
  return { fullPath: { $gte: from, $lt: before } };
}

/**
 * Makes the folders above a path that are missing; fails with 251013 when one of them is a file. Does not wait until they
 * are durable: what the caller writes next does.
 */
export async function ensureFolders(
  context: PeerContext,
  projectId: string,
  repoName: string,
  fullPath: string,
  operator: string,
): Promise<void> {
  const wanted = ancestorFolders(fullPath);
  if (wanted.length === 0) return;
  const nodes = await context.database.nodes(projectId);
  const present = await nodes
    .find({ projectId, repoName, fullPath: { $in: [...wanted] }, deleted: null })
    .project<{ fullPath: string; folder: boolean }>({ _id: 0, fullPath: 1, folder: 1 })
    .toArray();
  const file = present.find((node) => !node.folder);
  if (file !== undefined) throw new PeerError('nodeConflict', file.fullPath);
  const found = new Set(present.map((node) => node.fullPath));
  for (const folder of wanted) {
    if (found.has(folder)) continue;
    try {
      await nodes.insertOne(folderDocument(projectId, repoName, folder, operator, now(context)), EARLIER_WRITE);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }
}

/** Folders made on the way have no lastAccessDate (fixture). */
function folderDocument(projectId: string, repoName: string, fullPath: string, operator: string, time: Date): NodeDoc {
  return {
    _id: new ObjectId(),
    createdBy: operator,
    createdDate: time,
    lastModifiedBy: operator,
    lastModifiedDate: time,
    folder: true,
    ...splitFullPath(fullPath),
    fullPath,
    size: Long.ZERO,
    metadata: [],
    projectId,
    repoName,
  };
}

/** Soft-deletes one document; false = it is not live any more. */
export async function softDeleteOne(
  context: PeerContext,
  node: NodeDoc,
  options: UpdateOptions = {},
): Promise<boolean> {
  const nodes = await context.database.nodes(node.projectId);
  return (
    (await atFreeTime(now(context), async (deleted) => {
      const result = await nodes.updateOne({ _id: node._id, deleted: null }, { $set: { deleted } }, options);
      return result.modifiedCount;
    })) > 0
  );
}

export interface Deletion {
  /** Files. */
  readonly deletedNumber: number;
  /** Bytes. */
  readonly deletedSize: number;
  readonly deletedTime: Date;
  /** Anything at all, folders too. */
  readonly any: boolean;
}

/** Soft-deletes a path and everything below it. A path that is not there is a success with nothing deleted. */
export async function deleteSubtree(
  context: PeerContext,
  projectId: string,
  repoName: string,
  fullPath: string,
  deletedTime: Date,
): Promise<Deletion> {
  const nodes = await context.database.nodes(projectId);
  const filter = subtree(projectId, repoName, fullPath);
  const [sum] = await nodes
    .aggregate<{ number: number; size: number }>([
      { $match: { ...filter, folder: false } },
      { $group: { _id: null, number: { $sum: 1 }, size: { $sum: '$size' } } },
    ])
    .toArray();
  const touched = await atFreeTime(
    deletedTime,
    async (deleted) => (await nodes.updateMany(filter, { $set: { deleted } })).modifiedCount,
  );
  return { deletedNumber: sum?.number ?? 0, deletedSize: sum?.size ?? 0, deletedTime, any: touched > 0 };
}

async function atFreeTime(first: Date, update: (deleted: Date) => Promise<number>): Promise<number> {
  for (let later = 0; ; later += 1) {
    try {
      return await update(new Date(first.getTime() + later));
    } catch (error) {
      if (!isDuplicateKey(error) || later >= MAX_DELETED_AT) throw error;
    }
  }
}
