/** The package calls under /replica (contract §2.5). */
import type { FastifyInstance } from 'fastify';

import type { PeerContext } from './context.ts';
import { bodyFields, guardProject, success } from './http.ts';
import { createVersion, readVersion, versionExists } from './packages.ts';

export function packageRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'metadata' } as const;

  app.post('/package/version/exist', { config }, async (request) => {
    const body = bodyFields(request);
    guardProject(context, request, body.text('projectId'));
    return success(request, await versionExists(context, body));
  });

  app.post('/package/version/create', { config }, async (request) => {
    const version = readVersion(bodyFields(request));
    guardProject(context, request, version.projectId);
    await createVersion(context, version);
    return success(request);
  });
}
