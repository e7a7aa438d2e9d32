/** What of bk-repo's repository API a replicating client reads: repositories, search, detail and pages of nodes (contract §6.3, §11). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Filter, Sort } from 'mongodb';

import type { NodeDoc } from '../source/schema/documents.ts';
import { splitFullPath } from '../source/schema/paths.ts';
import { mayRead, requireProject } from './accounts.ts';
import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { nodePath } from './fields.ts';
import { bodyFields, pathParameter, queryFlag, queryInteger, success } from './http.ts';
import { readableNodes, requireReadable, searchNodes } from './node-search.ts';
import { below, requireLive } from './node-tree.ts';
import { nodeDetail, nodeInfo } from './node-view.ts';
import { pageRequest } from './page.ts';
import { repositoryInfo, requireRepository } from './repositories.ts';

export function repositoryRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'repository' } as const;
  const { time } = context.settings;

  // A repository of another type than the url names is answered with no data, one that is not there with 251006.
  for (const url of ['/repo/info/:projectId/:repoName', '/repo/info/:projectId/:repoName/:type'])
    app.get(url, { config }, async (request) => {
      const projectId = pathParameter(request, 'projectId');
      requireProject(request.caller, projectId);
      const repository = await requireRepository(context, projectId, pathParameter(request, 'repoName'));
      const type = pathParameter(request, 'type');
      const shown = type === '' || type.toUpperCase() === repository.type;
      return success(request, shown ? repositoryInfo(repository, time) : null);
    });

  app.post('/node/search', { config }, async (request) =>
    success(request, await searchNodes(context, request.caller, bodyFields(request))),
  );

  app.get('/node/detail/:projectId/:repoName/*', { config }, async (request) => {
    const { projectId, repoName, fullPath } = address(request);
    await requireReadable(context, request.caller, projectId);
    if (!mayRead(request.caller, projectId, repoName, fullPath)) throw new PeerError('denied', 'Forbidden');
    const node = await requireLive(context, projectId, repoName, fullPath, 404);
    return success(request, nodeDetail(node, time));
  });

  for (const url of ['/node/page/:projectId/:repoName', '/node/page/:projectId/:repoName/*'])
    app.get(url, { config }, async (request) => {
      const { projectId } = address(request);
      await requireReadable(context, request.caller, projectId);
      const page = pageRequest(queryInteger(request, 'pageNumber'), queryInteger(request, 'pageSize'));
      const includeMetadata = queryFlag(request, 'includeMetadata', false);
      const show = (node: NodeDoc): Readonly<Record<string, unknown>> =>
        nodeInfo(includeMetadata ? node : { ...node, metadata: [] }, time);
      const sort = pageSort(request);
      return success(
        request,
        await readableNodes(context, request.caller, projectId, pageFilter(request), { page, sort, show }),
      );
    });
}

function address(request: FastifyRequest): { projectId: string; repoName: string; fullPath: string } {
  return {
    projectId: pathParameter(request, 'projectId'),
    repoName: pathParameter(request, 'repoName'),
    fullPath: nodePath(pathParameter(request, '*')),
  };
}

/** Children of a folder, or with `deep` everything below it; folders unless `includeFolder=false`. */
function pageFilter(request: FastifyRequest): Filter<NodeDoc> {
  const { projectId, repoName, fullPath } = address(request);
  const folder = fullPath === '/' ? '/' : splitFullPath(`${fullPath}/`).path;
  const place = queryFlag(request, 'deep', false)
    ? { ...below(fullPath), name: { $ne: '' } }
    : { path: folder, name: { $ne: '' } };
  const kind = queryFlag(request, 'includeFolder', true) ? {} : { folder: false };
  return { projectId, repoName, deleted: null, ...place, ...kind };
}

/** With `sort` folders come first, as in a listing for people. */
function pageSort(request: FastifyRequest): Sort {
  return queryFlag(request, 'sort', false) ? { folder: -1, fullPath: 1 } : { fullPath: 1 };
}
