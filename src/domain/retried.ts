import type { Counts, SideResult } from './run-verdict.ts';

interface Retrying {
  readonly id: string;
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  readonly retryOf?: string;
  readonly farSides: readonly SideResult[];
}

/**
 * A run that tried only what had failed in another says nothing about the rest: this is that run and the one that it
 * retried as one, and so on back to a whole run. What failed or was not tried there is as it is here; what was left alone
 * by conflict there is still different. A far side about which a run of this chain is not among `records` has an error:
 * nothing is known of it as a whole. A retry that was broken off stays what it is.
 */
export function withRetried<R extends Retrying>(record: R, records: readonly Retrying[]): R {
  if (record.retryOf === undefined || record.status === 'ABORTED' || record.status === 'RUNNING') return record;
  const seen = new Set([record.id]);
  let { farSides } = record;
  for (let { retryOf } = record as Retrying; retryOf !== undefined; ) {
    const id = retryOf;
    const before = seen.has(id) ? undefined : records.find((known) => known.id === id);
    if (before === undefined) return { ...record, farSides: farSides.map((side) => unknown(side, id)) };
    seen.add(id);
    farSides = farSides.map((side) => onTopOf(side, before));
    retryOf = before.retryOf;
  }
  return { ...record, farSides };
}

function onTopOf(side: SideResult, { id, farSides }: Retrying): SideResult {
  const before = farSides.find(({ clusterId }) => clusterId === side.clusterId);
  return before === undefined ? unknown(side, id) : { ...side, tally: onTop(before.tally, side.tally) };
}

/** Of sizes the first run knew all. */
function onTop(before: Counts, now: Counts): Counts {
  return {
    success: before.success + now.success,
    unchanged: before.unchanged + now.unchanged,
    conflict: before.conflict + now.conflict,
    failed: now.failed,
    quarantined: now.quarantined ?? 0,
    notTried: now.notTried,
    totalBytes: Math.max(before.totalBytes, now.totalBytes),
    sentBytes: before.sentBytes + now.sentBytes,
  };
}

function unknown(side: SideResult, id: string): SideResult {
  const message = `only what had failed in run ${id} was tried again, and that run is not among the known ones (any more): a whole run tells whether everything is equal`;
  return { ...side, error: side.error ?? { reason: 'RetriedRunUnknown', message } };
}
