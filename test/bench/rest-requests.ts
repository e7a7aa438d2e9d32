/** What is asked of the REST API, and the tasks that it is asked about. */
import { taskKey } from '../../src/api/names.ts';
import { NAMESPACE } from '../e2e/faults/operators.ts';
import { PROJECT, REPOSITORY } from '../support/replication.ts';
import type { Request } from './load.ts';

/** At once. */
export const CALLERS = [1, 8, 32];
/** Requests of one kind that change something. */
export const MOST_CHANGES = 300;

export function pages(tasks: number): Readonly<Record<string, string>> {
  const base = '/replication/api/task/page';
  return {
    'page-first': `${base}?pageNumber=1&pageSize=20`,
    'page-middle': `${base}?pageNumber=${Math.floor(tasks / 40)}&pageSize=20`,
    'page-filtered': `${base}?pageNumber=1&pageSize=20&name=task-9&enabled=true`,
    'page-by-next-time': `${base}?pageNumber=1&pageSize=20&sortType=NEXT_EXECUTION_TIME&sortDirection=ASC`,
    'page-of-project': `${base}/${PROJECT}?pageNumber=2&pageSize=20`,
  };
}

export function changes(tasks: number): Readonly<Record<string, (callers: number, n: number) => Request>> {
  return {
    create: (callers, n) => ({ method: 'POST', path: '/replication/api/task/create', body: createBody(callers, n) }),
    execute: (callers, n) => ({
      method: 'POST',
      path: `/replication/api/task/execute/${keyOf((CALLERS.indexOf(callers) * MOST_CHANGES + n) % tasks)}`,
    }),
  };
}

function createBody(callers: number, n: number): object {
  return {
    name: `made-${callers}-${n}`,
    localProjectId: PROJECT,
    replicaObjectType: 'PATH',
    replicaTaskObjects: [
      {
        localRepoName: REPOSITORY,
        remoteProjectId: 'mirror',
        remoteRepoName: REPOSITORY,
        repoType: 'GENERIC',
        pathConstraints: [{ path: `/made-${n}` }],
      },
    ],
    replicaType: 'SCHEDULED',
    setting: {
      rateLimit: 0,
      includeMetadata: true,
      conflictStrategy: 'SKIP',
      errorStrategy: 'FAST_FAIL',
      executionStrategy: 'CRON_EXPRESSION',
      executionPlan: { executeImmediately: false, cronExpression: yearly(n) },
    },
    remoteClusterIds: ['far'],
    enabled: true,
    description: 'made by the benchmark',
  };
}

/** Once a year, on a day and at a time of its own, not soon. */
function yearly(n: number): string {
  const month = ((new Date().getUTCMonth() + 2 + (n % 9)) % 12) + 1;
  return `0 ${n % 60} ${n % 24} ${(n % 28) + 1} ${month} ?`;
}

function nameOf(n: number): string {
  return `task-${n}`;
}

export function keyOf(n: number): string {
  return taskKey(NAMESPACE, nameOf(n));
}

export function manifest(n: number): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: { name: nameOf(n), namespace: NAMESPACE },
    spec: {
      name: nameOf(n),
      localProjectId: PROJECT,
      replicaObjectType: 'PATH',
      replicaTaskObjects: [
        {
          localRepoName: REPOSITORY,
          remoteProjectId: 'mirror',
          repoType: 'GENERIC',
          pathConstraints: [{ path: `/${nameOf(n)}` }],
        },
      ],
      remoteClusterIds: ['far'],
      setting: { executionPlan: { cronExpression: yearly(n) } },
    },
  };
}
