/** What far sides are proved to hold. */
import type { BlobProof, ProofMethod, RunJournal } from '../engine/ports/journal.ts';
import { checked, SCHEMA } from './documents.ts';
import { call } from './mongo-errors.ts';
import { batches, type OwnRun } from './own-run.ts';

export function runProofs({
  collections: { proofs: collection },
  installationId,
  record: { id: recordId },
  now,
  touch,
}: OwnRun): Pick<RunJournal, 'findProofs' | 'writeProofs' | 'deleteProof'> {
  return {
    async findProofs(clusterId, storageKey, digests, signal) {
      const found = new Map<string, BlobProof>();
      for (const sha256 of batches(digests)) {
        const documents = await call('read proofs', signal, () =>
          collection.find({ installationId, clusterId, storageKey, sha256: { $in: sha256 } }).toArray(),
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
          collection.bulkWrite(
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
        collection.deleteOne({ installationId, clusterId, storageKey, sha256 }),
      );
    },
  };
}
