/** Reading the per-artifact records of a run. */
import type { Filter } from 'mongodb';

import type { UnitStatus } from '../engine/ports.ts';
import { type DetailDocument, toStoredDetail } from './documents.ts';
import { call } from './mongo-errors.ts';
import type { DetailFilter, DetailPage, StoredDetail } from './records.ts';
import type { Runs } from './runs.ts';

export async function details(
  runs: Runs,
  recordId: string,
  filter: DetailFilter,
  page: DetailPage,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly records: readonly StoredDetail[] }> {
  const { details: collection } = runs.collections;
  const where: Filter<DetailDocument> = {
    recordId,
    installationId: runs.installationId,
    ...(filter.status === undefined ? {} : { unitStatus: filter.status }),
    ...(filter.clusterName === undefined ? {} : { remoteCluster: filter.clusterName }),
    ...(filter.repoName === undefined ? {} : { localRepoName: filter.repoName }),
    ...(filter.pathPrefix === undefined
      ? {}
      : { 'pathConstraint.path': { $regex: `^${filter.pathPrefix.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}` } }),
  };
  const size = Math.min(Math.max(1, page.pageSize), 1_000);
  const skip = (Math.max(1, page.pageNumber) - 1) * size;
  const total = await call('count details', signal, () => collection.countDocuments(where));
  const found = await call('read details', signal, () =>
    collection.find(where).sort({ startTime: -1, _id: -1 }).skip(skip).limit(size).toArray(),
  );
  return { total, records: found.map(toStoredDetail) };
}

export async function countDetails(
  runs: Runs,
  recordId: string,
  signal: AbortSignal,
): Promise<Readonly<Record<UnitStatus, number>>> {
  const counts: Record<UnitStatus, number> = { SUCCESS: 0, UNCHANGED: 0, CONFLICT: 0, FAILED: 0, NOT_TRIED: 0 };
  const groups = await call('count details', signal, () =>
    runs.collections.details
      .aggregate<{ readonly _id: UnitStatus; readonly count: number }>([
        { $match: { recordId, installationId: runs.installationId } },
        { $group: { _id: '$unitStatus', count: { $sum: 1 } } },
      ])
      .toArray(),
  );
  for (const group of groups) counts[group._id] = group.count;
  return counts;
}
