/** Reading records of runs and artifacts (contract §1.10), and runs in the words of the old generation (§1.6). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { DetailFilter, RunRecord, RunStatus } from '../../journal/records.ts';
import { complain } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { success } from '../http.ts';
import { pageOf, pageRequest } from '../mapping/page.ts';
import { overviewOf, recordDetail, recordInfo, taskRecord } from '../mapping/record-info.ts';
import { taskLog } from '../mapping/task-log.ts';
import {
  REPLICA_OVERVIEW,
  REPLICA_RECORD_DETAIL,
  REPLICA_RECORD_INFO,
  REPLICA_TASK_RECORD_INFO,
  REPLICATION_TASK_LOG,
} from '../schemas/answer-schemas.ts';
import { listOf, nullOr, pageSchema } from '../schemas/envelope.ts';
import {
  DETAIL_PAGE_QUERY,
  type DetailPageQuery,
  KEY_PARAMS,
  type KeyParams,
  PAGE_QUERY,
  type PageQuery,
  RECORD_ID_PARAMS,
  RECORD_PAGE_QUERY,
  type RecordIdParams,
  type RecordPageQuery,
} from '../schemas/queries.ts';
import type { ReplicaRecordDetail, ReplicaRecordInfo, ReplicationTaskLog } from '../schemas/record-answers.ts';
import { TASK_BASES } from './bases.ts';
import { described } from './describe.ts';
import { MAX_LIST } from './limits.ts';
import { RecordFinder, type TaskRun } from './record-finder.ts';

const BASE = '/api/task/record';
const DETAIL_PAGE = 1_000;

const OWN_STATUSES: Readonly<Record<NonNullable<RecordPageQuery['status']>, readonly RunStatus[]>> = {
  RUNNING: ['RUNNING'],
  SUCCESS: ['SUCCESS'],
  FAILED: ['FAILED', 'ABORTED'],
};

export function recordRoutes(app: FastifyInstance, context: RestContext): void {
  const { records, localCluster } = context;
  const finder = new RecordFinder(context);

  /** @throws {RestError} 250113, 250310 */
  async function existing(request: FastifyRequest, recordId: string): Promise<TaskRun> {
    const found = await finder.run(request, recordId);
    if (found === undefined) throw complain('taskNotFound', recordId);
    return found;
  }

  async function info(request: FastifyRequest, run: RunRecord, task: ReplicaTask): Promise<ReplicaRecordInfo> {
    return recordInfo(run, request.dates, await finder.live(request, run, task));
  }

  async function log(request: FastifyRequest, run: RunRecord, task: ReplicaTask): Promise<ReplicationTaskLog> {
    return taskLog(run, task.spec, request.dates, await finder.live(request, run, task));
  }

  async function detailsOf(
    request: FastifyRequest,
    { run }: TaskRun,
    filter: DetailFilter,
    page: { readonly pageNumber: number; readonly pageSize: number },
  ): Promise<{ readonly total: number; readonly records: readonly ReplicaRecordDetail[] }> {
    const found = await records.details(run.id, filter, page, request.ended);
    const type = run.retryOf === undefined ? 'FULL' : 'PARTIAL';
    return {
      total: found.total,
      records: found.records.map((detail) => recordDetail(detail, localCluster, type, request.dates)),
    };
  }

  app.get<{ Params: RecordIdParams }>(
    `${BASE}/:recordId`,
    described({ tag: 'record', summary: 'A run.', params: RECORD_ID_PARAMS, data: REPLICA_TASK_RECORD_INFO }),
    async (request) => {
      const { run, task } = await existing(request, request.params.recordId);
      return success(request, taskRecord(task, await info(request, run, task)));
    },
  );

  app.get<{ Params: RecordIdParams }>(
    `${BASE}/overview/:recordId`,
    described({ tag: 'record', summary: 'The counts of a run.', params: RECORD_ID_PARAMS, data: REPLICA_OVERVIEW }),
    async (request) => {
      const { run, task } = await existing(request, request.params.recordId);
      return success(request, overviewOf(run, await finder.live(request, run, task)));
    },
  );

  app.get<{ Params: KeyParams }>(
    `${BASE}/list/:key`,
    described({
      tag: 'record',
      summary: 'Runs of a task, newest first; none of a task that is not there.',
      params: KEY_PARAMS,
      data: listOf(REPLICA_RECORD_INFO),
    }),
    async (request) => {
      const task = await finder.task(request, request.params.key);
      if (task === undefined) return success(request, []);
      const all = await finder.all(request, task);
      return success(request, await Promise.all(all.map((run) => info(request, run, task))));
    },
  );

  app.get<{ Params: KeyParams; Querystring: RecordPageQuery }>(
    `${BASE}/page/:key`,
    described({
      tag: 'record',
      summary: 'Runs of a task in pages, newest first.',
      params: KEY_PARAMS,
      querystring: RECORD_PAGE_QUERY,
      data: pageSchema(REPLICA_RECORD_INFO),
    }),
    async (request) => {
      const page = pageRequest(request.query);
      const { status } = request.query;
      const task = await finder.task(request, request.params.key);
      if (task === undefined) return success(request, pageOf(page, 0, []));
      const wanted = status === undefined ? undefined : OWN_STATUSES[status];
      const { total, records: runs } = await finder.page(request, task, wanted, page);
      return success(request, pageOf(page, total, await Promise.all(runs.map((run) => info(request, run, task)))));
    },
  );

  app.get<{ Params: RecordIdParams }>(
    `${BASE}/detail/list/:recordId`,
    described({
      tag: 'record',
      summary: `Artifacts of a run, newest first, at most ${MAX_LIST}.`,
      params: RECORD_ID_PARAMS,
      data: listOf(REPLICA_RECORD_DETAIL),
    }),
    async (request) => {
      const found = await finder.run(request, request.params.recordId);
      if (found === undefined) return success(request, []);
      const all: ReplicaRecordDetail[] = [];
      for (let pageNumber = 1; all.length < MAX_LIST; pageNumber += 1) {
        const page = await detailsOf(request, found, {}, { pageNumber, pageSize: DETAIL_PAGE });
        all.push(...page.records);
        if (page.records.length < DETAIL_PAGE) break;
      }
      return success(request, all);
    },
  );

  app.get<{ Params: RecordIdParams; Querystring: DetailPageQuery }>(
    `${BASE}/detail/page/:recordId`,
    described({
      tag: 'record',
      summary: 'Artifacts of a run in pages, newest first.',
      params: RECORD_ID_PARAMS,
      querystring: DETAIL_PAGE_QUERY,
      data: pageSchema(REPLICA_RECORD_DETAIL),
    }),
    async (request) => {
      const page = pageRequest(request.query);
      const found = await finder.run(request, request.params.recordId);
      // An artifact has a record once it is finished.
      if (found === undefined || request.query.status === 'RUNNING') return success(request, pageOf(page, 0, []));
      const { total, records: rows } = await detailsOf(request, found, filterOf(request.query), page);
      return success(request, pageOf(page, total, rows));
    },
  );

  for (const base of TASK_BASES) {
    app.get<{ Params: KeyParams }>(
      `${base}/log/list/:key`,
      described({
        tag: 'record',
        summary: 'Runs of a task, newest first.',
        params: KEY_PARAMS,
        data: listOf(REPLICATION_TASK_LOG),
        deprecated: true,
      }),
      async (request) => {
        const task = await finder.task(request, request.params.key);
        if (task === undefined) return success(request, []);
        const all = await finder.all(request, task);
        return success(request, await Promise.all(all.map((run) => log(request, run, task))));
      },
    );

    app.get<{ Params: KeyParams; Querystring: PageQuery }>(
      `${base}/log/page/:key`,
      described({
        tag: 'record',
        summary: 'Runs of a task in pages, newest first.',
        params: KEY_PARAMS,
        querystring: PAGE_QUERY,
        data: pageSchema(REPLICATION_TASK_LOG),
        deprecated: true,
      }),
      async (request) => {
        const page = pageRequest(request.query);
        const task = await finder.task(request, request.params.key);
        if (task === undefined) return success(request, pageOf(page, 0, []));
        const { total, records: runs } = await finder.page(request, task, undefined, page);
        return success(request, pageOf(page, total, await Promise.all(runs.map((run) => log(request, run, task)))));
      },
    );

    app.get<{ Params: KeyParams }>(
      `${base}/log/latest/:key`,
      described({
        tag: 'record',
        summary: 'The newest run of a task, or null.',
        params: KEY_PARAMS,
        data: nullOr(REPLICATION_TASK_LOG),
        deprecated: true,
      }),
      async (request) => {
        const task = await finder.task(request, request.params.key);
        const found = task && (await finder.page(request, task, undefined, { pageNumber: 1, pageSize: 1 }));
        const run = found?.records[0];
        return success(request, task === undefined || run === undefined ? null : await log(request, run, task));
      },
    );
  }
}

/** An empty text is the field of a form that nobody filled in. */
function filterOf(query: DetailPageQuery): DetailFilter {
  const { packageName, repoName, clusterName, path, artifactName, version, status } = query;
  return {
    ...(status === undefined || status === 'RUNNING' ? {} : { result: status }),
    ...(clusterName ? { clusterName } : {}),
    ...(repoName ? { repoName } : {}),
    ...(path ? { pathPrefix: path } : {}),
    ...(packageName ? { packageKeyPrefix: packageName } : {}),
    ...(artifactName ? { artifactNamePrefix: artifactName } : {}),
    ...(version ? { version } : {}),
  };
}
