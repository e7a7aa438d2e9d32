/** ping, version, projects and repositories under /replica (contract §2.5, §2.6). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { PeerContext } from './context.ts';
import { longDate } from './event-entries.ts';
import { type EventType, originOf, type PeerEvent } from './events.ts';
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
    const { project, created } = await createProject(context, body);
    if (created)
      context.events.add({
        type: 'PROJECT_CREATED',
        projectId: project.name,
        repoName: '',
        resource: project.name,
        origin: originOf(request),
      });
    return success(request, projectInfo(project, time));
  });

  app.post('/repo/create', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    const { repository, created } = await createRepository(context, body);
    if (created) context.events.add(repositoryEvent(request, 'REPO_CREATED'));
    return success(request, repositoryDetail(repository, time));
  });

  app.post('/repo/update', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    await updateRepository(context, body);
    context.events.add(repositoryEvent(request, 'REPO_UPDATED'));
    return success(request);
  });

  app.post('/repo/delete', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    const { any, deletedTime } = await deleteRepository(context, body);
    const event = repositoryEvent(request, 'REPO_DELETED');
    const deletedDate = longDate(deletedTime, time);
    if (any)
      context.events.add({ ...event, type: 'NODE_DELETED', resource: '/', implied: true, data: { deletedDate } });
    context.events.add(event);
    return success(request);
  });
}

function repositoryEvent(request: FastifyRequest, type: EventType): PeerEvent {
  const body = bodyFields(request);
  const repoName = body.text('name');
  return { type, projectId: body.text('projectId'), repoName, resource: repoName, origin: originOf(request) };
}
