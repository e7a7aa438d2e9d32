/** Reading the per-artifact records of a run. */
import { type FindCursor, MongoServerError, type ObjectId } from 'mongodb';

import type { UnitStatus } from '../engine/ports/journal.ts';
import { type DetailDocument, toStoredDetail } from './detail-documents.ts';
import { matching, possible, UNIT_STATUSES } from './detail-filter.ts';
import type { DetailTotals } from './detail-totals.ts';
import { type Way, wayOf } from './detail-ways.ts';
import { DETAIL_INDEXES } from './indexes.ts';
import { call } from './mongo-errors.ts';
import type { DetailFilter, DetailPage, StoredDetail } from './records.ts';
import { findRun, type Runs } from './runs.ts';

/** Milliseconds that one question may take; one that takes longer fails with `JournalUnavailable`. */
const QUESTION_MS = 8_000;
/** Milliseconds of a walk from the newest, or oldest, on: where the details asked for are far from there, they are sorted. */
const WALK_MS = 250;
/** As many details are sorted sooner than a walk finds them. */
const FEW = 5_000;
/** MaxTimeMSExpired. */
const TOO_LONG = 50;

type Found = Pick<DetailDocument, '_id' | 'startTime'>;

/**
 * Newest first, read from the nearer end. What a filter leaves is found by index alone when it is about outcome, far side
 * and repository, or about one prefix; several together are told apart by reading the details that one of them leaves.
 */
export async function details(
  runs: Runs,
  totals: DetailTotals,
  recordId: string,
  filter: DetailFilter,
  page: DetailPage,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly records: readonly StoredDetail[] }> {
  const record = await findRun(runs, recordId, signal);
  if (record === undefined || !possible(filter)) return { total: 0, records: [] };
  const { details: collection } = runs.collections;
  const way = await wayOf(runs, recordId, filter, signal);
  const total = await totals.of(record, filter, () =>
    call('count details', signal, () =>
      collection.countDocuments(way.where, { hint: way.hint, maxTimeMS: QUESTION_MS }),
    ),
  );
  const size = Math.min(Math.max(1, page.pageSize), 1_000);
  const skip = (Math.max(1, page.pageNumber) - 1) * size;
  const limit = Math.min(size, total - skip);
  if (limit <= 0) return { total, records: [] };
  const behind = total - skip - limit;
  const fromEnd = behind < skip;
  const slice = { order: fromEnd ? 1 : -1, skip: fromEnd ? behind : skip, limit } as const;
  const ids = await call('find a page of details', signal, () => idsOf(runs, way, recordId, filter, slice, total));
  const found = await call('read details', signal, () =>
    collection.find({ _id: { $in: ids } }, { maxTimeMS: QUESTION_MS }).toArray(),
  );
  const newestFirst = found.toSorted(
    (a, b) => b.startTime.getTime() - a.startTime.getTime() || Buffer.compare(b._id.id, a._id.id),
  );
  return { total, records: newestFirst.map(toStoredDetail) };
}

interface Slice {
  readonly order: 1 | -1;
  readonly skip: number;
  readonly limit: number;
}

async function idsOf(
  runs: Runs,
  way: Way,
  recordId: string,
  filter: DetailFilter,
  { order, skip, limit }: Slice,
  total: number,
): Promise<ObjectId[]> {
  const inSlice = ({ where, hint }: Pick<Way, 'where' | 'hint'>, maxTimeMS: number): FindCursor<Found> =>
    runs.collections.details
      .find<Found>(where, { projection: { _id: 1, startTime: 1 }, hint, maxTimeMS })
      .sort({ startTime: order, _id: order })
      .skip(skip)
      .limit(limit);
  if (!way.byTime && total > FEW)
    try {
      const walk = { where: matching(recordId, filter), hint: DETAIL_INDEXES.newest };
      return await inSlice(walk, WALK_MS)
        .map(({ _id }) => _id)
        .toArray();
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === TOO_LONG)) throw error;
    }
  return inSlice(way, QUESTION_MS)
    .map(({ _id }) => _id)
    .toArray();
}

/** Each status is counted by index alone. */
export async function countDetails(
  runs: Runs,
  recordId: string,
  signal: AbortSignal,
): Promise<Readonly<Record<UnitStatus, number>>> {
  const counts: Record<UnitStatus, number> = { SUCCESS: 0, UNCHANGED: 0, CONFLICT: 0, FAILED: 0, NOT_TRIED: 0 };
  if ((await findRun(runs, recordId, signal)) === undefined) return counts;
  for (const unitStatus of UNIT_STATUSES)
    counts[unitStatus] = await call('count details', signal, () =>
      runs.collections.details.countDocuments({ recordId, unitStatus }),
    );
  return counts;
}
