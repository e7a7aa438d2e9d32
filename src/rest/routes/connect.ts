/** Asking far sides whether they answer (contract §1.5, §1.6; the document's GET with a body: §0). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { CLUSTER_KIND } from '../../api/names.ts';
import { authorize } from '../authorize.ts';
import { complain } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { success } from '../http.ts';
import { admitted } from '../mapping/admission.ts';
import { connectTestRequest } from '../mapping/cluster-request.ts';
import { resourceName } from '../mapping/resource-name.ts';
import type { TryConnectBody } from '../schemas/cluster-bodies.ts';
import { TRY_CONNECT_BODY } from '../schemas/cluster-body-schemas.ts';
import { NOTHING } from '../schemas/envelope.ts';
import { optional } from '../schemas/json-schema.ts';
import { OPTIONAL_NAME_QUERY, type OptionalNameQuery } from '../schemas/queries.ts';
import type { ConnectTestBody } from '../schemas/task-bodies.ts';
import { CONNECT_TEST_BODY } from '../schemas/task-body-schemas.ts';
import { unstored } from './cluster-changes.ts';
import { described } from './describe.ts';
import { type Pings, refuseComplaints } from './pings.ts';

export function connectRoutes(app: FastifyInstance, context: RestContext, pings: Pings): void {
  const { catalogue, namespaces } = context;

  async function tryConnect(request: FastifyRequest): Promise<void> {
    const { name = (request.body as TryConnectBody | null | undefined)?.name } = request.query as OptionalNameQuery;
    if (name === undefined || name === null) throw complain('parameterMissing', 'name');
    const cluster = catalogue.clusters.byName(name);
    const { namespace, name: which } = cluster?.metadata ?? { namespace: namespaces.usual, name: undefined };
    const place = which === undefined ? { namespace } : { namespace, name: which };
    await authorize(request, { verb: 'get', resource: 'clusters', ...place });
    if (cluster === undefined) throw complain('clusterNotFound', name);
    refuseComplaints([await pings.stored(cluster, request.ended)]);
  }

  for (const method of ['GET', 'POST'] as const)
    app.route({
      method,
      url: '/api/cluster/tryConnect',
      config: { form: true },
      ...described({
        tag: 'cluster',
        summary: 'Asks the far side of a cluster whether it answers; the name is in the query or in the body.',
        querystring: OPTIONAL_NAME_QUERY,
        body: optional(TRY_CONNECT_BODY),
        data: NOTHING,
      }),
      handler: async (request) => {
        await tryConnect(request);
        return success(request, null);
      },
    });

  for (const base of ['/api/task', '/api/task/cluster', '/api/task/blob'])
    app.post<{ Body: ConnectTestBody }>(
      `${base}/connect/test`,
      described({
        tag: 'task',
        summary: 'Asks a far side that need not be stored whether it answers.',
        body: CONNECT_TEST_BODY,
        data: NOTHING,
        deprecated: true,
      }),
      async (request) => {
        // Whoever may not make one may not have one asked either.
        await authorize(request, { verb: 'create', resource: 'clusters', namespace: namespaces.usual });
        const wanted = connectTestRequest(request.body);
        const key = { namespace: namespaces.usual, name: resourceName(wanted.spec.name ?? 'test') };
        const { credentialsSecretRef: _none, ...spec } = admitted(context.admit, CLUSTER_KIND, key, wanted.spec);
        refuseComplaints([await pings.asked(unstored(key, spec), wanted.credentials, request.ended)]);
        return success(request, null);
      },
    );
}
