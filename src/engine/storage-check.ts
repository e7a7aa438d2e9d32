/** `setting.storageConsistencyCheck`: is the blob really there, now that its unit was committed and read back? */
import { ReplicationError } from '../domain/errors.ts';
import { settledAll } from '../lib/settled-all.ts';
import type { FarSideContext } from './context.ts';
import type { SourceNode } from './ports/source.ts';
import type { TargetRepository } from './ports/target.ts';

type CheckContext = Pick<FarSideContext, 'courier' | 'link' | 'setting'> & {
  readonly deps: Pick<FarSideContext['deps'], 'journal'>;
  readonly target: TargetRepository;
};

/**
 * Asks the far side once more for the blobs that were sent for a unit. Its "no" means perhaps absent (contract §11: a
 * server may always say so): then the blob is read back, and what that shows counts. Fails with the unit errors
 * `BlobNotStored` and `StoredBytesDiffer`; what was known as proof of the blob is withdrawn.
 */
export async function confirmStored(
  context: CheckContext,
  sent: readonly Pick<SourceNode, 'fullPath' | 'sha256' | 'size'>[],
  signal: AbortSignal,
): Promise<void> {
  if (!context.setting.storageConsistencyCheck) return;
  await settledAll(sent.map((node) => confirmOne(context, node, signal)));
}

async function confirmOne(
  { courier, link, deps, target }: CheckContext,
  { fullPath, sha256, size }: Pick<SourceNode, 'fullPath' | 'sha256' | 'size'>,
  signal: AbortSignal,
): Promise<void> {
  if (await link.call((t) => t.blobStored(target, sha256, signal), signal)) return;
  const found = await link.call((t) => t.readBack(target, sha256, size, signal), signal);
  if (found?.sha256 === sha256 && found.size === size) return;
  courier.forget(target, sha256);
  await deps.journal.deleteProof(link.id, target.storageKey, sha256, signal);
  if (found === undefined) {
    const message = `far side ${link.name} accepted blob ${sha256} of ${fullPath}, but its store does not have it (storageConsistencyCheck)`;
    throw new ReplicationError('unit', 'BlobNotStored', message);
  }
  const message = `far side ${link.name} keeps wrong bytes under digest ${sha256} of ${fullPath}: read back ${found.size} bytes with sha256 ${found.sha256} (storageConsistencyCheck)`;
  throw new ReplicationError('unit', 'StoredBytesDiffer', message);
}
