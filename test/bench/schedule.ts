/**
 * Tasks that are all due in the same second, on a real API server: how late each is begun, when its far side hears of it,
 * how many requests the API server gets for it, and how much memory the program takes. Promised: every task is begun
 * within two seconds of its time, each once, and every far side is equal. All parts share the machine.
 */
import { parseArgs } from 'node:util';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { NAMESPACE, Operators, TASKS } from '../e2e/faults/operators.ts';
import { PROJECT, REPOSITORY } from '../support/replication.ts';
import { eventually } from '../support/wait.ts';
import { forgetPeak, peakRssMb } from './memory.ts';

const USUAL = { tasks: 500, leadSeconds: 90 };
const QUICK = { tasks: 50, leadSeconds: 25 };
const MOST_DELAY_MS = 2_000;
const WRITERS = 16;
/** Until every run has ended. */
const RUN_MS = 300_000;
const OPERATOR = `system:serviceaccount:${NAMESPACE}:bkrepo-replicator`;

export interface ScheduleOptions {
  readonly tasks: number;
  /** From the first task's creation to the second in which all are due. */
  readonly leadSeconds: number;
  readonly json: boolean;
}

export const SCHEDULE_USAGE = `npm run bench -- schedule [OPTIONS]
  --quick              ${QUICK.tasks} tasks in place of ${USUAL.tasks}
  --tasks N            number of tasks
  --lead SECONDS       time to create them all before they are due (${USUAL.leadSeconds}, quick ${QUICK.leadSeconds})
  --json               print one final line of JSON on standard output, everything else on standard error
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a number that is none */
export function scheduleOptions(argv: readonly string[]): ScheduleOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      tasks: { type: 'string' },
      lead: { type: 'string' },
    },
  });
  const usual = values.quick ? QUICK : USUAL;
  const [tasks, leadSeconds] = [Number(values.tasks ?? usual.tasks), Number(values.lead ?? usual.leadSeconds)];
  if (!Number.isInteger(tasks) || tasks < 1) throw new RangeError('--tasks must be a whole number from 1 on');
  if (!Number.isInteger(leadSeconds) || leadSeconds < 5) throw new RangeError('--lead: at least 5 seconds');
  return { tasks, leadSeconds, json: values.json };
}

interface Row {
  readonly id: string;
  readonly ours: number;
  /** Nothing to compare with. */
  readonly peer: null;
  readonly ratio: null;
}

export async function schedule(options: ScheduleOptions): Promise<boolean> {
  const report = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const operators = await Operators.start();
  try {
    const { rows, problems } = await measure(operators, options, report);
    for (const { id, ours } of rows) report(`${id.padEnd(34)} ${ours}`);
    for (const problem of problems) report(`NOT as promised: ${problem}`);
    if (options.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return problems.length === 0;
  } finally {
    await operators.stop();
  }
}

async function measure(
  operators: Operators,
  { tasks, leadSeconds }: ScheduleOptions,
  report: (line: string) => void,
): Promise<{ readonly rows: readonly Row[]; readonly problems: readonly string[] }> {
  const { replication, kubernetes } = operators;
  const names = Array.from({ length: tasks }, (_, index) => `task-${index}`);
  const digests = new Map<string, string>();
  for (const name of names) {
    const { sha256 } = await replication.files.putFile(`/${name}`, `content of ${name}\n`);
    digests.set(sha256, name);
  }
  const far = await replication.farSide('far');
  const heard = firstRequests(far.proxy, digests);
  const resources = replication.manifests().filter((document) => Reflect.get(document, 'kind') !== 'ReplicaTask');
  await operators.apply(resources);
  const lease = { durationSeconds: 60, renewSeconds: 40, retrySeconds: 2 };
  const program = await operators.operator({ lease, logLevel: 'info' });

  const due = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + leadSeconds * 1_000);
  await createAll(operators, names, due);
  report(`${tasks} tasks created, due at ${due.toISOString()}`);
  const scheduled = async (): Promise<boolean> => {
    const all = await listTasks(operators);
    return all.every(({ status }) => status?.nextExecutionTime !== undefined);
  };
  await eventually(scheduled, { timeoutMs: due.getTime() - Date.now(), intervalMs: 1_000 });
  report(`all know their time, ${((due.getTime() - Date.now()) / 1_000).toFixed(1)} s before it`);
  await forgetPeak(program.pid);

  const records = await eventually(
    async () => {
      const found = (await replication.records()).filter(({ endTime }) => endTime !== null);
      return found.length >= tasks ? found : undefined;
    },
    { timeoutMs: RUN_MS, intervalMs: 1_000 },
  );
  const told = async (): Promise<boolean> =>
    (await listTasks(operators)).every(
      ({ status }) => status?.lastExecutionStatus !== undefined && status.activeRun === undefined,
    );
  await eventually(told, { timeoutMs: RUN_MS, intervalMs: 1_000 });

  const mine = (await kubernetes.readAuditLog()).filter(
    ({ user, stage, requestReceivedTimestamp }) =>
      user.username === OPERATOR &&
      stage === 'ResponseComplete' &&
      Date.parse(requestReceivedTimestamp) >= due.getTime() - 1_000,
  );
  const starts = records.map(({ startTime }) => startTime.getTime() - due.getTime());
  const firsts = [...heard.values()].map((at) => at - due.getTime());
  const ends = records.map(({ endTime }) => (endTime?.getTime() ?? 0) - due.getTime());
  const row = (id: string, ours: number): Row => ({ id, ours: Math.round(ours * 100) / 100, peer: null, ratio: null });
  const rows = [
    row('tasks', records.length),
    ...ranks('start-delay', starts).map(([id, ms]) => row(id, ms)),
    ...ranks('far-side-delay', firsts).map(([id, ms]) => row(id, ms)),
    row('all-done-ms', Math.max(...ends)),
    row('api-requests-per-task', mine.length / tasks),
    ...verbs(mine).map(([verb, count]) => row(`api-${verb}-per-task`, count / tasks)),
    row('peak-rss-mb', await peakRssMb(program.pid)),
  ];
  const late = starts.filter((ms) => ms > MOST_DELAY_MS).length;
  const early = starts.filter((ms) => ms < 0).length;
  const problems = [
    ...(late > 0 ? [`${late} of ${tasks} tasks were begun later than ${MOST_DELAY_MS} ms`] : []),
    ...(early > 0 ? [`${early} tasks were begun before their time`] : []),
    ...(records.length === tasks ? [] : [`${records.length} runs of ${tasks} tasks`]),
    ...records.filter(({ status }) => status !== 'SUCCESS').map(({ id, status }) => `run ${id}: ${status}`),
    ...(await replication.differences()),
  ];
  return { rows, problems: problems.slice(0, 20) };
}

/** When each task's far side heard first of it: by the connection over which its only file goes later. */
function firstRequests(
  proxy: Operators['replication']['farSides'][number]['proxy'],
  digests: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const connections = new Map<number, number>();
  const heard = new Map<string, number>();
  proxy.setFault(({ connection, url }) => {
    const began = connections.get(connection) ?? Date.now();
    connections.set(connection, began);
    const sha256 = new URL(url, proxy.url).searchParams.get('sha256');
    const task = sha256 === null ? undefined : digests.get(sha256);
    if (task !== undefined && !heard.has(task)) heard.set(task, began);
    return undefined;
  });
  return heard;
}

async function createAll(operators: Operators, names: readonly string[], due: Date): Promise<void> {
  const cron = `${due.getUTCSeconds()} ${due.getUTCMinutes()} ${due.getUTCHours()} * * ?`;
  const left = [...names];
  const writer = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const { status, body } = await operators.request('POST', TASKS, manifest(name, cron));
      if (status !== 201) throw new Error(`${name} was not created: ${status} ${JSON.stringify(body)}`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

function manifest(name: string, cronExpression: string): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      localProjectId: PROJECT,
      replicaTaskObjects: [
        {
          localRepoName: REPOSITORY,
          remoteProjectId: 'mirror',
          repoType: 'GENERIC',
          pathConstraints: [{ path: `/${name}` }],
        },
      ],
      remoteClusterIds: ['far'],
      setting: { executionPlan: { cronExpression } },
    },
  };
}

async function listTasks(operators: Operators): Promise<readonly ReplicaTask[]> {
  const { body } = await operators.request('GET', TASKS);
  return (body as { readonly items: readonly ReplicaTask[] }).items;
}

function ranks(id: string, values: readonly number[]): readonly (readonly [string, number])[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return [
    [`${id}-p50-ms`, at(0.5)],
    [`${id}-p99-ms`, at(0.99)],
    [`${id}-max-ms`, sorted.at(-1) ?? 0],
  ];
}

function verbs(events: readonly { readonly verb: string; readonly objectRef?: { readonly resource?: string } }[]) {
  const counts = Map.groupBy(events, ({ verb, objectRef }) => `${verb}-${objectRef?.resource ?? 'other'}`);
  return [...counts].map(([what, list]) => [what, list.length] as const).toSorted((a, b) => b[1] - a[1]);
}
