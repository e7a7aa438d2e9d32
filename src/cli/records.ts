/** `records TASK`: its runs, newest first, or with `--run` the artifacts of one, from the journal. Reads only. */
import { taskKey } from '../api/names.ts';
import { requiredSecret } from '../compose/secrets.ts';
import type { JournalReader } from '../journal/reader.ts';
import { openJournalReader } from '../journal/reader.ts';
import type { RunRecord, StoredDetail } from '../journal/records.ts';
import type { ObjectKey } from '../resources/store.ts';
import { type CommandContext, CommandFailed, EXIT, flag, textOption, UsageError } from './command.ts';
import { type Column, printAs, tableText } from './output.ts';
import { openResources, taskKeyOf, wantedNamespace } from './resources.ts';
import { bytesText, spanText, whenText } from './text.ts';

/** As many are asked of the journal at a time. */
const PAGE = 1_000;
const DEFAULT_LIMIT = '100';

interface Found<T> {
  readonly total: number;
  readonly records: readonly T[];
}

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  const limit = limitOf(context);
  const task = await taskOf(context);
  const journal = await openReader(context, stop);
  try {
    const id = textOption(context, 'run');
    if (id === undefined) await printRuns(context, journal, task, limit, stop);
    else await printArtifacts(context, journal, await runOf(journal, task, id, stop), limit, stop);
    return EXIT.done;
  } finally {
    await journal.close();
  }
}

function limitOf(context: CommandContext): number {
  const limit = textOption(context, 'limit') ?? DEFAULT_LIMIT;
  if (!/^[1-9]\d{0,6}$/.test(limit)) throw new UsageError('--limit must be a number from 1 on');
  return Number(limit);
}

/** Only a name alone needs a context's namespace, and with it a kubeconfig. */
async function taskOf(context: CommandContext): Promise<ObjectKey> {
  const [name] = context.args;
  const namespace = wantedNamespace(context);
  if (namespace !== undefined || name?.includes('/') === true) return taskKeyOf(name, namespace);
  const resources = await openResources(context);
  try {
    return taskKeyOf(name, resources.namespace);
  } finally {
    await resources.close();
  }
}

async function openReader({ config, clock }: CommandContext, stop: AbortSignal): Promise<JournalReader> {
  const { journal, installationId, instance } = config();
  const { uri, uriFile, database } = journal.mongodb;
  return await openJournalReader(
    {
      uri: requiredSecret('journal.mongodb.uri', uri, uriFile),
      database,
      installationId: installationId ?? instance ?? 'default',
      clock,
    },
    stop,
  );
}

async function printRuns(
  context: CommandContext,
  journal: JournalReader,
  { namespace, name }: ObjectKey,
  limit: number,
  stop: AbortSignal,
): Promise<void> {
  const wanted = flag(context, 'failed') ? (['FAILED'] as const) : undefined;
  const key = taskKey(namespace, name);
  const found = await upTo<RunRecord>(limit, (page) => journal.runPage(key, wanted, page, stop));
  printAs(context, found.records, () =>
    found.records.length === 0
      ? `no runs of ${namespace}/${name} on record\n`
      : tableText(runColumns(context.clock.now()), found.records),
  );
  tellRest(context, found);
}

async function runOf(journal: JournalReader, task: ObjectKey, id: string, stop: AbortSignal): Promise<RunRecord> {
  const key = taskKey(task.namespace, task.name);
  const found =
    id === 'last'
      ? (await journal.runPage(key, undefined, { pageNumber: 1, pageSize: 1 }, stop)).records[0]
      : await journal.findRun(id, stop);
  if (found === undefined || found.taskKey !== key)
    throw new CommandFailed(`${task.namespace}/${task.name} has no run ${id} on record`);
  return found;
}

async function printArtifacts(
  context: CommandContext,
  journal: JournalReader,
  record: RunRecord,
  limit: number,
  stop: AbortSignal,
): Promise<void> {
  const filter = flag(context, 'failed') ? ({ status: 'FAILED' } as const) : {};
  const found = await upTo<StoredDetail>(limit, (page) => journal.details(record.id, filter, page, stop));
  const gone = record.detailsGone === true ? '; its artifacts are no longer on record' : '';
  printAs(context, { run: record, artifacts: found.records }, () =>
    found.records.length === 0
      ? `no such artifacts of run ${record.id} on record${gone}\n`
      : tableText(ARTIFACT_COLUMNS, found.records),
  );
  tellRest(context, found);
}

async function upTo<T>(
  limit: number,
  read: (page: { readonly pageNumber: number; readonly pageSize: number }) => Promise<Found<T>>,
): Promise<Found<T>> {
  const pageSize = Math.min(limit, PAGE);
  const records: T[] = [];
  for (let pageNumber = 1; ; pageNumber += 1) {
    const page = await read({ pageNumber, pageSize });
    records.push(...page.records);
    if (page.records.length < pageSize || records.length >= limit)
      return { total: page.total, records: records.slice(0, limit) };
  }
}

function tellRest({ stderr }: CommandContext, { total, records }: Found<unknown>): void {
  if (total > records.length) stderr.write(`${records.length} of ${total}; --limit shows more\n`);
}

function runColumns(now: number): readonly Column<RunRecord>[] {
  return [
    { title: 'RUN', text: ({ id }) => id },
    { title: 'TRIGGER', text: ({ trigger }) => trigger },
    { title: 'STATUS', text: ({ status }) => status },
    { title: 'BEGAN', text: ({ startTime }) => whenText(startTime, now) },
    {
      title: 'TOOK',
      text: ({ startTime, endTime }) =>
        endTime === undefined ? '' : spanText(endTime.getTime() - startTime.getTime()),
    },
    { title: 'COPIED', text: ({ replicaOverview }) => String(replicaOverview.success) },
    { title: 'UNCHANGED', text: ({ replicaOverview }) => String(replicaOverview.unchanged) },
    { title: 'CONFLICTS', text: ({ replicaOverview }) => String(replicaOverview.conflict) },
    { title: 'FAILED', text: ({ replicaOverview }) => String(replicaOverview.failed) },
    { title: 'NOT TRIED', text: ({ replicaOverview }) => String(replicaOverview.notTried) },
    { title: 'SENT', text: ({ replicatedBytes }) => bytesText(replicatedBytes) },
    { title: 'REASON', text: ({ errorReason }) => errorReason ?? '' },
  ];
}

const ARTIFACT_COLUMNS: readonly Column<StoredDetail>[] = [
  { title: 'CLUSTER', text: ({ clusterName }) => clusterName },
  { title: 'STATUS', text: ({ status }) => status },
  { title: 'REPOSITORY', text: ({ localRepoName }) => localRepoName },
  {
    title: 'ARTIFACT',
    text: ({ packageName, packageKey, version, fullPath }) =>
      version === undefined ? (packageKey ?? fullPath) : `${packageName ?? packageKey}@${version}`,
  },
  { title: 'SIZE', text: ({ size }) => bytesText(size) },
  { title: 'SENT', text: ({ bytesSent }) => bytesText(bytesSent) },
  { title: 'REASON', text: ({ reason }) => reason ?? '' },
  { title: 'MESSAGE', text: ({ errorReason }) => errorReason ?? '' },
];
