/**
 * Following a source from one process's beginning to its end, apart from any reconcile. Guarantees: whoever follows next
 * goes on where this one stopped; records are closed when the task is not to be followed any more, and left open when the
 * process stops or its journal is out of reach.
 */
import { follow } from '../../engine/follow/follow.ts';
import type { FollowOrders } from '../../engine/follow/orders.ts';
import type { FollowPlan, FollowReport } from '../../engine/follow/types.ts';
import type { FeedFinder } from '../../engine/ports/feed.ts';
import type { RunFarSide } from '../../engine/run-types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { RunStart } from '../../journal/records.ts';
import type { RunBody } from '../../runtime/run-registry.ts';
import { TaskFollowRecords } from './follow-records.ts';
import { closeFarSides, hardSignal, RunAbort, type RunMeans } from './run-body.ts';

export interface FollowMeans extends Omit<RunMeans, 'journal'> {
  readonly journal: Journal;
  readonly feeds: FeedFinder;
}

export interface FollowOrder {
  readonly plan: FollowPlan;
  readonly start: Omit<RunStart, 'claim' | 'trigger' | 'part'>;
  readonly farSides: readonly RunFarSide[];
  readonly orders: FollowOrders;
}

/** What is told of a follower while it works. */
export interface FollowerState extends FollowReport {
  /** Id of the record of the compare that is under way. */
  readonly compareRecordId?: string;
}

/** Time in which records are closed. Milliseconds. */
const CLOSE_MS = 20_000;
/** Between two looks whether an hour is over. Milliseconds. */
const TEND_MS = 60_000;

export function followBody(
  means: FollowMeans,
  { plan, start, farSides, orders }: FollowOrder,
): RunBody<FollowerState, void> {
  return async ({ signal: drain, report }) => {
    const { source, journal, feeds, limits, locks, clock, random } = means;
    const hard = hardSignal(drain, means);
    const records = new TaskFollowRecords({
      journal,
      start,
      farSides: farSides.map(({ target }) => ({ clusterId: target.id, clusterName: target.name })),
      clock,
    });
    const ended = new AbortController();
    const tending = tend(means, records, AbortSignal.any([drain, ended.signal]));
    try {
      const { taskKey, taskUid, namespace, name } = start;
      const followed = await journal.follow({ taskKey, taskUid, namespace, name }, hard.signal);
      await follow(
        plan,
        farSides,
        {
          source,
          finder: feeds,
          journal: followed,
          records,
          orders,
          limits,
          locks,
          clock,
          random,
          drain,
          onReport: (told) => {
            const compare = records.compareRecord;
            report(compare === undefined ? told : { ...told, compareRecordId: compare.id });
          },
        },
        hard.signal,
      );
    } catch (error) {
      const { reason } = drain;
      if (!(drain.aborted && reason instanceof RunAbort)) throw error;
      await records.close(reason, AbortSignal.timeout(CLOSE_MS));
    } finally {
      ended.abort();
      hard.release();
      await tending;
      await closeFarSides(farSides);
    }
  };
}

/** What fails here will fail the follower itself at its next step. */
async function tend({ clock }: FollowMeans, records: TaskFollowRecords, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(TEND_MS, signal).catch(() => undefined);
    if (!signal.aborted) await records.tend(signal).catch(() => undefined);
  }
}
