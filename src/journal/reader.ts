/** The journal for those who only read: nothing is made or changed, so an account with the role `read` is enough. */

import { DetailTotals } from './detail-totals.ts';
import { countDetails, details } from './details.ts';
import { collectionsOf } from './documents.ts';
import { SETTLE_MS } from './expiry.ts';
import { refuseNewerSchema } from './indexes.ts';
import { connectionTo, type Journal, type JournalOptions } from './journal.ts';
import { call } from './mongo-errors.ts';
import { findRun, type Runs, runPage } from './runs.ts';

export type JournalReader = Pick<Journal, 'findRun' | 'runPage' | 'details' | 'countDetails' | 'close'>;

/** Connects and refuses a journal written by a newer program. One attempt; fails like the journal's own calls. */
export async function openJournalReader(
  { uri, database = 'bkrepo_replicator', installationId, clock, timeoutMs = 15_000 }: Omit<JournalOptions, 'logger'>,
  signal: AbortSignal,
): Promise<JournalReader> {
  const client = connectionTo(uri, timeoutMs);
  const runs: Runs = { collections: collectionsOf(client.db(database)), installationId, clock };
  const totals = new DetailTotals(clock, SETTLE_MS);
  try {
    await call('reach its database', signal, () => client.connect());
    await call('check its schema', signal, () => refuseNewerSchema(runs.collections, installationId));
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    findRun: (recordId, inner) => findRun(runs, recordId, inner),
    runPage: (taskKey, status, page, inner) => runPage(runs, taskKey, status, page, inner),
    details: (recordId, filter, page, inner) => details(runs, totals, recordId, filter, page, inner),
    countDetails: (recordId, inner) => countDetails(runs, recordId, inner),
    close: () => client.close(),
  };
}
