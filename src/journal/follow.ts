/**
 * The journal as who follows a source sees it (engine port `FollowJournal`).
 *
 * Guaranteed: position, cursors and epoch are one document, so that a former owner changes none of them. Its marks,
 * retries and ownership are written after a look at the epoch, as details are: what left in the same instant as a
 * take-over may still land. A mark is only ever raised, and forgotten only as it was seen; a retry of a later epoch is
 * neither replaced nor dropped.
 */
import { ReplicationError } from '../domain/errors.ts';
import type { FeedPosition } from '../engine/ports/feed.ts';
import type { FarSideState, FollowJournal, FollowState } from '../engine/ports/follow-journal.ts';
import { checked, SCHEMA } from './documents.ts';
import { type FollowDocument, farSideFields, idOf } from './follow-documents.ts';
import { followMarks } from './follow-marks.ts';
import { followOwnership } from './follow-ownership.ts';
import { followRetries } from './follow-retries.ts';
import { ensureIndexes } from './indexes.ts';
import { call, isDuplicateKey } from './mongo-errors.ts';
import { type OwnFollow, ownFollow } from './own-follow.ts';
import type { FollowedTask } from './records.ts';
import type { Runs } from './runs.ts';

/** Two processes that begin at once may both find nothing. */
const ATTEMPTS = 3;

/** See `Journal.follow`. */
export async function follow(runs: Runs, task: FollowedTask, signal: AbortSignal): Promise<FollowJournal> {
  const taken = await takeOver(runs, task, signal);
  const own = ownFollow(runs, task, taken.epoch);
  if (taken.epoch === 1) await beginAnew(own, signal);
  const state = stateOf(taken, await greatestSeq(own, signal));
  return { state, ...followPlace(own), ...followMarks(own), ...followRetries(own), ...followOwnership(own) };
}

/**
 * Perhaps the collections were dropped, and their indexes with them. Retries that a loss of the state has left would be of
 * later epochs for ever; everything will be compared anyway.
 */
async function beginAnew({ collections, ofTask, touch }: OwnFollow, signal: AbortSignal): Promise<void> {
  await call('make its indexes', signal, () => ensureIndexes(collections));
  await touch(signal);
  await call('forget earlier retries', signal, () => collections.retries.deleteMany(ofTask));
}

async function takeOver(
  { collections: { follows }, installationId, clock }: Runs,
  { taskKey, taskUid, namespace, name }: FollowedTask,
  signal: AbortSignal,
): Promise<FollowDocument> {
  const _id = idOf(installationId, taskUid);
  const doing = `take over following for ${namespace}/${name}`;
  const common = { schema: SCHEMA, installationId, taskKey, taskUid, namespace, name };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const taken = await call(doing, signal, async () => {
      try {
        return await follows.findOneAndUpdate(
          { _id, schema: { $lte: SCHEMA } },
          {
            $inc: { epoch: 1 },
            $set: { ...common, updatedAt: new Date(clock.now()) },
            $setOnInsert: { position: null, farSides: [], lastSeq: 0 },
          },
          { upsert: true, returnDocument: 'after' },
        );
      } catch (error) {
        if (isDuplicateKey(error)) return null;
        throw error;
      }
    });
    if (taken !== null) return taken;
    const newer = await call(doing, signal, () => follows.findOne({ _id }));
    if (newer !== null) checked('follow_state', newer);
  }
  throw new ReplicationError('retryable', 'JournalUnavailable', `the journal could not ${doing}: it changed meanwhile`);
}

/** Greater than the state says where that was lost, or is from an older copy than the marks. */
async function greatestSeq({ collections: { marks }, ofTask }: OwnFollow, signal: AbortSignal): Promise<number> {
  const [last] = await call('look for the last mark', signal, () =>
    marks
      .find(ofTask, { projection: { _id: 0, seq: 1 } })
      .sort({ seq: -1 })
      .limit(1)
      .toArray(),
  );
  return last?.seq ?? 0;
}

function stateOf({ epoch, position, farSides, lastSeq }: FollowDocument, greatest: number): FollowState {
  return {
    epoch,
    ...(position === null ? {} : { position: positionFields(position) }),
    farSides: farSides.map(farSideFields),
    lastSeq: Math.max(lastSeq, greatest),
  };
}

function positionFields({ kind, at, token }: FeedPosition): FeedPosition {
  return { kind, at, token };
}

/** What is kept in the document of the epoch itself. */
function followPlace({
  collections: { follows },
  mine,
  now,
  touch,
}: OwnFollow): Pick<FollowJournal, 'savePosition' | 'saveFarSide'> {
  return {
    savePosition(position, signal) {
      return touch(signal, { $set: { position: positionFields(position) } });
    },

    async saveFarSide(state: FarSideState, signal) {
      const { clusterId } = state;
      const farSide = farSideFields(state);
      const updatedAt = now();
      const replaced = await call('save how far a far side has come', signal, () =>
        follows.updateOne({ ...mine, 'farSides.clusterId': clusterId }, { $set: { 'farSides.$': farSide, updatedAt } }),
      );
      if (replaced.matchedCount > 0) return;
      const added = await call('save how far a far side has come', signal, () =>
        follows.updateOne(
          { ...mine, 'farSides.clusterId': { $ne: clusterId } },
          { $push: { farSides: farSide }, $set: { updatedAt } },
        ),
      );
      // Another call added it at the same time, and counts as the later one; or the epoch is over.
      if (added.matchedCount === 0) await touch(signal);
    },
  };
}
