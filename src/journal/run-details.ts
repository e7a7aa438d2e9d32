/** Details as the run that makes them sees them. */
import type { AnyBulkWriteOperation, Document } from 'mongodb';

import { ReplicationError } from '../domain/errors.ts';
import type { RunJournal, UnitDetail } from '../engine/ports/journal.ts';
import { type DetailDocument, detailFields, toUnitDetail } from './detail-documents.ts';
import { SCHEMA } from './documents.ts';
import { call, onlyDuplicates } from './mongo-errors.ts';
import { batches, type OwnRun } from './own-run.ts';
import { epochLost } from './runs.ts';

/** How often a batch is repeated whose upserts met their own twins (a repeated attempt after a lost answer). */
const TWIN_ATTEMPTS = 3;

export function runDetails({
  collections,
  installationId,
  record,
  touch,
}: OwnRun): Pick<RunJournal, 'findDetails' | 'writeDetails' | 'confirmDetails'> {
  const { id: recordId, epoch, trigger } = record;

  const update = trigger === 'event' ? rollingUpdate : (fields: DetailFields): Document => ({ $set: fields });

  function detailWrite(detail: UnitDetail): AnyBulkWriteOperation<DetailDocument> {
    const { clusterId, unitKey } = detail;
    return {
      updateOne: {
        filter: { recordId, clusterId, unitKey, epoch: { $lte: epoch } },
        update: update({ ...detailFields(detail), schema: SCHEMA, installationId, epoch }),
        upsert: true,
      },
    };
  }

  /** An upsert refused by the unique index met a row of a higher epoch, or its own twin; only the first is the end. */
  async function writeBatch(batch: readonly UnitDetail[], signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await touch(signal);
      const refused = await call('write details', signal, () =>
        collections.details.bulkWrite(batch.map(detailWrite), { ordered: false }).then(() => undefined, onlyDuplicates),
      );
      if (refused === undefined) return;
      if (attempt === TWIN_ATTEMPTS) {
        await touch(signal);
        throw new ReplicationError('retryable', 'JournalUnavailable', 'the journal could not write details', {
          cause: refused,
        });
      }
      const unitKeys = batch.map(({ unitKey }) => unitKey);
      const clusterIds = [...new Set(batch.map(({ clusterId }) => clusterId))];
      const higher = await call('see who wrote details', signal, () =>
        collections.details.findOne(
          { recordId, clusterId: { $in: clusterIds }, unitKey: { $in: unitKeys }, epoch: { $gt: epoch } },
          { projection: { _id: 1 } },
        ),
      );
      if (higher !== null) throw epochLost(recordId, epoch);
    }
  }

  return {
    async findDetails(clusterId, unitKeys, signal) {
      const found = new Map<string, UnitDetail>();
      for (const keys of batches(unitKeys)) {
        const documents = await call('read details', signal, () =>
          collections.details.find({ recordId, clusterId, unitKey: { $in: keys } }).toArray(),
        );
        for (const document of documents) {
          found.set(document.unitKey, toUnitDetail(document));
        }
      }
      return found;
    },

    async writeDetails(details, signal) {
      for (const batch of batches(details)) await writeBatch(batch, signal);
    },

    async confirmDetails(clusterId, unitKeys, signal) {
      for (const keys of batches(unitKeys)) {
        await touch(signal);
        await call('confirm details', signal, () =>
          collections.details.updateMany(
            { recordId, clusterId, unitKey: { $in: keys }, epoch: { $lt: epoch } },
            { $set: { epoch } },
          ),
        );
      }
    },
  };
}

type DetailFields = ReturnType<typeof detailFields> & Pick<DetailDocument, 'schema' | 'installationId' | 'epoch'>;

/**
 * In a rolling record a unit comes to an end more than once. Bytes add up; a write that is repeated because its answer was
 * lost is known by its times, and counts once. That something was transferred is not forgotten for its being unchanged
 * afterwards.
 */
function rollingUpdate(fields: DetailFields): Document[] {
  const { bytesSent, startTime, endTime, epoch, unitStatus } = fields;
  const isRepeated = { $and: [{ $eq: ['$startTime', startTime] }, { $eq: ['$endTime', endTime] }] };
  const before = { $ifNull: ['$bytesSent', 0] };
  const sum = { bytesSent: { $cond: [isRepeated, before, { $add: [before, bytesSent] }] } };
  const replaced = { $mergeObjects: ['$$ROOT', { $literal: fields }, sum] };
  if (unitStatus !== 'UNCHANGED') return [{ $replaceWith: replaced }];
  const kept = { $mergeObjects: ['$$ROOT', { epoch }] };
  return [{ $replaceWith: { $cond: [{ $eq: ['$unitStatus', 'SUCCESS'] }, kept, replaced] } }];
}
