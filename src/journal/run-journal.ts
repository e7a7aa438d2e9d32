/**
 * The journal as one run sees it (engine port `RunJournal`). Before every batch the record is touched under {_id, epoch,
 * RUNNING}; when that matches nothing, the run is another's and the call fails with `EpochLost` without writing.
 */
import { type AnyBulkWriteOperation, MongoBulkWriteError, ObjectId } from 'mongodb';

import { ReplicationError } from '../domain/errors.ts';
import type { BlobProof, ProofMethod, RunJournal, TargetRepository, UnitDetail } from '../engine/ports.ts';
import { checked, type DetailDocument, detailFields, SCHEMA, toUnitDetail } from './documents.ts';
import { call, DUPLICATE_KEY } from './mongo-errors.ts';
import type { RunRecord } from './records.ts';
import { epochLost, type Runs } from './runs.ts';

/** Operations, or keys of one question, sent at once. */
const BATCH = 1_000;
/** How often a batch is repeated whose upserts met their own twins (a repeated attempt after a lost answer). */
const TWIN_ATTEMPTS = 3;

export function runJournalOf(runs: Runs, record: RunRecord): RunJournal {
  const { collections, installationId } = runs;
  const { id: recordId, epoch, taskKey, taskUid } = record;
  const now = (): Date => new Date(runs.clock.now());

  async function touch(signal: AbortSignal): Promise<void> {
    const touched = await call('confirm that the run is still ours', signal, () =>
      collections.records.updateOne(
        { _id: new ObjectId(recordId), installationId, epoch, status: 'RUNNING' },
        { $set: { touchedAt: now() } },
      ),
    );
    if (touched.matchedCount === 0) throw epochLost(recordId, epoch);
  }

  function detailWrite(detail: UnitDetail): AnyBulkWriteOperation<DetailDocument> {
    return {
      updateOne: {
        filter: { recordId, clusterId: detail.clusterId, unitKey: detail.unitKey, epoch: { $lte: epoch } },
        update: { $set: { ...detailFields(detail), schema: SCHEMA, installationId, epoch } },
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
      const higher = await call('see who wrote details', signal, () =>
        collections.details.findOne({ recordId, epoch: { $gt: epoch } }, { projection: { _id: 1 } }),
      );
      if (higher !== null) throw epochLost(recordId, epoch);
    }
  }

  return {
    recordId,

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

    async findProofs(clusterId, storageKey, digests, signal) {
      const found = new Map<string, BlobProof>();
      for (const sha256 of batches(digests)) {
        const documents = await call('read proofs', signal, () =>
          collections.proofs.find({ installationId, clusterId, storageKey, sha256: { $in: sha256 } }).toArray(),
        );
        for (const document of documents) {
          const proof = checked('blob_proof', document);
          found.set(proof.sha256, {
            sha256: proof.sha256,
            method: proof.method,
            provedAt: proof.provedAt,
            recordId: proof.recordId,
          });
        }
      }
      return found;
    },

    async writeProofs(clusterId, storageKey, proofs, signal) {
      const latest = new Map<string, ProofMethod>(proofs.map((proof) => [proof.sha256, proof.method]));
      for (const batch of batches([...latest])) {
        await touch(signal);
        const provedAt = now();
        await call('write proofs', signal, () =>
          collections.proofs.bulkWrite(
            batch.map(([sha256, method]) => ({
              updateOne: {
                filter: { installationId, clusterId, storageKey, sha256 },
                update: { $set: { schema: SCHEMA, method, provedAt, recordId } },
                upsert: true,
              },
            })),
            { ordered: false },
          ),
        );
      }
    },

    async deleteProof(clusterId, storageKey, sha256, signal) {
      await touch(signal);
      await call('withdraw a proof', signal, () =>
        collections.proofs.deleteOne({ installationId, clusterId, storageKey, sha256 }),
      );
    },

    async findOwnedKeys(clusterId, repository, fullPaths, signal) {
      const found = new Map<string, readonly string[]>();
      for (const paths of batches(fullPaths)) {
        const documents = await call('read owned metadata', signal, () =>
          collections.owned.find({ ...ownedBy(clusterId, repository), fullPath: { $in: paths } }).toArray(),
        );
        for (const document of documents) {
          const owned = checked('owned_metadata', document);
          found.set(owned.fullPath, owned.keys);
        }
      }
      return found;
    },

    async writeOwnedKeys(clusterId, repository, owned, signal) {
      const latest = new Map(owned.map(({ fullPath, keys }) => [fullPath, keys]));
      for (const batch of batches([...latest])) {
        await touch(signal);
        const updatedAt = now();
        await call('write owned metadata', signal, () =>
          collections.owned.bulkWrite(
            batch.map(([fullPath, keys]) => {
              const filter = { ...ownedBy(clusterId, repository), fullPath };
              return keys.length === 0
                ? { deleteOne: { filter } }
                : {
                    updateOne: {
                      filter,
                      update: { $set: { schema: SCHEMA, taskKey, keys, updatedAt } },
                      upsert: true,
                    },
                  };
            }),
            { ordered: false },
          ),
        );
      }
    },
  };

  function ownedBy(
    clusterId: string,
    repository: TargetRepository,
  ): {
    installationId: string;
    taskUid: string;
    clusterId: string;
    projectId: string;
    repoName: string;
  } {
    return { installationId, taskUid, clusterId, projectId: repository.projectId, repoName: repository.name };
  }
}

/** Returns the error when all it complains of are duplicate keys; throws any other. */
function onlyDuplicates(error: unknown): MongoBulkWriteError {
  if (error instanceof MongoBulkWriteError) {
    const errors = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (errors.length > 0 && errors.every((one) => one.code === DUPLICATE_KEY)) return error;
  }
  throw error;
}

function* batches<T>(items: readonly T[]): Generator<T[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH);
}
