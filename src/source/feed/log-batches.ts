import type { FeedBatch } from '../../engine/ports/feed.ts';
import { type Fields, type Told, timeOfEntry } from './log-fields.ts';

/** Of a feed's batch. */
const CHANGES_AT_ONCE = 1_000;

/** No entry makes more changes. */
const CHANGES_OF_ONE = 2;

/** Entries of which all changes surely fit into one batch. */
export const ENTRIES_AT_ONCE = CHANGES_AT_ONCE / CHANGES_OF_ONE;

export interface ToldEntries extends Omit<FeedBatch, 'position'> {
  /** Time of the newest of all entries, also of those that tell nothing; absent without entries. Milliseconds. */
  readonly newest?: number;
}

/** At most {@link ENTRIES_AT_ONCE} entries; one without a time of its own has that of the one before it, or `otherwise`. */
export function tell(entries: readonly Fields[], parse: (entry: Fields) => Told, otherwise: Date): ToldEntries {
  const changes: FeedBatch['changes'][number][] = [];
  let unknown = 0;
  let newest: number | undefined;
  let at = otherwise;
  for (const entry of entries) {
    at = timeOfEntry(entry, at);
    newest = Math.max(newest ?? 0, at.getTime());
    const told = parse(entry);
    if (told === undefined) unknown += 1;
    else for (const change of told) changes.push({ change, at });
  }
  return { changes, unknown, ...(newest === undefined ? {} : { newest }) };
}
