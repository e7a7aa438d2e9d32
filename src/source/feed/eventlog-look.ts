import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';
import { listLogs } from './log-collections.ts';
import { type Fields, timeOfEntry } from './log-fields.ts';

/** One log, or one for each month (contract §4.2). */
const NAMES = '^artifact_oplog(_[0-9]{6})?$';

/** The last month's may be empty, and the one for all months may be left over from an older bk-repo. */
const LOOKED_INTO = 3;

export interface EventLogLook {
  /** Of the collection that is written at present. */
  readonly name: string;
  /** When its newest entry was made; absent when there is none. */
  readonly newest?: Date;
}

/** Absent = no such collection is there. Fails, classified. */
export async function lookAtEventLog(database: SourceDatabase, signal: AbortSignal): Promise<EventLogLook | undefined> {
  const names = (await listLogs(database, { name: { $regex: NAMES } }, signal)).map(({ name }) => name);
  let best: EventLogLook | undefined;
  for (const name of [...names.slice(1 - LOOKED_INTO), ...names.slice(0, 1)].toReversed()) {
    const newest = await newestEntry(database, name, signal);
    if (best === undefined || (newest?.getTime() ?? 0) > (best.newest?.getTime() ?? 0))
      best = { name, ...(newest === undefined ? {} : { newest }) };
  }
  return best;
}

async function newestEntry(database: SourceDatabase, name: string, signal: AbortSignal): Promise<Date | undefined> {
  const options = { sort: { _id: -1 }, maxTimeMS: database.maxTimeMs, signal } as const;
  const entry = await classified(`the newest entry of "${name}"`, signal, () =>
    database.collection<Fields>(name).findOne({}, { ...options, projection: { createdDate: 1 } }),
  );
  return entry === null ? undefined : timeOfEntry(entry, new Date(0));
}
