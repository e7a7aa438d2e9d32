import { ReplicationError } from '../../domain/errors.ts';
import type { Target } from '../../engine/ports/target.ts';
import type { Clock } from '../../lib/clock.ts';

/** Errors after which credentials or certificates may have been replaced since the run began. */
const REFUSED: ReadonlySet<string> = new Set(['Unauthorized', 'TlsError']);

/** A refusal so soon after a renewal stands. Milliseconds. */
const RENEWED_MS = 30_000;

/**
 * A far side whose Secret is read once more when it refuses us, so that rotating a password costs no run, and no follower
 * whenever it happens. A refusal right after that stands; errors of reading the Secret take the place of the refusal.
 */
export function renewedTarget(
  first: Target,
  reopen: (signal: AbortSignal) => Promise<Target>,
  { monotonic }: Pick<Clock, 'monotonic'>,
): Target {
  const opened = [first];
  let current = first;
  let renewal: Promise<void> | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;

  async function renew(signal: AbortSignal): Promise<void> {
    try {
      current = await reopen(signal);
      opened.push(current);
      renewedAt = monotonic();
    } finally {
      renewal = undefined;
    }
  }

  async function attempt<T>(call: (target: Target) => Promise<T>, signal: AbortSignal): Promise<T> {
    const used = current;
    try {
      return await call(used);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // Others that were refused at the same time share the one renewal.
      if (used === current) {
        if (renewal === undefined && monotonic() < renewedAt + RENEWED_MS) throw error;
        renewal ??= renew(signal);
        await renewal;
      }
      return await call(current);
    }
  }

  return {
    id: first.id,
    name: first.name,
    origin: first.origin,
    prepareRepository: (request, signal) => attempt((t) => t.prepareRepository(request, signal), signal),
    findNodes: (repository, paths, signal) => attempt((t) => t.findNodes(repository, paths, signal), signal),
    blobStored: (repository, sha256, signal) => attempt((t) => t.blobStored(repository, sha256, signal), signal),
    pushBlob: (repository, blob, signal) => attempt((t) => t.pushBlob(repository, blob, signal), signal),
    readBack: (repository, sha256, size, signal) =>
      attempt((t) => t.readBack(repository, sha256, size, signal), signal),
    createNode: (repository, node, options, signal) =>
      attempt((t) => t.createNode(repository, node, options, signal), signal),
    saveMetadata: (repository, path, metadata, signal) =>
      attempt((t) => t.saveMetadata(repository, path, metadata, signal), signal),
    deleteMetadata: (repository, path, keys, signal) =>
      attempt((t) => t.deleteMetadata(repository, path, keys, signal), signal),
    findPackage: (repository, key, signal) => attempt((t) => t.findPackage(repository, key, signal), signal),
    findVersions: (repository, key, names, signal) =>
      attempt((t) => t.findVersions(repository, key, names, signal), signal),
    createVersion: (repository, request, signal) =>
      attempt((t) => t.createVersion(repository, request, signal), signal),
    readBlob: (repository, sha256, size, signal) =>
      attempt((t) => t.readBlob(repository, sha256, size, signal), signal),
    deleteNode: (repository, path, deletedAt, signal) =>
      attempt((t) => t.deleteNode(repository, path, deletedAt, signal), signal),
    deleteVersion: (repository, key, version, deletedAt, signal) =>
      attempt((t) => t.deleteVersion(repository, key, version, deletedAt, signal), signal),
    close: async () => {
      await Promise.all(opened.map((target) => target.close()));
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof ReplicationError && REFUSED.has(error.code);
}
