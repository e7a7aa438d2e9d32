/** What an operation log is like, and the words for a person who has to make or size it. Only reads. */
import type { FeedCapacity } from '../../engine/ports/feed.ts';
import type { SourceDatabase } from '../database/database.ts';
import { type LogCollection, listLogs, serverNow } from './log-collections.ts';
import { capacityOf, type OplogRate, type OplogSize, oplogRate, oplogSize } from './oplog-size.ts';

/** The name in bk-repo's code, and the one in its documents (contract §4.1); the latter is preferred when both are used. */
export const OPLOG_NAMES: readonly string[] = ['operate_log', 'operation_log'];

const HOUR_MS = 3_600_000;

/** MongoDB 6.0: a capped collection can be resized as it stands. */
const RESIZES = 17;

export interface OplogQuestion {
  /** Of the collection; of those that are there the one with the newest entry counts. */
  readonly names: readonly string[];
  /** History that it shall hold. */
  readonly hours: number;
}

export interface OplogReport {
  readonly name: string;
  readonly capped: boolean;
  readonly count: number;
  /** Of its entries, in bytes. */
  readonly bytes: number;
  /** When its newest entry was made; absent in an empty log. */
  readonly newest?: Date;
  /** `size` is 0 for a log that is not capped. */
  readonly capacity: FeedCapacity;
  /** For the MongoDB shell: caps the log, or resizes it. */
  readonly command: string;
  /** What capping it discards, as a sentence; absent for a log that is capped. */
  readonly discards?: string;
  /** That it is too small for what is written, as a sentence. */
  readonly warning?: string;
}

/** Absent = no such collection is there. Fails, classified. */
export async function inspectOplog(
  database: SourceDatabase,
  question: OplogQuestion,
  signal: AbortSignal,
): Promise<OplogReport | undefined> {
  let best: OplogReport | undefined;
  for (const log of await listLogs(database, { name: { $in: question.names } }, signal)) {
    const report = await inspect(database, log, question.hours, signal);
    const newer = (report.newest?.getTime() ?? 0) - (best?.newest?.getTime() ?? 0);
    if (best === undefined || newer > 0 || (newer === 0 && report.capped && !best.capped)) best = report;
  }
  return best;
}

async function inspect(
  database: SourceDatabase,
  log: LogCollection,
  hours: number,
  signal: AbortSignal,
): Promise<OplogReport> {
  const { name, capped } = log;
  const size = await oplogSize(database, name, signal);
  const rate = await oplogRate(database, name, size, signal);
  const capacity = capacityOf(size, rate, hours * HOUR_MS);
  const { wireVersion } = await serverNow(database, signal);
  const report = {
    name,
    capped,
    count: size.count,
    bytes: size.bytes,
    ...(rate.newest === undefined ? {} : { newest: rate.newest }),
    capacity,
    command: commandFor(log, capacity.suggestedSize, wireVersion),
  };
  if (!capped) return { ...report, discards: discardsOf(size, capacity) };
  const warning = warningFor(report, rate, hours);
  return { ...report, ...(warning === undefined ? {} : { warning }) };
}

function commandFor({ name, capped }: LogCollection, size: number, wireVersion: number): string {
  const resizes = capped && wireVersion >= RESIZES;
  const command = resizes ? { collMod: name, cappedSize: size } : { convertToCapped: name, size };
  return `db.runCommand(${JSON.stringify(command)})`;
}

function discardsOf({ count, bytes }: OplogSize, { suggestedSize }: FeedCapacity): string {
  const kept = bytes === 0 ? 1 : Math.min(1, suggestedSize / bytes);
  const entries =
    kept === 1
      ? `keeps its ${count} entries`
      : `discards about ${Math.ceil(count * (1 - kept))} of its ${count} entries, the oldest ones`;
  return `Converting it ${entries}, removes all its indexes but that on _id, and blocks the database while it lasts.`;
}

function warningFor(
  { name, capacity, command }: Pick<OplogReport, 'name' | 'capacity' | 'command'>,
  { perMs }: OplogRate,
  hours: number,
): string | undefined {
  const held = capacity.holdsMs / HOUR_MS;
  if (held >= hours || capacity.size >= capacity.suggestedSize) return undefined;
  return (
    `The operation log "${name}" of ${capacity.size} bytes holds about ${timeText(held)} at ${rateText(perMs)}, ` +
    `less than the ${hours} h it should: after a longer pause everything must be compared. ${command} gives it room.`
  );
}

function timeText(hours: number): string {
  if (hours >= 1) return `${hours.toFixed(1)} h`;
  return hours * 60 >= 1 ? `${(hours * 60).toFixed(0)} min` : `${(hours * 3_600).toFixed(0)} s`;
}

function rateText(perMs: number): string {
  const perMinute = perMs * 60_000;
  return perMinute >= 1 ? `${Math.round(perMinute)} entries a minute` : 'less than one entry a minute';
}
