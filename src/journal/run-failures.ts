/** Units that failed in earlier runs of the same task (uid) and spec; those of another spec do not count. */
import type { RunJournal, UnitFailure } from '../engine/ports/journal.ts';
import { checked, clip, SCHEMA } from './documents.ts';
import { call } from './mongo-errors.ts';
import { batches, type OwnRun } from './own-run.ts';

export function runFailures({
  collections: { failures: collection },
  installationId,
  record: { taskKey, taskUid, specHash },
  now,
  touch,
}: OwnRun): Pick<RunJournal, 'hasFailures' | 'findFailures' | 'writeFailures' | 'deleteFailures'> {
  const at = (clusterId: string) => ({ installationId, taskUid, specHash, clusterId });

  return {
    async hasFailures(clusterId, signal) {
      const one = await call('ask for failures of earlier runs', signal, () =>
        collection.findOne(at(clusterId), { projection: { schema: 1 } }),
      );
      return one !== null;
    },

    async findFailures(clusterId, unitKeys, signal) {
      const found = new Map<string, UnitFailure>();
      for (const keys of batches(unitKeys)) {
        const documents = await call('read failures of earlier runs', signal, () =>
          collection.find({ ...at(clusterId), unitKey: { $in: keys } }).toArray(),
        );
        for (const document of documents) {
          const { unitKey, fingerprint, failures, lastFailedAt, reason, message } = checked('unit_failure', document);
          found.set(unitKey, { unitKey, fingerprint, failures, lastFailedAt, reason, message });
        }
      }
      return found;
    },

    async writeFailures(clusterId, failures, signal) {
      const latest = new Map(failures.map((failure) => [failure.unitKey, failure]));
      for (const batch of batches([...latest.values()])) {
        await touch(signal);
        const updatedAt = now();
        await call('write failures', signal, () =>
          collection.bulkWrite(
            batch.map(({ unitKey, fingerprint, failures: count, lastFailedAt, reason, message }) => ({
              updateOne: {
                filter: { ...at(clusterId), unitKey },
                update: {
                  $set: {
                    schema: SCHEMA,
                    taskKey,
                    fingerprint,
                    failures: count,
                    lastFailedAt,
                    reason,
                    message: clip(message),
                    updatedAt,
                  },
                },
                upsert: true,
              },
            })),
            { ordered: false },
          ),
        );
      }
    },

    async deleteFailures(clusterId, unitKeys, signal) {
      for (const keys of batches(unitKeys)) {
        await touch(signal);
        await call('forget failures', signal, () =>
          collection.deleteMany({ ...at(clusterId), unitKey: { $in: keys } }),
        );
      }
    },
  };
}
