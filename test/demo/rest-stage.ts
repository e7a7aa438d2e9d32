/** The demo by REST calls only: whatever a stage runs, made, watched and asked for by the documented requests. */
import type { RestAccount } from '../support/rest-accounts.ts';
import { RestClient } from './rest-client.ts';
import type { RestSection, Stage, TaskView } from './stage.ts';
import type { Copied } from './verdict.ts';

export interface RestStageOptions {
  /** Where the program runs. */
  readonly stage: Stage;
  readonly section: RestSection;
  readonly account: RestAccount;
  readonly farSides: readonly {
    readonly name: string;
    readonly url: string;
    readonly username: string;
    readonly password: string;
  }[];
  readonly project: string;
  readonly remoteProject: string;
  readonly replicaType: 'SCHEDULED' | 'REAL_TIME';
  /** Of each task, by its name, what it copies. */
  readonly tasks: Readonly<Record<string, readonly Copied[]>>;
  readonly report: (line: string) => void;
}

export interface RestStage extends Stage {
  /** REST requests made so far. */
  readonly requests: number;
}

interface TaskInfo {
  readonly key: string;
  readonly name: string;
}

interface RunRecord {
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED';
  readonly errorReason: string | null;
  readonly replicatedBytes: number;
  readonly totalBytes: number;
  readonly replicaOverview: Readonly<Record<'success' | 'failed' | 'conflict' | 'fileSuccess' | 'fileFailed', number>>;
}

interface Page<T> {
  readonly totalRecords: number;
  readonly records: readonly T[];
}

export function restStage(options: RestStageOptions): RestStage {
  const { stage, section, account, farSides, project, report } = options;
  const url = `http://${section.host}:${section.port}/replication`;
  const client = new RestClient(url, account);
  const keys: string[] = [];

  async function makeCluster({ name, ...access }: RestStageOptions['farSides'][number]): Promise<string> {
    const body = { name, type: 'STANDALONE', certificate: null, ...access };
    await client.call('POST', '/api/cluster/create', body);
    await client.call('GET', `/api/cluster/tryConnect?name=${encodeURIComponent(name)}`);
    report(`POST /replication/api/cluster/create: ${name}, which answers`);
    const { id } = await client.call<{ readonly id: string }>('GET', `/api/cluster/info?name=${name}`);
    return id;
  }

  return {
    get requests() {
      return client.requests;
    },
    async apply() {
      await stage.apply('');
      const remoteClusterIds: string[] = [];
      for (const farSide of farSides) remoteClusterIds.push(await makeCluster(farSide));
      for (const [name, copied] of Object.entries(options.tasks)) {
        const body = taskBody(name, copied, options, remoteClusterIds);
        const { key } = await client.call<TaskInfo>('POST', '/api/task/cluster', body);
        keys.push(key);
        report(`POST /replication/api/task/cluster: ${name}, ${key}`);
      }
    },
    async tasks() {
      const { records } = await client.call<Page<TaskInfo>>('GET', `/api/task/page/${project}?pageSize=100`);
      return await Promise.all(records.map((info) => viewOf(client, info)));
    },
    async requestRun() {
      for (const key of keys) await client.call('POST', `/api/task/execute/${key}`);
    },
    async show() {
      const shown: string[] = [];
      for (const key of keys) {
        for (const path of [`/api/task/info/${key}`, `/api/task/record/page/${key}?pageNumber=1&pageSize=1`])
          shown.push(`GET /replication${path}`, JSON.stringify(await client.call('GET', path), null, 2));
      }
      return shown.join('\n');
    },
    addresses: () => [...stage.addresses(), `REST API: ${url} (${account.username}, ${account.password})`],
    stop: () => stage.stop(),
  };
}

function taskBody(
  name: string,
  copied: readonly Copied[],
  { project, remoteProject, replicaType }: RestStageOptions,
  remoteClusterIds: readonly string[],
): object {
  return {
    name,
    localProjectId: project,
    replicaTaskObjects: copied.map(({ type, repoName, remoteRepoName }) => ({
      localRepoName: repoName,
      remoteProjectId: remoteProject,
      remoteRepoName,
      repoType: type,
      packageConstraints: [],
      pathConstraints: [],
    })),
    replicaType,
    setting: {
      rateLimit: 0,
      includeMetadata: true,
      conflictStrategy: 'OVERWRITE',
      errorStrategy: 'CONTINUE',
      executionPlan: { executeImmediately: true },
    },
    remoteClusterIds,
    enabled: true,
    description: 'made by REST',
  };
}

async function viewOf(client: RestClient, { key, name }: TaskInfo): Promise<TaskView> {
  const { totalRecords, records } = await client.call<Page<RunRecord>>(
    'GET',
    `/api/task/record/page/${key}?pageNumber=1&pageSize=1`,
  );
  const [newest] = records;
  const running = newest?.status === 'RUNNING';
  return { name, runs: totalRecords - (running ? 1 : 0), running, progress: progressOf(newest) };
}

function progressOf(record: RunRecord | undefined): string {
  if (record === undefined) return 'not run yet';
  const { status, errorReason, replicatedBytes, totalBytes, replicaOverview: overview } = record;
  const counts = `${overview.success} well (${overview.fileSuccess} files), ${overview.conflict} conflicts, ${overview.failed} failed`;
  return `${status}, ${counts}, ${replicatedBytes} of ${totalBytes} bytes${errorReason ? `; ${errorReason}` : ''}`;
}
