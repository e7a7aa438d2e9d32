/** The local bk-repo: its database and how it is laid out, its clock, the log of changes, and a blob from its storage. */
import { type Ambience, sourceOptions } from '../../compose/installation.ts';
import { createBkRepoSource } from '../../source/bkrepo-source.ts';
import { SourceDatabase } from '../../source/database/database.ts';
import { listLogs, serverNow } from '../../source/feed/log-collections.ts';
import { inspectOplog, OPLOG_NAMES } from '../../source/feed/oplog-inspect.ts';
import { NO_BLOB_SHA256 } from '../../source/schema/documents.ts';
import { type Check, type Finding, ok, skewFinding } from './check.ts';

type Settings = Pick<Ambience, 'config' | 'clock' | 'logger'>;
type Look = Omit<Finding, 'check'>;

/** Collections that are looked through for a file to try. */
const MAX_LOOKED_THROUGH = 1_024;

/** `follows`: whether a REAL_TIME task needs a log of changes. */
export function sourceChecks(settings: Settings, follows: () => Promise<boolean>): readonly Check[] {
  return [
    {
      name: 'source database',
      remedy:
        'check source.mongodb.uri, the network, and that the account has the role read on the database of bk-repo',
      look: (signal) => withDatabase(settings, (database) => lookAtLayout(database, signal)),
    },
    {
      name: 'source clock',
      remedy: 'see the source database',
      look: (signal) => withDatabase(settings, (database) => lookAtClock(settings, database, signal)),
    },
    {
      name: 'log of changes',
      remedy: 'see the source database',
      look: (signal) => withDatabase(settings, (database) => lookAtLog(settings, database, follows, signal)),
    },
    {
      name: 'source storage',
      remedy:
        'check source.storage (its path must be mounted where the program runs), source.pathMap, or source.http, and that the files may be read',
      look: (signal) => withDatabase(settings, (database) => lookAtStorage(settings, database, signal)),
    },
  ];
}

async function withDatabase<T>(settings: Settings, look: (database: SourceDatabase) => Promise<T>): Promise<T> {
  const database = new SourceDatabase(sourceOptions(settings));
  try {
    return await look(database);
  } finally {
    await database.close();
  }
}

async function lookAtLayout(database: SourceDatabase, signal: AbortSignal): Promise<Look> {
  await database.check(signal);
  const names = (await listLogs(database, {}, signal)).map(({ name }) => name);
  const missing = ['project', 'repository'].filter((name) => !names.includes(name));
  if (missing.length > 0)
    return {
      result: 'failed',
      message: `database ${database.name} has no collection ${missing.join(' and no ')}: it is not that of a bk-repo`,
      remedy: 'name the database of bk-repo in source.mongodb.database',
    };
  const shards = names.flatMap((name) => /^node_(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const highest = Math.max(-1, ...shards);
  const logs = names.filter((name) => OPLOG_NAMES.includes(name) || /^artifact_oplog(_\d{6})?$/.test(name));
  const layout = `${shards.length} node collections, packages ${names.includes('package') ? 'yes' : 'no'}, logs of changes: ${logs.join(', ') || 'none'}`;
  if (highest < database.shardCount) return ok(`database ${database.name} is reached: ${layout}`);
  return {
    result: 'failed',
    message: `there is a collection node_${highest}, but source.mongodb.shardCount is ${database.shardCount}`,
    remedy: "set source.mongodb.shardCount to bk-repo's sharding.count",
  };
}

async function lookAtClock({ clock }: Settings, database: SourceDatabase, signal: AbortSignal): Promise<Look> {
  // The first answer pays for the connection.
  await serverNow(database, signal);
  const before = clock.now();
  const { at } = await serverNow(database, signal);
  return skewFinding('the MongoDB of the source', at - (before + clock.now()) / 2);
}

async function lookAtLog(
  { config }: Settings,
  database: SourceDatabase,
  follows: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<Look> {
  const { operateLog, operateLogHours } = config.source.feed;
  const names = operateLog === undefined ? OPLOG_NAMES : [operateLog];
  const report = await inspectOplog(database, { names, hours: operateLogHours }, signal);
  if (report === undefined) {
    const eventLogs = await listLogs(database, { name: /^artifact_oplog/ }, signal);
    const instead = eventLogs.length > 0 ? `there is ${eventLogs.at(-1)?.name}` : 'a change stream is the only feed';
    return ok(`there is no operation log; ${instead}`);
  }
  const { name, capped, command, discards = '', warning, capacity } = report;
  if (!capped)
    return {
      result: (await follows()) ? 'failed' : 'warning',
      message: `the operation log ${name} is not capped: REAL_TIME tasks cannot follow it`,
      remedy: `in the MongoDB shell, on database ${database.name}: ${command} ${discards}`.trim(),
    };
  if (warning !== undefined) return { result: 'warning', message: warning, remedy: command };
  return ok(`the operation log ${name} is capped at ${capacity.size} bytes`);
}

async function lookAtStorage(settings: Settings, database: SourceDatabase, signal: AbortSignal): Promise<Look> {
  const found = await anyFile(database, signal);
  if (found === undefined) return { result: 'skipped', message: 'bk-repo has no file that could be read as a sample' };
  const { projectId, repoName, fullPath } = found;
  const source = createBkRepoSource(sourceOptions(settings));
  try {
    const repository = await source.repository(projectId, repoName, signal);
    const node = repository && (await source.findNodes(repository, [fullPath], signal)).get(fullPath);
    if (repository === undefined || node === undefined)
      return { result: 'skipped', message: 'the file that was to be read as a sample was removed meanwhile' };
    const content = await source.open(repository, node, 0, signal);
    let bytes = 0;
    // One piece shows that it can be read.
    for await (const piece of content) {
      bytes = (piece as Buffer).length;
      break;
    }
    return ok(`a file was read as a sample (${bytes} bytes of blob ${node.sha256})`);
  } finally {
    await source.close();
  }
}

interface Sample {
  readonly projectId: string;
  readonly repoName: string;
  readonly fullPath: string;
}

async function anyFile(database: SourceDatabase, signal: AbortSignal): Promise<Sample | undefined> {
  const collections = await listLogs(database, { name: /^node_\d+$/ }, signal);
  const filter = { folder: false, deleted: null, size: { $gt: 0 }, sha256: { $type: 'string', $ne: NO_BLOB_SHA256 } };
  const projection = { projectId: 1, repoName: 1, fullPath: 1 };
  for (const { name } of collections.slice(0, MAX_LOOKED_THROUGH)) {
    const find = { find: name, filter, projection, limit: 1, singleBatch: true, maxTimeMS: 5_000 };
    const answer = await database.command('a file', find, signal);
    const [sample] = (answer['cursor'] as { readonly firstBatch: readonly Sample[] }).firstBatch;
    if (sample !== undefined) return sample;
  }
  return undefined;
}
