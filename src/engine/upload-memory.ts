import { LARGE_BLOB_BYTES } from '../domain/upload-verification.ts';
import type { RunJournal } from './ports/journal.ts';
import type { TargetRepository, UploadMemory } from './ports/target.ts';

/**
 * Where the upload of one blob to one repository store of a far side is remembered over attempts, runs and processes:
 * in the journal, under the task. Smaller blobs go in one request and have none.
 */
export function uploadMemory(
  journal: Pick<RunJournal, 'findUpload' | 'writeUpload' | 'deleteUpload'>,
  clusterId: string,
  target: TargetRepository,
  { sha256, size }: { readonly sha256: string; readonly size: number },
): UploadMemory | undefined {
  if (size < LARGE_BLOB_BYTES) return undefined;
  return {
    load: (signal) => journal.findUpload(clusterId, target, sha256, signal),
    save: (session, signal) => journal.writeUpload(clusterId, target, sha256, session, signal),
    forget: (signal) => journal.deleteUpload(clusterId, target, sha256, signal),
  };
}
