/** What became dirty at the source and is not equal everywhere. One document for a key, in one order for all far sides. */
import type { FollowJournal } from '../engine/ports/follow-journal.ts';
import { SCHEMA } from './documents.ts';
import { idOf, keyFields, keyParts, toMark } from './follow-documents.ts';
import { call } from './mongo-errors.ts';
import type { OwnFollow } from './own-follow.ts';
import { batches } from './own-run.ts';

/** Marks of one page, and removed with one request. */
const MAX_PAGE = 10_000;
/** More are not counted. */
const MAX_COUNT = 10_000_000;

export function followMarks({
  collections: { marks: collection },
  ofTask,
  task: { taskKey },
  now,
  touch,
}: OwnFollow): Pick<FollowJournal, 'mark' | 'marks' | 'countMarks' | 'forgetMarks'> {
  const { installationId, taskUid } = ofTask;

  return {
    async mark(marks, signal) {
      for (const batch of batches(marks)) {
        // First: so that no mark is ever greater than what the next process begins behind.
        await touch(signal, { $max: { lastSeq: Math.max(...batch.map(({ seq }) => seq)) } });
        const updatedAt = now();
        await call('write marks', signal, () =>
          collection.bulkWrite(
            batch.map(({ key, seq, at }) => ({
              updateOne: {
                filter: { _id: idOf(installationId, taskUid, ...keyParts(key)) },
                update: {
                  // One that comes late lowers nothing.
                  $max: { seq, at, updatedAt },
                  $setOnInsert: { schema: SCHEMA, installationId, taskKey, taskUid, ...keyFields(key) },
                },
                upsert: true,
              },
            })),
            { ordered: false },
          ),
        );
      }
    },

    async marks(behind, limit, signal) {
      const documents = await call('read marks', signal, () =>
        collection
          .find({ ...ofTask, seq: { $gt: behind } })
          .sort({ seq: 1 })
          .limit(Math.min(Math.max(1, limit), MAX_PAGE))
          .toArray(),
      );
      return documents.map(toMark);
    },

    countMarks(behind, signal) {
      return call('count marks', signal, () =>
        collection.countDocuments({ ...ofTask, seq: { $gt: behind } }, { limit: MAX_COUNT }),
      );
    },

    async forgetMarks(seq, signal) {
      for (;;) {
        await touch(signal);
        const [last] = await call('look for marks that are done', signal, () =>
          collection
            .find({ ...ofTask, seq: { $lte: seq } }, { projection: { _id: 0, seq: 1 } })
            .sort({ seq: 1 })
            .skip(MAX_PAGE - 1)
            .limit(1)
            .toArray(),
        );
        // By seq and not by key: a key that is marked again meanwhile stays.
        await call('forget marks that are done', signal, () =>
          collection.deleteMany({ ...ofTask, seq: { $lte: last?.seq ?? seq } }),
        );
        if (last === undefined) return;
      }
    },
  };
}
