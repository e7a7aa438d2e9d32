/** What of a run is on record, for runs whose performer cannot tell all of it: it died, or adopted and was stopped. */
import type { UnitStatus } from '../engine/ports/journal.ts';
import type { Collections } from './documents.ts';
import { call } from './mongo-errors.ts';
import type { ReplicaOverview } from './records.ts';

/** Counted by index alone. What is not recorded (unchanged units, mostly) is as it was `told`. */
export async function overviewOnRecord(
  { details }: Pick<Collections, 'details'>,
  recordId: string,
  told: ReplicaOverview,
  signal: AbortSignal,
): Promise<ReplicaOverview> {
  const count = (unitStatus: UnitStatus): Promise<number> =>
    call('count details', signal, () => details.countDocuments({ recordId, unitStatus }));
  const success = await count('SUCCESS');
  const failed = await count('FAILED');
  return {
    success,
    failed,
    conflict: await count('CONFLICT'),
    unchanged: Math.max(told.unchanged, await count('UNCHANGED')),
    notTried: await count('NOT_TRIED'),
    fileSuccess: Math.max(told.fileSuccess, success),
    fileFailed: Math.max(told.fileFailed, failed),
  };
}
