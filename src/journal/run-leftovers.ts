/**
 * What is left in a record: units that failed, for the run that tries them again, and details of earlier epochs, at the
 * end of an adopted run. Failed ones have an index of their own. Those of earlier epochs have none, because it would cost
 * every write: the record is walked in slices.
 */
import { ReplicationError } from '../domain/errors.ts';
import type { RunJournal, UnitDetail } from '../engine/ports/journal.ts';
import { toUnitDetail } from './detail-documents.ts';
import { slices } from './detail-slices.ts';
import { checked, recordIdOf } from './documents.ts';
import { call } from './mongo-errors.ts';
import { batches, type OwnRun } from './own-run.ts';

/** Most details of one page. */
const MAX_PAGE = 10_000;

export function runLeftovers({
  collections,
  installationId,
  record: { id: recordId, epoch, taskKey },
  touch,
}: OwnRun): Pick<RunJournal, 'failedUnits' | 'leftDetails' | 'dropLeftDetails'> {
  const { details, records } = collections;

  return {
    async failedUnits(earlier, clusterId, after, pageSize, signal) {
      await requireDetails(earlier, signal);
      const documents = await call('read the units that failed', signal, () =>
        details
          .find({
            recordId: earlier,
            clusterId,
            status: 'FAILED',
            ...(after === undefined ? {} : { unitKey: { $gt: after } }),
          })
          .sort({ unitKey: 1 })
          .limit(pageOf(pageSize))
          .toArray(),
      );
      return documents.map(toUnitDetail);
    },

    async leftDetails(clusterId, after, pageSize, signal) {
      const found: UnitDetail[] = [];
      const limit = pageOf(pageSize);
      for await (const slice of slices(details, { recordId, clusterId }, after, signal)) {
        const documents = await call('read the details of earlier epochs', signal, () =>
          details
            .find({ ...slice, epoch: { $lt: epoch }, unitStatus: 'SUCCESS' })
            .hint('unit')
            .sort({ unitKey: 1 })
            .limit(limit - found.length)
            .toArray(),
        );
        found.push(...documents.map(toUnitDetail));
        if (found.length === limit) break;
      }
      return found;
    },

    async dropLeftDetails(clusterId, signal) {
      await touch(signal);
      for await (const slice of slices(details, { recordId, clusterId }, undefined, signal)) {
        const ids = await call('find the details of earlier epochs', signal, () =>
          details
            .find({ ...slice, epoch: { $lt: epoch }, unitStatus: { $ne: 'SUCCESS' } }, { projection: { _id: 1 } })
            .hint('unit')
            .map(({ _id }) => _id)
            .toArray(),
        );
        for (const batch of batches(ids)) {
          await touch(signal);
          await call('remove the details of earlier epochs', signal, () =>
            details.deleteMany({ _id: { $in: batch }, epoch: { $lt: epoch } }),
          );
        }
      }
    },
  };

  /** Without them nobody knows whether a unit failed: an empty answer would say that none did. */
  async function requireDetails(earlier: string, signal: AbortSignal): Promise<void> {
    const _id = recordIdOf(earlier);
    const found =
      _id === undefined
        ? null
        : await call('read a run record', signal, () =>
            records.findOne({ _id, installationId, taskKey }, { projection: { schema: 1, detailsGone: 1 } }),
          );
    if (found !== null && checked('replica_record', found).detailsGone !== true) return;
    throw new ReplicationError(
      'spec',
      'RecordNotFound',
      `the run ${earlier}, whose failed units were to be tried again, is not in the journal${found === null ? '' : ' with its details'} (any more): start a whole run`,
    );
  }
}

function pageOf(pageSize: number): number {
  return Math.min(Math.max(1, pageSize), MAX_PAGE);
}
