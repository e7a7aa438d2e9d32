import type { EndpointHealth } from './endpoint-health.ts';
import type { RunJournal } from './ports/journal.ts';

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
    findOwnedFiles: (clusterId, repository, paths, signal) =>
      health.run(() => journal.findOwnedFiles(clusterId, repository, paths, signal), signal),
    writeOwnedKeys: (clusterId, repository, owned, signal) =>
      health.run(() => journal.writeOwnedKeys(clusterId, repository, owned, signal), signal),
    failedUnits: (recordId, clusterId, after, pageSize, signal) =>
      health.run(() => journal.failedUnits(recordId, clusterId, after, pageSize, signal), signal),
    confirmDetails: (clusterId, keys, signal) =>
      health.run(() => journal.confirmDetails(clusterId, keys, signal), signal),
    leftDetails: (clusterId, after, pageSize, signal) =>
      health.run(() => journal.leftDetails(clusterId, after, pageSize, signal), signal),
    dropLeftDetails: (clusterId, signal) => health.run(() => journal.dropLeftDetails(clusterId, signal), signal),
    hasFailures: (clusterId, signal) => health.run(() => journal.hasFailures(clusterId, signal), signal),
    findFailures: (clusterId, keys, signal) => health.run(() => journal.findFailures(clusterId, keys, signal), signal),
    writeFailures: (clusterId, failures, signal) =>
      health.run(() => journal.writeFailures(clusterId, failures, signal), signal),
    deleteFailures: (clusterId, keys, signal) =>
      health.run(() => journal.deleteFailures(clusterId, keys, signal), signal),
    findUpload: (clusterId, repository, sha256, signal) =>
      health.run(() => journal.findUpload(clusterId, repository, sha256, signal), signal),
    writeUpload: (clusterId, repository, sha256, session, signal) =>
      health.run(() => journal.writeUpload(clusterId, repository, sha256, session, signal), signal),
    deleteUpload: (clusterId, repository, sha256, signal) =>
      health.run(() => journal.deleteUpload(clusterId, repository, sha256, signal), signal),
  };
}
