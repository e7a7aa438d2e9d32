/**
 * A bk-repo (or anything that speaks its wire protocol) as a far side. Every method makes one attempt and fails with a
 * classified `ReplicationError`; an error is never folded into "not there". What a method proves is said at the port
 * (engine/ports/target.ts); nothing here trusts the far side's word about bytes.
 */
import type { BlobUpload, Target, TargetRepository, UploadProof } from '../../engine/ports/target.ts';
import { blobStored, readBack, readBlob } from './blobs.ts';
import { ChunkedPush } from './chunked-push.ts';
import { BkRepoClient } from './client.ts';
import { createVersion } from './create-version.ts';
import { deleteVersion } from './delete-version.ts';
import { FarZone } from './far-zone.ts';
import { NodeFinder } from './find-nodes.ts';
import { findPackage } from './find-package.ts';
import { VersionFinder } from './find-versions.ts';
import { NodeWriter } from './nodes.ts';
import type { BkRepoTargetOptions } from './options.ts';
import { pushPlain } from './plain-push.ts';
import { prepareRepository } from './repository.ts';

/** Bytes from which on a blob goes by chunks. */
const CHUNKED_FROM = 8 * 1024 * 1024;

/** How often a server without chunked calls is asked whether it has them now. */
const CHUNKED_RETRY_MS = 600_000;

/**
 * Opens no connection. Fails with spec errors: `InvalidUrl`, `InvalidCertificate`, `InvalidCredentials`,
 * `InvalidTimeZone`, `HostNotAllowed`.
 */
export function createBkRepoTarget(options: BkRepoTargetOptions): Target {
  const client = new BkRepoClient(options);
  const finder = new NodeFinder(client);
  const versionFinder = new VersionFinder(client);
  const zone = new FarZone(client);
  const writer = new NodeWriter(client, zone);
  const push = blobPusher(client);
  return {
    id: options.id,
    name: options.name,
    origin: client.origin,
    prepareRepository: (request, signal) => prepareRepository(client, request, signal),
    findNodes: (repository, fullPaths, signal) => finder.find(repository, fullPaths, signal),
    blobStored: (repository, sha256, signal) => blobStored(client, repository, sha256, signal),
    pushBlob: push,
    readBack: (repository, sha256, size, signal) => readBack(client, repository, sha256, size, signal),
    createNode: (repository, node, { overwrite }, signal) => writer.create(repository, node, overwrite, signal),
    saveMetadata: (repository, fullPath, metadata, signal) =>
      writer.saveMetadata(repository, fullPath, metadata, signal),
    deleteMetadata: (repository, fullPath, keys, signal) => writer.deleteMetadata(repository, fullPath, keys, signal),
    deleteNode: (repository, fullPath, deletedAt, signal) => writer.delete(repository, fullPath, deletedAt, signal),
    deleteVersion: (repository, packageKey, version, deletedAt, signal) =>
      deleteVersion(client, zone, repository, { packageKey, version, deletedAt }, signal),
    findPackage: (repository, packageKey, signal) => findPackage(client, repository, packageKey, signal),
    findVersions: (repository, packageKey, names, signal) => versionFinder.find(repository, packageKey, names, signal),
    createVersion: (repository, request, signal) => createVersion(client, repository, request, signal),
    readBlob: (repository, sha256, size, signal) => readBlob(client, repository, sha256, size, signal),
    close: async () => {
      await client.close();
      options.logger.info('far side closed', { farSide: options.name, requests: client.requests });
    },
  };
}

function blobPusher(client: BkRepoClient): Target['pushBlob'] {
  const { clock, logger, name } = client.options;
  let chunkedMissingUntil = Number.NEGATIVE_INFINITY;
  return async (repository: TargetRepository, blob: BlobUpload, signal: AbortSignal): Promise<UploadProof> => {
    if (blob.size >= CHUNKED_FROM && clock.monotonic() >= chunkedMissingUntil) {
      const proof = await new ChunkedPush(client, repository, blob, signal).push();
      if (proof !== 'unsupported') return proof;
      chunkedMissingUntil = clock.monotonic() + CHUNKED_RETRY_MS;
      logger.info('the far side has no chunked upload, pushing blobs as a whole', { farSide: name });
    }
    await pushPlain(client, repository, blob, signal);
    return 'accepted';
  };
}
