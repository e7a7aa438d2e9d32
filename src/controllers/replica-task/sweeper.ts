import type { Journal } from '../../journal/journal.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ResourceStore } from '../../resources/store.ts';
import type { ManagedController } from '../../runtime/manager.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface SweeperOptions {
  readonly store: Pick<ResourceStore, 'list'>;
  readonly journal: Pick<Journal, 'sweep'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const SWEEP_INTERVAL = 300_000;

/** Closes what deleted tasks left open: they carry no finalizer. At the start of leadership, then every five minutes. */
export function taskSweeper({ store, journal, clock, logger }: SweeperOptions): ManagedController {
  return {
    name: 'sweeper',
    async run(stopTaking, signal) {
      const end = AbortSignal.any([stopTaking, signal]);
      while (!end.aborted) {
        try {
          const asOf = new Date(clock.now());
          const alive = new Set(store.list('ReplicaTask').map(({ metadata }) => metadata.uid));
          const closed = await journal.sweep(alive, asOf, end);
          if (closed.length > 0) logger.info('closed runs of deleted tasks', { runs: closed.map(({ id }) => id) });
        } catch (error) {
          if (end.aborted) return;
          logger.warn('sweep failed, will be repeated', { error });
        }
        await clock.sleep(SWEEP_INTERVAL, end).catch(() => {});
      }
    },
  };
}
