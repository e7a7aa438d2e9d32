/** The node calls under /replica (contract §2.5, §2.6). */
import type { FastifyInstance } from 'fastify';

import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { nodePath } from './fields.ts';
import { bodyFields, guardProject, queryText, success } from './http.ts';
import { createNode, readNodeCreate } from './node-create.ts';
import { deleteNode, readNodeDeletion } from './node-delete.ts';
import { mergeMetadata, removeMetadata } from './node-metadata.ts';
import { findLive, requireLive } from './node-tree.ts';
import { nodeDetail } from './node-view.ts';

/** Most paths of one node/exist/list. */
const MAX_PATHS = 10_000;

export function nodeRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'metadata' } as const;
  const { time } = context.settings;

  app.get('/node/exist', { config }, async (request) => {
    const projectId = queryText(request, 'projectId');
    const repoName = queryText(request, 'repoName');
    const fullPath = nodePath(queryText(request, 'fullPath'));
    guardProject(context, request, projectId);
    return success(request, (await findLive(context, projectId, repoName, fullPath)) !== null);
  });

  app.post('/node/exist/list', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    const paths = body.textList('fullPathList') ?? [];
    if (paths.length > MAX_PATHS) throw new PeerError('parameterInvalid', 'fullPathList');
    guardProject(context, request, projectId);
    const nodes = await context.database.nodes(projectId);
    const found = await nodes
      .find({ projectId, repoName: body.text('repoName'), fullPath: { $in: paths.map(nodePath) }, deleted: null })
      .project<{ fullPath: string }>({ _id: 0, fullPath: 1 })
      .toArray();
    return success(
      request,
      found.map((node) => node.fullPath),
    );
  });

  app.post('/node/create', { config }, async (request) => {
    const create = readNodeCreate(context, bodyFields(request));
    guardProject(context, request, create.projectId);
    return success(request, nodeDetail(await createNode(context, create), time));
  });

  app.post('/node/delete', { config }, async (request) => {
    const asked = readNodeDeletion(context, bodyFields(request));
    guardProject(context, request, asked.projectId);
    const deletion = await deleteNode(context, asked);
    return success(request, { ...deletion, deletedTime: time.format(deletion.deletedTime) });
  });

  app.post('/metadata/save', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    const node = await requireLive(context, projectId, body.text('repoName'), body.path('fullPath'));
    const entries = body.metadata('nodeMetadata', 'metadata') ?? [];
    await mergeMetadata(context, node, entries, body.flag('replace', false));
    return success(request);
  });

  app.post('/metadata/delete', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    const node = await requireLive(context, projectId, body.text('repoName'), body.path('fullPath'));
    await removeMetadata(context, node, body.textList('keyList') ?? []);
    return success(request);
  });
}
