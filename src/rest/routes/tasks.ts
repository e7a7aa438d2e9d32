/** Reading ReplicaTasks, in the ways of both generations (contract §1.6, §1.7). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import { isEnabled } from '../../domain/due.ts';
import { authorize, readableNamespaces } from '../authorize.ts';
import { complain } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { tagged } from '../edit.ts';
import { success } from '../http.ts';
import { restName } from '../mapping/identity.ts';
import { pageFrom, pageRequest } from '../mapping/page.ts';
import { canUpdate, type InfoTerms, lastResult, taskDetail, taskInfo } from '../mapping/task-info.ts';
import { REPLICA_TASK_DETAIL, REPLICA_TASK_INFO } from '../schemas/answer-schemas.ts';
import { listOf, nullOr, pageSchema } from '../schemas/envelope.ts';
import { flag } from '../schemas/json-schema.ts';
import {
  KEY_PARAMS,
  type KeyParams,
  PROJECT_PARAMS,
  type ProjectParams,
  TASK_PAGE_QUERY,
  type TaskPageQuery,
} from '../schemas/queries.ts';
import { OLD_TASK_BASES, TASK_BASE, TASK_BASES } from './bases.ts';
import { described } from './describe.ts';
import { MAX_LIST } from './limits.ts';

export function taskRoutes(app: FastifyInstance, context: RestContext): void {
  const { catalogue, namespaces, scheduleZone } = context;
  const find = catalogue.find.bind(catalogue);

  function terms({ dates }: FastifyRequest): InfoTerms {
    return { find, dates, scheduleZone };
  }

  /** @throws {RestError} 250113 */
  async function allowed(request: FastifyRequest, key: string): Promise<ReplicaTask | undefined> {
    const task = catalogue.tasks.byId(key);
    const { namespace, name } = task?.metadata ?? { namespace: namespaces.usual, name: undefined };
    const which = name === undefined ? {} : { name };
    await authorize(request, { verb: 'get', resource: 'replicatasks', namespace, ...which });
    return task;
  }

  /** @throws {RestError} 250113, 250310 */
  async function existing(request: FastifyRequest, reply: FastifyReply, key: string): Promise<ReplicaTask> {
    const task = await allowed(request, key);
    if (task === undefined) throw complain('taskNotFound', key);
    tagged(reply, task);
    return task;
  }

  async function readable(
    request: FastifyRequest,
    query: TaskPageQuery,
    projectId?: string,
  ): Promise<readonly ReplicaTask[]> {
    const served = await readableNamespaces(request, namespaces.all, 'replicatasks');
    const { name, enabled, lastExecutionStatus, sortType, sortDirection } = query;
    const question = [served, projectId, name, enabled, lastExecutionStatus, sortType, sortDirection];
    return remembered(catalogue.tasks.list(), JSON.stringify(question), (tasks) => {
      const there = new Set(served);
      const fitting = tasks.filter((task) => there.has(task.metadata.namespace) && fits(task, query, projectId));
      return sorted(fitting, query);
    });
  }

  for (const base of TASK_BASES) {
    const deprecated = base !== TASK_BASE;

    app.get<{ Params: KeyParams }>(
      `${base}/info/:key`,
      described({ tag: 'task', summary: 'A task.', params: KEY_PARAMS, data: REPLICA_TASK_INFO, deprecated }),
      async (request, reply) =>
        success(request, taskInfo(await existing(request, reply, request.params.key), terms(request))),
    );

    app.get<{ Params: ProjectParams; Querystring: TaskPageQuery }>(
      `${base}/page/:projectId`,
      described({
        tag: 'task',
        summary: 'Tasks of a project, in pages.',
        params: PROJECT_PARAMS,
        querystring: TASK_PAGE_QUERY,
        data: pageSchema(REPLICA_TASK_INFO),
        deprecated,
      }),
      async (request) => page(request, request.query, request.params.projectId),
    );

    app.get<{ Querystring: TaskPageQuery }>(
      `${base}/page`,
      described({
        tag: 'task',
        summary: 'Tasks of all projects, in pages.',
        querystring: TASK_PAGE_QUERY,
        data: pageSchema(REPLICA_TASK_INFO),
        deprecated,
      }),
      async (request) => page(request, request.query),
    );

    app.get(
      `${base}/list`,
      described({ tag: 'task', summary: 'All tasks.', data: listOf(REPLICA_TASK_INFO), deprecated }),
      async (request) => {
        const all = (await readable(request, {})).slice(0, MAX_LIST);
        return success(
          request,
          all.map((task) => taskInfo(task, terms(request))),
        );
      },
    );

    app.get<{ Params: KeyParams }>(
      `${base}/canUpdated/:key`,
      described({
        tag: 'task',
        summary: 'Whether a task may be changed: it waits, and has never run.',
        params: KEY_PARAMS,
        data: flag('Whether it may.'),
        deprecated,
      }),
      async (request, reply) => success(request, canUpdate(await existing(request, reply, request.params.key))),
    );
  }

  app.get<{ Params: KeyParams }>(
    `${TASK_BASE}/detail/:key`,
    described({
      tag: 'task',
      summary: 'A task and what it copies.',
      params: KEY_PARAMS,
      data: REPLICA_TASK_DETAIL,
    }),
    async (request, reply) =>
      success(request, taskDetail(await existing(request, reply, request.params.key), terms(request))),
  );

  for (const base of OLD_TASK_BASES)
    app.get<{ Params: KeyParams }>(
      `${base}/detail/:key`,
      described({
        tag: 'task',
        summary: 'A task, or null.',
        params: KEY_PARAMS,
        data: nullOr(REPLICA_TASK_INFO),
        deprecated: true,
      }),
      async (request, reply) => {
        const task = await allowed(request, request.params.key);
        if (task === undefined) return success(request, null);
        tagged(reply, task);
        return success(request, taskInfo(task, terms(request)));
      },
    );

  async function page(request: FastifyRequest, query: TaskPageQuery, projectId?: string) {
    const { records, ...counts } = pageFrom(pageRequest(query), await readable(request, query, projectId));
    return success(request, { ...counts, records: records.map((task) => taskInfo(task, terms(request))) });
  }
}

/** The name's beginning is taken literally. */
function fits(task: ReplicaTask, query: TaskPageQuery, projectId: string | undefined): boolean {
  const { spec, metadata } = task;
  if (projectId !== undefined && spec.localProjectId !== projectId) return false;
  if (query.name !== undefined && !restName(task).startsWith(query.name)) return false;
  if (query.enabled !== undefined && isEnabled(spec, metadata.annotations) !== query.enabled) return false;
  return query.lastExecutionStatus === undefined || lastResult(task) === query.lastExecutionStatus;
}

type Tasks = readonly ReplicaTask[];

/** Answers kept of one list of tasks. */
const MAX_REMEMBERED = 16;
/** By the list that they were made of: it is another one as soon as any task changed. */
const answers = new WeakMap<Tasks, Map<string, Tasks>>();

/** So that those who turn pages, and those who look again and again, do not each cost a walk over all tasks. */
function remembered(tasks: Tasks, question: string, answer: (tasks: Tasks) => Tasks): Tasks {
  const known = answers.get(tasks) ?? new Map<string, Tasks>();
  answers.set(tasks, known);
  const before = known.get(question);
  if (before !== undefined) return before;
  if (known.size >= MAX_REMEMBERED) known.clear();
  const found = answer(tasks);
  known.set(question, found);
  return found;
}

/** By creation they come sorted, newest first. Tasks without the time that is asked for count as the oldest. */
function sorted(tasks: Tasks, { sortType, sortDirection }: TaskPageQuery): Tasks {
  const ascending = sortDirection === 'ASC';
  if (sortType === undefined || sortType === 'CREATED_TIME') return ascending ? tasks.toReversed() : tasks;
  const field = sortType === 'LAST_EXECUTION_TIME' ? 'lastExecutionTime' : 'nextExecutionTime';
  const timed = tasks.map((task) => ({ task, time: instant(task.status[field]) }));
  timed.sort((a, b) => (ascending ? a.time - b.time : b.time - a.time));
  return timed.map(({ task }) => task);
}

function instant(text: string | undefined): number {
  return text === undefined ? 0 : Date.parse(text);
}
