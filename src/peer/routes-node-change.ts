/** The calls under /replica that change nodes which are there, and node/children (contract §2.5, §2.6, §11). */
import type { FastifyInstance } from 'fastify';
import type { UpdateFilter } from 'mongodb';

import type { NodeDoc } from '../source/schema/documents.ts';
import { now, type PeerContext } from './context.ts';
import { originOf } from './events.ts';
import { nodePath } from './fields.ts';
import { bodyFields, guardProject, success } from './http.ts';
import { expireDate } from './node-create.ts';
import { nodeEvent } from './node-events.ts';
import { moveOrCopy, renameNode } from './node-move.ts';
import { requireLive } from './node-tree.ts';
import { nodeDetail } from './node-view.ts';
import { pageRequest } from './page.ts';

const CHILDREN_PAGE = 1000;

export function nodeChangeRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'metadata' } as const;
  const { time } = context.settings;

  app.post('/node/rename', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    await renameNode(context, {
      projectId,
      repoName: body.text('repoName'),
      fullPath: body.path('fullPath'),
      newFullPath: body.path('newFullPath'),
      operator: body.optionalText('operator') ?? 'system',
    });
    context.events.add({
      ...nodeEvent(request),
      type: 'NODE_RENAMED',
      data: { newFullPath: body.text('newFullPath') },
    });
    return success(request);
  });

  app.post('/node/update', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    const node = await requireLive(context, projectId, body.text('repoName'), body.path('fullPath'));
    const expires = expireDate(context, body);
    const $set = { lastModifiedBy: body.optionalText('operator') ?? 'system', lastModifiedDate: now(context) };
    const update: UpdateFilter<NodeDoc> =
      expires === undefined ? { $set, $unset: { expireDate: '' } } : { $set: { ...$set, expireDate: expires } };
    await (await context.database.nodes(projectId)).updateOne({ _id: node._id }, update);
    context.events.add({ ...nodeEvent(request), type: 'NODE_UPDATED' });
    return success(request);
  });

  for (const move of [false, true])
    app.post(move ? '/node/move' : '/node/copy', { config }, async (request) => {
      const body = bodyFields(request);
      const srcProjectId = body.text('srcProjectId');
      const srcRepoName = body.text('srcRepoName');
      const destProjectId = body.optionalText('destProjectId') ?? srcProjectId;
      for (const projectId of [srcProjectId, destProjectId]) guardProject(context, request, projectId);
      const node = await moveOrCopy(context, {
        srcProjectId,
        srcRepoName,
        srcFullPath: body.path('srcFullPath'),
        destProjectId,
        destRepoName: body.optionalText('destRepoName') ?? srcRepoName,
        destFullPath: nodePath(body.optionalText('destFullPath') ?? body.text('destPath')),
        overwrite: body.flag('overwrite', false),
        operator: body.optionalText('operator') ?? 'system',
        move,
      });
      context.events.add({
        type: move ? 'NODE_MOVED' : 'NODE_COPIED',
        projectId: srcProjectId,
        repoName: srcRepoName,
        resource: body.text('srcFullPath'),
        origin: originOf(request),
        data: {
          dstProjectId: destProjectId,
          dstRepoName: node.repoName,
          dstFullPath: body.optionalText('destFullPath') ?? body.text('destPath'),
          overwrite: body.flag('overwrite', false),
          dstRootNodeFullPath: node.folder ? `${node.fullPath}/` : node.fullPath,
        },
      });
      return success(request, nodeDetail(node, time));
    });

  app.post('/node/children', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    const fullPath = body.path('fullPath');
    guardProject(context, request, projectId);
    const page = pageRequest(
      body.integer('pageNumber'),
      Math.min(body.integer('pageSize') ?? CHILDREN_PAGE, CHILDREN_PAGE),
    );
    const path = fullPath === '/' ? '/' : `${fullPath}/`;
    const nodes = await context.database.nodes(projectId);
    const found = await nodes
      .find({ projectId, repoName: body.text('repoName'), path, name: { $ne: '' }, deleted: null })
      .sort({ fullPath: 1 })
      .skip(page.skip)
      .limit(page.size + 1)
      .toArray();
    const children = found.slice(0, page.size).map((node) => ({
      fullPath: node.fullPath,
      folder: node.folder,
      size: Number(node.size),
      sha256: node.sha256 ?? null,
    }));
    return success(request, { children, hasMore: found.length > page.size });
  });
}
