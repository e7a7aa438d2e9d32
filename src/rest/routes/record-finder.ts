/** Runs as callers may see them: those of tasks that there are, under the rights on the task. */
import type { FastifyRequest } from 'fastify';

import { taskKey } from '../../api/names.ts';
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { RunRecord, RunStatus } from '../../journal/records.ts';
import { authorize } from '../authorize.ts';
import type { RestContext } from '../context.ts';
import { keyOf } from '../mapping/identity.ts';
import type { PageRequest } from '../mapping/page.ts';
import type { LiveRun } from '../mapping/record-info.ts';
import { MAX_LIST } from './limits.ts';

const PAGE = 1_000;

export interface TaskRun {
  readonly task: ReplicaTask;
  readonly run: RunRecord;
}

export class RecordFinder {
  readonly #context: RestContext;

  constructor(context: RestContext) {
    this.#context = context;
  }

  /** undefined = there is none. @throws {RestError} 250113 */
  async task(request: FastifyRequest, key: string): Promise<ReplicaTask | undefined> {
    const task = this.#context.catalogue.tasks.byId(key);
    await this.#mayRead(request, task);
    return task;
  }

  /** undefined = there is none, or none of a task that there is. @throws {RestError} 250113 */
  async run(request: FastifyRequest, recordId: string): Promise<TaskRun | undefined> {
    const { catalogue, records } = this.#context;
    const run = await records.findRun(recordId, request.ended);
    const task = run === undefined ? undefined : catalogue.tasks.get(run);
    await this.#mayRead(request, task);
    return run === undefined || task === undefined ? undefined : { run: shown(run, task), task };
  }

  /** Newest first. */
  async page(
    request: FastifyRequest,
    task: ReplicaTask,
    status: readonly RunStatus[] | undefined,
    page: Pick<PageRequest, 'pageNumber' | 'pageSize'>,
  ): Promise<{ readonly total: number; readonly records: readonly RunRecord[] }> {
    const { namespace, name } = task.metadata;
    const found = await this.#context.records.runPage(taskKey(namespace, name), status, page, request.ended);
    return { total: found.total, records: found.records.map((run) => shown(run, task)) };
  }

  /** The newest ones, as many as a list may have. */
  async all(request: FastifyRequest, task: ReplicaTask): Promise<readonly RunRecord[]> {
    const all: RunRecord[] = [];
    for (let pageNumber = 1; all.length < MAX_LIST; pageNumber += 1) {
      const { records } = await this.page(request, task, undefined, { pageNumber, pageSize: PAGE });
      all.push(...records);
      if (records.length < PAGE) break;
    }
    return all;
  }

  /** What is known of a run that has not ended; undefined of others. */
  async live(request: FastifyRequest, run: RunRecord, { status }: ReplicaTask): Promise<LiveRun | undefined> {
    if (run.status !== 'RUNNING') return undefined;
    const counts = await this.#context.records.countDetails(run.id, request.ended);
    const { progress, activeRun } = status;
    if (activeRun?.recordId !== run.id) return { counts };
    return { counts, replicatedBytes: progress?.sentBytes, totalBytes: progress?.totalBytes };
  }

  async #mayRead(request: FastifyRequest, task: ReplicaTask | undefined): Promise<void> {
    const { namespace, name } = task?.metadata ?? { namespace: this.#context.namespaces.usual, name: undefined };
    const which = name === undefined ? {} : { name };
    await authorize(request, { verb: 'get', resource: 'replicatasks', namespace, ...which });
  }
}

/** A task that an older bk-repo made is known by the key it had there. */
function shown(run: RunRecord, task: ReplicaTask): RunRecord {
  return { ...run, taskKey: keyOf(task) };
}
