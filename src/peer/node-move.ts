/**
 * node/rename, node/move and node/copy (contract §2.6). A file onto an existing one needs `overwrite`; onto an existing
 * folder means into it; folders are merged. Not atomic over a tree: a reader may see a part of it moved.
 */
import { Long, ObjectId } from 'mongodb';

import type { NodeDoc, RepositoryDoc } from '../source/schema/documents.ts';
import { splitFullPath } from '../source/schema/paths.ts';
import { now, type PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { insertNode } from './node-create.ts';
import { ensureFolders, findLive, requireLive, softDeleteOne, subtree } from './node-tree.ts';
import { requireRepository } from './repositories.ts';

const BATCH = 500;
const WRITABLE_CATEGORIES = new Set(['LOCAL', 'COMPOSITE']);

export interface RenameRequest {
  readonly projectId: string;
  readonly repoName: string;
  readonly fullPath: string;
  readonly newFullPath: string;
  readonly operator: string;
}

/** The documents keep their ids; everything below a folder goes with it. */
export async function renameNode(context: PeerContext, request: RenameRequest): Promise<void> {
  const { projectId, repoName, fullPath, newFullPath, operator } = request;
  const node = await requireLive(context, projectId, repoName, fullPath);
  if ((await findLive(context, projectId, repoName, newFullPath)) !== null)
    throw new PeerError('nodeExisted', newFullPath);
  if (isWithin(newFullPath, fullPath)) throw new PeerError('nodeConflict', newFullPath);
  await ensureFolders(context, projectId, repoName, newFullPath, operator);
  const nodes = await context.database.nodes(projectId);
  const changed = { lastModifiedBy: operator, lastModifiedDate: now(context) };
  for (;;) {
    const batch = await nodes
      .find(subtree(projectId, repoName, node.fullPath))
      .limit(BATCH)
      .toArray();
    if (batch.length === 0) return;
    await nodes.bulkWrite(
      batch.map((item) => {
        const renamed = newFullPath + item.fullPath.slice(fullPath.length);
        const $set = { ...splitFullPath(renamed), fullPath: renamed, ...changed };
        return { updateOne: { filter: { _id: item._id }, update: { $set } } };
      }),
    );
  }
}

export interface MoveCopyRequest {
  readonly srcProjectId: string;
  readonly srcRepoName: string;
  readonly srcFullPath: string;
  readonly destProjectId: string;
  readonly destRepoName: string;
  readonly destFullPath: string;
  readonly overwrite: boolean;
  readonly operator: string;
  readonly move: boolean;
}

export async function moveOrCopy(context: PeerContext, request: MoveCopyRequest): Promise<NodeDoc> {
  const { srcProjectId, srcRepoName, destProjectId, destRepoName, operator } = request;
  const from = await writable(context, srcProjectId, srcRepoName);
  const to = await writable(context, destProjectId, destRepoName);
  const node = await requireLive(context, srcProjectId, srcRepoName, request.srcFullPath);
  const target = await targetPath(context, request, node);
  const sameRepository = from._id.equals(to._id);
  if (sameRepository && (target === node.fullPath || (node.folder && isWithin(target, node.fullPath))))
    throw new PeerError('nodeConflict', target);
  await ensureFolders(context, destProjectId, destRepoName, target, operator);
  const nodes = await context.database.nodes(srcProjectId);
  const sources = nodes.find(subtree(srcProjectId, srcRepoName, node.fullPath)).sort({ fullPath: 1 });
  for await (const source of sources) {
    const fullPath = target + source.fullPath.slice(node.fullPath.length);
    await placeCopy(context, { from, to, source, fullPath }, request);
    if (request.move) await softDeleteOne(context, source);
  }
  return await requireLive(context, destProjectId, destRepoName, target);
}

async function writable(context: PeerContext, projectId: string, repoName: string): Promise<RepositoryDoc> {
  const repository = await requireRepository(context, projectId, repoName);
  if (!WRITABLE_CATEGORIES.has(repository.category))
    throw new PeerError('methodNotAllowed', `repository [${repoName}] is ${repository.category}`, { status: 400 });
  return repository;
}

/** An existing folder takes the node in under its own name. */
async function targetPath(context: PeerContext, request: MoveCopyRequest, node: NodeDoc): Promise<string> {
  const { destProjectId, destRepoName, destFullPath } = request;
  if (destFullPath === '/') return `/${node.name}`;
  const existing = await findLive(context, destProjectId, destRepoName, destFullPath);
  if (existing === null) return destFullPath;
  if (existing.folder) return `${destFullPath}/${node.name}`;
  if (node.folder) throw new PeerError('nodeConflict', destFullPath);
  return destFullPath;
}

interface Placement {
  readonly from: RepositoryDoc;
  readonly to: RepositoryDoc;
  readonly source: NodeDoc;
  readonly fullPath: string;
}

async function placeCopy(context: PeerContext, placement: Placement, request: MoveCopyRequest): Promise<void> {
  const { to, source, fullPath } = placement;
  const existing = await findLive(context, to.projectId, to.name, fullPath);
  if (existing !== null) {
    if (existing.folder && source.folder) return;
    if (existing.folder || source.folder || !request.overwrite) throw new PeerError('nodeConflict', fullPath);
  }
  await carryBlob(context, placement);
  if (existing !== null) await softDeleteOne(context, existing);
  if (!(await insertNode(context, to, copyOf(context, placement, request))))
    throw new PeerError('nodeConflict', fullPath);
}

/** A copy keeps who made it and when; a move starts both anew and keeps lastAccessDate (fixture). */
function copyOf(context: PeerContext, { to, source, fullPath }: Placement, request: MoveCopyRequest): NodeDoc {
  const time = now(context);
  return {
    ...source,
    _id: new ObjectId(),
    ...(request.move ? { createdBy: request.operator, createdDate: time } : {}),
    lastModifiedBy: request.operator,
    lastModifiedDate: time,
    ...splitFullPath(fullPath),
    fullPath,
    size: Long.fromNumber(Number(source.size)),
    projectId: to.projectId,
    repoName: to.name,
  };
}

/** Brings the blob to the store of the other repository when that is another one. */
async function carryBlob(context: PeerContext, { from, to, source }: Placement): Promise<void> {
  const { sha256 } = source;
  if (typeof sha256 !== 'string') return;
  const target = await context.stores.forKey(to.credentialsKey);
  const found = await context.stores.find(from.credentialsKey, sha256);
  if (found === undefined || found.store === target || (await target.blobs.size(sha256)) !== undefined) return;
  const received = await target.blobs.receive(found.store.blobs.read(sha256, 0, Infinity));
  if (received.sha256 !== sha256) {
    await target.blobs.discard(received);
    throw new PeerError('digestMismatch', 'sha256');
  }
  await target.blobs.commit(received.file, sha256, true);
}

function isWithin(path: string, folder: string): boolean {
  return path.startsWith(folder === '/' ? '/' : `${folder}/`);
}
