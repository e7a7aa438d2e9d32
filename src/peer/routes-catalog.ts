/** ping, version, projects and repositories under /replica (contract §2.5, §2.6). */
import type { FastifyInstance } from 'fastify';

import type { PeerContext } from './context.ts';
import { bodyFields, guardProject, success } from './http.ts';
import {
  createProject,
  createRepository,
  deleteRepository,
  projectInfo,
  repositoryDetail,
  updateRepository,
} from './repositories.ts';

export function catalogRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'metadata' } as const;
  const { time, version } = context.settings;

  app.get('/ping', { config: { access: 'ping' } }, async (request) => success(request));

  app.get('/version', { config }, async (request) => success(request, version));

  app.post('/project/create', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('name'));
    return success(request, projectInfo(await createProject(context, body), time));
  });

  app.post('/repo/create', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    return success(request, repositoryDetail(await createRepository(context, body), time));
  });

  app.post('/repo/update', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    await updateRepository(context, body);
    return success(request);
  });

  app.post('/repo/delete', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    await deleteRepository(context, body);
    return success(request);
  });
}
