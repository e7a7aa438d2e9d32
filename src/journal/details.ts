/** Reading the per-artifact records of a run. */
import type { Filter } from 'mongodb';

import type { UnitStatus } from '../engine/ports/journal.ts';
import { type DetailDocument, toStoredDetail } from './documents.ts';
import { call } from './mongo-errors.ts';
import type { DetailFilter, DetailPage, StoredDetail } from './records.ts';
import { findRun, type Runs } from './runs.ts';

/** Newest first. A page is found by index alone when only the status is asked for, and read from the nearer end. */
export async function details(
  runs: Runs,
  recordId: string,
  filter: DetailFilter,
  page: DetailPage,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly records: readonly StoredDetail[] }> {
  if ((await findRun(runs, recordId, signal)) === undefined) return { total: 0, records: [] };
  const { details: collection } = runs.collections;
  const where = matching(recordId, filter);
  const total = await call('count details', signal, () => collection.countDocuments(where));
  const size = Math.min(Math.max(1, page.pageSize), 1_000);
  const skip = (Math.max(1, page.pageNumber) - 1) * size;
  const limit = Math.min(size, total - skip);
  if (limit <= 0) return { total, records: [] };
  const behind = total - skip - limit;
  const fromEnd = behind < skip;
  const order = fromEnd ? 1 : -1;
  const ids = await call('find a page of details', signal, () =>
    collection
      .find(where, { projection: { _id: 1, startTime: 1 } })
      .sort({ startTime: order, _id: order })
      .skip(fromEnd ? behind : skip)
      .limit(limit)
      .map(({ _id }) => _id)
      .toArray(),
  );
  const found = await call('read details', signal, () => collection.find({ _id: { $in: ids } }).toArray());
  const newestFirst = found.toSorted(
    (a, b) => b.startTime.getTime() - a.startTime.getTime() || Buffer.compare(b._id.id, a._id.id),
  );
  return { total, records: newestFirst.map(toStoredDetail) };
}

function matching(
  recordId: string,
  { status, clusterName, repoName, pathPrefix }: DetailFilter,
): Filter<DetailDocument> {
  return {
    recordId,
    ...(status === undefined ? {} : { unitStatus: status }),
    ...(clusterName === undefined ? {} : { remoteCluster: clusterName }),
    ...(repoName === undefined ? {} : { localRepoName: repoName }),
    ...(pathPrefix === undefined
      ? {}
      : { 'pathConstraint.path': { $regex: `^${pathPrefix.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}` } }),
  };
}

/** Each status is counted by index alone. */
export async function countDetails(
  runs: Runs,
  recordId: string,
  signal: AbortSignal,
): Promise<Readonly<Record<UnitStatus, number>>> {
  const counts: Record<UnitStatus, number> = { SUCCESS: 0, UNCHANGED: 0, CONFLICT: 0, FAILED: 0, NOT_TRIED: 0 };
  if ((await findRun(runs, recordId, signal)) === undefined) return counts;
  for (const unitStatus of Object.keys(counts) as UnitStatus[])
    counts[unitStatus] = await call('count details', signal, () =>
      runs.collections.details.countDocuments({ recordId, unitStatus }),
    );
  return counts;
}
