/** What a journal holds, read from its collections, and what in it contradicts itself. */
import type { Db, Document } from 'mongodb';

export interface SeenRecord {
  readonly id: string;
  readonly status: string;
  readonly epoch: number;
  readonly startTime: Date;
  readonly errorReason: string | null;
  readonly replicatedBytes: number;
  readonly overview: Readonly<Record<string, number>>;
}

export interface SeenFailure {
  readonly unit: string;
  readonly side: string;
  readonly status: string;
  readonly reason: string | null;
  readonly message: string | null;
}

const TALLIED: Readonly<Record<string, string>> = {
  SUCCESS: 'success',
  FAILED: 'failed',
  CONFLICT: 'conflict',
  NOT_TRIED: 'notTried',
};

/** Oldest first; only those begun at `since` or later. */
export async function recordsIn(journal: Db, since = new Date(0)): Promise<readonly SeenRecord[]> {
  const begun = { startTime: { $gte: since } };
  const found = await journal.collection('replica_record').find(begun).sort({ startTime: 1, _id: 1 }).toArray();
  return found.map((record) => ({
    id: String(record._id),
    status: String(record['status']),
    epoch: Number(record['epoch']),
    startTime: record['startTime'] as Date,
    errorReason: record['errorReason'] as string | null,
    replicatedBytes: Number(record['replicatedBytes']),
    overview: record['replicaOverview'] as Record<string, number>,
  }));
}

/** Units of a run that did not end well. */
export async function failuresIn(journal: Db, recordId: string): Promise<readonly SeenFailure[]> {
  const rows = journal
    .collection('replica_record_detail')
    .find({ recordId, unitStatus: { $in: ['FAILED', 'CONFLICT', 'NOT_TRIED'] } });
  return (await rows.limit(200).toArray()).map((row) => ({
    unit: String(row['unitKey']),
    side: String(row['remoteCluster']),
    status: String(row['unitStatus']),
    reason: row['reason'] as string | null,
    message: row['errorReason'] as string | null,
  }));
}

export interface Contradictions {
  readonly recordUnchanged: boolean;
  /**
   * `key@version` of what the source lost: a run that was adopted may have a record of it from before the crash, and does
   * not meet it again.
   */
  readonly lost: readonly string[];
  /** Tallies of runs begun before are not looked at: for journals of many runs. */
  readonly since?: Date;
}

/** In words: units with two final records, claims with two records, and tallies that are not those of their records. */
export async function contradictionsIn(
  journal: Db,
  { recordUnchanged, lost, since }: Contradictions,
): Promise<string[]> {
  const records = journal.collection('replica_record');
  const details = journal.collection('replica_record_detail');
  const twice = (id: object): Document[] => [
    { $group: { _id: id, count: { $sum: 1 } } },
    { $match: { count: { $gt: 1 } } },
  ];
  const doubles = [
    ...(await details.aggregate(twice({ run: '$recordId', side: '$clusterId', unit: '$unitKey' })).toArray()),
    ...(await records.aggregate(twice({ task: '$taskKey', claim: '$claim' })).toArray()),
    ...(await records.aggregate([{ $match: { status: 'RUNNING' } }, ...twice({ of: '$taskUid' })]).toArray()),
  ];
  const found = doubles.map(({ _id, count }) => `${count} times: ${JSON.stringify(_id)}`);
  const told = recordUnchanged ? { ...TALLIED, UNCHANGED: 'unchanged' } : TALLIED;
  for (const { id, status, epoch, overview } of await recordsIn(journal, since)) {
    if (status === 'RUNNING') continue;
    const rows = await details.find({ recordId: id }).project({ unitKey: 1, unitStatus: 1 }).toArray();
    const isLost = (unitKey: string): boolean => epoch > 1 && lost.some((unit) => unitKey.endsWith(`:${unit}`));
    for (const [unitStatus, field] of Object.entries(told)) {
      const mine = rows.filter((row) => row['unitStatus'] === unitStatus);
      const least = mine.filter((row) => !isLost(String(row['unitKey']))).length;
      const tally = overview[field] ?? -1;
      if (tally < least || tally > mine.length)
        found.push(`run ${id} tells ${tally} ${field} and has ${mine.length} records of them`);
    }
  }
  return found;
}
