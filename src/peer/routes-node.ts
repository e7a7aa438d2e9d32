/** The node calls under /replica (contract §2.5, §2.6). */
import type { FastifyInstance } from 'fastify';

import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { longDate } from './event-entries.ts';
import { nodePath } from './fields.ts';
import { bodyFields, guardProject, queryText, success } from './http.ts';
import { createNode, readNodeCreate } from './node-create.ts';
import { deleteNode, readNodeDeletion } from './node-delete.ts';
import { announceCreation, nodeEvent } from './node-events.ts';
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
    const created = await createNode(context, create);
    announceCreation(context, request, created);
    return success(request, nodeDetail(created.node, time));
  });

  app.post('/node/delete', { config }, async (request) => {
    const asked = readNodeDeletion(context, bodyFields(request));
    guardProject(context, request, asked.projectId);
    const deletion = await deleteNode(context, asked);
    const { deletedNumber, deletedSize, deletedTime } = deletion;
    if (deletion.any)
      context.events.add({
        ...nodeEvent(request),
        type: 'NODE_DELETED',
        data: { deletedDate: longDate(deletedTime, time) },
      });
    return success(request, { deletedNumber, deletedSize, deletedTime: time.format(deletedTime) });
  });

  app.post('/metadata/save', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    const node = await requireLive(context, projectId, body.text('repoName'), body.path('fullPath'));
    const entries = body.metadata('nodeMetadata', 'metadata') ?? [];
    const replace = body.flag('replace', false);
    await mergeMetadata(context, node, entries, replace);
    const told = body.has('nodeMetadata') ? entries : [];
    const metadata = Object.fromEntries(told.map((entry) => [entry.key, entry]));
    context.events.add({ ...nodeEvent(request), type: 'METADATA_SAVED', data: { metadata, replace } });
    return success(request);
  });

  app.post('/metadata/delete', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    const node = await requireLive(context, projectId, body.text('repoName'), body.path('fullPath'));
    const keys = body.textList('keyList') ?? [];
    await removeMetadata(context, node, keys);
    context.events.add({ ...nodeEvent(request), type: 'METADATA_DELETED', data: { keys } });
    return success(request);
  });
}
