/** Making, changing and removing Clusters (contract §1.5). Passwords go into Secrets and never come back. */
import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { Cluster } from '../../api/cluster.gen.ts';
import {
  API_VERSION,
  CLUSTER_KIND,
  CREATED_BY_ANNOTATION,
  CREDENTIALS_CHANGED_ANNOTATION,
  INSTANCE_LABEL,
  MODIFIED_BY_ANNOTATION,
} from '../../api/names.ts';
import { type Credentials, credentialsSecretName } from '../../resources/editor.ts';
import { type AuditedChange, audited, type Generations } from '../audit.ts';
import { authorize } from '../authorize.ts';
import { complain, type RestError } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { annotated, edited, owned, refuseOwned, removed, tagged, takenBack } from '../edit.ts';
import { success } from '../http.ts';
import { admitted, refused } from '../mapping/admission.ts';
import { clusterInfo } from '../mapping/cluster-info.ts';
import { type ClusterRequest, clusterRequest } from '../mapping/cluster-request.ts';
import { updatedCluster } from '../mapping/cluster-update.ts';
import { restName } from '../mapping/identity.ts';
import { resourceName } from '../mapping/resource-name.ts';
import { CLUSTER_NODE_INFO } from '../schemas/answer-schemas.ts';
import type { ClusterCreateBody, ClusterUpdateBody } from '../schemas/cluster-bodies.ts';
import { CLUSTER_CREATE_BODY, CLUSTER_UPDATE_BODY } from '../schemas/cluster-body-schemas.ts';
import { NOTHING } from '../schemas/envelope.ts';
import { ID_PARAMS, type IdParams, NAMESPACE_QUERY, type NamespaceQuery } from '../schemas/queries.ts';
import { described } from './describe.ts';
import { type Pings, refuseComplaints } from './pings.ts';

const BASE = '/api/cluster';
/** Types that are not asked: what a REMOTE speaks is not known, and a CENTER is this side. */
const UNASKED: ReadonlySet<Cluster['spec']['type']> = new Set(['CENTER', 'REMOTE']);
/** Taking back goes on when the caller is gone. Milliseconds. */
const TAKE_BACK_MS = 10_000;

export function clusterChangeRoutes(app: FastifyInstance, context: RestContext, pings: Pings): void {
  const { catalogue, namespaces, editor, logger } = context;

  app.post<{ Body: ClusterCreateBody; Querystring: NamespaceQuery }>(
    `${BASE}/create`,
    described({
      tag: 'cluster',
      summary: 'Makes a cluster; its far side is asked first unless `ping` is false.',
      querystring: NAMESPACE_QUERY,
      body: CLUSTER_CREATE_BODY,
      data: NOTHING,
    }),
    async (request) => {
      const { body, query } = request;
      const namespace = query.namespace ?? namespaces.usual;
      const change: AuditedChange = {
        operation: 'create',
        kind: CLUSTER_KIND,
        namespace,
        name: resourceName(body.name),
      };
      await audited(logger, request, change, (generations) => create(request, body, namespace, generations));
      return success(request, null);
    },
  );

  app.post<{ Body: ClusterUpdateBody }>(
    `${BASE}/update`,
    described({
      tag: 'cluster',
      summary: 'Changes the cluster of a name; its far side is asked first.',
      body: CLUSTER_UPDATE_BODY,
      data: CLUSTER_NODE_INFO,
    }),
    async (request, reply) => {
      const { body } = request;
      const found = catalogue.clusters.byName(body.name);
      const cluster = await audited(logger, request, changeOf('update', found, body.name), (generations) =>
        update(request, body, found, generations),
      );
      tagged(reply, cluster);
      const info = clusterInfo(cluster, request.dates);
      // It answered just now; the status is of the probe before.
      const asked = !UNASKED.has(cluster.spec.type);
      return success(request, asked ? { ...info, status: 'HEALTHY', errorReason: null } : info);
    },
  );

  app.delete<{ Params: IdParams }>(
    `${BASE}/delete/:id`,
    described({
      tag: 'cluster',
      summary: 'Removes a cluster; it stays for those tasks that refer to it until they are gone.',
      params: ID_PARAMS,
      data: NOTHING,
    }),
    async (request) => {
      const { id } = request.params;
      const found = catalogue.clusters.byId(id);
      await audited(logger, request, changeOf('delete', found, id), (generations) =>
        remove(request, id, found, generations),
      );
      return success(request, null);
    },
  );

  async function create(
    request: FastifyRequest,
    body: ClusterCreateBody,
    namespace: string,
    generations: Generations,
  ): Promise<void> {
    if (!namespaces.all.includes(namespace))
      throw complain('parameterInvalid', 'namespace', `it must be one of ${namespaces.all.join(', ')}`);
    await authorize(request, { verb: 'create', resource: 'clusters', namespace });
    const wanted = clusterRequest(body);
    if (wanted.credentials !== undefined) await authorize(request, { verb: 'create', resource: 'secrets', namespace });
    if (catalogue.clusters.byName(body.name) !== undefined) throw complain('clusterExists', body.name);
    if (body.type === 'CENTER' && catalogue.clusters.list().some(({ spec }) => spec.type === 'CENTER'))
      throw complain('centerExists');
    const key = { namespace, name: resourceName(body.name) };
    const spec = admitted(context.admit, CLUSTER_KIND, key, wanted.spec);
    const draft = { ...key, spec: wanted.spec, ...metadataOf(request, wanted) };
    await ask(request, unstored(key, spec), wanted);
    const outcome = await editor.create(CLUSTER_KIND, draft, request.ended);
    if (outcome.outcome === 'invalid') throw refused(outcome.errors);
    if (outcome.outcome !== 'written') {
      const there = outcome.outcome === 'exists' ? outcome.object : undefined;
      // Two who made the same at once: both have what they wanted (contract §1.5), if no passwords could differ.
      const same = there?.metadata.deletionTimestamp === undefined && isDeepStrictEqual(there?.spec, spec);
      if (there === undefined || !same || wanted.credentials !== undefined) throw existed(body.name, there);
      return;
    }
    generations.after = outcome.object.metadata.generation;
    await storeCredentials(request, outcome.object, wanted);
  }

  /** A Cluster whose password could not be stored is taken back: it would never work. */
  async function storeCredentials(
    request: FastifyRequest,
    cluster: Cluster,
    { credentials }: ClusterRequest,
  ): Promise<void> {
    if (credentials === undefined) return;
    try {
      await writeCredentials(request, cluster, credentials);
    } catch (error) {
      await takenBack(editor, CLUSTER_KIND, cluster, AbortSignal.timeout(TAKE_BACK_MS)).catch((failure: unknown) => {
        const { namespace, name } = cluster.metadata;
        logger.warn('a cluster without its password could not be taken back', { namespace, name, error: failure });
      });
      throw error;
    }
  }

  /** The controller is told, or it would look at the Secret only at its next probe. */
  async function writeCredentials(request: FastifyRequest, cluster: Cluster, credentials: Credentials): Promise<void> {
    await editor.writeCredentials(cluster, credentials, request.ended);
    const { namespace, name } = cluster.metadata;
    await annotated(request, editor, CLUSTER_KIND, { namespace, name }, changedNow());
  }

  function changedNow(): Readonly<Record<string, string>> {
    return { [CREDENTIALS_CHANGED_ANNOTATION]: new Date(context.clock.now()).toISOString() };
  }

  async function update(
    request: FastifyRequest,
    body: ClusterUpdateBody,
    found: Cluster | undefined,
    generations: Generations,
  ): Promise<Cluster> {
    const namespace = found?.metadata.namespace ?? namespaces.usual;
    const which = found === undefined ? {} : { name: found.metadata.name };
    await authorize(request, { verb: 'update', resource: 'clusters', namespace, ...which });
    if (found === undefined) throw complain('clusterNotFound', body.name);
    const { metadata } = found;
    const key = { namespace, name: metadata.name };
    let asked = false;
    let stored = false;
    const after = await edited(request, editor, CLUSTER_KIND, key, async (live) => {
      const present = live.object;
      generations.before = present.metadata.generation;
      const wanted = updatedCluster(body, present);
      if (wanted.credentials !== undefined) {
        const name = credentialsSecretName(metadata.name);
        await authorize(request, { verb: 'update', resource: 'secrets', namespace, name });
        refuseForeignSecret(present);
        if (live.owner !== undefined) throw owned(present, live.owner, 'its password');
      } else await authorizeStoredElsewhere(request, present, wanted);
      const spec = admitted(context.admit, CLUSTER_KIND, key, wanted.spec);
      refuseOwned(live, spec);
      if (body.type === 'CENTER' && present.spec.type !== 'CENTER' && centreThere()) throw complain('centerExists');
      if (!asked) await ask(request, { ...present, spec }, wanted);
      asked = true;
      const annotations = {
        ...wanted.annotations,
        ...(wanted.credentials === undefined ? {} : changedNow()),
        [MODIFIED_BY_ANNOTATION]: request.user.name,
      };
      // Before the url: the password that was there must not get to the new one.
      if (wanted.credentials !== undefined && !stored)
        await editor.writeCredentials(present, wanted.credentials, request.ended);
      stored = true;
      return await editor.replaceSpec(CLUSTER_KIND, present, { spec, annotations }, request.ended);
    });
    generations.after = after.metadata.generation;
    return after;
  }

  /** Who has a stored password sent to another url could read it there: that needs the right to read it. */
  async function authorizeStoredElsewhere(
    request: FastifyRequest,
    { metadata, spec }: Cluster,
    wanted: ClusterRequest,
  ): Promise<void> {
    const name = wanted.spec.credentialsSecretRef?.name;
    if (name === undefined || wanted.spec.url === spec.url) return;
    await authorize(request, { verb: 'get', resource: 'secrets', namespace: metadata.namespace, name });
  }

  function changeOf(operation: string, found: Cluster | undefined, given: string): AuditedChange {
    const { namespace, name } = found?.metadata ?? { namespace: namespaces.usual, name: given };
    return { operation, kind: CLUSTER_KIND, namespace, name };
  }

  function centreThere(): boolean {
    return catalogue.clusters.list().some(({ spec }) => spec.type === 'CENTER');
  }

  async function remove(
    request: FastifyRequest,
    id: string,
    found: Cluster | undefined,
    generations: Generations,
  ): Promise<void> {
    const namespace = found?.metadata.namespace ?? namespaces.usual;
    const which = found === undefined ? {} : { name: found.metadata.name };
    await authorize(request, { verb: 'delete', resource: 'clusters', namespace, ...which });
    if (found === undefined) throw complain('clusterNotFound', id);
    const key = { namespace, name: found.metadata.name };
    generations.before = (await removed(request, editor, CLUSTER_KIND, key))?.metadata.generation;
  }

  /** @throws {RestError} 250301 */
  async function ask(request: FastifyRequest, cluster: Cluster, { ping, credentials }: ClusterRequest): Promise<void> {
    if (!ping || UNASKED.has(cluster.spec.type)) return;
    refuseComplaints([await pings.asked(cluster, credentials, request.ended)]);
  }

  function metadataOf(request: FastifyRequest, { annotations }: ClusterRequest) {
    const own = Object.entries({ ...annotations, [CREATED_BY_ANNOTATION]: request.user.name });
    const labels = context.instance === undefined ? {} : { labels: { [INSTANCE_LABEL]: context.instance } };
    return {
      annotations: Object.fromEntries(own.flatMap(([name, text]) => (text === null ? [] : [[name, text]]))),
      ...labels,
    };
  }

  function existed(name: string, there: Cluster | undefined): RestError {
    if (there?.metadata.deletionTimestamp === undefined) {
      const other = there === undefined || restName(there) === name ? undefined : `as resource ${there.metadata.name}`;
      return complain('clusterExists', name, other);
    }
    const tasks = catalogue.tasksOf(there).slice(0, 10);
    const why =
      tasks.length === 0 ? 'it is being deleted' : `it is being deleted and waits for tasks: ${tasks.join(', ')}`;
    return complain('clusterExists', name, why);
  }
}

/** What people put into a Secret of their own is theirs to change. */
function refuseForeignSecret(cluster: Cluster): void {
  const named = cluster.spec.credentialsSecretRef?.name;
  if (named === undefined || named === credentialsSecretName(cluster.metadata.name)) return;
  throw complain('clusterOwned', restName(cluster), `its password is in Secret ${named}: change it there`);
}

/** A Cluster as it would be, for a ping. */
export function unstored(key: { readonly namespace: string; readonly name: string }, spec: Cluster['spec']): Cluster {
  return {
    apiVersion: API_VERSION,
    kind: CLUSTER_KIND,
    metadata: { ...key, uid: '', resourceVersion: '', generation: 0, creationTimestamp: '' },
    spec,
    status: { observedGeneration: -1 },
  };
}
