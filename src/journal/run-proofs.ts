/** What far sides are proved to hold, and which metadata keys a task put there. */
import type { BlobProof, ProofMethod, RunJournal } from '../engine/ports/journal.ts';
import type { TargetRepository } from '../engine/ports/target.ts';
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

export function runOwnership({
  collections: { owned: collection },
  installationId,
  record: { taskKey, taskUid },
  now,
  touch,
}: OwnRun): Pick<RunJournal, 'findOwnedKeys' | 'writeOwnedKeys'> {
  return {
    async findOwnedKeys(clusterId, repository, fullPaths, signal) {
      const found = new Map<string, readonly string[]>();
      for (const paths of batches(fullPaths)) {
        const documents = await call('read owned metadata', signal, () =>
          collection.find({ ...ownedBy(clusterId, repository), fullPath: { $in: paths } }).toArray(),
        );
        for (const document of documents) {
          const owned = checked('owned_metadata', document);
          found.set(owned.fullPath, owned.keys);
        }
      }
      return found;
    },

    async writeOwnedKeys(clusterId, repository, owned, signal) {
      const latest = new Map(owned.map(({ fullPath, keys = [] }) => [fullPath, keys]));
      for (const batch of batches([...latest])) {
        await touch(signal);
        const updatedAt = now();
        await call('write owned metadata', signal, () =>
          collection.bulkWrite(
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
