import type { SideResult } from './run-verdict.ts';

interface Retrying {
  readonly id: string;
  readonly retryOf?: string;
  readonly farSides: readonly SideResult[];
}

/**
 * A run that tried only what had failed in another says nothing about the rest: what that one left alone by conflict is
 * still different, so its conflicts count here, too, and so on back to a whole run (as far as `records` goes).
 */
export function withRetried<R extends Retrying>(record: R, records: readonly Retrying[]): R {
  let farSides = record.farSides;
  const seen = new Set([record.id]);
  for (let { retryOf } = record as Retrying; retryOf !== undefined && !seen.has(retryOf); ) {
    seen.add(retryOf);
    const before = records.find(({ id }) => id === retryOf);
    farSides = farSides.map((side) => withConflicts(side, before?.farSides));
    retryOf = before?.retryOf;
  }
  return { ...record, farSides };
}

function withConflicts(side: SideResult, before: readonly SideResult[] | undefined): SideResult {
  const known = before?.find(({ clusterId }) => clusterId === side.clusterId);
  if (known === undefined) return side;
  return { ...side, tally: { ...side.tally, conflict: side.tally.conflict + known.tally.conflict } };
}
