/** What failed at one far side of a task that follows its source, and when it is tried again. */
import { ReplicationError } from '../domain/errors.ts';
import type { DirtyKey, FollowJournal, Retry } from '../engine/ports/follow-journal.ts';
import { SCHEMA } from './documents.ts';
import { idOf, keyFields, keyParts, toRetry } from './follow-documents.ts';
import { call, onlyDuplicates } from './mongo-errors.ts';
import type { OwnFollow } from './own-follow.ts';
import { batches } from './own-run.ts';

/** How often a batch is repeated that was refused in part. */
const TWIN_ATTEMPTS = 3;
const MAX_PAGE = 10_000;
/** More are not counted. */
const MAX_COUNT = 10_000_000;

export function followRetries({
  collections: { retries: collection },
  ofTask,
  task: { taskKey },
  epoch,
  now,
  touch,
}: OwnFollow): Pick<FollowJournal, 'saveRetries' | 'dueRetries' | 'retryNow' | 'countRetries' | 'dropRetries'> {
  const { installationId, taskUid } = ofTask;
  const idOfKey = (clusterId: string, key: DirtyKey): string =>
    idOf(installationId, taskUid, clusterId, ...keyParts(key));

  /** One that is refused by its `_id` met a retry of a later epoch, or its own twin; only the first is the end. */
  async function saveBatch(clusterId: string, batch: readonly Retry[], signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await touch(signal);
      const common = { schema: SCHEMA, installationId, taskKey, taskUid, clusterId, epoch, updatedAt: now() };
      const refused = await call('write retries', signal, () =>
        collection
          .bulkWrite(
            batch.map(({ key, at, attempts, dueAt }) => ({
              updateOne: {
                filter: { _id: idOfKey(clusterId, key), epoch: { $lte: epoch } },
                update: { $set: { ...common, ...keyFields(key), at, attempts, dueAt } },
                upsert: true,
              },
            })),
            { ordered: false },
          )
          .then(() => undefined, onlyDuplicates),
      );
      if (refused === undefined) return;
      if (attempt < TWIN_ATTEMPTS) continue;
      throw new ReplicationError('retryable', 'JournalUnavailable', 'the journal could not write retries', {
        cause: refused,
      });
    }
  }

  return {
    async saveRetries(clusterId, retries, signal) {
      const latest = new Map(retries.map((retry) => [idOfKey(clusterId, retry.key), retry]));
      for (const batch of batches([...latest.values()])) await saveBatch(clusterId, batch, signal);
    },

    async dueRetries(clusterId, due, limit, signal) {
      const documents = await call('read retries', signal, () =>
        collection
          .find({ ...ofTask, clusterId, dueAt: { $lte: due } })
          .sort({ dueAt: 1, _id: 1 })
          .limit(Math.min(Math.max(1, limit), MAX_PAGE))
          .toArray(),
      );
      return documents.map(toRetry);
    },

    async retryNow(clusterId, dueAt, signal) {
      await touch(signal);
      await call('bring retries forward', signal, () =>
        collection.updateMany({ ...ofTask, clusterId, dueAt: { $gt: dueAt } }, { $set: { dueAt, updatedAt: now() } }),
      );
    },

    countRetries(clusterId, signal) {
      return call('count retries', signal, () =>
        collection.countDocuments({ ...ofTask, clusterId }, { limit: MAX_COUNT }),
      );
    },

    async dropRetries(clusterId, retries, signal) {
      for (const batch of batches(retries)) {
        await touch(signal);
        await call('drop retries', signal, () =>
          collection.bulkWrite(
            batch.map(({ key, dueAt }) => ({
              deleteOne: { filter: { _id: idOfKey(clusterId, key), epoch: { $lte: epoch }, dueAt } },
            })),
            { ordered: false },
          ),
        );
      }
    },
  };
}
