import type { PeerContext } from './context.ts';

/** A deletion as another cluster tells it; without `source` it is nobody's, and no dates are compared. */
export interface ForeignDeletion {
  readonly source: string | undefined;
  readonly deletedDate: Date | undefined;
}

/** Real servers keep, of what a federation deletes, that which was made or changed after the deletion. */
export function outlives(
  context: PeerContext,
  { source = '', deletedDate }: ForeignDeletion,
  dates: readonly Date[],
): boolean {
  if (source === '' || deletedDate === undefined || !context.settings.defects.federationRules) return false;
  return dates.some((date) => date.getTime() > deletedDate.getTime());
}
