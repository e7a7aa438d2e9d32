/** What the failure of a unit means for the run: the same for files, versions and index documents. */
import { classify, ReplicationError } from '../domain/errors.ts';
import type { FarSideContext, ObjectContext, ObjectRunOptions } from './context.ts';

/** Errors after which it is worth looking whether the source still has a unit as it was planned. */
export const PERHAPS_CHANGED: ReadonlySet<string> = new Set([
  'ArtifactMissing',
  'BlobMissing',
  'BlobNotInRepository',
  'BlobSizeMismatch',
  'BlobUnreadable',
  'ManifestMissing',
  'SourceBytesDiffer',
  'SourceReadFailed',
]);

/** The end of a far side's share of a run because errorStrategy says so; `unit` names what failed. */
export function fastFail(error: ReplicationError, unit: string): ReplicationError {
  const message = `stopped by errorStrategy FAST_FAIL at ${unit}: ${error.message}`;
  return new ReplicationError('cluster', 'FastFail', message, { cause: error });
}

/** The journal is lost to us: no unit's trouble, the whole run cannot go on. */
export function isJournalError(error: ReplicationError): boolean {
  return error.code === 'EpochLost' || error.code.startsWith('Journal');
}

/** Records the failure of one unit and draws the consequence for its far side. Throws when the run itself has ended. */
export async function unitFailed(
  context: Pick<FarSideContext, 'giveUp' | 'setting'>,
  unit: string,
  cause: unknown,
  record: (error: ReplicationError) => Promise<void>,
  run: AbortSignal,
): Promise<void> {
  run.throwIfAborted();
  const error = classify(cause);
  if (isJournalError(error)) throw error;
  await record(error);
  if (error.errorClass === 'cluster' || error.errorClass === 'spec') context.giveUp(error);
  else if (context.setting.errorStrategy === 'FAST_FAIL') context.giveUp(fastFail(error, unit));
}

/**
 * Work whose failure ends the far side's share of the run; the end of the run itself, or of its journal, goes up. What a
 * source that cannot be read leaves unknown is told of, also after the far side was given up for another reason.
 */
export async function shareOf(
  context: Pick<ObjectContext, 'giveUp' | 'unread'>,
  { run, givenUp }: Pick<ObjectRunOptions, 'run' | 'givenUp'>,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (cause) {
    run.throwIfAborted();
    const error = classify(cause);
    if (error.code === 'SourceUnavailable') context.unread(error);
    if (givenUp() !== undefined) return;
    if (isJournalError(error)) throw error;
    context.giveUp(error);
  }
}
