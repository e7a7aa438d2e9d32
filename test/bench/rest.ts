/**
 * The REST API of an operator that knows many tasks, on a real API server: requests per second and how long they take, for
 * one caller and several, side by side with a bare HTTP server that answers a page of the same size. Promised: pages come
 * within 50 ms and cost the API server nothing. All parts share the machine.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NAMESPACE, Operators } from '../e2e/faults/operators.ts';
import type { AuditEvent } from '../support/audit-log.ts';
import { eventually } from '../support/wait.ts';
import { type Load, load, type Request } from './load.ts';
import { CALLERS, changes, keyOf, MOST_CHANGES, pages } from './rest-requests.ts';
import { bareServer, createAll, serve, waiting } from './rest-world.ts';

const USUAL = { tasks: 10_000, seconds: 4 };
const QUICK = { tasks: 500, seconds: 1 };
const MOST_PAGE_MS = 50;
/** Callers among whom a page still has to come in time; more only wait for each other. */
const PROMISED_CALLERS = 8;
/** Until every task knows its next time. */
const SETTLE_MS = 600_000;
const OPERATOR = `system:serviceaccount:${NAMESPACE}:bkrepo-replicator`;

export interface RestOptions {
  readonly tasks: number;
  /** Of each measurement. */
  readonly seconds: number;
  readonly json: boolean;
}

export const REST_USAGE = `npm run bench -- rest [OPTIONS]
  --quick              ${QUICK.tasks} tasks in place of ${USUAL.tasks}, ${QUICK.seconds} s in place of ${USUAL.seconds}
  --tasks N            number of tasks
  --seconds N          length of each measurement
  --json               print one final line of JSON on standard output, everything else on standard error
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a number that is none */
export function restOptions(argv: readonly string[]): RestOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      tasks: { type: 'string' },
      seconds: { type: 'string' },
    },
  });
  const usual = values.quick ? QUICK : USUAL;
  const [tasks, seconds] = [Number(values.tasks ?? usual.tasks), Number(values.seconds ?? usual.seconds)];
  if (!Number.isInteger(tasks) || tasks < 100) throw new RangeError('--tasks must be a whole number from 100 on');
  if (!Number.isInteger(seconds) || seconds < 1) throw new RangeError('--seconds must be a whole number from 1 on');
  return { tasks, seconds, json: values.json };
}

interface Row {
  readonly id: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
}

export async function rest(options: RestOptions): Promise<boolean> {
  const report = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const operators = await Operators.start();
  try {
    const rows: Row[] = [];
    const show = (id: string, ours: number, peer: number | null = null): void => {
      const row = { id, ours, peer, ratio: peer === null ? null : ours / peer };
      rows.push(row);
      report([id.padEnd(44), ...[ours, peer, row.ratio].map(shown)].join(' '));
    };
    const problems = await measure(operators, options, report, show);
    for (const problem of problems) report(`NOT as promised: ${problem}`);
    if (options.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return problems.length === 0;
  } finally {
    await operators.stop();
  }
}

type Show = (id: string, ours: number, peer?: number | null) => void;

async function measure(
  operators: Operators,
  { tasks, seconds }: RestOptions,
  report: (line: string) => void,
  show: Show,
): Promise<readonly string[]> {
  const { replication } = operators;
  await replication.farSide('far');
  await operators.apply(replication.manifests().filter((document) => Reflect.get(document, 'kind') !== 'ReplicaTask'));
  await createAll(operators, tasks);
  report(`${tasks} tasks created`);
  const { url, admin, viewer } = await serve(operators);
  await eventually(async () => (await waiting(operators)) === 0, { timeoutMs: SETTLE_MS, intervalMs: 2_000 });
  report('all know their next time');

  const one = await fetch(`${url}${pages(tasks)['page-first']}`, { headers: { authorization: viewer } });
  const canned = join(replication.directory, 'page.json');
  await writeFile(canned, Buffer.from(await one.arrayBuffer()));
  await using peer = await bareServer(canned);

  const problems: string[] = [];
  const cycled = (requests: readonly Request[]): (() => Request) => {
    let sent = 0;
    return () => requests[sent++ % requests.length] as Request;
  };
  const infos = Array.from({ length: tasks }, (_, n) => ({
    method: 'GET' as const,
    path: `/replication/api/task/info/${keyOf((n * 7_919) % tasks)}`,
  }));
  const reads = [
    ...Object.entries(pages(tasks)).map(([id, path]) => [id, cycled([{ method: 'GET', path }])] as const),
    ['info', cycled(infos)] as const,
  ];
  for (const [, next] of reads) await load({ url, authorization: viewer, callers: 4, seconds: 0.5, next });
  await load({ url: peer.url, authorization: viewer, callers: 4, seconds: 0.5, next: cycled(infos) });

  const began = Date.now();
  let read = 0;
  for (const callers of CALLERS) {
    const bare = await load({ url: peer.url, authorization: viewer, callers, seconds, next: cycled(infos) });
    for (const [id, next] of reads) {
      const found = await load({ url, authorization: viewer, callers, seconds, next });
      read += found.requests;
      showLoad(show, `${id}, ${callers} callers`, found, bare);
      if (id.startsWith('page') && callers <= PROMISED_CALLERS && found.p99 > MOST_PAGE_MS)
        problems.push(`${id}: p99 ${found.p99.toFixed(1)} ms with ${callers} callers`);
    }
  }
  show('requests that read', read);
  const meanwhile = await audited(operators, began);
  const asked = meanwhile.filter(isAboutTasks);
  show('API server: reads of tasks and clusters', asked.length);
  for (const [what, count] of Object.entries(
    Object.groupBy(
      meanwhile.filter((one) => !asked.includes(one)),
      told,
    ),
  ))
    show(`API server: ${what}`, count?.length ?? 0);
  if (asked.length > 0) problems.push(`${asked.length} reads of the API server for ${read} requests`);

  for (const [id, requestOf] of Object.entries(changes(tasks)))
    for (const callers of CALLERS) {
      let sent = 0;
      const next = (): Request | undefined => (sent >= MOST_CHANGES ? undefined : requestOf(callers, sent++));
      const since = Date.now();
      const found = await load({ url, authorization: admin, callers, seconds: seconds * 2, next });
      showLoad(show, `${id}, ${callers} callers`, found);
      const cost = await audited(operators, since);
      for (const [what, events] of Object.entries(Object.groupBy(cost, told)))
        show(`${id}, ${callers} callers: ${what}, each`, (events?.length ?? 0) / found.requests);
    }
  return problems;
}

function showLoad(show: Show, id: string, found: Load, bare?: Load): void {
  show(`${id}, requests/s`, found.perSecond, bare?.perSecond);
  show(`${id}, p50 ms`, found.p50, bare?.p50);
  show(`${id}, p99 ms`, found.p99, bare?.p99);
}

/** What the operator asked of the API server for resources of ours, of access reviews and of Secrets. */
async function audited({ kubernetes }: Operators, since: number): Promise<readonly AuditEvent[]> {
  await delay(500);
  return (await kubernetes.readAuditLog()).filter(
    ({ user, stage, objectRef, requestReceivedTimestamp }) =>
      user.username === OPERATOR &&
      stage === 'ResponseComplete' &&
      objectRef?.resource !== 'leases' &&
      objectRef?.resource !== 'events' &&
      Date.parse(requestReceivedTimestamp) >= since,
  );
}

/** What else there is belongs to the probe of the far side. */
function isAboutTasks({ verb, objectRef }: AuditEvent): boolean {
  const resource = objectRef?.resource ?? '';
  return (verb === 'get' || verb === 'list') && ['replicatasks', 'clusters'].includes(resource);
}

function told({ verb, objectRef }: AuditEvent): string {
  return `${verb} ${objectRef?.resource ?? 'other'}`;
}

function shown(value: number | null): string {
  return (value === null ? '-' : value.toFixed(2)).padStart(10);
}
