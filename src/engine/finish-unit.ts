import type { ReplicationError } from '../domain/errors.ts';
import type { ObjectContext, Unit } from './context.ts';
import type { UnitStatus } from './ports/journal.ts';
import type { UnitResult } from './recorder.ts';
import { unitKey } from './unit-key.ts';

/** The final state of a file or document in this record. */
export function finish(
  { recorder, index, object }: ObjectContext,
  unit: Pick<Unit, 'startTime' | 'recorded'> & Pick<UnitResult, 'node'>,
  status: UnitStatus,
  bytesSent: number,
  signal: AbortSignal,
  error?: ReplicationError,
  fingerprint?: string,
): Promise<void> {
  return recorder.record(
    {
      unitKey: unitKey(index, unit.node.fullPath),
      object,
      node: unit.node,
      status,
      bytesSent,
      startTime: unit.startTime,
      replaces: unit.recorded,
      fingerprint,
      ...(error === undefined ? {} : { reason: error.code, message: error.message }),
    },
    signal,
  );
}
