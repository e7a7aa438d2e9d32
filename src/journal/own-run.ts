/** A run that this process owns, or believes to own: every write asks first. */
import { ObjectId } from 'mongodb';

import { call } from './mongo-errors.ts';
import type { RunRecord } from './records.ts';
import { epochLost, type Runs, recordLost } from './runs.ts';

/** Operations, or keys of one question, sent at once. */
const BATCH = 1_000;

export interface OwnRun extends Runs {
  readonly record: RunRecord;
  readonly now: () => Date;
  /** To be called before every batch that is written. Fails with `EpochLost` when the run is no longer this epoch's. */
  readonly touch: (signal: AbortSignal) => Promise<void>;
}

export function ownRun(runs: Runs, record: RunRecord): OwnRun {
  const { collections, installationId, clock } = runs;
  const { id, epoch } = record;
  const _id = new ObjectId(id);
  const now = (): Date => new Date(clock.now());
  return {
    ...runs,
    record,
    now,
    async touch(signal) {
      const touched = await call('confirm that the run is still ours', signal, () =>
        collections.records.updateOne(
          { _id, installationId, epoch, status: 'RUNNING' },
          { $set: { touchedAt: now() } },
        ),
      );
      if (touched.matchedCount > 0) return;
      const there = await call('see what became of the run', signal, () =>
        collections.records.findOne({ _id, installationId }, { projection: { _id: 1 } }),
      );
      throw there === null ? recordLost(id) : epochLost(id, epoch);
    },
  };
}

export function* batches<T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH);
}
