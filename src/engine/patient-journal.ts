import type { EndpointHealth } from './endpoint-health.ts';
import type { RunJournal } from './ports.ts';

/** The journal with retries: a short outage of its database costs a run nothing, a long one ends it with its record open. */
export function patientJournal(journal: RunJournal, health: EndpointHealth): RunJournal {
  return {
    recordId: journal.recordId,
    findDetails: (clusterId, keys, signal) => health.run(() => journal.findDetails(clusterId, keys, signal), signal),
    writeDetails: (details, signal) => health.run(() => journal.writeDetails(details, signal), signal),
    findProofs: (clusterId, storageKey, digests, signal) =>
      health.run(() => journal.findProofs(clusterId, storageKey, digests, signal), signal),
    writeProofs: (clusterId, storageKey, proofs, signal) =>
      health.run(() => journal.writeProofs(clusterId, storageKey, proofs, signal), signal),
    deleteProof: (clusterId, storageKey, sha256, signal) =>
      health.run(() => journal.deleteProof(clusterId, storageKey, sha256, signal), signal),
    findOwnedKeys: (clusterId, repository, paths, signal) =>
      health.run(() => journal.findOwnedKeys(clusterId, repository, paths, signal), signal),
    writeOwnedKeys: (clusterId, repository, owned, signal) =>
      health.run(() => journal.writeOwnedKeys(clusterId, repository, owned, signal), signal),
  };
}
