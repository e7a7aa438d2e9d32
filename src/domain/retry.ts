/** What a request to retry means, judged by the newest run of the task that has ended (design §2). Pure. */

import type { SideResult } from './run-verdict.ts';
import { sumCounts } from './run-verdict.ts';

export interface RetriedRun {
  readonly id: string;
  readonly taskUid: string;
  readonly specHash: string;
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  readonly keepDetails: boolean;
  readonly detailsGone?: true;
  readonly farSides: readonly SideResult[];
}

/** `part`: only what failed in that run. `whole`: everything, and why. `nothing`: no run, and why. */
export type RetryAnswer =
  | { readonly kind: 'part'; readonly retryOf: string }
  | { readonly kind: 'whole' | 'nothing'; readonly why: string };

/** `runs`: newest first, none of this task open. */
export function judgeRetry(runs: readonly RetriedRun[], uid: string, specHash: string): RetryAnswer {
  const last = runs.find(({ taskUid, status }) => taskUid === uid && status !== 'RUNNING');
  if (last === undefined) return { kind: 'nothing', why: 'no run of this task has ended' };
  if (last.specHash !== specHash) return whole(last, 'was of another spec');
  if (last.status === 'ABORTED') return whole(last, 'was broken off');
  const { failed, notTried } = sumCounts(last.farSides);
  const blind = last.farSides.find(isBlind);
  if (blind !== undefined) return whole(last, `could not tell which artifacts it owes ${blind.clusterName}`);
  if (failed + notTried === 0) return { kind: 'nothing', why: `nothing failed in run ${last.id}, the last one` };
  if (!last.keepDetails) return whole(last, 'kept no records of its artifacts (record: false)');
  if (last.detailsGone === true) return whole(last, 'is so old that the records of its artifacts were removed');
  return { kind: 'part', retryOf: last.id };
}

/** It ended before all its artifacts were known: those that are recorded are not all. */
function isBlind({ error, tally }: SideResult): boolean {
  return error !== undefined && (error.reason === 'SourceUnavailable' || tally.failed + tally.notTried === 0);
}

function whole({ id }: RetriedRun, what: string): RetryAnswer {
  return { kind: 'whole', why: `run ${id}, the last one, ${what}: everything is tried again` };
}
