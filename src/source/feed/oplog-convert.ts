/** Makes the operation log a capped one. The only thing that is ever changed at the source, and only when told to. */
import { MongoServerError } from 'mongodb';
import { ReplicationError } from '../../domain/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { SourceDatabase } from '../database/database.ts';
import { inspectOplog, type OplogQuestion, type OplogReport } from './oplog-inspect.ts';

const UNAUTHORIZED = 13;
const NO_SUCH_COMMAND = 59;

/**
 * Converts the log that {@link inspectOplog} finds to the size that it suggests, in bytes, unless it is capped already, and
 * looks at it afterwards. Fails, classified; with `OperateLogConvertForbidden` when the account has no right to it.
 */
export async function convertOplog(
  database: SourceDatabase,
  question: OplogQuestion,
  logger: Logger,
  signal: AbortSignal,
): Promise<OplogReport> {
  const before = await found(database, question, signal);
  if (before.capped) return before;
  const size = before.capacity.suggestedSize;
  logger.info('Converting the operation log to a capped collection', { collection: before.name, size });
  try {
    await database.command(`(converting "${before.name}")`, { convertToCapped: before.name, size }, signal);
  } catch (error) {
    throw refusal(error, before) ?? error;
  }
  const after = await found(database, question, signal);
  if (after.capped && after.capacity.size >= size) return after;
  const message = `the operation log "${after.name}" was converted, but is ${after.capped ? `capped to ${after.capacity.size} bytes` : 'not capped'}; convert it by hand: ${after.command}`;
  throw new ReplicationError('spec', 'OperateLogConvertFailed', message);
}

async function found(database: SourceDatabase, question: OplogQuestion, signal: AbortSignal): Promise<OplogReport> {
  const report = await inspectOplog(database, question, signal);
  if (report !== undefined) return report;
  const message = `the source database has no operation log to convert: there is no collection ${question.names.join(' or ')}`;
  throw new ReplicationError('spec', 'OperateLogMissing', message);
}

/** What a person has to do about it; absent for failures that pass by themselves, or that nobody foresaw. */
function refusal(error: unknown, { name, command }: OplogReport): ReplicationError | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof MongoServerError)) return undefined;
  if (cause.code === UNAUTHORIZED) {
    const message = `the account of the source database may not convert the operation log "${name}": it needs the action "convertToCapped" on this collection, which the roles "readWrite" and "dbAdmin" have; or let an administrator run ${command}`;
    return new ReplicationError('spec', 'OperateLogConvertForbidden', message, { cause: error });
  }
  if (cause.code !== NO_SUCH_COMMAND) return undefined;
  const message = `the source database cannot convert "${name}": ${cause.message}`;
  return new ReplicationError('spec', 'OperateLogConvertFailed', message, { cause: error });
}
