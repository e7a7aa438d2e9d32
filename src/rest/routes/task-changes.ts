/** Making, changing, copying and removing ReplicaTasks (contract §1.6–§1.8). */
import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Cluster } from '../../api/cluster.gen.ts';
import { CREATED_BY_ANNOTATION, INSTANCE_LABEL, MODIFIED_BY_ANNOTATION, REPLICA_TASK_KIND } from '../../api/names.ts';
import type { ReplicaTask, ReplicaTaskSpec } from '../../api/replica-task.gen.ts';
import type { SpecDraft } from '../../resources/editor.ts';
import type { ObjectKey } from '../../resources/store.ts';
import { type AuditedChange, audited, type Generations } from '../audit.ts';
import { authorize } from '../authorize.ts';
import { type Complaint, complain, RestError } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { edited, refuseOwned, removed } from '../edit.ts';
import { success } from '../http.ts';
import { admitted, refused } from '../mapping/admission.ts';
import { isOldUpdate, updatedOldTask } from '../mapping/old-task-update.ts';
import { resourceName } from '../mapping/resource-name.ts';
import { copiedTask } from '../mapping/task-copy.ts';
import { canUpdate, taskInfo } from '../mapping/task-info.ts';
import { taskDraft } from '../mapping/task-request.ts';
import { type UpdateTerms, updatedTask } from '../mapping/task-update.ts';
import { REPLICA_TASK_INFO } from '../schemas/answer-schemas.ts';
import { NOTHING } from '../schemas/envelope.ts';
import { KEY_PARAMS, type KeyParams } from '../schemas/queries.ts';
import type { OldTaskUpdateBody, TaskCopyBody, TaskCreateBody, TaskUpdateBody } from '../schemas/task-bodies.ts';
import { TASK_COPY_BODY, TASK_CREATE_BODY, TASK_UPDATE_BODY } from '../schemas/task-body-schemas.ts';
import { OLD_TASK_BASES, TASK_BASE, TASK_BASES } from './bases.ts';
import { described } from './describe.ts';
import { type Pings, refuseComplaints } from './pings.ts';

export function taskChangeRoutes(app: FastifyInstance, context: RestContext, pings: Pings): void {
  const { admit, catalogue, clock, editor, logger, namespaces, scheduleZone } = context;
  const find = catalogue.find.bind(catalogue);

  function terms({ dates }: FastifyRequest): UpdateTerms {
    return { find, dates, scheduleZone, now: new Date(clock.now()) };
  }

  /** The document's path is the old base itself (contract §0). */
  const creates = [`${TASK_BASE}/create`, ...OLD_TASK_BASES, ...OLD_TASK_BASES.map((base) => `${base}/create`)];
  for (const url of creates)
    app.post<{ Body: TaskCreateBody }>(
      url,
      described({
        tag: 'task',
        summary: 'Makes a task; its far sides are asked first. The same again changes nothing and succeeds.',
        body: TASK_CREATE_BODY,
        data: REPLICA_TASK_INFO,
      }),
      async (request) => {
        const { body } = request;
        const key = { namespace: namespaces.ofProject(body.localProjectId), name: resourceName(body.name) };
        const task = await audited(logger, request, change('create', key), (generations) =>
          create(request, body, key, generations),
        );
        return success(request, taskInfo(task, terms(request)));
      },
    );

  for (const base of TASK_BASES) {
    const deprecated = base !== TASK_BASE;
    app.post<{ Body: TaskUpdateBody | OldTaskUpdateBody }>(
      `${base}/update`,
      described({
        tag: 'task',
        summary: 'Changes a task that waits and has never run.',
        body: TASK_UPDATE_BODY,
        data: deprecated ? REPLICA_TASK_INFO : NOTHING,
        deprecated,
      }),
      async (request) => {
        const { body } = request;
        const given = isOldUpdate(body) ? body.taskKey : body.key;
        const found = catalogue.tasks.byId(given);
        const task = await audited(logger, request, changeOf('update', found, given), (generations) =>
          update(request, body, found, given, generations),
        );
        return success(request, deprecated ? taskInfo(task, terms(request)) : null);
      },
    );

    app.post<{ Body: TaskCopyBody }>(
      `${base}/copy`,
      described({
        tag: 'task',
        summary: 'Makes a disabled task that copies the same.',
        body: TASK_COPY_BODY,
        data: NOTHING,
        deprecated,
      }),
      async (request) => {
        const { body } = request;
        const found = catalogue.tasks.byId(body.key);
        const key = { namespace: found?.metadata.namespace ?? namespaces.usual, name: resourceName(body.name) };
        await audited(logger, request, change('copy', key), (generations) =>
          copy(request, body, found, key, generations),
        );
        return success(request, null);
      },
    );

    app.delete<{ Params: KeyParams }>(
      `${base}/delete/:key`,
      described({
        tag: 'task',
        summary: 'Removes a task and ends its run; one that is not there is no error.',
        params: KEY_PARAMS,
        data: NOTHING,
        deprecated,
      }),
      async (request) => {
        const { key } = request.params;
        const found = catalogue.tasks.byId(key);
        await audited(logger, request, changeOf('delete', found, key), async (generations) => {
          await mayChange(request, 'delete', found);
          if (found === undefined) return;
          const before = await removed(request, editor, REPLICA_TASK_KIND, found.metadata);
          generations.before = before?.metadata.generation;
        });
        return success(request, null);
      },
    );
  }

  async function create(
    request: FastifyRequest,
    body: TaskCreateBody,
    key: ObjectKey,
    generations: Generations,
  ): Promise<ReplicaTask> {
    await authorize(request, { verb: 'create', resource: 'replicatasks', namespace: key.namespace });
    const present = catalogue.tasks.byName(body.name);
    if (present !== undefined) {
      if (present.metadata.namespace !== key.namespace) throw complain('resourceExisted', body.name);
      return same(present, specOf(request, body, key)?.full, body.name);
    }
    const { draft, full } = mapped(request, body, key);
    await ask(request, clustersOf(full.remoteClusterIds, key));
    return await made(request, key, draft, full, body.name, generations);
  }

  function mapped(request: FastifyRequest, body: TaskCreateBody, key: ObjectKey) {
    const draft = taskDraft(body, terms(request));
    return { draft, full: admitted(admit, REPLICA_TASK_KIND, key, draft) };
  }

  /** undefined = what the body says can be no task. */
  function specOf(request: FastifyRequest, body: TaskCreateBody, key: ObjectKey) {
    try {
      return mapped(request, body, key);
    } catch (error) {
      if (error instanceof RestError) return undefined;
      throw error;
    }
  }

  /** A caller who did not hear the first answer asks again. @throws {RestError} 250107 for another task of that name */
  function same(present: ReplicaTask | undefined, spec: ReplicaTaskSpec | undefined, name: string): ReplicaTask {
    const there = present?.metadata.deletionTimestamp === undefined ? present : undefined;
    if (there !== undefined && isDeepStrictEqual(there.spec, spec)) return there;
    const why = present !== undefined && there === undefined ? 'it is being deleted' : undefined;
    throw complain('resourceExisted', name, why);
  }

  async function made(
    request: FastifyRequest,
    key: ObjectKey,
    spec: SpecDraft<'ReplicaTask'>,
    full: ReplicaTaskSpec,
    name: string,
    generations: Generations,
  ): Promise<ReplicaTask> {
    const labels = context.instance === undefined ? {} : { labels: { [INSTANCE_LABEL]: context.instance } };
    const annotations = { [CREATED_BY_ANNOTATION]: request.user.name };
    const outcome = await editor.create(REPLICA_TASK_KIND, { ...key, spec, annotations, ...labels }, request.ended);
    if (outcome.outcome === 'invalid') throw refused(outcome.errors);
    if (outcome.outcome !== 'written')
      return same(outcome.outcome === 'exists' ? outcome.object : undefined, full, name);
    generations.after = outcome.object.metadata.generation;
    return outcome.object;
  }

  /** @throws {RestError} 250306 with all that are not there */
  function clustersOf(entries: readonly string[], key: ObjectKey): readonly Cluster[] {
    // REST does not know those that are on their way out.
    const found = entries.map((entry) => {
      const cluster = find(key.namespace, entry);
      return cluster === undefined || cluster.metadata.deletionTimestamp !== undefined ? entry : cluster;
    });
    refuseComplaints(found.map((entry) => (typeof entry === 'string' ? unknownCluster(entry, key) : undefined)));
    return found.filter((entry) => typeof entry !== 'string');
  }

  /** @throws {RestError} 250301 with all that do not answer */
  async function ask(request: FastifyRequest, clusters: readonly Cluster[]): Promise<void> {
    refuseComplaints(await Promise.all(clusters.map((cluster) => pings.stored(cluster, request.ended))));
  }

  /** A Cluster of another namespace of ours is told: tasks reach only those of their own. */
  function unknownCluster(entry: string, { namespace }: ObjectKey): Complaint {
    const elsewhere = catalogue.clusters.byId(entry)?.metadata.namespace;
    const detail =
      elsewhere === undefined
        ? {}
        : { detail: `it is in namespace ${elsewhere}, tasks of this project are in ${namespace}` };
    return { code: 'clusterNotFound', subject: entry, ...detail };
  }

  async function update(
    request: FastifyRequest,
    body: TaskUpdateBody | OldTaskUpdateBody,
    found: ReplicaTask | undefined,
    given: string,
    generations: Generations,
  ): Promise<ReplicaTask> {
    await mayChange(request, 'update', found);
    if (found === undefined) throw complain('taskNotFound', given);
    const { namespace, name } = found.metadata;
    const key = { namespace, name };
    const after = await edited(request, editor, REPLICA_TASK_KIND, key, async (live) => {
      const task = live.object;
      generations.before = task.metadata.generation;
      const draft = isOldUpdate(body)
        ? updatedOldTask(body, task, clustersIn(namespace), terms(request))
        : updatedTask(body, task, terms(request));
      const spec = admitted(admit, REPLICA_TASK_KIND, key, draft);
      refuseOwned(live, spec);
      if (!canUpdate(task))
        throw complain('taskNotEditable', given, 'it has run; with kubectl it can be edited at any time');
      refuseTaken(spec.name, task);
      const clusters = clustersOf(spec.remoteClusterIds, key);
      if (isOldUpdate(body) && body.validateConnectivity !== false) await ask(request, clusters);
      const annotations = { [MODIFIED_BY_ANNOTATION]: request.user.name };
      return await editor.replaceSpec(REPLICA_TASK_KIND, task, { spec, annotations }, request.ended);
    });
    generations.after = after.metadata.generation;
    return after;
  }

  function clustersIn(namespace: string): readonly Cluster[] {
    return catalogue.clusters.list().filter(({ metadata }) => metadata.namespace === namespace);
  }

  function refuseTaken(name: string | undefined, task: ReplicaTask): void {
    const other = name === undefined ? undefined : catalogue.tasks.byName(name);
    if (other !== undefined && other.metadata.uid !== task.metadata.uid) throw complain('resourceExisted', name);
  }

  async function copy(
    request: FastifyRequest,
    body: TaskCopyBody,
    found: ReplicaTask | undefined,
    key: ObjectKey,
    generations: Generations,
  ): Promise<void> {
    const { namespace } = key;
    const source = found === undefined ? {} : { name: found.metadata.name };
    await authorize(request, { verb: 'get', resource: 'replicatasks', namespace, ...source });
    await authorize(request, { verb: 'create', resource: 'replicatasks', namespace });
    if (found === undefined) throw complain('taskNotFound', body.key);
    const draft = copiedTask(body, found);
    if (catalogue.tasks.byName(body.name) !== undefined) throw complain('resourceExisted', body.name);
    await made(request, key, draft, admitted(admit, REPLICA_TASK_KIND, key, draft), body.name, generations);
  }

  async function mayChange(
    request: FastifyRequest,
    verb: 'update' | 'delete',
    found: ReplicaTask | undefined,
  ): Promise<void> {
    const { namespace, name } = found?.metadata ?? { namespace: namespaces.usual, name: undefined };
    const which = name === undefined ? {} : { name };
    await authorize(request, { verb, resource: 'replicatasks', namespace, ...which });
  }

  function change(operation: string, key: ObjectKey): AuditedChange {
    return { operation, kind: REPLICA_TASK_KIND, ...key };
  }

  function changeOf(operation: string, found: ReplicaTask | undefined, given: string): AuditedChange {
    const { namespace, name } = found?.metadata ?? { namespace: namespaces.usual, name: given };
    return change(operation, { namespace, name });
  }
}
