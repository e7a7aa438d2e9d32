/**
 * node/delete (contract §2.6): soft, with everything below; a path that is not there is a success. `deletedDate` is read
 * and, but for federations, of no effect: the deletion has the time of this server.
 */
import { now, type PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { type ForeignDeletion, outlives } from './federation.ts';
import type { Fields } from './fields.ts';
import { readDate } from './node-create.ts';
import { type Deletion, deleteSubtree, findLive } from './node-tree.ts';

export interface NodeDeletion extends ForeignDeletion {
  readonly projectId: string;
  readonly repoName: string;
  readonly fullPath: string;
  readonly operator: string;
}

export function readNodeDeletion(context: PeerContext, body: Fields): NodeDeletion {
  return {
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    fullPath: body.path('fullPath'),
    operator: body.optionalText('operator') ?? 'system',
    deletedDate: body.optionalText('deletedDate') === '' ? undefined : readDate(context, body, 'deletedDate'),
    source: body.optionalText('source'),
  };
}

export async function deleteNode(context: PeerContext, deletion: NodeDeletion): Promise<Deletion> {
  const { projectId, repoName, fullPath } = deletion;
  if (fullPath === '/') throw new PeerError('methodNotAllowed', "Can't delete root node", { status: 400 });
  const node = await findLive(context, projectId, repoName, fullPath);
  if (node !== null && outlives(context, deletion, [node.createdDate, node.lastModifiedDate]))
    return { deletedNumber: 0, deletedSize: 0, deletedTime: now(context), any: false };
  return await deleteSubtree(context, projectId, repoName, fullPath, now(context));
}
