/** A source that this process follows for one task, or believes to follow: every write asks first. */
import type { UpdateFilter } from 'mongodb';

import { ReplicationError } from '../domain/errors.ts';
import { type FollowDocument, idOf } from './follow-documents.ts';
import { call } from './mongo-errors.ts';
import type { FollowedTask } from './records.ts';
import type { Runs } from './runs.ts';

export interface OwnFollow extends Runs {
  readonly task: FollowedTask;
  readonly epoch: number;
  readonly ofTask: { readonly installationId: string; readonly taskUid: string };
  /** The document of the epoch, while the epoch lasts. */
  readonly mine: { readonly _id: string; readonly epoch: number };
  readonly now: () => Date;
  /**
   * To be called before every batch that is written; `update` happens with it. Fails with `EpochLost` when another process
   * follows.
   */
  readonly touch: (signal: AbortSignal, update?: UpdateFilter<FollowDocument>) => Promise<void>;
}

export function ownFollow(runs: Runs, task: FollowedTask, epoch: number): OwnFollow {
  const { collections, installationId, clock } = runs;
  const { taskUid, namespace, name } = task;
  const _id = idOf(installationId, taskUid);
  const now = (): Date => new Date(clock.now());
  return {
    ...runs,
    task,
    epoch,
    ofTask: { installationId, taskUid },
    mine: { _id, epoch },
    now,
    async touch(signal, update = {}) {
      const touched = await call('confirm that the source is still ours to follow', signal, () =>
        collections.follows.updateOne({ _id, epoch }, { ...update, $set: { ...update.$set, updatedAt: now() } }),
      );
      if (touched.matchedCount > 0) return;
      const there = await call('see who follows the source', signal, () =>
        collections.follows.findOne({ _id }, { projection: { _id: 1 } }),
      );
      const why =
        there === null
          ? 'what was known of it is not in the journal any more (the task was deleted, or the database was emptied)'
          : 'another process follows';
      throw new ReplicationError(
        'cluster',
        'EpochLost',
        `the source of ${namespace}/${name} is no longer ours to follow (epoch ${epoch}): ${why}`,
      );
    },
  };
}
