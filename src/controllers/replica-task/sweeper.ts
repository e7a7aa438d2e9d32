import { taskKey } from '../../api/names.ts';
import type { Journal } from '../../journal/journal.ts';
import type { ExpiryPosition, LivingTask } from '../../journal/records.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ResourceStore } from '../../resources/store.ts';
import type { ManagedController } from '../../runtime/manager.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface SweeperOptions {
  readonly store: Pick<ResourceStore, 'list'>;
  readonly journal: Pick<Journal, 'sweep' | 'expire'>;
  /** Most ended runs kept of one task. */
  readonly maxRunsPerTask: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const SWEEP_INTERVAL = 300_000;
/** Between two steps that remove records: whoever writes to the journal has most of the time. */
const STEP_PAUSE = 1_000;

/**
 * Closes what deleted tasks left open (they carry no finalizer) and removes records that are too old or too many. At the
 * start of leadership, then every five minutes.
 */
export function taskSweeper({ store, journal, maxRunsPerTask, clock, logger }: SweeperOptions): ManagedController {
  async function sweep(end: AbortSignal): Promise<void> {
    const asOf = new Date(clock.now());
    const alive = new Set(store.list('ReplicaTask').map(({ metadata }) => metadata.uid));
    const closed = await journal.sweep(alive, asOf, end);
    if (closed.length > 0) logger.info('closed runs of deleted tasks', { runs: closed.map(({ id }) => id) });
  }

  /** Until all is looked at, or it is time to sweep again: then it answers where it stopped. */
  async function expire(from: ExpiryPosition | undefined, end: AbortSignal): Promise<ExpiryPosition | undefined> {
    const until = clock.monotonic() + SWEEP_INTERVAL;
    let after = from;
    let [records, details] = [0, 0];
    do {
      const living = livingTasks(store);
      const step = await journal.expire({ living, maxRunsPerTask, ...(after === undefined ? {} : { after }) }, end);
      records += step.records;
      details += step.details;
      ({ after } = step);
      if (after !== undefined) await clock.sleep(STEP_PAUSE, end);
    } while (after !== undefined && clock.monotonic() < until);
    if (records + details > 0) logger.info('removed old run records', { records, details });
    return after;
  }

  return {
    name: 'sweeper',
    async run(stopTaking, signal) {
      const end = AbortSignal.any([stopTaking, signal]);
      let after: ExpiryPosition | undefined;
      while (!end.aborted) {
        try {
          await sweep(end);
          after = await expire(after, end);
          if (after !== undefined) continue;
        } catch (error) {
          if (end.aborted) return;
          logger.warn('sweep failed, will be repeated', { error });
        }
        await clock.sleep(SWEEP_INTERVAL, end).catch(() => {});
      }
    },
  };
}

/** Read for each step: a step may come long after the one before. */
function livingTasks(store: Pick<ResourceStore, 'list'>): ReadonlyMap<string, LivingTask> {
  return new Map(
    store
      .list('ReplicaTask')
      .map(({ metadata, spec }) => [
        taskKey(metadata.namespace, metadata.name),
        { reserveDays: spec.recordReserveDays },
      ]),
  );
}
