/** Reading Clusters (contract §1.5). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { Cluster } from '../../api/cluster.gen.ts';
import { authorize, readableNamespaces } from '../authorize.ts';
import { complain } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { tagged } from '../edit.ts';
import { success } from '../http.ts';
import { clusterInfo } from '../mapping/cluster-info.ts';
import { restName } from '../mapping/identity.ts';
import { pageFrom, pageRequest } from '../mapping/page.ts';
import { CLUSTER_NODE_INFO } from '../schemas/answer-schemas.ts';
import { listOf, nullOr, pageSchema } from '../schemas/envelope.ts';
import { flag } from '../schemas/json-schema.ts';
import {
  CLUSTER_LIST_QUERY,
  CLUSTER_PAGE_QUERY,
  type ClusterListQuery,
  type ClusterPageQuery,
  ID_PARAMS,
  type IdParams,
  NAME_QUERY,
  type NameQuery,
} from '../schemas/queries.ts';
import { described } from './describe.ts';
import { MAX_LIST } from './limits.ts';

const BASE = '/api/cluster';

export function clusterRoutes(app: FastifyInstance, context: RestContext): void {
  const { catalogue, namespaces } = context;

  /** Those the caller may list, newest first, by a beginning of the name (taken literally) and by type. */
  async function readable(request: FastifyRequest, { name, type }: ClusterListQuery = {}): Promise<readonly Cluster[]> {
    const allowed = await readableNamespaces(request, namespaces.all, 'clusters');
    return catalogue.clusters
      .list()
      .filter((cluster) => allowed.includes(cluster.metadata.namespace))
      .filter((cluster) => name === undefined || restName(cluster).startsWith(name))
      .filter(({ spec }) => type === undefined || spec.type === type);
  }

  async function named(request: FastifyRequest, name: string): Promise<Cluster | undefined> {
    const allowed = await readableNamespaces(request, namespaces.all, 'clusters');
    return catalogue.clusters.named(name).find(({ metadata }) => allowed.includes(metadata.namespace));
  }

  app.get<{ Params: IdParams }>(
    `${BASE}/info/:id`,
    described({
      tag: 'cluster',
      summary: 'The cluster of an id, or null.',
      params: ID_PARAMS,
      data: nullOr(CLUSTER_NODE_INFO),
    }),
    async (request, reply) => {
      const cluster = catalogue.clusters.byId(request.params.id);
      const { namespace, name } = cluster?.metadata ?? { namespace: namespaces.usual, name: undefined };
      const which = name === undefined ? {} : { name };
      await authorize(request, { verb: 'get', resource: 'clusters', namespace, ...which });
      if (cluster === undefined) return success(request, null);
      tagged(reply, cluster);
      return success(request, clusterInfo(cluster, request.dates));
    },
  );

  app.get<{ Querystring: NameQuery }>(
    `${BASE}/info`,
    described({
      tag: 'cluster',
      summary: 'The cluster of a name, or null.',
      querystring: NAME_QUERY,
      data: nullOr(CLUSTER_NODE_INFO),
    }),
    async (request, reply) => {
      const cluster = await named(request, request.query.name);
      if (cluster === undefined) return success(request, null);
      tagged(reply, cluster);
      return success(request, clusterInfo(cluster, request.dates));
    },
  );

  app.get(
    `${BASE}/info/center`,
    described({ tag: 'cluster', summary: 'The cluster of type CENTER.', data: CLUSTER_NODE_INFO }),
    async (request) => {
      const [centre, ...more] = await readable(request, { type: 'CENTER' });
      if (centre === undefined) throw complain('clusterNotFound', 'center');
      if (more.length > 0) throw complain('clusterNotFound', 'center', `there are ${more.length + 1} of them`);
      return success(request, clusterInfo(centre, request.dates));
    },
  );

  app.get<{ Querystring: ClusterListQuery }>(
    `${BASE}/list`,
    described({
      tag: 'cluster',
      summary: 'All clusters.',
      querystring: CLUSTER_LIST_QUERY,
      data: listOf(CLUSTER_NODE_INFO),
    }),
    async (request) => {
      const found = (await readable(request, request.query)).slice(0, MAX_LIST);
      return success(
        request,
        found.map((cluster) => clusterInfo(cluster, request.dates)),
      );
    },
  );

  app.get(
    `${BASE}/list/edge`,
    described({ tag: 'cluster', summary: 'All clusters of type EDGE.', data: listOf(CLUSTER_NODE_INFO) }),
    async (request) => {
      const found = (await readable(request, { type: 'EDGE' })).slice(0, MAX_LIST);
      return success(
        request,
        found.map((cluster) => clusterInfo(cluster, request.dates)),
      );
    },
  );

  app.get<{ Querystring: ClusterPageQuery }>(
    `${BASE}/page`,
    described({
      tag: 'cluster',
      summary: 'Clusters in pages, newest first.',
      querystring: CLUSTER_PAGE_QUERY,
      data: pageSchema(CLUSTER_NODE_INFO),
    }),
    async (request) => {
      const { records, ...page } = pageFrom(pageRequest(request.query), await readable(request, request.query));
      return success(request, { ...page, records: records.map((cluster) => clusterInfo(cluster, request.dates)) });
    },
  );

  app.get<{ Querystring: NameQuery }>(
    `${BASE}/exist`,
    described({
      tag: 'cluster',
      summary: 'Whether there is a cluster of that name.',
      querystring: NAME_QUERY,
      data: flag('Whether there is one.'),
    }),
    async (request) => success(request, (await named(request, request.query.name)) !== undefined),
  );
}
